"""Slow twins of the statistics, in plain Python: PQ from lists of images, the bootstrap, swaps, Holm.

An image is a dict from class to ``(ious, fp, fn)``: the IoU of each of its TPs, and how many FPs and FNs it has.
"""

from __future__ import annotations

import itertools
from fractions import Fraction


def pq(images, classes=None):
    """PQ of some images, each counted as often as it is listed; ``None`` where no class occurs."""
    sums = {}
    for image in images:
        for name, (ious, fp, fn) in image.items():
            total = sums.setdefault(name, [Fraction(0), Fraction(0)])
            total[0] += sum(Fraction(iou) for iou in ious)
            total[1] += len(ious) + Fraction(fp, 2) + Fraction(fn, 2)
    scores = [
        iou / half for name, (iou, half) in sorted(sums.items()) if half and (classes is None or name in classes)
    ]
    return sum(scores) / len(scores) if scores else None


def pq_fixed(images, kept):
    """The same, with the classes ``kept`` averaged as 0 where they lack."""
    total = Fraction(0)
    for name in kept:
        own = pq(images, {name})
        total += 0 if own is None else own
    return total / len(kept)


def bootstrap(images, drawn, score=pq):
    """Score each resample, a list of places of images."""
    return [score([images[place] for place in places]) for places in drawn]


def quantile(values, share):
    """The linear quantile of Hyndman and Fan's type 7."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def swap_p(ones, twos, score=pq):
    """The share of all exchanges of two lists of images whose difference is as large as the observed one."""
    observed = abs(score(twos) - score(ones))
    reached = count = 0
    for flips in itertools.product((False, True), repeat=len(ones)):
        first = [two if flip else one for one, two, flip in zip(ones, twos, flips, strict=True)]
        second = [one if flip else two for one, two, flip in zip(ones, twos, flips, strict=True)]
        reached += abs(score(second) - score(first)) >= observed
        count += 1
    return reached / count


def bootstrap_p(differences):
    """The two-sided p-value of paired differences."""
    count = len(differences)
    fewer = sum(difference <= 0 for difference in differences)
    more = sum(difference >= 0 for difference in differences)
    return min(1.0, 2 * min((1 + fewer) / (count + 1), (1 + more) / (count + 1)))


def holm(p_values):
    """Adjust by the definition: the largest, over all that are not larger, of p times how many are left."""
    order = sorted(range(len(p_values)), key=lambda place: (p_values[place], place))
    count = len(p_values)
    adjusted = {}
    for rank, place in enumerate(order):
        adjusted[place] = max(min(1.0, (count - before) * p_values[order[before]]) for before in range(rank + 1))
    return [adjusted[place] for place in range(count)]
