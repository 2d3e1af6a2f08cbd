"""A diagnosis as tables, on a terminal, in a pipe, or in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

from pqeval.diagnosis.findings import ClassLoss, Diagnosis, SegmentLoss
from pqeval.diagnosis.kinds import TERMS
from pqeval.diagnosis.wording import KINDS, lines_of, threshold_of
from pqeval.reports._cells import kind_of, marked, plain, points
from pqeval.reports.table import draw_tables

__all__ = ["Section", "draw", "markdown", "sections_of"]


class Section(NamedTuple):
    """A table under a title."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def draw(found: Diagnosis, stream: TextIO, *, top: int = 10) -> None:
    """Write the summary and the tables.

    Parameters
    ----------
    found : Diagnosis
        What was found.
    stream : text stream
        Standard output, as a rule.
    top : int
        How many rows long tables have at most.
    """
    for line in lines_of(found):
        stream.write(f"{line}\n")
    for section in sections_of(found, top):
        stream.write(f"\n{section.title}\n\n")
        draw_tables([(section.head, section.rows)], stream)


def markdown(found: Diagnosis, *, top: int = 10) -> str:
    """Return the summary and the tables as Markdown; parameters as in :func:`draw`."""
    parts = ["# Where the lost PQ went\n"]
    parts.append(
        "".join(f"{'  ' if line.startswith(' ') else ''}- {plain(line.strip())}\n" for line in lines_of(found))
    )
    for section in sections_of(found, top):
        parts.append(f"## {section.title}\n")
        parts.append(marked(section.head, section.rows))
    return "\n".join(parts)


def sections_of(found: Diagnosis, top: int) -> list[Section]:
    """Return the tables that have rows, with at most ``top`` rows where they can be long."""
    sections = [
        _groups(found),
        _oracles(found),
        _classes(found, top),
        _confusions(found, top),
        _sizes(found),
        _thresholds(found),
        _images(found, top),
        *_unknown(found, top),
    ]
    return [section for section in sections if section.rows]


def _groups(found: Diagnosis) -> Section:
    terms = list(TERMS)
    if any(group.loss is not None and group.loss.convention for group in found.groups.values()):
        terms.append("convention")
    head = ("", "PQ", "100 - PQ", *(term.replace("_", " ") for term in terms))
    rows = [
        (name, points(group.pq), points(group.loss.total), *(points(getattr(group.loss, term)) for term in terms))
        for name, group in found.groups.items()
        if group.loss is not None
    ]
    return Section("Points lost, by term: together they are 100 - PQ", head, rows)


def _oracles(found: Diagnosis) -> Section:
    rows = [
        (oracle.kind, str(oracle.segments), points(oracle.pq), _signed(oracle.gain))
        for oracle in found.oracles
        if found.pq is not None
    ]
    return Section(
        "PQ if one kind of error were repaired: these do not add up", ("kind", "segments", "PQ", "gain"), rows
    )


def _classes(found: Diagnosis, top: int) -> Section:
    kinds = [kind for kind in KINDS if kind != "convention"]

    def cost(row: ClassLoss) -> float:
        return 0.0 if row.of_all is None else row.of_all.total

    costly = sorted((row for row in found.per_class if cost(row) > 0), key=lambda row: -cost(row))
    rows = []
    for row in costly[:top]:
        parts = [sum(getattr(row.of_all, term) for term in KINDS[name]) for name in kinds]
        wrong = [sum(row.counts[term] for term in terms) for terms in (TERMS[1:5], TERMS[5:])]
        numbers = (row.counts["tp"], *wrong, row.split, row.merge)
        rows.append(
            (
                row.name,
                kind_of(row.isthing),
                points(row.pq),
                _fine(cost(row)),
                *map(_fine, parts),
                *map(str, numbers),
            )
        )
    head = ("class", "kind", "PQ", "costs All", *kinds, "TP", "FP", "FN", "split", "merge")
    return Section(_most("The classes that cost most, in points of PQ of All", len(costly), top), head, rows)


def _confusions(found: Diagnosis, top: int) -> Section:
    rows = [(row.gt_name, row.pred_name, str(row.count), str(row.near)) for row in found.confusions]
    title = _most("Classes taken for others", len(rows), top)
    return Section(title, ("class", "taken for", "IoU > 0.5", "IoU 0.1 to 0.5"), rows[:top])


def _sizes(found: Diagnosis) -> Section:
    groups = [name for name, group in found.groups.items() if group.pq is not None]
    rows = []
    for each in found.sizes:
        low, high = each.least or 0, each.below
        span = f"{low} and more" if high is None else f"below {high}" if not low else f"{low} to {high - 1}"
        scores = (points(each.groups[name].pq) for name in groups)
        rows.append((each.name, span, str(each.tp), str(each.fp), str(each.fn), *scores))
    head = ("kind", "pixels", "TP", "FP", "FN", *(f"PQ {name}" for name in groups))
    return Section("By size of the segment", head, rows if groups else [])


def _thresholds(found: Diagnosis) -> Section:
    rows = []
    for point in found.thresholds:
        group = point.groups["All"]
        scores = (points(group.pq), points(group.sq), points(group.rq))
        rows.append((f"{point.iou:.2f}", *scores, str(point.tp), str(point.fp), str(point.fn)))
    head = ("IoU >", "PQ", "SQ", "RQ", "TP", "FP", "FN")
    return Section("If a match needed more IoU", head, rows if found.pq is not None else [])


def _images(found: Diagnosis, top: int) -> Section:
    rows = []
    for image in found.worst_images[:top]:
        worst = _segment(image.segments[0]) if image.segments else ""
        numbers = (str(image.tp), str(image.fp), str(image.fn))
        rows.append((str(image.image_id), f"{100 * image.loss:.3f}", *numbers, worst))
    head = ("image", "costs All", "TP", "FP", "FN", "costliest segment")
    return Section("The images that cost most, in points of PQ of All", head, rows)


def _segment(segment: SegmentLoss) -> str:
    text = (
        f"{segment.side} {segment.segment_id} {segment.category}: {segment.flag or segment.term.replace('_', ' ')}"
    )
    if segment.iou is None:
        return text
    partner = segment.partner_category if segment.partner_category_id != segment.category_id else ""
    other = "pred" if segment.side == "gt" else "gt"
    return f"{text}, IoU {segment.iou:.2f} with {other} {segment.partner_id} {partner}".rstrip()


def _unknown(found: Diagnosis, top: int) -> Iterator[Section]:
    what = found.unknown
    if what is None:
        return
    if what.by_score is not None:
        curve, best = what.by_score.points, what.by_score.best
        rows = [
            (
                "all" if place == len(curve) - 1 else threshold_of(curve[place]),
                str(curve[place].segments),
                _fine(curve[place].pq),
                "best" if curve[place] == best else "",
            )
            for place in sorted({*_spread(len(curve), top), curve.index(best)})
        ]
        title = (
            f"If segments with a score below the threshold were unknown ({what.by_score.unscored} have no score)"
        )
        yield Section(title, ("threshold", "segments", "PQ", " "), rows)
    classes = [
        (row.name, str(row.segments), _fine(row.pq), _signed(row.gain, 2), _fine(row.together))
        for row in what.by_class
        if row.together is not None
    ]
    title = _most("Classes that were better left unknown: alone, and with those above", len(classes), top)
    yield Section(title, ("class", "segments", "PQ", "gain", "PQ together"), classes[:top])
    segments = [
        (
            str(row.image_id),
            str(row.segment_id),
            row.category,
            row.outcome,
            "n/a" if row.score is None else f"{row.score:.3f}",
            str(row.area),
            _signed(row.gain, 3),
        )
        for row in what.segments[:top]
    ]
    title = f"Segments that were better left unknown: {what.worthwhile}"
    title = f"{title}, of which the first {top}" if what.worthwhile > top else title
    yield Section(title, ("image", "segment", "class", "outcome", "score", "area", "gain"), segments)


def _spread(count: int, most: int) -> list[int]:
    """Choose places from first to last, evenly."""
    most = max(2, min(count, most))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def _most(title: str, rows: int, top: int) -> str:
    return f"{title} (the first {top} of {rows})" if rows > top else title


def _fine(score: float | None) -> str:
    return "-" if score is None else f"{100 * score:.2f}"


def _signed(gain: float | None, digits: int = 1) -> str:
    return "n/a" if gain is None else f"{100 * gain:+.{digits}f}"
