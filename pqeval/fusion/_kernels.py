"""Kernels, vectors of numbers that make masks: those of one object become one, those of a stuff class as well."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.fusion._checks import Gate, check_numbers
from pqeval.fusion._painting import by_score

__all__ = ["average_stuff_kernels", "fuse_kernels", "masks_from_kernels"]

Floats = NDArray[np.floating[Any]]
Kernels = tuple[Floats, Floats, NDArray[np.int64]]


def fuse_kernels(*, kernels: Any, scores: Any, categories: Any, similarity_threshold: float = 0.9) -> Kernels:
    """Average the kernels of one object.

    From the best score down, each kernel looks for the first, best one of its class whose cosine similarity to it
    reaches the threshold, itself included. If that is itself, it stays. If that one stays, it is averaged into it.
    If that one was absorbed before, the kernel is dropped and contributes nothing, as in the authors' code.

    Parameters
    ----------
    kernels : (N, D) float
        One per position that may be an object.
    scores : (N,) float
        Of the positions.
    categories : (N,) int
        The category id at each position.
    similarity_threshold : float
        Cosine from which on two kernels of one class are of one object.

    Returns
    -------
    kernels : (M, D) float
        Means, best score first.
    scores : (M,) float
        The best of each.
    categories : (M,) int64
        Of each.

    Raises
    ------
    UsageError
        If the threshold is no number.
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> from pqeval.fusion import panoptic_fcn
    >>> kernels, scores, categories = panoptic_fcn.fuse_kernels(
    ...     kernels=[[4.0, 0.0], [0.0, 1.0], [2.0, 0.0]], scores=[0.9, 0.5, 0.7], categories=[1, 1, 1]
    ... )
    >>> kernels.tolist()
    [[3.0, 0.0], [0.0, 1.0]]
    """
    check_numbers(similarity_threshold=similarity_threshold)
    gate = Gate()
    kernel = gate.numbers("kernels", kernels, "ND")
    score = gate.numbers("scores", scores, "N")
    category = gate.integers("categories", categories, "N")
    order = by_score(score)
    kernel, score, category = kernel[order], score[order], category[order]
    similar = (_cosines(kernel) >= similarity_threshold) & (category[:, None] == category)
    np.fill_diagonal(similar, True)
    first = similar.argmax(0) if len(kernel) else np.zeros(0, np.intp)
    stays = first == np.arange(len(kernel))
    # What joins an absorbed kernel goes with it.
    means = _means(kernel, first, len(kernel))
    return means[stays], score[stays], category[stays]


def average_stuff_kernels(*, kernels: Any, scores: Any, categories: Any) -> Kernels:
    """Average the kernels of each stuff class.

    Parameters
    ----------
    kernels : (N, D) float
        One per level and class, the mean over the positions of the class.
    scores : (N,) float
        Of the kernels.
    categories : (N,) int
        The category id of each kernel; the class that stands for all things may be among them.

    Returns
    -------
    kernels : (M, D) float
        One per class that is there, in the order of category ids.
    scores : (M,) float
        Means.
    categories : (M,) int64
        Of each.

    Raises
    ------
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> from pqeval.fusion import panoptic_fcn
    >>> kernels, scores, categories = panoptic_fcn.average_stuff_kernels(
    ...     kernels=[[4.0, 0.0], [0.0, 1.0], [2.0, 0.0]], scores=[0.75, 0.5, 0.25], categories=[8, 7, 8]
    ... )
    >>> kernels.tolist(), scores.tolist(), categories.tolist()
    ([[0.0, 1.0], [3.0, 0.0]], [0.5, 0.5], [7, 8])
    """
    gate = Gate()
    kernel = gate.numbers("kernels", kernels, "ND")
    score = gate.numbers("scores", scores, "N")
    found, place = np.unique(gate.integers("categories", categories, "N"), return_inverse=True)
    return _means(kernel, place, len(found)), _means(score[:, None], place, len(found))[:, 0], found


def masks_from_kernels(*, kernels: Any, features: Any) -> Floats:
    """Multiply kernels with features at every position, a 1 by 1 convolution.

    Parameters
    ----------
    kernels : (M, D) float
        One per mask.
    features : (D, H, W) float
        What they are multiplied with.

    Returns
    -------
    (M, H, W) float
        Logits.

    Raises
    ------
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> from pqeval.fusion import panoptic_fcn
    >>> panoptic_fcn.masks_from_kernels(kernels=[[1.0, -1.0]], features=[[[5.0, 1.0]], [[2.0, 2.0]]]).tolist()
    [[[3.0, -1.0]]]
    """
    gate = Gate()
    feature = gate.numbers("features", features, "DHW")
    kernel = gate.numbers("kernels", kernels, "MD")
    product: Floats = kernel @ feature.reshape(len(feature), -1)
    return product.reshape(len(kernel), *feature.shape[1:])


def _cosines(kernels: Floats) -> NDArray[np.float64]:
    wide = kernels.astype(np.float64)
    products = wide @ wide.T
    squares = np.diag(products)
    lengths = np.sqrt(squares[:, None] * squares)
    # A kernel of zeros points nowhere and is like no other.
    return np.divide(products, lengths, out=np.full_like(products, -np.inf), where=lengths > 0)


def _means(rows: Floats, place: NDArray[np.intp], count: int) -> Floats:
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, place, rows)
    means: Floats = (sums / np.maximum(np.bincount(place, minlength=count), 1)[:, None]).astype(rows.dtype)
    return means
