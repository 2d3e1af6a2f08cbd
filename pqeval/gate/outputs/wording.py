"""Verdicts in words and in the cells of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from pqeval.gate.expectations import EXACT
from pqeval.gate.verdicts import Change, Check, Entry, ImageChange, Verdict

__all__ = ["HEAD", "cells", "clean", "explained", "listed", "notes", "sentence", "settings", "summary", "title_of"]

HEAD = ("score", "expected", "found", "difference", "tolerance", "verdict")
WORDS = {
    "holds": "holds",
    "improved": "holds, better",
    "moved-up": "MOVED up",
    "moved-down": "MOVED down",
    "not-available": "MOVED: n/a",
    "no-such-score": "NO SUCH SCORE",
    "warned": "NOT TO BE TRUSTED",
}
MOST_DIGITS = 40


def clean(text: str) -> str:
    """Spell out what cannot be printed in a line, or stand in XML."""
    return "".join(mark if mark.isprintable() or mark == "\n" else repr(mark)[1:-1] for mark in text)


def title_of(verdict: Verdict) -> str:
    """Name a verdict."""
    return f"{verdict.name} against the baseline" if verdict.is_drop else verdict.name


def cells(verdict: Verdict) -> tuple[str, ...]:
    """Return the cells of a verdict, as :data:`HEAD` names them."""
    expected, found, difference = _numbers(verdict)
    tolerance = verdict.tolerance or ""
    if verdict.is_drop:
        tolerance = f"-{tolerance}" if tolerance != "0" else "0"
    return title_of(verdict), expected, found, difference, tolerance, WORDS[verdict.outcome]


def _numbers(verdict: Verdict) -> tuple[str, str, str]:
    """Write expected, found and difference to so many digits that the verdict can be seen."""
    known = [text for text in (verdict.expected, verdict.tolerance) if text is not None]
    if verdict.kind == "warning":
        return "", "", ""
    found = "n/a" if verdict.found is None else verdict.found
    if isinstance(verdict.score, int):
        return verdict.expected or "", found, _signed(verdict.difference)
    told = known if verdict.kind == "expect" else known[-1:]
    digits = max(2, *(len(text.partition(".")[2]) for text in told))
    allowed = Decimal(verdict.tolerance or 0)
    while verdict.difference is not None and digits < MOST_DIGITS:
        shown, exact = Decimal(_rounded(verdict.difference, digits)), Decimal(verdict.difference)
        if (abs(shown) <= allowed) == (abs(exact) <= allowed) and (shown == 0) == (exact == 0):
            break
        digits += 1
    expected = verdict.expected or "n/a"
    if verdict.is_drop and verdict.expected is not None:
        expected = _rounded(expected, digits)
    if verdict.found is not None:
        found = _rounded(found, digits)
    return expected, found, _signed(verdict.difference and _rounded(verdict.difference, digits))


def _rounded(text: str, digits: int) -> str:
    return format(Decimal(text).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN, EXACT), "f")


def _signed(text: str | None) -> str:
    if text is None:
        return ""
    number = Decimal(text)
    return f"+{text}" if number > 0 else text if number < 0 else text.lstrip("-")


def sentence(verdict: Verdict) -> str:
    """Say in one sentence what became of an expectation."""
    name, expected, found, difference, _, _ = cells(verdict)
    note = f" ({verdict.note})" if verdict.note else ""
    if verdict.kind == "warning":
        return f"the scores cannot be trusted: {verdict.note}"
    if verdict.outcome == "no-such-score":
        return f"{name}: {verdict.note}"
    if verdict.outcome == "not-available":
        return f"{name} is n/a: there is nothing to average; expected {expected}{note}"
    if verdict.is_drop:
        allowed = f"a drop of {verdict.tolerance} is allowed" if verdict.tolerance != "0" else "no drop is allowed"
        return f"{name}: {expected} there, {found} here, difference {difference or 'n/a'}; {allowed}{note}"
    within = f"within {verdict.tolerance}" if verdict.tolerance != "0" else "exactly"
    moved = f"{WORDS[verdict.outcome].replace('MOVED', 'moved')}: " if not verdict.passed else ""
    return f"{name} {moved}found {found}, expected {expected} {within}, difference {difference}{note}"


def explained(entry: Entry) -> list[str]:
    """Say which classes and which images moved most; nothing where all holds or nothing is known."""
    if entry.passed or entry.error is not None:
        return []
    lines = []
    if entry.classes:
        lines.append("classes that moved most:")
        lines += [f"  {_class(change)}" for change in entry.classes]
    if entry.changed_images:
        lines.append("images that moved most:")
        lines += [f"  {_image(change)}" for change in entry.changed_images]
    return lines


def _class(change: Change) -> str:
    before, now = (None if score is None else Decimal(repr(100 * score)) for score in change.pq)
    pq = f"PQ {_points(before)} -> {_points(now)}"
    if before is not None and now is not None:
        pq += f" ({_signed(_rounded(str(now - before), 1))})"
    return f"{clean(change.name)} (id {change.id}): {pq}; {_counts(change)}"


def _image(change: ImageChange) -> str:
    before, now = change.iou_sum
    return f"{clean(repr(change.image_id))}: {_counts(change)}, sum of IoU {before:.2f} -> {now:.2f}"


def _counts(change: Change | ImageChange) -> str:
    pairs = {"TP": change.tp, "FP": change.fp, "FN": change.fn}
    return ", ".join(f"{name} {a} -> {b}" if a != b else f"{name} {a}" for name, (a, b) in pairs.items())


def _points(points: Decimal | None) -> str:
    return "n/a" if points is None else _rounded(str(points), 1)


def listed(entry: Entry) -> tuple[Sequence[Verdict], str]:
    """Return the verdicts to show in a table, and a line about those that are left out.

    Of classes against the baseline those that hold are left out: there may be hundreds.
    """
    classes = [verdict for verdict in entry.verdicts if verdict.kind == "class" and verdict.passed]
    shown = [verdict for verdict in entry.verdicts if verdict not in classes]
    if not classes:
        return shown, ""
    better = sum(verdict.outcome == "improved" for verdict in classes)
    if len(classes) == 1:
        return shown, f"1 class against the baseline holds{', better' if better else ''}"
    return shown, f"{len(classes)} classes against the baseline hold" + (f", {better} better" if better else "")


def settings(entry: Entry) -> str:
    """Say by which rules and on how many images."""
    images = entry.images
    count = images.get("evaluated", 0)
    counted = f"{count} image{'' if count == 1 else 's'}"
    if images.get("missing"):
        fate = "left out" if images.get("skipped") else "scored as empty"
        counted += f" ({images['missing']} without prediction, {fate})"
    return f"convention {entry.convention}; {counted}"


def summary(check: Check) -> str:
    """Say how many expectations hold."""
    verdicts, entries = check.verdicts, check.entries
    held = sum(verdict.passed for verdict in verdicts)
    text = f"{held} of {len(verdicts)} expectations hold"
    if len(entries) > 1:
        text += f", {sum(entry.passed for entry in entries)} of {len(entries)} entries"
    troubles = sum(entry.error is not None for entry in entries)
    if troubles:
        text += f"; {troubles} entr{'ies' if troubles > 1 else 'y'} could not be checked"
    return text


def notes(entry: Entry) -> Iterator[str]:
    """Yield what else is to be said about verdicts."""
    for verdict in entry.verdicts:
        if verdict.note:
            yield f"{title_of(verdict)}: {verdict.note}"
