"""One program, one folder, one process: ``python benchmarks/runners.py hotcoco data/coco-500 --cores 2``.

Prints one JSON line: ``pq``, ``sq`` and ``rq`` over all classes as fractions, ``n`` classes, ``images``, and per
class ``[tp, fp, fn]`` for the classes that occur; and ``peak_kb`` of memory. Each program is driven by its own
fastest road from files to scores. Imports stand in the functions, so that every process loads only what its
program needs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


def answer(scores: Any, per_class: dict[Any, tuple[int, int, int]], images: int) -> Answer:
    """The line that is printed; `scores` has ``pq``, ``sq``, ``rq`` and ``n`` as keys."""
    return {
        **{key: float(scores[key]) for key in ("pq", "sq", "rq")},
        "n": int(scores["n"]),
        "images": images,
        "per_class": {str(key): list(map(int, row)) for key, row in sorted(per_class.items()) if any(row)},
    }


def pqeval(folder: Path, cores: int) -> Answer:
    """The Python function, which is also what the command calls."""
    import pqeval

    result = pqeval.evaluate(gt=folder / "gt.json", pred=folder / "pred.json", workers=cores)
    per_class = {row.id: (row.tp, row.fp, row.fn) for row in result.per_class}
    scores = result.groups["All"]
    return answer(
        {key: getattr(scores, key) for key in ("pq", "sq", "rq", "n")}, per_class, result.images["evaluated"]
    )


def hotcoco(folder: Path, cores: int) -> Answer:
    """Its evaluator on paths; its threads follow ``RAYON_NUM_THREADS``."""
    from hotcoco.panoptic import PanopticEval

    evaluation = PanopticEval(folder / "gt.json", folder / "pred.json")
    evaluation.evaluate()
    results = evaluation.results()
    per_class = {key: (row["tp"], row["fp"], row["fn"]) for key, row in results["per_class"].items()}
    return answer(results["All"], per_class, len(os.listdir(folder / "gt")))


def panopticapi(folder: Path, cores: int) -> Answer:
    """Its single-core function, or its process pool."""
    from panopticapi import evaluation

    return _reference(evaluation, folder, cores)


def cityscapesscripts(folder: Path, cores: int) -> Answer:
    """Likewise; the evaluation is derived from panopticapi's and has the same functions."""
    from cityscapesscripts.evaluation import evalPanopticSemanticLabeling as evaluation  # noqa: N813

    return _reference(evaluation, folder, cores)


def _reference(evaluation: Any, folder: Path, cores: int) -> Answer:
    truth, pairs = _pairs(folder)
    categories = {category["id"]: category for category in truth["categories"]}
    places = str(folder / "gt"), str(folder / "pred"), categories
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        if cores == 1:
            stat = evaluation.pq_compute_single_core(0, pairs, *places)
        else:
            # The pool takes as many processes as the machine has cores, whatever the budget is.
            evaluation.multiprocessing.cpu_count = lambda: cores
            stat = evaluation.pq_compute_multi_core(pairs, *places)
        scores, _ = stat.pq_average(categories, isthing=None)
    return answer(scores, {key: (stat[key].tp, stat[key].fp, stat[key].fn) for key in categories}, len(pairs))


def _pairs(folder: Path) -> tuple[dict[str, Any], list[tuple[dict[str, Any], dict[str, Any]]]]:
    truth, guess = (json.loads((folder / name).read_bytes()) for name in ("gt.json", "pred.json"))
    predictions = {annotation["image_id"]: annotation for annotation in guess["annotations"]}
    return truth, [(annotation, predictions[annotation["image_id"]]) for annotation in truth["annotations"]]


def vernier(folder: Path, cores: int) -> Answer:
    """PNG bytes to a background evaluator with as many threads as cores.

    It has no loader of folders. This was the fastest of the roads tried: arrays decoded by Pillow took three times
    as long, and one evaluator per thread or per process, their partial results merged, took no less.
    """
    from vernier.panoptic import Evaluator

    truth, pairs = _pairs(folder)
    categories = json.dumps(truth["categories"]).encode()
    # Its worker would otherwise be nicer than the other programs are.
    with Evaluator().background(categories, num_threads=cores, worker_nice=0) as background:
        for gt, pred in pairs:
            sides = []
            for side, annotation in (("gt", gt), ("pred", pred)):
                sides.append((folder / side / annotation["file_name"]).read_bytes())
                sides.append(json.dumps(annotation["segments_info"]).encode())
            background.submit_png(gt["image_id"], *sides)
        summary = background.finalize()
    scores = {key: getattr(summary, key) for key in ("pq", "sq", "rq", "n")}
    per_class = {key: (row.n_tp, row.n_fp, row.n_fn) for key, row in summary.per_class().items()}
    return answer(scores, per_class, len(pairs))


def torchmetrics(folder: Path, cores: int) -> Answer:
    """Pillow decodes, numpy makes (category, instance) maps, the metric is updated image by image, on the CPU."""
    import numpy as np
    import torch
    from PIL import Image
    from torchmetrics.detection import PanopticQuality

    truth, pairs = _pairs(folder)
    things, stuff = (sorted(row["id"] for row in truth["categories"] if row["isthing"] == kind) for kind in (1, 0))
    metric = PanopticQuality(things, stuff, allow_unknown_preds_category=True, return_sq_and_rq=True)
    for pair in pairs:
        maps = {}
        for side, annotation in zip(("gt", "pred"), pair, strict=True):
            with Image.open(folder / side / annotation["file_name"]) as png:
                ids = np.asarray(png, np.int64) @ (1, 256, 65536)
            maps[side] = torch.from_numpy(category_instance(ids, annotation["segments_info"])[None])
        metric.update(maps["pred"], maps["gt"])
    counts = torch.stack([metric.true_positives, metric.false_positives, metric.false_negatives], dim=1).tolist()
    scores = dict(zip(("pq", "sq", "rq"), metric.compute().tolist(), strict=True), n=sum(map(any, counts)))
    return answer(scores, dict(zip(things + stuff, counts, strict=True)), len(pairs))


def category_instance(ids: Any, segments: list[dict[str, int]]) -> Any:
    """A (H, W, 2) map of category and segment id out of a map of segment ids; 0 is void."""
    import numpy as np

    known = sorted([(0, 0), *((row["id"], row["category_id"]) for row in segments)])
    keys, categories = np.array(known, np.int64).T
    return np.stack([categories[np.searchsorted(keys, ids)], ids], axis=-1)


def floor(folder: Path, cores: int) -> Answer:
    """No evaluation: read every file and inflate every PNG, with libdeflate; what no reader of PNGs can go below.

    Processes instead of threads, since the binding of libdeflate holds Python's lock.
    """
    from multiprocessing import get_context

    for name in ("gt.json", "pred.json"):
        (folder / name).read_bytes()
    files = [entry.path for side in ("gt", "pred") for entry in os.scandir(folder / side)]
    if cores == 1:
        inflated = _inflate(files)
    else:
        with get_context("fork").Pool(cores) as pool:
            inflated = sum(pool.map(_inflate, [files[rank::cores] for rank in range(cores)], chunksize=1))
    return {"images": len(files) // 2, "bytes": inflated}


def _inflate(files: list[str]) -> int:
    import deflate

    inflated = 0
    for name in files:
        with open(name, "rb") as file:
            png = file.read()
        width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
        size = height * (1 + 3 * width)
        chunks, start = [], 8
        while start < len(png):
            length = int.from_bytes(png[start : start + 4], "big")
            if png[start + 4 : start + 8] == b"IDAT":
                chunks.append(png[start + 8 : start + 8 + length])
            start += 12 + length
        inflated += len(deflate.zlib_decompress(chunks[0] if len(chunks) == 1 else b"".join(chunks), size))
    return inflated


def parsed(folder: Path, cores: int) -> Answer:
    """No evaluation: the two JSON files as Python objects, which stay in memory."""
    import msgspec

    both = [msgspec.json.decode((folder / name).read_bytes()) for name in ("gt.json", "pred.json")]
    return {"images": len(both[0]["images"])}


def idle(folder: Path, cores: int) -> Answer:
    """Nothing: the cost of Python itself and of this file."""
    return {"images": 0}


RUNNERS: dict[str, Callable[[Path, int], Answer]] = {
    run.__name__: run
    for run in (pqeval, hotcoco, vernier, panopticapi, cityscapesscripts, torchmetrics, floor, parsed, idle)
}


def main() -> None:
    """Run one and print its answer."""
    parser = argparse.ArgumentParser(description="Run one program on one workload.")
    parser.add_argument("name", choices=RUNNERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cores", type=int, default=1)
    options = parser.parse_args()
    found = RUNNERS[options.name](options.folder, options.cores)
    # The peak of the resident set. What getrusage calls so is at least that of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.partition("VmHWM:")[2].split()[0])
    print(json.dumps(found | {"peak_kb": peak}))


if __name__ == "__main__":
    main()
