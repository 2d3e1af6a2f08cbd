"""A diagnosis in words: what was lost to what, in points, the costliest first."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from pqeval.diagnosis.decimals import between
from pqeval.diagnosis.findings import Diagnosis
from pqeval.diagnosis.if_unknown import ScorePoint, ScoreRemoval

__all__ = ["KINDS", "lines_of", "parts_of", "threshold_of"]

KINDS = {
    "mask": ("mask",),
    "cls": ("fp_cls", "fn_cls"),
    "loc": ("fp_loc", "fn_loc"),
    "both": ("fp_both", "fn_both"),
    "bkg": ("fp_bkg",),
    "miss": ("fn_miss",),
    "convention": ("convention",),
}
"""The terms of each kind of error, both sides together."""

SAID = {
    "mask": "masks of {} that are not exact",
    "cls": "{} found as another class",
    "loc": "{} covered badly, with IoU of 0.1 to 0.5",
    "both": "{} covered badly and as another class",
    "bkg": "{} predicted where there is nothing like it",
    "miss": "missed {}",
    "convention": "the convention: classes that do not occur, constants in divisors",
}
REPAIRS = {
    "mask": "all masks of matches were exact",
    "cls": "no class were wrong where the place is right",
    "loc": "nothing were covered badly",
    "both": "no FP were wrong in class and place",
    "bkg": "no FP lay where there is nothing like it",
    "miss": "nothing were missed without a trace",
}
SMALLEST = 0.0005


def parts_of(found: Diagnosis) -> list[tuple[float, str]]:
    """List what All lost to each kind of error, of things and of stuff apart, the largest first."""
    sums: dict[tuple[str, str], float] = {}
    for row in found.per_class:
        noun = {True: "things", False: "stuff", None: "segments"}[row.isthing]
        for kind, terms in KINDS.items():
            if row.of_all is not None:
                key = kind, "" if kind == "convention" else noun
                sums[key] = sums.get(key, 0.0) + sum(getattr(row.of_all, term) for term in terms)
    parts = [(loss, SAID[kind].format(noun)) for (kind, noun), loss in sums.items() if loss > 0]
    return sorted(parts, key=lambda part: (-part[0], part[1]))


def lines_of(found: Diagnosis) -> Iterator[str]:
    """Yield what a person wants to know first, one line each."""
    images = f"{found.images} image{'' if found.images == 1 else 's'}"
    if found.pq is None:
        yield f"PQ n/a; convention {found.convention}; {images}"
        return
    parts = parts_of(found)
    told = [(loss, text) for loss, text in parts if loss >= SMALLEST]
    rest = 1 - found.pq - sum(loss for loss, _ in told)
    yield f"PQ {100 * found.pq:.1f}; convention {found.convention}; {images}"
    yield f"{100 * (1 - found.pq):.1f} points of PQ are lost{':' if told else ''}"
    for loss, text in told:
        yield f"  {100 * loss:4.1f}  {text}"
    if rest >= SMALLEST:
        yield f"  {100 * rest:4.1f}  other"
    gaining = [oracle for oracle in found.oracles if (oracle.gain or 0) >= SMALLEST]
    if gaining:
        most = max(gaining, key=lambda oracle: oracle.gain or 0.0)
        yield (
            f"If {REPAIRS[most.kind]}, PQ would be {100 * (most.pq or 0):.1f} (+{100 * (most.gain or 0):.1f}); "
            "no other single repair would gain more"
        )
    yield from _unknown(found)
    for note in found.notes:
        yield f"Note: {note}"


def threshold_of(point: ScorePoint) -> str:
    """Write a threshold in as few digits as tell which segments have a score below it."""
    return between(-inf if point.highest is None else point.highest, point.threshold)


def _left_out(removal: ScoreRemoval) -> str:
    best, scored = removal.best, removal.scored
    if best.segments < scored:
        return f"Left unknown below a score of {threshold_of(best)} ({best.segments} of {scored} scored segments)"
    those = "the only scored segment" if scored == 1 else f"all {scored} scored segments"
    return f"If {those} were left unknown"


def _unknown(found: Diagnosis) -> Iterator[str]:
    what = found.unknown
    if what is None or found.pq is None:
        return
    if what.by_score is not None:
        best = what.by_score.best
        gain = (best.pq or 0.0) - found.pq
        if gain >= SMALLEST / 10:
            yield f"{_left_out(what.by_score)}, PQ would be {100 * (best.pq or 0.0):.2f} (+{100 * gain:.2f})"
        else:
            yield "No threshold on scores would raise PQ by leaving segments unknown"
    names = {row.id: row.name for row in what.by_class}
    if what.best_classes:
        together = next(row.together for row in what.by_class if row.id == what.best_classes[-1])
        gain = (together or 0.0) - found.pq
        shown = ", ".join(names[number] for number in what.best_classes[:5])
        more = len(what.best_classes) - 5
        yield (
            f"Left unknown, {shown}{f' and {more} more classes' if more > 0 else ''} would raise PQ to "
            f"{100 * (together or 0.0):.2f} (+{100 * gain:.2f})"
        )
    elif what.by_class:
        yield "No class would raise PQ by being left unknown"
    reached = [found.pq, *(row.together for row in what.by_class if row.together is not None)]
    if what.by_score is not None:
        reached.append(what.by_score.best.pq or 0.0)
    without = what.without_fp or 0.0
    if without - max(reached) >= SMALLEST:
        gain = without - found.pq
        yield (
            f"Were every FP unknown, which wants the truth, PQ would be {100 * without:.2f} (+{100 * gain:.2f})"
        )
