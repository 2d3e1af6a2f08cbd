"""Scores from arrays, image by image: for training loops, on one process or many."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from pqeval.arrays import read_options, read_side
from pqeval.categories import Categories
from pqeval.confidence import how_asked, with_intervals
from pqeval.counting import count_pair
from pqeval.errors import MergeError, PqevalError, ShapeError, UsageError, raise_all
from pqeval.image_ids import ImageId, image_ids
from pqeval.ledger import Ledger
from pqeval.result import Result
from pqeval.run import Run
from pqeval.scoring import read_groups, score
from pqeval.void import convention as look_up

__all__ = ["PanopticQuality"]


class PanopticQuality:
    """Panoptic quality of arrays, image by image.

    State is one small table per image, keyed by image id; scores are computed from it in a fixed order, so
    they do not depend on the order of updates or on which process saw which image.

    Parameters
    ----------
    categories : Categories, str or iterable of mapping
        The category table: rows with ``id`` and ``isthing`` (``name`` optional), or ``"coco"``.
    convention : str
        How void and crowd are treated, and how classes are averaged; ``docs/explanation/void.md`` lists all.
    unknown : {"error", "void", "fp"}
        What a predicted segment is whose category the table lacks.
    unknown_categories : iterable of int
        Category ids that mean "unknown" in predictions.
    groups : mapping of str to sequence of int, optional
        Further groups of category ids to average over.

    Raises
    ------
    UsageError, CategoryError
        For options and tables that cannot be used.

    Notes
    -----
    PQ: Kirillov et al., "Panoptic Segmentation", CVPR 2019. Objects can be pickled and sent between processes.

    Examples
    --------
    >>> import numpy as np, pqeval
    >>> table = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]
    >>> metric = pqeval.PanopticQuality(table)
    >>> truth = np.array([[1, 1, 2, 2], [1, 1, 2, 2]])
    >>> segments = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}]
    >>> metric.update(gt=(truth, segments), pred=(truth, segments), image_id=7)
    >>> other = pqeval.PanopticQuality(table)                 # on another process
    >>> other.update(gt=(truth, segments), pred=(np.zeros_like(truth), []), image_id=8)
    >>> metric.merge(other)
    >>> result = metric.compute()
    >>> round(result.pq, 4), result.images["evaluated"]
    (0.6667, 2)
    """

    def __init__(
        self,
        categories: Categories | str | Iterable[Mapping[str, Any]],
        *,
        convention: str = "coco",
        unknown: str = "error",
        unknown_categories: Iterable[int] = (),
        groups: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.categories = Categories.of(categories)
        self.policy = look_up(convention, unknown=unknown, unknown_categories=unknown_categories)
        self.groups = read_groups(groups, self.categories)
        self.ledger = Ledger()

    def update(
        self,
        *,
        gt: Any,
        pred: Any,
        image_id: ImageId | Sequence[ImageId],
        crowd: Iterable[tuple[int, int]] = (),
        void_category: int | Iterable[int] | None = None,
        stratum: Any = None,
    ) -> None:
        """Count one image, or a batch.

        Everything is checked before anything is counted: after an error the state is what it was.

        Parameters
        ----------
        gt, pred : tuple, list or array_like
            One of: ``(id_map, segments)`` with an (H, W) map of segment ids (0 to 2**32 - 1, 0 is void) and
            a list of ``{"id", "category_id"}``, in the ground truth with an optional ``"iscrowd"``;
            ``(category_map, instance_map)``, two (H, W) or two (B, H, W) maps; an (H, W, 2) or (B, H, W, 2)
            array of (category, instance). Any integer dtype; numpy, torch on the CPU, jax, DLPack.
        image_id : str, int, float, bool, None, or a sequence of them
            Names the image; a sequence of B for a batch. The same image again counts once, if its counts are
            the same.
        crowd : iterable of (int, int), optional
            For category maps: the (category, instance) pairs that are crowds where they occur in the ground
            truth.
        void_category : int or iterable of int, optional
            For category maps of either side: which categories mean void. Default 0 and 255, where the table
            lacks them.
        stratum : str or sequence of str, optional
            What the image is averaged with before all is averaged, where the convention does so: the tissue, under
            ``pannuke``. For a batch, one for all images or one for each.

        Raises
        ------
        DataError
            Naming the image, what was found, and what to do.
        """
        problems: list[PqevalError] = []
        ids = image_ids(image_id)
        crowds, void = read_options(crowd, void_category)
        read = partial(
            read_side,
            categories=self.categories,
            void_category=void,
            repeated=self.policy.repeated,
            problems=problems,
        )
        try:
            truths = read(gt, side="gt", crowd=crowds)
            preds = read(pred, side="pred")
        except PqevalError as error:
            raise error.located(image_id=ids[0] if len(ids) == 1 else None) from None
        if not len(truths) == len(preds) == len(ids):
            raise ShapeError(
                code="batch-size",
                found=f"{len(truths)} ground truths, {len(preds)} predictions and {len(ids)} image ids",
                expected="as many of each",
                remedy="pass image_id as a list with one id per image of the batch",
            )
        strata = _strata(stratum, len(ids))
        frames = []
        for number, truth, guess, each in zip(ids, truths, preds, strata, strict=True):
            found = [problem.located(image_id=number) for problem in problems]
            frame = count_pair(number, truth, guess, self.categories, self.policy, stratum=each, problems=found)
            raise_all([problem for problem in found if problem.severity == "error"])
            assert frame is not None
            frames.append(frame)
        fresh = Ledger()
        for frame in frames:
            fresh.add(frame)
        self.ledger.merge(fresh)

    def merge(self, other: PanopticQuality) -> None:
        """Add the images of another object, for example from another process.

        An image that both have counts once.

        Parameters
        ----------
        other : PanopticQuality
            With the same categories, convention and groups; it stays as it is.

        Raises
        ------
        MergeError
            If the settings differ, or an image has other counts there. Nothing is merged then.
        """
        if not isinstance(other, PanopticQuality):
            raise UsageError(
                code="merge-type",
                found=f"merge with a {type(other).__name__}",
                expected="another PanopticQuality",
                remedy="send the metric itself between processes, not its result",
            )
        if (self.categories, self.policy, self.groups) != (other.categories, other.policy, other.groups):
            raise MergeError(
                code="merge-settings",
                found="the two metrics have different categories, conventions or groups",
                expected="equal settings on both sides",
                remedy="build all metrics with the same arguments",
            )
        self.ledger.merge(other.ledger)

    def compute(
        self,
        *,
        ci: bool | str = False,
        ci_method: str | None = None,
        level: float | None = None,
        resamples: int | None = None,
        seed: int | None = None,
        fixed_classes: bool = False,
        cluster_by: str | os.PathLike[str] | None = None,
    ) -> Result:
        """Return the scores of all images so far; the state stays.

        Parameters
        ----------
        ci : bool or str
            Whether to give confidence intervals, and by which method if not ``"percentile"``.
        ci_method, level, resamples, seed, fixed_classes
            How: see :class:`pqeval.statistics.resampling.Resampling`. Each of them asks for intervals, too.
        cluster_by : path or str, optional
            What images are drawn with: ``"folder"``, ``"prefix"``, or a CSV with a row per image; see
            :func:`pqeval.clusters.clusters_of`.

        Returns
        -------
        Result
            Without an image, or without a class, every score is ``None``.
        """
        resampling = how_asked(ci, ci_method, level, resamples, seed, fixed_classes, cluster_by)
        run = self.run()
        return (run if resampling is None else with_intervals(run, resampling, cluster_by)).result

    def run(self) -> Run:
        """Return the scores of all images so far together with what they are made of, to save or to compare.

        Returns
        -------
        Run
        """
        result = score(self.ledger, self.categories, self.policy, groups=self.groups)
        return Run(result, Ledger(dict(self.ledger.frames)), self.categories, self.policy, self.groups)

    def reset(self) -> None:
        """Forget all images."""
        self.ledger = Ledger()

    def __repr__(self) -> str:
        return f"<PanopticQuality: {len(self.ledger)} images, convention {self.policy.name}>"


def _strata(stratum: Any, images: int) -> list[str | None]:
    """Return the stratum of every image of a batch."""
    plain = stratum.tolist() if hasattr(stratum, "tolist") else stratum
    if not isinstance(plain, list | tuple):
        return [None if plain is None else str(plain)] * images
    if len(plain) != images:
        raise ShapeError(
            code="batch-strata",
            found=f"{len(plain)} strata for {images} image{'' if images == 1 else 's'}",
            expected="one for each image, or one for all",
            remedy="pass stratum as a list with one name per image of the batch",
        )
    return [str(each) for each in plain]
