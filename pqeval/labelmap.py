"""The one internal picture: a label map as runs. The gate for ids, dtypes and shapes of maps stands here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.core.renaming import distinct_ids, rename_runs
from pqeval.core.scan import scan_lines
from pqeval.errors import ImageError, ShapeError

__all__ = ["MAX_ID", "LabelMap", "as_integers"]

MAX_ID = 2**32 - 1
MAX_PIXELS = 2**31 - 1  # products of two row numbers must fit into int64


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Segment ids of an image (or volume, or point cloud) as lines of runs; id 0 is void.

    A *row* is what the last axis spans. Rows that equal the row above share its *line*, and a line is kept as
    runs. Build it with :meth:`from_array`; the constructor trusts its arguments.

    Parameters
    ----------
    shape : tuple of int
        Shape of the dense map.
    bottoms : (L,) uint32
        The row after the last one of each line; the last entry is the number of rows.
    begin : (L + 1,) uint32
        Where the runs of each line begin; the last entry is R.
    runs : (R,) uint64
        Each run as ``end << 32 | id``, with its end in its line, exclusive. Ids of neighbours in a line differ,
        and so do neighbouring lines.

    Examples
    --------
    >>> import numpy as np
    >>> from pqeval import LabelMap
    >>> lines = LabelMap.from_array(np.array([[0, 0, 7], [0, 0, 7], [7, 7, 7]]))
    >>> lines.bottoms.tolist(), lines.begin.tolist()
    ([2, 3], [0, 2, 3])
    >>> lines.ends.tolist(), lines.ids.tolist()
    ([2, 3, 3], [0, 7, 7])
    >>> bool((lines.to_array()[1] == [0, 0, 7]).all())
    True
    """

    shape: tuple[int, ...]
    bottoms: npt.NDArray[np.uint32]
    begin: npt.NDArray[np.uint32]
    runs: npt.NDArray[np.uint64]

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
        highest = min(MAX_ID, np.iinfo(dense.dtype).max)
        width = dense.shape[-1]
        *columns, sound = scan_lines(_unsigned(dense), dense.size // width, width, highest)
        if not sound:
            low, high = int(dense.min()), int(dense.max())
            raise ImageError(
                code="id-range",
                found=f"an id map with the id {low if low < 0 else high}",
                expected=f"ids from 0 (void) to {MAX_ID}",
                remedy="mark void as 0 and number the segments from 1",
            )
        return cls(tuple(dense.shape), *columns)

    def to_array(self) -> npt.NDArray[np.uint32]:
        """Return the dense map.

        Returns
        -------
        ndarray of uint32, shape ``self.shape``
        """
        rows = np.empty((int(self.bottoms[-1]), self.shape[-1]), np.uint32)
        top = 0
        ends, ids = self.ends, self.ids
        for line, bottom in enumerate(self.bottoms.tolist()):
            part = slice(int(self.begin[line]), int(self.begin[line + 1]))
            rows[top:bottom] = np.repeat(ids[part], np.diff(ends[part], prepend=np.uint32(0)))
            top = bottom
        return rows.reshape(self.shape)

    @property
    def ends(self) -> npt.NDArray[np.uint32]:
        """Where each run ends in its line, exclusive; (R,)."""
        return (self.runs >> np.uint64(32)).astype(np.uint32)

    @property
    def ids(self) -> npt.NDArray[np.uint32]:
        """Id of each run; (R,)."""
        return self.runs.astype(np.uint32)

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return math.prod(self.shape)

    def with_ids(self, ids: npt.NDArray[np.uint32]) -> LabelMap:
        """Return the map with other ids for its runs; equal ones must stay equal, and different ones different."""
        return replace(self, runs=self.runs >> np.uint64(32) << np.uint64(32) | ids)

    def relabelled(self, table: npt.NDArray[np.uint32]) -> LabelMap:
        """Return the map with every id looked up in a table.

        Parameters
        ----------
        table : (T,) uint32
            The new id of each old one, with T above the largest id.

        Returns
        -------
        LabelMap
        """
        old = self.present()
        return self.mapped(old, table[old])

    def mapped(self, old: npt.NDArray[np.uint32], new: npt.NDArray[np.uint32]) -> LabelMap:
        """Return the map with other ids; where ids fall together, runs and lines do too.

        Parameters
        ----------
        old : (K,) uint32
            All ids that are present.
        new : (K,) uint32
            What each becomes.

        Returns
        -------
        LabelMap

        Raises
        ------
        ImageError
            If an id that is present is not among them.
        """
        if np.array_equal(old, new):
            return self
        runs, sound = rename_runs(self.runs, np.array(old, np.uint32), np.array(new, np.uint32))
        if not sound:
            raise ImageError(
                code="id-not-renamed",
                found="the map has ids that are to become nothing in particular",
                expected="all ids that are present",
                remedy="take them from `present()`",
            )
        changed = replace(self, runs=runs)
        return changed if len(np.unique(new)) == len(old) else changed._joined()

    def _joined(self) -> LabelMap:
        """Join runs of one id in a line, and then lines that are equal."""
        ids, begin = self.ids, self.begin.astype(np.int64)
        last = np.zeros(len(ids), bool)
        last[begin[1:] - 1] = True
        kept = last | (ids != np.append(ids[1:], ids[-1:]))
        runs = self.runs[kept]
        counts = np.add.reduceat(kept, begin[:-1], dtype=np.int64)
        starts = np.cumsum(counts) - counts
        # A line equals the one above if it has as many runs and each is the one that many places before it.
        before = np.arange(len(runs)) - np.repeat(counts, counts)
        differs = np.add.reduceat(runs != runs[np.maximum(before, 0)], starts, dtype=np.int64) > 0
        fresh = np.append(True, differs[1:] | (counts[1:] != counts[:-1]))
        bottoms = self.bottoms[np.append(fresh[1:], True)]
        kept_counts = counts[fresh]
        return LabelMap(
            self.shape,
            bottoms,
            np.append(0, np.cumsum(kept_counts)).astype(np.uint32),
            runs[np.repeat(fresh, counts)],
        )

    def resized(self, shape: tuple[int, ...]) -> LabelMap:
        """Return the map at another size: every pixel takes the id at its centre.

        Parameters
        ----------
        shape : tuple of int
            As many axes as this map has.

        Returns
        -------
        LabelMap
        """
        if shape == self.shape:
            return self
        dense = self.to_array()
        for axis, (size, before) in enumerate(zip(shape, self.shape, strict=True)):
            centres = (2 * np.arange(size) + 1) * before // (2 * size)
            dense = dense.take(centres, axis)
        return LabelMap.from_array(dense)

    def present(self) -> npt.NDArray[np.uint32]:
        """Return the ids that own at least one pixel, void included.

        Returns
        -------
        (K,) uint32
            Ascending.
        """
        return np.sort(distinct_ids(self.runs))


def _unsigned(dense: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The pixels as a flat array of an unsigned dtype; a copy only where they are not contiguous or not native."""
    native = dense.astype(dense.dtype.newbyteorder("="), copy=False)
    flat = np.ascontiguousarray(native).reshape(-1).view(f"u{dense.dtype.itemsize}")
    flat.flags.writeable = False  # always: numba would compile another version for the other kind
    return flat


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
