"""How segment counts become scores of classes and groups, as data: one row per way of averaging."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["POOLED", "Averaging"]


@dataclass(frozen=True)
class Averaging:
    """How a convention averages.

    Parameters
    ----------
    over : {"dataset", "images"}
        Counts are added up over all images, and a class has one PQ; or every image has one, and they are averaged.
    absent : {"skip", "zero"}
        What a class without TP, FP and FN is in an average.
    undefined : {"both", "gt", "never"}
        For averages over images: an image says nothing about a class that lacks on both sides; or that lacks in
        the ground truth, whatever was predicted; or it counts as 0 where there is nothing.
    binary : bool
        Whether there is a group Binary: all classes taken for one, one PQ per image, averaged.
    strata : bool
        Average classes within each image, then images within each stratum, then strata.
    half_plus, tp_plus : float
        What is added to TP + FP/2 + FN/2, and to TP, before they divide.
    nothing : float or None
        The score where there is nothing to average.
    """

    over: str = "dataset"
    absent: str = "skip"
    undefined: str = "both"
    binary: bool = False
    strata: bool = False
    half_plus: float = 0.0
    tp_plus: float = 0.0
    nothing: float | None = None


POOLED = Averaging()
"""The usual way: counts of all images, and the mean over the classes that occur."""
