"""``pq_compute`` with the signature and the return shape of panopticapi, for a one-line migration.

::

    -from panopticapi.evaluation import pq_compute
    +from pqeval.panopticapi import pq_compute
"""

from __future__ import annotations

import warnings
from typing import Any

from pqeval.evaluation import evaluate
from pqeval.output import PathLike

__all__ = ["pq_compute"]


def pq_compute(
    gt_json_file: PathLike,
    pred_json_file: PathLike,
    gt_folder: PathLike | None = None,
    pred_folder: PathLike | None = None,
) -> dict[str, Any]:
    """Evaluate COCO panoptic predictions as ``panopticapi.evaluation.pq_compute`` does.

    Numbers are those of one panopticapi process, to the last bit. Unlike the original it prints nothing, starts
    no processes, and leaves the inputs alone. What should be known about the data comes as a ``UserWarning``.

    Parameters
    ----------
    gt_json_file, pred_json_file : path
        The two JSON files.
    gt_folder, pred_folder : path, optional
        The PNGs; by default the path of the JSON without ``.json``.

    Returns
    -------
    dict
        ``"All"``, ``"Things"``, ``"Stuff"``: each a dict with ``pq``, ``sq``, ``rq`` and ``n``; and
        ``"per_class"``: ``pq``, ``sq``, ``rq`` by category id. As in the original a class that does not occur
        reads 0.0 there. A group without any class, where the original divides by zero, has ``n`` 0 and NaN.

    Raises
    ------
    DataError
        Where the files cannot be evaluated.

    Notes
    -----
    Signature and return shape: cocodataset/panopticapi, ``evaluation.py`` at 7bb4655.

    Examples
    --------
    >>> import pqeval, tempfile, pathlib, numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "gt.json"
    >>> pqeval.save_coco_panoptic(path, [(7, np.array([[1, 1]]), [{"id": 1, "category_id": 1}])], "coco")
    >>> results = pqeval.pq_compute(path, path)
    >>> results["Things"]
    {'pq': 1.0, 'sq': 1.0, 'rq': 1.0, 'n': 1}
    >>> results["per_class"][1]["pq"]
    1.0
    """
    result = evaluate(
        gt=gt_json_file,
        pred=pred_json_file,
        format="coco",
        gt_folder=gt_folder,
        pred_folder=pred_folder,
        convention="panopticapi",
    )
    for line in result.warnings:
        warnings.warn(line, UserWarning, stacklevel=2)
    nothing = float("nan")
    results: dict[str, Any] = {}
    for name, group in result.groups.items():
        scores = {"pq": group.pq, "sq": group.sq, "rq": group.rq}
        results[name] = {key: nothing if value is None else value for key, value in scores.items()} | {
            "n": group.n
        }
        if name == "All":
            results["per_class"] = {
                row.id: {"pq": row.pq or 0.0, "sq": row.sq or 0.0, "rq": row.rq or 0.0} for row in result.per_class
            }
    return results
