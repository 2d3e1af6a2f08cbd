"""The gate for arrays and settings: after it every rule can rely on shapes, types and finite numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.errors import CategoryError, DataError, ShapeError, UsageError

__all__ = ["Gate", "check_counts", "check_numbers", "ids_of"]


class Gate:
    """Reads the arrays of one call.

    Shapes are written as letters, ``"KHW"``; a letter means the same number in all arrays of the call, and a digit
    means itself.
    """

    def __init__(self) -> None:
        self.sizes: dict[str, tuple[int, str]] = {}

    def numbers(self, name: str, value: Any, axes: str) -> NDArray[np.floating[Any]]:
        """Read finite numbers; float32 and float64 stay what they are, all else becomes float32.

        Raises
        ------
        DataError
            If they are none, or do not have this shape.
        """
        found = self._array(name, value, axes, "fiub", "numbers")
        if found.dtype not in (np.float32, np.float64):
            found = found.astype(np.float32)
        # Minimum and maximum show NaN and infinity without another array of the same size.
        if found.size and not (np.isfinite(found.min()) and np.isfinite(found.max())):
            raise DataError(
                code="fusion-not-finite",
                found=f"{name} holds NaN or infinity",
                expected="finite numbers",
                remedy="look for a division by zero or a logarithm of it; for -inf write a large negative number",
            )
        return found

    def probabilities(self, name: str, value: Any, axes: str) -> NDArray[np.floating[Any]]:
        """Read numbers from 0 to 1; ``bool`` becomes 0 and 1.

        Raises
        ------
        DataError
            If they are none, or do not have this shape.
        """
        found = self.numbers(name, value, axes)
        if found.size and not (found.min() >= 0 and found.max() <= 1):
            raise DataError(
                code="fusion-probability",
                found=f"{name} holds numbers from {found.min():.6g} to {found.max():.6g}",
                expected="probabilities from 0 to 1, or bool",
                remedy="apply the sigmoid to logits; divide masks of 0 and 255 by 255",
            )
        return found

    def integers(self, name: str, value: Any, axes: str) -> NDArray[np.int64]:
        """Read integers.

        Raises
        ------
        DataError
            If they are none, or do not have this shape.
        """
        return self._array(name, value, axes, "iu", "integers").astype(np.int64)

    def categories(self, value: Any, things: frozenset[int]) -> NDArray[np.int64]:
        """Read the category of each instance.

        Raises
        ------
        DataError
            If they are no integers, one per instance.
        CategoryError
            If one of them is no thing.
        """
        found = self.integers("categories", value, "K")
        strange = sorted(set(found.tolist()) - things)
        if strange:
            raise CategoryError(
                code="fusion-category",
                found=f"categories holds {strange[0]}, which is not in things",
                expected=f"for instances, only things: {sorted(things)!r:.60}",
                remedy="map the classes of the detector to category ids, and name all things in things",
            )
        return found

    def _array(self, name: str, value: Any, axes: str, kinds: str, noun: str) -> NDArray[Any]:
        try:
            found = np.asarray(value)
        except (TypeError, ValueError, RuntimeError) as reason:
            said = (str(reason) or type(reason).__name__).splitlines()[0]
            raise DataError(
                code="fusion-array",
                found=f"{name} is a {type(value).__name__} that numpy cannot read: {said}",
                expected=f"{noun} of shape {_form(axes)} in the memory of this machine",
                remedy="make its rows equally long; for torch, move it over first with `.detach().cpu().numpy()`",
            ) from reason
        # An empty list is of float64; it holds no wrong number.
        if found.dtype.kind not in kinds and found.size:
            raise DataError(
                code="fusion-array",
                found=f"{name} is an array of {found.dtype}",
                expected=f"{noun} of shape {_form(axes)}",
                remedy="convert it yourself where no number is lost",
            )
        self._bind(name, found.shape, axes)
        return found

    def _bind(self, name: str, shape: tuple[int, ...], axes: str) -> None:
        if len(shape) != len(axes):
            raise _misshapen(name, shape, f"shape {_form(axes)}")
        for size, axis in zip(shape, axes, strict=True):
            known, first = (int(axis), "") if axis.isdigit() else self.sizes.setdefault(axis, (size, name))
            if size != known:
                where = f", where {axis} is {known} as in {first}" if first else ""
                raise _misshapen(name, shape, f"shape {_form(axes)}{where}")
            if size == 0 and axis in "HW":
                raise _misshapen(name, shape, f"shape {_form(axes)} with at least one pixel")


def _misshapen(name: str, shape: tuple[int, ...], expected: str) -> ShapeError:
    return ShapeError(
        code="fusion-shape",
        found=f"{name} has shape {shape}",
        expected=expected,
        remedy="bring all maps to the size of the image; without instances masks is `np.zeros((0, H, W))`",
    )


def _form(axes: str) -> str:
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"


def ids_of(name: str, value: Any) -> tuple[int, ...]:
    """Read category ids in the order given.

    Raises
    ------
    CategoryError
        If something else is among them.
    """
    plain = value.tolist() if hasattr(value, "tolist") else value
    ids = list(plain) if isinstance(plain, Iterable) and not isinstance(plain, str) else [plain]
    if not all(isinstance(number, int | np.integer) and not isinstance(number, bool) for number in ids):
        raise CategoryError(
            code="fusion-ids",
            found=f"{name} is {value!r:.60}",
            expected="category ids, which are integers",
            remedy=f"for example {name}=[1, 2, 3]",
        )
    return tuple(int(number) for number in ids)


def check_numbers(**settings: Any) -> None:
    """Check that settings are numbers; nothing compares with NaN as anybody expects.

    Raises
    ------
    UsageError
        If one is not.
    """
    for name, value in settings.items():
        if not isinstance(value, Real) or math.isnan(value):
            raise UsageError(
                code="fusion-setting",
                found=f"{name} is {value!r:.60}",
                expected="a number",
                remedy="leave it out for the default",
            )


def check_counts(**settings: Any) -> None:
    """Check that settings are whole numbers from 0: as the end of a slice, -1 would drop the last.

    Raises
    ------
    UsageError
        If one is not.
    """
    for name, value in settings.items():
        if not isinstance(value, int | np.integer) or value < 0:
            raise UsageError(
                code="fusion-setting",
                found=f"{name} is {value!r:.60}",
                expected="a whole number from 0",
                remedy="leave it out for the default",
            )
