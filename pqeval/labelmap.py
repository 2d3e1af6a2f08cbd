"""The one internal picture: a label map as runs. The gate for ids, dtypes and shapes of maps stands here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.core import kernels
from pqeval.errors import ImageError, ShapeError

__all__ = ["MAX_ID", "LabelMap", "as_integers"]

MAX_ID = 2**32 - 1
MAX_PIXELS = 2**31 - 1  # products of two row numbers must fit into int64


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Segment ids of an image (or volume, or point cloud) as runs in row-major order; id 0 is void.

    Build it with :meth:`from_array`; the constructor trusts its arguments.

    Parameters
    ----------
    shape : tuple of int
        Shape of the dense map.
    ends : (R,) int64
        Where each run ends (exclusive); the last entry is the number of pixels.
    ids : (R,) uint32
        Id of each run; neighbours may be equal.

    Examples
    --------
    >>> import numpy as np
    >>> from pqeval import LabelMap
    >>> runs = LabelMap.from_array(np.array([[0, 0, 7], [7, 7, 7]]))
    >>> runs.ends.tolist(), runs.ids.tolist()
    ([2, 6], [0, 7])
    >>> bool((runs.to_array() == [[0, 0, 7], [7, 7, 7]]).all())
    True
    """

    shape: tuple[int, ...]
    ends: npt.NDArray[np.int64]
    ids: npt.NDArray[np.uint32]

    @classmethod
    def from_array(cls, array: Any) -> LabelMap:
        """Scan a dense map once.

        Parameters
        ----------
        array : array_like of int, any shape
            Segment ids, 0 to 2**32 - 1. Any integer dtype; numpy, torch (on the CPU), jax, or anything with
            ``__array__`` or ``__dlpack__``.

        Returns
        -------
        LabelMap

        Raises
        ------
        ImageError
            For a dtype that holds no integers, and for ids outside the range.
        ShapeError
            For an array without pixels.
        """
        dense = as_integers(array)
        if dense.size == 0 or dense.ndim == 0:
            raise ShapeError(
                code="empty-map",
                found=f"an id map of shape {dense.shape}",
                expected="a map with at least one pixel, usually (H, W)",
                remedy="pass the whole map of the image",
            )
        if dense.size > MAX_PIXELS:
            raise ShapeError(
                code="map-too-large",
                found=f"an id map of {dense.size} pixels",
                expected=f"at most {MAX_PIXELS}",
                remedy="split the map into tiles that no segment crosses",
            )
        if dense.dtype != np.uint32:
            low, high = int(dense.min()), int(dense.max())
            if low < 0 or high > MAX_ID:
                raise ImageError(
                    code="id-range",
                    found=f"an id map with the id {low if low < 0 else high}",
                    expected=f"ids from 0 (void) to {MAX_ID}",
                    remedy="mark void as 0 and number the segments from 1",
                )
        flat = np.ascontiguousarray(dense, dtype=np.uint32).reshape(-1)
        if not flat.flags.writeable:  # numba would compile a second version for read-only arrays
            flat = flat.copy()
        ends, ids = kernels.dense_runs(flat)
        return cls(tuple(dense.shape), ends, ids)

    def to_array(self) -> npt.NDArray[np.uint32]:
        """Return the dense map.

        Returns
        -------
        ndarray of uint32, shape ``self.shape``
        """
        return np.repeat(self.ids, np.diff(self.ends, prepend=0)).reshape(self.shape)

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return int(self.ends[-1])

    def present(self) -> npt.NDArray[np.uint32]:
        """Return the ids that own at least one pixel, void included.

        Returns
        -------
        (K,) uint32
            Ascending.
        """
        return np.unique(self.ids)


def as_integers(array: Any) -> npt.NDArray[np.integer[Any]]:
    """Turn what users call an array into a numpy array of integers, without touching its values.

    Parameters
    ----------
    array : array_like
        Numpy, torch, jax, nested lists, or anything with ``__array__`` or ``__dlpack__``.

    Returns
    -------
    ndarray of an integer dtype

    Raises
    ------
    ImageError
        If it cannot be read as an array of integers.
    """
    dense: Any
    try:
        if hasattr(array, "__dlpack__") and not hasattr(array, "__array__"):
            dense = np.from_dlpack(array)
        else:
            dense = np.asarray(array)
    except (TypeError, ValueError, BufferError, RuntimeError) as reason:
        said = (str(reason) or type(reason).__name__).splitlines()[0]
        raise ImageError(
            code="not-an-array",
            found=f"a {type(array).__name__} that numpy cannot read: {said}",
            expected="an array of integers in the memory of this machine",
            remedy="make its rows equally long; for torch, move it over first with `.cpu().numpy()`",
        ) from reason
    if isinstance(array, np.ma.MaskedArray):
        raise ImageError(
            code="masked-array",
            found="a masked array, whose mask would be lost",
            expected="an array without a mask",
            remedy="fill the masked pixels with void, `.filled(0)`",
        )
    if dense.dtype.kind not in "iu":
        raise ImageError(
            code="id-dtype",
            found=f"an array of {dense.dtype}",
            expected="integers",
            remedy="convert it yourself where no id is lost, for example `.astype('uint32')`",
        )
    integers: npt.NDArray[np.integer[Any]] = dense
    return integers
