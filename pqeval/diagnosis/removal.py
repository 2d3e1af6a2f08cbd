"""What changes in the counts when predicted segments become unknown.

A segment that becomes unknown no longer matches, and is no FP. Its pixels are unknown then, which in some
conventions takes them out of the unions of the gt segments below, or excuses these: so a pair that did not match
can match now. All of it follows from the pixels that pairs share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pqeval.diagnosis.tables import Pairs, Tables
from pqeval.ledger import Outcome
from pqeval.void import VoidPolicy

__all__ = ["STAYS", "Changes", "changes_of", "runs_of"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
STAYS = -1


@dataclass(frozen=True, eq=False)
class Changes:
    """What is added to counts.

    Parameters
    ----------
    key : (N,) int64
        When, or in which scenario.
    frame, category : (N,) int64
        Where.
    iou : (N,) float64
        Added to the sum of IoU.
    tp, fp, fn : (N,) int64
        Added to the counts.
    """

    key: Ints
    frame: Ints
    category: Ints
    iou: npt.NDArray[np.float64]
    tp: Ints
    fp: Ints
    fn: Ints

    @classmethod
    def joined(cls, parts: list[Changes]) -> Changes:
        """Put several together."""
        return cls(
            *(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True))
        )


def changes_of(tables: Tables, policy: VoidPolicy, key: Ints, *, in_turn: bool) -> Changes:
    """Work out how the counts change.

    Parameters
    ----------
    tables : Tables
        The run.
    policy : VoidPolicy
        The convention.
    key : (P,) int64
        When each predicted segment becomes unknown, -1 for never.
    in_turn : bool
        Whether segments become unknown one after the other, by ascending key, and stay so. Otherwise each key is a
        scenario of its own, in which only its segments are unknown.

    Returns
    -------
    Changes
        Relative to the state before, or, for scenarios, to the run.
    """
    gt, pred = tables.gt, tables.pred
    key = np.where(pred.counts, key, STAYS)
    matters = policy.excuse_missed or not policy.unknown_in_union
    causes = tables.pairs if matters else tables.matches
    rivals = causes.taken(gt.category[causes.gt] == pred.category[causes.pred])
    turns = _turns(causes.taken(key[causes.pred] >= 0), gt.void, key, in_turn)

    count = np.bincount(rivals.gt, minlength=len(gt))
    begin = np.cumsum(count) - count
    each = count[turns.gt]
    turn = np.repeat(np.arange(len(turns.gt)), each)
    before = np.cumsum(each) - each
    rival = begin[turns.gt][turn] + np.arange(len(turn)) - before[turn]
    there = key[rivals.pred[rival]]
    alive = (there == STAYS) | (there > turns.key[turn] if in_turn else there != turns.key[turn])
    union = rivals.union[rival] - (0 if policy.unknown_in_union else (turns.void - gt.void[turns.gt])[turn])
    match = alive & (union > 0) & (2 * rivals.inter[rival] > union)
    iou = np.where(match, rivals.inter[rival] / np.where(match, union, 1), 0.0)

    known = (rivals.union > 0) & (2 * rivals.inter > rivals.union)
    old_match, old_iou = known[rival], np.where(known, rivals.iou(), 0.0)[rival]
    found = np.bincount(turn, match, len(turns.gt)) > 0
    missed = ~found & _counts_missed(gt.area[turns.gt], turns.void, policy)
    old_missed = gt.outcome[turns.gt] == Outcome.FN
    if in_turn and len(turns.gt):
        follows = np.append(False, turns.gt[1:] == turns.gt[:-1])
        later = np.flatnonzero(follows[turn])
        old_match[later], old_iou[later] = match[later - each[turn[later]]], iou[later - each[turn[later]]]
        old_missed[follows] = missed[:-1][follows[1:]]

    appears = match & ~old_match & (pred.outcome[rivals.pred[rival]] == Outcome.FP)
    gone = (key >= 0) & (pred.outcome == Outcome.FP)
    if in_turn:
        gone[rivals.pred[rival[appears]]] = False  # it has stopped being an FP before
    moved = (match != old_match) | (iou != old_iou)
    fates = missed != old_missed
    cause = turns.gt[turn]
    return Changes.joined(
        [
            _changes(
                turns.key[turn[moved]],
                gt.frame[cause[moved]],
                gt.category[cause[moved]],
                iou=(iou - old_iou)[moved],
                tp=match[moved].astype(np.int64) - old_match[moved],
            ),
            _changes(
                turns.key[fates],
                gt.frame[turns.gt[fates]],
                gt.category[turns.gt[fates]],
                fn=missed[fates].astype(np.int64) - old_missed[fates],
            ),
            _vanished(turns.key[turn[appears]], tables, rivals.pred[rival[appears]]),
            _vanished(key[gone], tables, np.flatnonzero(gone)),
        ]
    )


@dataclass(frozen=True, eq=False)
class _Turns:
    """The moments at which a gt segment has more unknown pixels, by gt segment and key."""

    gt: Ints
    key: Ints
    void: Ints


def _turns(causes: Pairs, void: Ints, key: Ints, in_turn: bool) -> _Turns:
    when = key[causes.pred]
    order = np.lexsort((when, causes.gt))
    gt, when, inter = causes.gt[order], when[order], causes.inter[order]
    starts = runs_of(gt, when)
    if not len(starts):
        return _Turns(gt, when, inter)
    gt, when, inter = gt[starts], when[starts], np.add.reduceat(inter, starts)
    if in_turn:
        sums = np.cumsum(inter)
        first = runs_of(gt)
        inter = sums - np.repeat((sums - inter)[first], np.diff(np.append(first, len(gt))))
    return _Turns(gt, when, void[gt] + inter)


def runs_of(*columns: Ints) -> Ints:
    """Return where each run of equal rows begins."""
    if not len(columns[0]):
        return np.zeros(0, np.int64)
    new = np.zeros(len(columns[0]) - 1, np.bool_)
    for column in columns:
        new |= column[1:] != column[:-1]
    return np.append(0, np.flatnonzero(new) + 1)


def _counts_missed(area: Ints, void: Ints, policy: VoidPolicy) -> Flags:
    """Whether a gt segment without a match is an FN."""
    open_: Flags = np.maximum(area, 0) >= policy.smallest
    return open_ & ~(2 * void > area) if policy.excuse_missed else open_


def _changes(key: Ints, frame: Ints, category: Ints, **columns: npt.NDArray[np.generic]) -> Changes:
    none = np.zeros(len(key), np.int64)
    filled = {name: columns.get(name, none) for name in ("tp", "fp", "fn")}
    return Changes(key, frame, category, columns.get("iou", none).astype(np.float64), **filled)  # type: ignore[arg-type]


def _vanished(key: Ints, tables: Tables, pred: Ints) -> Changes:
    frame, category = tables.pred.frame[pred], tables.pred.category[pred]
    return _changes(key, frame, category, fp=np.full(len(pred), -1, np.int64))
