"""A PQ near zero whose reason is the category ids, not the segments."""

from __future__ import annotations

import numpy as np
import pytest

import pqeval

IDS = (3, 5, 9, 14)
TABLE = [{"id": number, "isthing": 1} for number in range(16) if number != 7]
TRUTH = np.array([[1, 1, 2, 2], [3, 3, 4, 4]])


def warnings(ids, *, truth=TRUTH):
    """The warnings for a prediction with the right segments under other category ids."""
    gt = (truth, [{"id": place, "category_id": number} for place, number in enumerate(IDS, 1)])
    pred = (TRUTH, [{"id": place, "category_id": number} for place, number in enumerate(ids, 1)])
    return pqeval.panoptic_quality(gt=gt, pred=pred, categories=TABLE).warnings


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (
            (4, 6, 10, 15),
            "the ids seem shifted by +1 (predicted 4 overlaps ground truth 3 in 100 % of 1, predicted",
        ),
        ((1, 3, 8, 12), "the ids seem permuted (predicted 1 overlaps ground truth 3 in 100 % of 1, predicted 3 "),
        ((5, 3, 14, 9), "the ids seem permuted (predicted 3 overlaps ground truth 5 in 100 % of 1, predicted 5 "),
    ],
)
def test_it_says_how_the_ids_are_off(ids, said):
    (line,) = warnings(ids)
    assert line.startswith(
        "[categories-misaligned] 4 of 4 ground-truth segments are found with IoU > 0.5 under another category id: "
    )
    assert said in line
    assert line.endswith("; do: map the class numbers of the network to the dataset's category ids before saving")


@pytest.mark.parametrize("start", [0, 1])
def test_it_recognises_places_in_the_table(start):
    table = [{"id": number, "isthing": 1} for number in (1, 2, 3, 4, 11, 12, 13, 14)]
    gt = (TRUTH, [{"id": place, "category_id": 10 + place} for place in range(1, 5)])
    ids = [4 + start, 5 + start, 6 + start, 7 + start]
    extra = [{"id": number, "isthing": 1} for number in range(5, 9)]
    table = table[:4] + table[4:] + extra
    pred = (TRUTH, [{"id": place, "category_id": number} for place, number in enumerate(ids, 1)])
    (line,) = pqeval.panoptic_quality(gt=gt, pred=pred, categories=table).warnings
    assert f"the ids seem to be places in the category table, counted from {start} (" in line


def test_it_keeps_quiet_where_anything_matches_or_little_is_found():
    assert warnings((3, 6, 10, 15)) == ()
    assert warnings((4, 6, 10, 15), truth=np.array([[1, 2, 3, 4], [1, 2, 3, 4]])) == ()
