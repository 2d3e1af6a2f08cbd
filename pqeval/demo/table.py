"""What the demonstration prints: the leaderboard, two sentences on it, and where to look next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pqeval.result import Result

PIPE_WIDTH = 120
TITLES = {
    "panoptic_fpn": "Panoptic FPN",
    "upsnet": "UPSNet",
    "panoptic_deeplab": "Panoptic-DeepLab",
    "panoptic_fcn": "Panoptic FCN",
}
HEADINGS = ("PQ", "SQ", "RQ", "PQ\nthings", "PQ\nstuff", "TP", "FP", "FN", "unknown\n%", "ms per\nimage")


def prediction_path(output: Path, name: str) -> Path:
    """Return where the JSON of a network is; its PNG folder has the same name without suffix."""
    return output / f"{name}.json"


def print_leaderboard(
    results: Mapping[str, Result], milliseconds: Mapping[str, float], output: Path, stream: TextIO
) -> None:
    """Print the scores of every network in the order given, what they say, and where the files are."""
    # Without a terminal neither colours nor the width may depend on the environment (FORCE_COLOR, COLUMNS).
    console = (
        Console(file=stream, highlight=False, markup=False)
        if stream.isatty()
        else Console(file=stream, highlight=False, markup=False, force_terminal=False, width=PIPE_WIDTH)
    )
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("Network", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", style="bold" if heading == "PQ" else "")
    for name, result in results.items():
        groups = result.groups
        scores = (result.pq, result.sq, result.rq, groups["Things"].pq, groups["Stuff"].pq)
        counts = [str(number) for number in count_outcomes(result)]
        shares = (_percent(share_unknown(result)), f"{milliseconds[name]:.0f}")
        table.add_row(TITLES[name], *map(_percent, scores), *counts, *shares)
    console.print(table)
    console.print()
    best = next(iter(results))
    console.print(say_found(TITLES[best], results[best]), soft_wrap=True)
    console.print(say_unknown(TITLES["upsnet"], results["upsnet"]), soft_wrap=True)
    console.print(f"\nThe picture:  {output / 'demo.png'}", soft_wrap=True)
    console.print(f"The data:     {output}: truth.json, and one JSON with its folder per network", soft_wrap=True)
    gt, pred = (shlex.quote(str(path)) for path in (output / "truth.json", prediction_path(output, "upsnet")))
    console.print(f"Try next:     pqeval evaluate --gt {gt} --pred {pred} --per-class", soft_wrap=True)


def say_found(title: str, result: Result) -> str:
    """Say in one sentence what TP, FP and FN of a network are."""
    tp, fp, fn = count_outcomes(result)
    return (
        f"Of the {tp + fn} segments of the truth, {title} found {tp} (TP) and missed {fn} (FN); "
        f"{fp} of its own match nothing (FP)."
    )


def say_unknown(title: str, result: Result) -> str:
    """Say in one sentence how much a network left unknown, and what it would score had it guessed wrong there."""
    said = f"{title} left {_percent(share_unknown(result))} % of the pixels unknown"
    misses, otherwise = result.void["fn_unknown"], result.void["pq_if_unknown_were_wrong"]
    if not misses:
        return f"{said}; no FN lies under them."
    said += f"; {misses} FN {'lies' if misses == 1 else 'lie'} under them"
    if otherwise is None:
        return f"{said}."
    return f"{said}. Had it guessed wrong there, its PQ of {_percent(result.pq)} would be {_percent(otherwise)}."


def share_unknown(result: Result) -> float:
    """Return the share of the pixels that were predicted as unknown, from 0 to 1."""
    return (result.void["unknown_pixels"] or 0) / (result.void["pixels"] or 1)


def count_outcomes(result: Result) -> tuple[int, int, int]:
    """Return TP, FP and FN summed over the classes."""
    rows = result.per_class
    return sum(row.tp for row in rows), sum(row.fp for row in rows), sum(row.fn for row in rows)


def short_scores(result: Result) -> str:
    """Return the three scores in one short line, for the picture."""
    return f"PQ {_percent(result.pq)}   SQ {_percent(result.sq)}   RQ {_percent(result.rq)}"


def short_counts(result: Result) -> str:
    """Return the three counts in one short line, for the picture."""
    return "   ".join(
        f"{word} {count}" for word, count in zip(("TP", "FP", "FN"), count_outcomes(result), strict=True)
    )


def short_segments(segments: Sequence[Mapping[str, Any]]) -> str:
    """Say in a few words, for the picture, how many segments are to be found."""
    crowds = sum(bool(row.get("iscrowd")) for row in segments)
    count = len(segments) - crowds
    return f"{count} segment{'' if count == 1 else 's'}" + (", 1 crowd" if crowds == 1 else "")


def _percent(score: float | None) -> str:
    return "n/a" if score is None else f"{100 * score:.1f}"
