"""How scores are written for people: times 100, one decimal, n/a where there is nothing."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from pqeval.result import ClassScore, GroupScore, Interval, Intervals, Result

__all__ = [
    "PARTIAL",
    "TEXT_COLUMNS",
    "class_head",
    "class_rows",
    "escaped",
    "footer",
    "group_head",
    "group_rows",
    "kind_of",
    "marked",
    "plain",
    "points",
    "slice_rows",
]

SLICE_HEAD = ("slice", "images", "PQ", "SQ", "RQ", "PQ things", "PQ stuff")

TEXT_COLUMNS = (
    *("", "class", "kind", "slice", "image", "gained", "lost", "FP gone", "FP new"),
    *("taken for", "costliest segment", "outcome"),
)
"""Columns of words, which are justified left."""


PARTIAL = "* in fewer than all resamples: {}"
"""What the mark beside an interval means, under the table."""


def escaped(line: str) -> str:
    """Keep Markdown from taking the mark at the begin of a line for a list."""
    return f"\\{line}" if line.startswith("*") else line


def kind_of(isthing: bool | None) -> str:
    """Name what a category is."""
    return {True: "thing", False: "stuff", None: "-"}[isthing]


def marked(head: Iterable[str], rows: Iterable[Iterable[str]], left: Container[str] = TEXT_COLUMNS) -> str:
    """Return a table in Markdown; columns called as in ``left`` are justified left."""
    names = list(head)
    lines = [names, [":--" if name in left else "--:" for name in names], *rows]
    return "".join(f"| {' | '.join(map(plain, cells))} |\n" for cells in lines)


def plain(text: str) -> str:
    """Make a name fit for a line of a table: control characters and the column mark are spelled out."""
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text).replace("|", "\\|")


def points(score: float | None) -> str:
    """Write a fraction as points."""
    return "n/a" if score is None else f"{100 * score:.1f}"


def _scores(score: GroupScore | ClassScore) -> tuple[str, str, str]:
    return points(score.pq), points(score.sq), points(score.rq)


def group_head(result: Result) -> tuple[str, ...]:
    """Return the names of the columns of :func:`group_rows`."""
    return ("", *_score_head(result), "N")


def class_head(result: Result) -> tuple[str, ...]:
    """Return the names of the columns of :func:`class_rows`."""
    return ("id", "class", "kind", *_score_head(result), "TP", "FP", "FN")


def _score_head(result: Result) -> tuple[str, ...]:
    known = () if result.intervals is None else (f"PQ, {100 * result.intervals.level:g} %",)
    return ("PQ", *known, "SQ", "RQ")


def group_rows(result: Result) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a row per group."""
    for name, group in result.groups.items():
        known = None if result.intervals is None else result.intervals.groups[name]["pq"]
        yield name, *_known_scores(group, known), str(group.n)


def _known_scores(score: GroupScore | ClassScore, interval: Interval | None) -> tuple[str, ...]:
    pq, sq, rq = _scores(score)
    return (pq, sq, rq) if interval is None else (pq, _ends(interval), sq, rq)


def _ends(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "n/a"
    return f"{points(interval.low)} to {points(interval.high)}{' *' if interval.dropped else ''}"


def slice_rows(result: Result) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a row per slice."""
    for each in result.slices:
        things, stuff = (points(each.groups[name].pq) for name in ("Things", "Stuff"))
        yield f"{each.column}: {each.value}", str(each.images), *_scores(each.groups["All"]), things, stuff


def class_rows(result: Result) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a row per class that has a score or a count."""
    for row in result.per_class:
        if row.pq is not None or row.tp + row.fp + row.fn:
            counts = (str(row.tp), str(row.fp), str(row.fn))
            known = None if result.intervals is None else result.intervals.per_class[str(row.id)]["pq"]
            yield str(row.id), row.name, kind_of(row.isthing), *_known_scores(row, known), *counts


def footer(result: Result, *, per_class: bool = False) -> Iterator[str]:
    """Yield the lines under the table: convention, counts, what void and crowd did.

    ``per_class`` says whether there are rows of classes, whose marks have to be explained, too.
    """
    images, void = result.images, result.void
    counted = f"{images['evaluated']} image{'' if images['evaluated'] == 1 else 's'}"
    if images["missing"]:
        fate = "left out" if images["skipped"] else "scored as empty"
        counted += f" ({images['missing']} without prediction, {fate})"
    occur = sum(row.tp + row.fp + row.fn > 0 for row in result.per_class)
    classes = f"{occur} of {len(result.per_class)} classes occur"
    yield f"scores in %; convention {result.convention}; {counted}; {classes}"
    share = 100 * (void["unknown_pixels"] or 0) / (void["pixels"] or 1)
    yield (
        f"unknown: {share:.1f} % of predicted pixels, {void['unknown_segments']} segments; "
        f"{_hidden(int(void['fn_unknown'] or 0), void['pq_if_unknown_were_wrong'])}"
    )
    yield (
        f"false positives forgiven: {void['fp_forgiven_by_void']} by void, {void['fp_forgiven_by_crowd']} by crowd"
    )
    if void.get("fn_forgiven_by_unknown"):
        yield f"false negatives forgiven: {void['fn_forgiven_by_unknown']} by unknown"
    reference = result.provenance.get("reference") or {}
    if reference.get("differs"):
        told = ", ".join(f"{rule} {of['segments']}" for rule, of in reference["differs"].items())
        yield f"segments that {reference['program']} treats otherwise: {told}"
    if result.intervals is not None:
        yield from _intervals(result, result.intervals, per_class)
    if void.get("small_segments"):
        yield f"not counted, unmatched and too small: {void['small_segments']} segments of both sides"


def _intervals(result: Result, known: Intervals, per_class: bool) -> Iterator[str]:
    noun, what = ("image", "") if known.unit == "image" else ("cluster", f" ({known.unit})")
    units = f"{known.units} {noun}{'' if known.units == 1 else 's'}{what}"
    seed = f", seed {known.seed}" if known.seed else ""
    yield f"intervals: {known.method} bootstrap, {known.resamples} resamples of {units}{seed}"
    shown = [(name, scores["pq"]) for name, scores in known.groups.items()]
    if per_class:
        shown += [(row.name, known.per_class[str(row.id)]["pq"]) for row in result.per_class]
    partial = [
        f"{name} ({known.resamples - pq.dropped} of {known.resamples})"
        for name, pq in shown
        if pq.dropped and pq.low is not None
    ]
    if partial:
        yield PARTIAL.format("; ".join(partial))


def _hidden(misses: int, otherwise: float | None) -> str:
    if misses == 0:
        return "no FN lies under unknown"
    lie, those = ("lies", "that") if misses == 1 else ("lie", "those")
    if otherwise is None:
        return f"{misses} FN {lie} under unknown"
    return f"{misses} FN {lie} under unknown (had {those} been wrong instead: PQ {points(otherwise)})"
