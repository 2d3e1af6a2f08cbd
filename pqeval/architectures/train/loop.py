"""The recipe that all networks share: AdamW, a warm-up and a cosine, and a score on other scenes now and then."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pqeval.architectures.train.examples import Pool
from pqeval.architectures.train.parameters import TrainableParameters
from pqeval.architectures.train.scoring import TUNING, score

__all__ = ["train"]

WARM_UP = 50
WEIGHT_DECAY = 1e-3
LARGEST_GRADIENT = 10.0
POOL = 6000
REPORT, VALIDATE = 50, 500


def rate_at(step: int, steps: int, peak: float) -> float:
    """Return the learning rate: a straight rise, then half a cosine down to zero."""
    warm_up = min(WARM_UP, steps // 10 + 1)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def start(name: str, seed: int) -> tuple[Any, TrainableParameters, Pool]:
    """Return the recipe of a network, its fresh layers and its scenes."""
    torch.manual_seed(seed)
    recipe = import_module(f"pqeval.architectures.train.{name}")
    pool = Pool(POOL, seed)
    params = TrainableParameters()
    # A first pass makes the layers; its batch is not learnt from.
    batch = pool.batch(2)
    images = torch.from_numpy(np.stack([example.image for example in batch]))
    recipe.losses(params, images, [recipe.targets(example) for example in batch])
    return recipe, params, pool


def advance(recipe: Any, params: TrainableParameters, optimiser: Any, examples: list[Any]) -> dict[str, float]:
    """Take one step and return its losses."""
    images = torch.from_numpy(np.stack([example.image for example in examples]))
    images = images.contiguous(memory_format=torch.channels_last)
    parts = recipe.losses(params, images, [recipe.targets(example) for example in examples])
    optimiser.zero_grad()
    torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(params.parameters(), LARGEST_GRADIENT)
    optimiser.step()
    return {part: float(loss.detach()) for part, loss in parts.items()}


def train(
    name: str,
    output: Path,
    *,
    seed: int = 0,
    steps: int | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Train a network and write its weights and its log.

    Parameters
    ----------
    name : str
        Of the network.
    output : Path
        Folder for ``NAME.npz``, float16 and folded, and ``NAME.jsonl``: losses every 50 steps, PQ on scenes for
        tuning every 500.
    seed : int
        Of first weights and of the order of scenes.
    steps : int, optional
        Instead of the number in the recipe.
    say : callable
        Told each line of the log.
    """
    recipe, params, pool = start(name, seed)
    total = recipe.STEPS if steps is None else steps
    optimiser = torch.optim.AdamW(params.parameters(), lr=recipe.RATE, weight_decay=WEIGHT_DECAY)
    output.mkdir(parents=True, exist_ok=True)
    began, sums = time.process_time(), dict[str, float]()
    with open(output / f"{name}.jsonl", "w", encoding="utf-8") as log:
        for step in range(total):
            for group in optimiser.param_groups:
                group["lr"] = rate_at(step, total, recipe.RATE)
            for part, loss in advance(recipe, params, optimiser, pool.batch(recipe.BATCH)).items():
                sums[part] = sums.get(part, 0.0) + loss
            done = step + 1
            if done % REPORT and done < total:
                continue
            count = done % REPORT or REPORT
            line: dict[str, Any] = {"step": done, "cpu_seconds": round(time.process_time() - began)}
            line["losses"] = {part: round(value / count, 4) for part, value in sums.items()}
            sums = {}
            if done % VALIDATE == 0 or done == total:
                arrays = params.export()
                np.savez_compressed(output / f"{name}.npz", **arrays)  # type: ignore[arg-type]
                line["pq"] = {kind: round(value, 4) for kind, value in score(name, arrays, TUNING[:60]).items()}
            log.write(json.dumps(line) + "\n")
            log.flush()
            say(json.dumps(line))
