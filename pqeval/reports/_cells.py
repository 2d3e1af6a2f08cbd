"""How scores are written for people: times 100, one decimal, n/a where there is nothing."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from pqeval.result import ClassScore, GroupScore, Interval, Result

__all__ = [
    "TEXT_COLUMNS",
    "class_rows",
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
CLASS_HEAD = ("id", "class", "kind", "PQ", "SQ", "RQ", "TP", "FP", "FN")


TEXT_COLUMNS = (
    *("", "class", "kind", "slice", "image", "gained", "lost", "FP gone", "FP new"),
    *("taken for", "costliest segment", "outcome"),
)
"""Columns of words, which are justified left."""


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
    known = () if result.intervals is None else (f"PQ, {100 * result.intervals.level:g} %",)
    return ("", "PQ", *known, "SQ", "RQ", "N")


def group_rows(result: Result) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a row per group."""
    for name, group in result.groups.items():
        pq, sq, rq = _scores(group)
        known = () if result.intervals is None else (_ends(result.intervals.groups[name]["pq"]),)
        yield name, pq, *known, sq, rq, str(group.n)


def _ends(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "n/a"
    return f"{points(interval.low)} to {points(interval.high)}"


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
            yield str(row.id), row.name, kind_of(row.isthing), *_scores(row), *counts


def footer(result: Result) -> Iterator[str]:
    """Yield the lines under the table: convention, counts, what void and crowd did."""
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
        known = result.intervals
        unit = "images" if known.unit == "image" else f"clusters ({known.unit})"
        yield f"intervals: {known.method} bootstrap, {known.resamples} resamples of {known.units} {unit}"
    if void.get("small_segments"):
        yield f"not counted, unmatched and too small: {void['small_segments']} segments of both sides"


def _hidden(misses: int, otherwise: float | None) -> str:
    if misses == 0:
        return "no FN lies under unknown"
    lie, those = ("lies", "that") if misses == 1 else ("lie", "those")
    if otherwise is None:
        return f"{misses} FN {lie} under unknown"
    return f"{misses} FN {lie} under unknown (had {those} been wrong instead: PQ {points(otherwise)})"
