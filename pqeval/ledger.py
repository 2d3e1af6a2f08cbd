"""What a metric derives from overlaps: one row per segment, keyed by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pqeval.errors import DataWarning, MergeError
from pqeval.image_ids import ImageId, Key, image_key

__all__ = ["Column", "FrameLedger", "Ledger", "Outcome", "Side", "Tally", "all_rows", "tally"]


class Side(IntEnum):
    """Which side a row speaks of."""

    GT = 0
    PRED = 1


class Column(IntEnum):
    """Columns of :attr:`FrameLedger.rows`.

    ``PARTNER`` is the segment of the other side with IoU > 1/2: the match of a TP, and on FN and FP rows the
    segment that would have matched had its category been right (0 where there is none). ``VOID`` counts the
    pixels of a segment that are void on the other side, ``CROWD`` those on the crowds that can excuse it.
    """

    SIDE = 0
    SEGMENT = 1
    CATEGORY = 2
    OUTCOME = 3
    PARTNER = 4
    INTER = 5
    UNION = 6
    AREA = 7
    VOID = 8
    CROWD = 9


class Outcome(IntEnum):
    """What became of a segment."""

    TP = 1
    FN = 2
    FP = 3
    VOID_EXCUSED = 4
    CROWD_EXCUSED = 5
    CROWD = 6
    UNKNOWN = 7
    IGNORED = 8
    SMALL = 9
    UNKNOWN_EXCUSED = 10


@dataclass(frozen=True, eq=False)
class FrameLedger:
    """The rows of one image.

    Parameters
    ----------
    image_id : str, int, float, bool or None
        The image.
    rank : int
        Its place in the ground-truth file, 0 where there is none.
    pixels, unknown_pixels : int
        Pixels of the image, and those of them predicted as unknown.
    rows : (N, 10) int64
        See :class:`Column`; gt rows by ascending segment id, then predicted rows likewise.
    warnings : tuple of DataWarning
        What should be known about this image.
    stratum : str or None
        What the image is averaged with first, where the convention does so.
    pairs : (K, 3) int64
        Every pair of segments that share a pixel: place of the gt segment, place of the predicted segment, pixels
        shared. Places count the segments of a side by ascending id, from 1; 0 is void.
    scores : (P,) float64, optional
        How sure the network was of each predicted segment, by ascending id; NaN where it does not say.
    deviations : dict of str to int
        Segments that were treated otherwise than the reference program would, by the rule concerned.
    """

    image_id: ImageId
    rank: int
    pixels: int
    unknown_pixels: int
    rows: npt.NDArray[np.int64]
    warnings: tuple[DataWarning, ...] = ()
    stratum: str | None = None
    pairs: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    scores: npt.NDArray[np.float64] | None = None
    deviations: Mapping[str, int] = field(default_factory=dict)

    def same_counts(self, other: FrameLedger) -> bool:
        """Whether both were counted from equal segments that share equal pixels, with equal outcomes."""
        return (
            self.pixels == other.pixels
            and self.unknown_pixels == other.unknown_pixels
            and self.stratum == other.stratum
            and np.array_equal(self.rows, other.rows)
            and np.array_equal(self.pairs, other.pairs)
        )


@dataclass
class Ledger:
    """Frame ledgers by image; adding an image twice counts it once.

    Parameters
    ----------
    frames : dict
        Frame ledgers by :func:`~pqeval.image_ids.image_key`.
    """

    frames: dict[Key, FrameLedger] = field(default_factory=dict)

    def check(self, frame: FrameLedger) -> None:
        """Raise :class:`MergeError` if the image is here already with other counts."""
        known = self.frames.get(image_key(frame.image_id))
        if known is not None and not known.same_counts(frame):
            raise MergeError(
                code="merge-conflict",
                found="two different counts for one image id",
                expected="every image id once, or the same image again (padded distributed samplers do that)",
                remedy="give every image its own id, and merge only parts that scored the same predictions",
                image_id=frame.image_id,
            )

    def add(self, frame: FrameLedger) -> None:
        """Add one image; an equal repetition adds no counts."""
        self.check(frame)
        self._join(frame)

    def merge(self, other: Ledger) -> None:
        """Add all images of another ledger, or none if one of them conflicts."""
        for frame in other.frames.values():
            self.check(frame)
        for frame in other.frames.values():
            self._join(frame)

    def _join(self, frame: FrameLedger) -> None:
        # Both sides of a merge may have been told different things about one image (stated areas, say). The
        # order of merging must not decide which of them is reported.
        key = image_key(frame.image_id)
        known = self.frames.get(key, frame)
        said = {str(warning): warning for warning in known.warnings + frame.warnings}
        rules = sorted(known.deviations.keys() | frame.deviations.keys())
        deviations = {rule: max(known.deviations.get(rule, 0), frame.deviations.get(rule, 0)) for rule in rules}
        warnings = tuple(said[text] for text in sorted(said))
        scores = known.scores
        if frame.scores is not None:
            scores = frame.scores if scores is None else np.fmax(scores, frame.scores)
        self.frames[key] = replace(known, warnings=warnings, deviations=deviations, scores=scores)

    def __len__(self) -> int:
        return len(self.frames)

    def ordered(self, by_file: bool = False) -> Iterator[FrameLedger]:
        """Yield the images by id, or by their place in the ground-truth file and then by id.

        Either order is a property of the data, so that sums do not depend on who counted what, and when.
        """
        for _, frame in sorted(self.frames.items(), key=lambda item: (item[1].rank if by_file else 0, item[0])):
            yield frame


class Tally(NamedTuple):
    """What happened to some segments, their classes taken together."""

    tp: int
    fp: int
    fn: int
    iou_sum: float

    @property
    def half(self) -> float:
        """TP + FP/2 + FN/2."""
        return self.tp + 0.5 * self.fp + 0.5 * self.fn

    @property
    def lost(self) -> float:
        """How much of that is no IoU."""
        return self.half - self.iou_sum


def tally(rows: npt.NDArray[np.int64]) -> Tally:
    """Count rows of the ledger, and add the IoUs of TPs one by one.

    Parameters
    ----------
    rows : (N, 10) int64
        Of an image, or some of them.

    Returns
    -------
    Tally
    """
    outcome = rows[:, Column.OUTCOME]
    pairs = rows[(rows[:, Column.SIDE] == Side.GT) & (outcome == Outcome.TP)]
    fp, fn = (int(np.count_nonzero(outcome == wanted)) for wanted in (Outcome.FP, Outcome.FN))
    return Tally(len(pairs), fp, fn, float(sum((pairs[:, Column.INTER] / pairs[:, Column.UNION]).tolist())))


def all_rows(frames: Sequence[FrameLedger]) -> npt.NDArray[np.int64]:
    """Return the rows of all frames, one below the other; shape (N, 10), int64."""
    return np.concatenate([np.zeros((0, len(Column)), np.int64), *(frame.rows for frame in frames)])
