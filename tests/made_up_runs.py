"""Runs on made-up matches, without pixels: images are the lists that ``naive_statistics`` takes."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import pqeval
from pqeval.ledger import Column, FrameLedger, Ledger, Outcome, Side
from pqeval.scoring import score
from pqeval.void import convention

TABLE = [{"id": 10 * number, "name": f"c{number}", "isthing": number % 2} for number in range(1, 4)]
UNION = 64


def run_of(images, names=None, rule="coco", groups=None, strata=None):
    """Make a run of images, whose IoUs are multiples of 1/64; class k is the k-th of the table."""
    ledger = Ledger()
    for place, image in enumerate(images):
        rows = []
        for category, (ious, fp, fn) in sorted(image.items()):
            for iou in ious:
                inter = int(iou * UNION)
                rows.append((Side.GT, category, Outcome.TP, inter))
                rows.append((Side.PRED, category, Outcome.TP, inter))
            rows += [(Side.PRED, category, Outcome.FP, 0)] * fp + [(Side.GT, category, Outcome.FN, 0)] * fn
        rows.sort(key=lambda row: row[0])
        table = np.zeros((len(rows), len(Column)), np.int64)
        for at, (side, category, outcome, inter) in enumerate(rows):
            table[at, Column.SIDE], table[at, Column.SEGMENT], table[at, Column.CATEGORY] = side, at + 1, category
            table[at, Column.OUTCOME], table[at, Column.PARTNER] = outcome, int(outcome == Outcome.TP)
            table[at, Column.INTER], table[at, Column.UNION], table[at, Column.AREA] = inter, UNION, UNION
        name = place if names is None else names[place]
        ledger.add(FrameLedger(name, place, 100, 0, table, stratum=strata[place] if strata else None))
    categories, policy = pqeval.Categories.of(TABLE), convention(rule)
    result = score(ledger, categories, policy, groups=groups)
    return pqeval.Run(result, ledger, categories, policy, groups or {})


IOUS = st.integers(33, 64).map(lambda number: number / UNION)
IMAGES = st.dictionaries(
    st.integers(0, 2),
    st.tuples(st.lists(IOUS, max_size=2), st.integers(0, 2), st.integers(0, 2)),
    max_size=3,
)


def data(fewest=2, most=7):
    """Draw images, at least one of which has something to count."""
    return st.lists(IMAGES, min_size=fewest, max_size=most).filter(
        lambda images: any(ious or fp or fn for image in images for ious, fp, fn in image.values())
    )
