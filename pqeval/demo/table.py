"""What the demonstration prints: one table, one sentence, and where to look next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pqeval.result import Result

PIPE_WIDTH = 120


def prediction_path(output: Path, kind: str) -> Path:
    """Return where the JSON of a kind of prediction is; its PNG folder has the same name without suffix."""
    return output / f"{kind.replace(' ', '-')}.json"


def print_table(results: Mapping[str, Result], what: Mapping[str, str], output: Path, stream: TextIO) -> None:
    """Print the scores of every kind, what they teach, and where the files are."""
    terminal = stream.isatty()
    # Without a terminal neither colours nor the width may depend on the environment (FORCE_COLOR, COLUMNS).
    console = (
        Console(file=stream, highlight=False, markup=False)
        if terminal
        else Console(file=stream, highlight=False, markup=False, force_terminal=False, width=PIPE_WIDTH)
    )
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("Prediction", no_wrap=True)
    for heading in ("PQ", "SQ", "RQ", "PQ\nthings", "PQ\nstuff", "TP", "FP", "FN"):
        table.add_column(heading, justify="right", style="bold" if heading == "PQ" else "")
    table.add_column("What is wrong with it")
    for kind, result in results.items():
        groups = result.groups
        scores = (result.pq, result.sq, result.rq, groups["Things"].pq, groups["Stuff"].pq)
        counts = [str(number) for number in count_outcomes(result)]
        style = {"wrong class": "yellow", "unknown": "green"}.get(kind)
        table.add_row(kind, *map(_percent, scores), *counts, what[kind], style=style)
    console.print(table)
    console.print()
    console.print(contrast(results))
    console.print(f"\nThe picture:  {output / 'demo.png'}", soft_wrap=True)
    console.print(f"The data:     {output}: truth.json, and one JSON with its folder per row", soft_wrap=True)
    paths = (output / "truth.json", prediction_path(output, "unknown"))
    gt, pred = (shlex.quote(str(path)) for path in paths)
    console.print(f"Try next:     pqeval evaluate --gt {gt} --pred {pred}", soft_wrap=True)


def contrast(results: Mapping[str, Result]) -> str:
    """Say in one sentence what a wrong class costs compared with unknown."""
    perfect, wrong, unknown = (results[kind] for kind in ("perfect", "wrong class", "unknown"))
    if perfect.pq is None or wrong.pq is None or unknown.pq is None:
        return "There was nothing to score."
    (_, wrong_fp, wrong_fn), (_, unknown_fp, unknown_fn) = count_outcomes(wrong), count_outcomes(unknown)
    sentence = (
        f"Called something else, the same objects cost {_percent(perfect.pq - wrong.pq)} points of PQ "
        f"(FN {wrong_fn}, FP {wrong_fp}); left unknown, {_percent(perfect.pq - unknown.pq)} "
        f"(FN {unknown_fn}, FP {unknown_fp})"
    )
    if unknown.pq > wrong.pq:
        return f"{sentence}:\na wrong answer is worse than none."
    return f"{sentence}."


def count_outcomes(result: Result) -> tuple[int, int, int]:
    """Return TP, FP and FN summed over the classes."""
    rows = result.per_class
    return sum(row.tp for row in rows), sum(row.fp for row in rows), sum(row.fn for row in rows)


def short_scores(result: Result) -> str:
    """Return the three scores in one short line, for the picture."""
    return f"PQ {_percent(result.pq)}  SQ {_percent(result.sq)}  RQ {_percent(result.rq)}"


def _percent(score: float | None) -> str:
    return "n/a" if score is None else f"{100 * score:.1f}"
