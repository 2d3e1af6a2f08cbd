"""``python -m pqeval.architectures.train NAME``: train one of the networks."""

from __future__ import annotations

from pathlib import Path

import click
import torch

from pqeval.architectures.prediction import NAMES
from pqeval.architectures.train.loop import train


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--output", type=click.Path(path_type=Path), default=Path("weights"), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--steps", type=int, help="Instead of the number of the recipe.")
@click.option("--threads", type=int, default=1, show_default=True)
def main(name: str, output: Path, seed: int, steps: int | None, threads: int) -> None:
    """Train a network on synthetic scenes; writes NAME.npz and NAME.jsonl, the log."""
    torch.set_num_threads(threads)
    train(name, output, seed=seed, steps=steps, say=click.echo)


if __name__ == "__main__":
    main()
