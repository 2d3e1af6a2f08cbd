"""``python -m pqeval.architectures.train.report``: scores of the shipped weights, and losses."""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from threadpoolctl import threadpool_limits

from pqeval.architectures.prediction import NAMES, WEIGHTS, predict
from pqeval.architectures.scenes import draw_scene
from pqeval.architectures.train.scoring import HELD_OUT, evaluate

__all__ = ["GATES", "measure"]

GATES = {"panoptic_fpn": 0.65, "upsnet": 0.65, "panoptic_deeplab": 0.70, "panoptic_fcn": 0.60}
"""PQ on the held-out scenes that weights must reach to be shipped."""

TIMED = 20
MARKS = ("<!-- results -->", "<!-- end of results -->")


def measure(name: str, log: Path) -> dict[str, Any]:
    """Score the shipped weights of a network.

    Parameters
    ----------
    name : str
        Of the network.
    log : Path
        What its training wrote.
    """
    with np.load(WEIGHTS / f"{name}.npz") as file:
        arrays = dict(file)
    result = evaluate(name, arrays, HELD_OUT)
    written = json.loads(result.to_json())
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    found = {
        "gate": GATES[name],
        "scores": written["groups"],
        "per_class": written["per_class"],
        "parameters": sum(array.size for array in arrays.values()),
        "bytes": (WEIGHTS / f"{name}.npz").stat().st_size,
        "training": {"seed": 0, "steps": lines[-1]["step"], "cpu_seconds": lines[-1]["cpu_seconds"]},
        "milliseconds": milliseconds(name),
    }
    if name == "upsnet":
        found["untrained"] = unknown_gain(arrays)
    return found


def unknown_gain(arrays: Any) -> dict[str, Any]:
    """Score scenes that all hold an untrained shape, with UPSNet's unknown channel and without it."""
    gained = {}
    for label, unknown in (("with", True), ("without", False)):
        result = evaluate("upsnet", arrays, HELD_OUT, untrained=True, unknown=unknown)
        counts = {kind: sum(getattr(row, kind) for row in result.per_class) for kind in ("tp", "fp", "fn")}
        gained[label] = {"pq": result.pq, "things": result.groups["Things"].pq, **counts}
    return gained


def milliseconds(name: str) -> float:
    """Return the median time of one 96 by 128 image on one core, fusion included."""
    images = [draw_scene(seed, size=(96, 128)).image for seed in HELD_OUT[:TIMED]]
    predict(name, images[0])
    taken = []
    with threadpool_limits(1):
        for image in images:
            began = time.perf_counter()
            predict(name, image)
            taken.append(time.perf_counter() - began)
    return round(1000 * float(np.median(taken)), 1)


def tables(networks: dict[str, Any]) -> str:
    """Write the results down in Markdown: one row for each network, one for each class, and what unknown buys."""
    names = list(networks)
    lines = [
        "| Network | gate | PQ | SQ | RQ | things | stuff | parameters | kB | steps | CPU minutes | ms an image |",
        "| :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name, row in networks.items():
        scores = row["scores"]
        parts = [f"{100 * scores['All'][key]:.1f}" for key in ("pq", "sq", "rq")]
        parts += [f"{100 * scores[group]['pq']:.1f}" for group in ("Things", "Stuff")]
        size = (f"{row['parameters']:,}".replace(",", " "), f"{row['bytes'] / 1000:.0f}")
        training = (str(row["training"]["steps"]), f"{row['training']['cpu_seconds'] / 60:.0f}")
        cells = (name, f"{100 * row['gate']:.0f}", *parts, *size, *training, f"{row['milliseconds']:.0f}")
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "PQ, and SQ and RQ in brackets, of each class:", "", f"| Class | {' | '.join(names)} |"]
    lines.append("| :-- " + "| --: " * len(names) + "|")
    for place, kind in enumerate(networks[names[0]]["per_class"]):
        rows = [networks[name]["per_class"][place] for name in names]
        scored = [f"{100 * row['pq']:.1f} ({100 * row['sq']:.0f}, {100 * row['rq']:.0f})" for row in rows]
        lines.append(f"| {kind['name']} | {' | '.join(scored)} |")
    lines += ["", "UPSNet on the same scenes with an untrained shape in each, which is void in the truth:", ""]
    lines += ["| Unknown channel | PQ | things | TP | FP | FN |", "| :-- | --: | --: | --: | --: | --: |"]
    for label, row in networks["upsnet"]["untrained"].items():
        scores = [f"{100 * row[key]:.1f}" for key in ("pq", "things")]
        lines.append(f"| {label} | {' | '.join([*scores, *(str(row[key]) for key in ('tp', 'fp', 'fn'))])} |")
    return "\n".join(lines)


def draw_curves(logs: dict[str, Path], path: Path) -> None:
    """Draw the losses of every network, and its PQ on other scenes, against the steps."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    for axis, (name, log) in zip(axes.flat, logs.items(), strict=True):
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        steps = [line["step"] for line in lines]
        for part in lines[0]["losses"]:
            axis.plot(steps, [line["losses"][part] for line in lines], label=part, linewidth=1.2)
        axis.set(title=name, xlabel="step", ylabel="loss, weighted", yscale="log")
        scored = [line for line in lines if "pq" in line]
        right = axis.twinx()
        right.plot(
            [line["step"] for line in scored], [100 * line["pq"]["pq"] for line in scored], "k.--", label="PQ"
        )
        right.set(ylabel="PQ on 60 other scenes", ylim=(0, 100))
        handles = [*axis.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
        axis.legend(handles=handles, fontsize=8, loc="lower left")
    figure.savefig(path, dpi=80)


@click.command()
@click.option("--logs", type=click.Path(path_type=Path), default=Path("benchmarks/results/training"))
@click.option("--output", type=click.Path(path_type=Path), default=Path("benchmarks/results/architectures.json"))
@click.option("--page", type=click.Path(path_type=Path), default=Path("docs/explanation/architectures/index.md"))
def main(logs: Path, output: Path, page: Path) -> None:
    """Score the shipped weights on the held-out scenes; write a results file, its tables and the loss curves."""
    files = {name: logs / f"{name}.jsonl" for name in NAMES}
    found: dict[str, Any] = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    found["scenes"] = {"held_out": [HELD_OUT.start, HELD_OUT.stop]}
    found["networks"] = {}
    for name, log in files.items():
        found["networks"][name] = measure(name, log)
        click.echo(
            f"{name}: PQ {100 * found['networks'][name]['scores']['All']['pq']:.1f}, gate {100 * GATES[name]:.0f}"
        )
    output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    before, _, after = page.read_text(encoding="utf-8").partition(MARKS[0])
    text = f"{before}{MARKS[0]}\n\n{tables(found['networks'])}\n\n{MARKS[1]}{after.partition(MARKS[1])[2]}"
    page.write_text(text, encoding="utf-8")
    draw_curves(files, page.with_name("losses.png"))
    missed = [name for name, gate in GATES.items() if found["networks"][name]["scores"]["All"]["pq"] < gate]
    if missed:
        raise click.ClickException(f"below their gates: {', '.join(missed)}")


if __name__ == "__main__":
    main()
