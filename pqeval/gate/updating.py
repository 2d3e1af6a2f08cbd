"""Expectations rewritten on purpose: what moved, in a leaderboard file or in a baseline, and nothing else."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from pqeval.errors import DataError, UsageError
from pqeval.gate.expectations import Expectation, decimals
from pqeval.gate.judging import judge_warnings
from pqeval.gate.leaderboard import Leaderboard
from pqeval.gate.subjects import Subject, is_saved_run, load
from pqeval.gate.verdicts import Entry
from pqeval.output import write_text

__all__ = ["fitting", "new_text", "update_baseline", "update_leaderboard"]


def update_leaderboard(leaderboard: Leaderboard, entries: Iterable[Entry]) -> str:
    """Write the numbers that were found into a leaderboard file, where they moved.

    Parameters
    ----------
    leaderboard : Leaderboard
        The file, as it was read.
    entries : iterable of Entry
        What was found, entry by entry.

    Returns
    -------
    str
        What changed, as a unified diff; empty where nothing did, and then the file is not touched.

    Raises
    ------
    DataError
        If a number could not be found; nothing is written then.
    UsageError
        If tomlkit is not installed.
    """
    text = new_text(leaderboard, list(entries))
    if text != leaderboard.text:
        write_text(leaderboard.file, text)
    return _diff(leaderboard.text, text, leaderboard.file)


def new_text(leaderboard: Leaderboard, entries: list[Entry]) -> str:
    """Return the text of a leaderboard file with the numbers that were found; comments and layout stay."""
    try:
        import tomlkit
    except ImportError as reason:
        raise UsageError(
            code="tomlkit-missing",
            found="a leaderboard file cannot be rewritten here: tomlkit is not installed",
            expected="the package tomlkit, which keeps comments and layout",
            remedy="pip install 'pqeval[ci]'",
        ) from reason
    _refuse_unusable(entries, leaderboard.file)
    document: Any = tomlkit.parse(leaderboard.text)
    rows = zip(leaderboard.plans, leaderboard.places, leaderboard.numbers, entries, strict=True)
    for plan, places, number, entry in rows:
        by_name = {verdict.name: verdict for verdict in entry.verdicts if verdict.kind == "expect"}
        for expectation in plan.expectations:
            verdict = by_name[expectation.name]
            if verdict.passed or verdict.found is None:
                continue
            *above, last = places[expectation.name]
            table = document["entry"][number]["expect"]
            for key in above:
                table = table[key]
            # Read from its text, a number keeps its zeros at the end: they say how close it has to be.
            table[last] = tomlkit.value(fitting(expectation, Decimal(verdict.found)))
    return str(tomlkit.dumps(document))


def fitting(expectation: Expectation, found: Decimal) -> str:
    """Write a number to as many digits as the old one, or to as many more as its tolerance asks for."""
    digits = decimals(expectation.value)
    while True:
        number = found.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
        if abs(Fraction(number) - Fraction(found)) <= Fraction(expectation.tolerance):
            return format(number, "f")
        digits += 1


def _refuse_unusable(entries: list[Entry], file: str) -> None:
    """Raise where a number is not there to be written, or cannot be trusted."""
    for entry in entries:
        reasons = [] if entry.error is None else [entry.error.text.partition("\n")[0]]
        reasons += [f"{v.name} is n/a" for v in entry.verdicts if v.outcome == "not-available" and not v.is_drop]
        reasons += [v.note for v in entry.verdicts if v.outcome == "no-such-score"]
        reasons += [v.note for v in entry.verdicts if v.kind == "warning"]
        for reason in reasons:
            raise DataError(
                code="not-updated",
                found=f"nothing was written; {f'{entry.name}: ' if entry.name else ''}{reason}",
                expected="numbers for all that is expected",
                remedy="mend the data first, or choose other entries with --only",
                file=file,
            )


def update_baseline(path: str | os.PathLike[str], now: Subject) -> str:
    """Write a result or a run in the place of a baseline.

    Parameters
    ----------
    path : path
        The baseline: a saved run, or a result. Where there is none yet it becomes a saved run if its name ends
        in .pqe.
    now : Subject
        What takes its place.

    Returns
    -------
    str
        What changed of the result, as a unified diff; empty where nothing did. An equal file is not touched. Of a
        new file, that it is new.

    Raises
    ------
    DataError
        If the data are unusable; nothing is written then.
    UsageError
        If the baseline is a run, and there is only a result to take its place.
    """
    file = os.fspath(path)
    _refuse_unusable([Entry("", verdicts=judge_warnings(now.result))], file)
    new = not os.path.lexists(file)
    after = now.result.to_json()
    before = after if new else load(file).result.to_json()
    told = _diff(before, after, file)
    if is_saved_run(file):
        if now.run is None:
            raise UsageError(
                code="baseline-run",
                found="the baseline is a saved run, and there is only a result to take its place",
                expected="predictions, or a saved run",
                remedy="check the predictions with --pred, or a run that --save wrote",
                file=file,
            )
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / "run.pqe"
            now.run.save(fresh)
            same = not new and fresh.read_bytes() == Path(file).read_bytes()
        if not same:
            now.run.save(file)
            told = _diff(before, after, file) or f"{file}: the same result of other segments\n"
    elif new or before != after or Path(file).read_bytes() != after.encode():
        write_text(file, after)
    if new:
        told = f"{file}: new\n"
    return told


def _diff(before: str, after: str, file: str) -> str:
    sides = (f"{file} (before)", f"{file} (after)")
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *sides, lineterm="")
    return "".join(f"{line}\n" for line in lines)
