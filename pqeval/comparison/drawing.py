"""A comparison as a person reads it: as text, and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TextIO

from pqeval.comparison.outcome import Change, ClassDelta, Comparison, Delta, Pair
from pqeval.comparison.wording import chance, percent, signed
from pqeval.reports._cells import PARTIAL, escaped, kind_of, marked, plain, points
from pqeval.reports.table import Drawn, draw_tables

__all__ = ["draw", "markdown"]

IMAGE_HEAD = ("image", "effect on PQ", "gained", "lost", "FP gone", "FP new")
MEASURES = ("pq", "sq", "rq")


def draw(comparison: Comparison, stream: TextIO, *, top: int = 10) -> None:
    """Write the answer, the scores, the classes and the images that changed most.

    Parameters
    ----------
    comparison : Comparison
        What was found.
    stream : text stream
        Standard output, as a rule.
    top : int
        How many classes and images to show of each pair.
    """
    for place, pair in enumerate(comparison.pairs):
        stream.write(f"{chr(10) * (place > 0)}{plain(pair.sentence)}\n\n")
        draw_tables(list(_tables(comparison, pair, top)), stream)
        for line in _notes(pair, top):
            stream.write(f"{line}\n")
    stream.write("\n")
    for line in footer(comparison):
        stream.write(f"{line}\n")


def markdown(comparison: Comparison, *, top: int = 10) -> str:
    """Return the same as Markdown."""
    parts = []
    for pair in comparison.pairs:
        parts.append(f"**{plain(pair.sentence)}**\n")
        parts += [marked(head, rows) for head, rows in _tables(comparison, pair, top)]
        parts += [f"{escaped(line)}\n" for line in _notes(pair, top)]
    lines = [*footer(comparison), *(f"warning: {line}" for line in comparison.warnings)]
    parts.append("".join(f"- {plain(line)}\n" for line in lines))
    return "\n".join(parts)


def _tables(comparison: Comparison, pair: Pair, top: int) -> Iterator[Drawn]:
    between = f"{percent(comparison.sample.level)} interval"
    names = (pair.baseline, pair.other, "difference", between)
    groups = [
        (
            f"{name} {measure.upper()}",
            *_cells(scores[measure], _partial(scores[measure])),
            _p(scores[measure].p_swap),
        )
        for name, scores in pair.groups.items()
        for measure in MEASURES
    ]
    yield ("", *names, "p swap"), groups
    classes = [
        (
            str(row.id),
            row.name,
            kind_of(row.isthing),
            *_cells(row.pq, _rare(row)),
            _p(row.pq.p_swap),
            _p(row.p_holm),
        )
        for row in _changed_classes(pair)[:top]
    ]
    if classes:
        yield (
            ("id", "class", "kind", *(f"{name} PQ" for name in names[:2]), *names[2:], "p swap", "p Holm"),
            classes,
        )
    images = [
        (
            str(image.image_id),
            signed(image.effect, 2),
            *(_listed(each) for each in (image.gained, image.lost, image.fp_gone, image.fp_new)),
        )
        for image in pair.images[:top]
    ]
    if images:
        yield IMAGE_HEAD, images


def _changed_classes(pair: Pair) -> list[ClassDelta]:
    """The classes whose PQ is another one, those that changed most first; those that one side lacks before all."""
    changed = [row for row in pair.per_class if row.pq.difference != 0]
    return sorted(changed, key=lambda row: -abs(2.0 if row.pq.difference is None else row.pq.difference))


def _partial(delta: Delta) -> bool:
    """Whether an interval comes from fewer than all resamples."""
    return delta.low is not None and delta.dropped > 0


def _rare(row: ClassDelta) -> bool:
    """Likewise of a class. What one image has lacks in some resamples, also where it counts as 0 there."""
    return _partial(row.pq) or (row.pq.low is not None and row.images == 1)


def _cells(delta: Delta, partial: bool) -> tuple[str, ...]:
    ends = "n/a" if delta.low is None else f"{signed(delta.low)} to {signed(delta.high)}{' *' if partial else ''}"
    return points(delta.baseline), points(delta.other), signed(delta.difference), ends


def _p(p: float | None) -> str:
    return chance(p).removeprefix("= ")


def _listed(changes: Sequence[Change]) -> str:
    """Name the classes of some segments, and how often."""
    times = Counter(change.category for change in changes)
    return ", ".join(name if number == 1 else f"{number} {name}" for name, number in sorted(times.items()))


def _notes(pair: Pair, top: int) -> Iterator[str]:
    partial = [name for name, scores in pair.groups.items() if any(_partial(delta) for delta in scores.values())]
    partial += [
        f"{plain(row.name)}, {row.images} image{'' if row.images == 1 else 's'}"
        for row in _changed_classes(pair)[:top]
        if _rare(row)
    ]
    if partial:
        yield PARTIAL.format("; ".join(partial))
    for number, noun in (
        (len(_changed_classes(pair)), "classes"),
        (pair.changed, "images"),
    ):
        if number > top > 0:
            yield f"{number} {noun} changed; the {top} that changed most are shown"


def footer(comparison: Comparison) -> Iterator[str]:
    """Yield what was compared, and how."""
    sample = comparison.sample
    images = f"{comparison.images} image{'' if comparison.images == 1 else 's'}"
    yield f"scores in %; convention {comparison.convention}; {images}; a difference is the other less the baseline"
    drawn = (
        images
        if sample.unit == "image"
        else f"{sample.units} cluster{'' if sample.units == 1 else 's'} ({sample.unit})"
    )
    times = f"{sample.resamples} resamples of {drawn}, seed {sample.seed}"
    yield f"intervals: {sample.method} bootstrap, {times}, the same for all"
    ways = f"all {2**sample.units} ways" if sample.exact else f"{sample.resamples} random ways"
    yield f"p swap: the predictions exchanged in {ways}; p Holm: adjusted for the number of classes"
    yield "effect: what exchanging this image alone does to the PQ of the baseline"
