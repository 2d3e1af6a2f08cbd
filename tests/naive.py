"""Slow twins: the kernels, and a whole evaluator, in plain Python and as close to the definitions as can be.

Nothing of pqeval is imported and nothing is fast. A segment is a set of pixels, a decision about 1/2 is made on
fractions, and no twin uses the uniqueness theorem: every pair is looked at.

Sources: Kirillov, He, Girshick, Rother, Dollár, "Panoptic Segmentation", CVPR 2019, sections 4.1 and 4.2;
cocodataset/panopticapi, ``evaluation.py``, for the convention ``panopticapi``.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import groupby

HALF = Fraction(1, 2)

TAKES_NO_PART = -1
UNKNOWN_IS_WRONG = -2
UNKNOWN_CATEGORY, UNLISTED, CALLED_UNKNOWN = -1, -2, -3
NO_AREA = -(2**63)
TP, FN, FP, VOID_EXCUSED, CROWD_EXCUSED, CROWD, UNKNOWN, IGNORED, SMALL, UNKNOWN_EXCUSED = range(1, 11)
KEEP_VOID, DROP_UNKNOWN, DELETE_VOID, EXCUSE_BY_NONE, EXCUSE_BY_VOID, ANY_CROWD = (2**bit for bit in range(6))
EXCUSE_MISSED, SKIP_PRED_CROWD = 64, 128
GT, PRED = 0, 1


# The kernels, one twin each: the same arguments as sequences of int, lists as results.


def dense_runs(pixels):
    """Group equal neighbours; return where each group ends, and what it consists of."""
    ends, ids, position = [], [], 0
    for number, group in groupby(pixels):
        position += len(list(group))
        ends.append(position)
        ids.append(number)
    return ends, ids


def dense(ends, values):
    """Write runs out pixel by pixel."""
    pixels = []
    for end, value in zip(ends, values, strict=True):
        pixels += [value] * (end - len(pixels))
    return pixels


def scan_lines(pixels, height, width, highest):
    """Group equal neighbouring rows to lines, and each line to runs; also tell whether no id is too high."""
    bottoms, begin, runs, top = [], [0], [], 0
    for line, rows in groupby(pixels[row * width : (row + 1) * width] for row in range(height)):
        top += len(list(rows))
        bottoms.append(top)
        runs += packed(*dense_runs(line))
        begin.append(len(runs))
    return bottoms, begin, runs, all(number <= highest for number in pixels)


def packed(ends, numbers):
    """Write each end and each number as one."""
    return [end * 2**32 + number for end, number in zip(ends, numbers, strict=True)]


def unpacked(runs):
    """Undo :func:`packed`."""
    return [run // 2**32 for run in runs], [run % 2**32 for run in runs]


def dense_lines(bottoms, begin, ends, values):
    """Write lines out pixel by pixel."""
    pixels, top = [], 0
    for line, bottom in enumerate(bottoms):
        part = slice(begin[line], begin[line + 1])
        pixels += (bottom - top) * dense(ends[part], values[part])
        top = bottom
    return pixels


def sort_order(keys):
    """Order the places by their keys, equal ones as they come."""
    return sorted(range(len(keys)), key=lambda place: keys[place])


def find(table, key):
    """Tell the place of a key, or -1."""
    return table.index(key) if key in table else -1


def arrange(ids, categories, crowd, area, known, index, unknown):
    """Sort a list by id, with void in front; classes by place in ``known``, unless declared unknown."""
    classes = dict(zip(known, index, strict=True))
    rows = [(0, UNLISTED, 0, -1, NO_AREA)]
    for place, category in enumerate(categories):
        found = CALLED_UNKNOWN if category in unknown else classes.get(category, UNKNOWN_CATEGORY)
        rows.append((ids[place], found, crowd[place], place, area[place]))
    rows.sort()
    return (*map(list, zip(*rows, strict=True)), sum(row[1] == UNKNOWN_CATEGORY for row in rows))


def rows_of(runs, table):
    """Look the place of each id up; count the ids without a place, and the places (not the first) without id."""
    ends, ids = unpacked(runs)
    rows = [table.index(number) if number in table else len(table) for number in ids]
    return [*packed(ends, rows), 0], rows.count(len(table)), len(set(range(1, len(table))) - set(rows))


def tabulate(*arguments):
    """Arrange a list, then look the runs of its map up."""
    *listing, runs = arguments
    arranged = arrange(*listing)
    return *arranged, *rows_of(runs, arranged[0])


def slot_of(keys, key):
    """Name all places of a hash table where a key may be found or put."""
    return [slot for slot, there in enumerate(keys) if there == (key if key in keys else -1)]


def rehash(keys, sums, capacity):
    """Name what a hash table holds, and what it looks like where it holds nothing."""
    held = {key: total for key, total in zip(keys, sums, strict=True) if key != -1}
    return held, [(-1, 0)] * (capacity - len(held))


def run_overlap(gt_bottoms, gt_begin, gt_rows, gt_count, pred_bottoms, pred_begin, pred_rows, pred_count):
    """Count the pixels of each pair of rows, the pairs ascending."""
    gt = dense_lines(gt_bottoms, gt_begin, *unpacked(gt_rows))
    pred = dense_lines(pred_bottoms, pred_begin, *unpacked(pred_rows))
    assert max(gt) < gt_count
    assert max(pred) < pred_count
    shared = Counter(zip(gt, pred, strict=True))
    pairs = sorted(shared)
    return [g for g, _ in pairs], [p for _, p in pairs], [shared[pair] for pair in pairs]


def dense_sums(*walk):
    """Write the shared pixels of all pairs, none left out."""
    gt_count, pred_count = walk[3], walk[7]
    shared = dict(zip(zip(*run_overlap(*walk)[:2], strict=True), run_overlap(*walk)[2], strict=True))
    return [shared.get((g, p), 0) for g in range(gt_count) for p in range(pred_count)]


def hashed_sums(gt_bottoms, gt_begin, gt_rows, pred_bottoms, pred_begin, pred_rows, pred_count):
    """Name the pairs as one number each, with the shared pixels."""
    gt_count = max(unpacked(gt_rows)[1]) + 1
    gt_row, pred_row, pixels = run_overlap(
        gt_bottoms, gt_begin, gt_rows, gt_count, pred_bottoms, pred_begin, pred_rows, pred_count
    )
    return {g * pred_count + p: n for g, p, n in zip(gt_row, pred_row, pixels, strict=True)}


def trailing_zeros(number):
    """Count how often 2 divides a number."""
    return next(bit for bit in range(64) if number % 2 ** (bit + 1))


def changes(pixels, start):
    """Number whose bit j tells whether pixel ``start + j`` differs from the one before it, for 64 pixels."""
    return sum(2**j for j in range(64) if pixels[start + j] != pixels[start + j - 1])


def excusing_crowds(gt_category, gt_crowd, gt_position, classes, last_only):
    """Mark the crowds of every class: all of them, or the one that the list names last."""
    marks = [0] * len(gt_category)
    for wanted in range(classes):
        crowds = [g for g in range(1, len(marks)) if gt_crowd[g] and gt_category[g] == wanted]
        if last_only and crowds:
            crowds = [max(crowds, key=lambda g: gt_position[g])]
        for g in crowds:
            marks[g] = 1
    return marks


def crowd_pixels(pair_gt, pair_pred, inter, gt_category, pred_category, marks, any_class):
    """Count, for every predicted segment, its pixels on the marked segments of its class, or of all."""
    table = dict(zip(zip(pair_gt, pair_pred, strict=True), inter, strict=True))
    return [
        sum(
            table.get((g, p), 0)
            for g in range(len(gt_category))
            if p > 0 and marks[g] and (any_class or gt_category[g] == pred_category[p])
        )
        for p in range(len(pred_category))
    ]


def charge_unknown(pair_gt, pair_pred, inter, gt_category, gt_crowd, pred_category):
    """Let the class of the most covered gt segment pay (not a crowd; the lowest id among equals)."""
    table = dict(zip(zip(pair_gt, pair_pred, strict=True), inter, strict=True))
    charged = list(pred_category)
    for p, category in enumerate(pred_category):
        if category != UNKNOWN_IS_WRONG:
            continue
        owners = [
            g for g in range(len(gt_category)) if gt_category[g] >= 0 and not gt_crowd[g] and (g, p) in table
        ]
        owners.sort(key=lambda g: (-table[g, p], g))
        charged[p] = gt_category[owners[0]] if owners else TAKES_NO_PART
    return charged


def match_segments(
    pair_gt,
    pair_pred,
    inter,
    gt_ids,
    gt_category,
    gt_crowd,
    gt_area,
    pred_ids,
    pred_category,
    pred_area,
    pred_crowd,
    charged,
    crowd,
    rules,
    smallest,
):
    """Look at every pair, then give every segment its row; return the rows and the number of zero unions.

    Columns: side, segment, category, outcome, partner, inter, union, area, void, crowd. Where stated areas are
    wrong, several pairs of a segment may exceed 1/2: a gt segment has a row per match, and of everything else
    that has no row of its own the last pair is shown. ``rules`` are the constants above, added up.
    """
    has = [rules // 2**bit % 2 for bit in range(8)]
    keep_void, drop_unknown, delete_void, excuse_by_none, excuse_by_void, _, excuse_missed, skip_crowd = has
    table = dict(zip(zip(pair_gt, pair_pred, strict=True), inter, strict=True))
    all_gt, all_pred = range(1, len(gt_ids)), range(1, len(pred_ids))
    nobody = [p for p in range(len(pred_ids)) if p == 0 or pred_category[p] == TAKES_NO_PART]

    def on_void(p):
        return table.get((0, p), 0)

    def on_unknown(g):
        return sum(table.get((g, p), 0) for p in nobody)

    def size(p):
        return pred_area[p] - on_void(p) if delete_void else pred_area[p]

    def union(g, p):
        # What is deleted is not there to be kept, and not there to be taken off once more.
        off = 0 if keep_void or delete_void else on_void(p)
        return gt_area[g] + size(p) - table[g, p] - off - (on_unknown(g) if drop_unknown else 0)

    def excused(p):
        if size(p) == 0:
            return VOID_EXCUSED
        if excuse_by_none:
            return None
        if on_void(p) > HALF * size(p):
            return VOID_EXCUSED
        return CROWD_EXCUSED if not excuse_by_void and on_void(p) + crowd[p] > HALF * size(p) else None

    def missed(g):
        if smallest > 0 and gt_area[g] < smallest:
            return SMALL
        return UNKNOWN_EXCUSED if excuse_missed and on_unknown(g) > HALF * gt_area[g] else FN

    def exceeds(g, p):
        real = gt_category[g] >= 0 and not gt_crowd[g] and pred_category[p] != TAKES_NO_PART
        return real and (g, p) in table and union(g, p) > 0 and Fraction(table[g, p], union(g, p)) > HALF

    def same(g, p):
        return gt_category[g] == pred_category[p]

    def seen(g, p):
        return table[g, p], union(g, p)

    rows = []
    for g in all_gt:
        above = [p for p in all_pred if exceeds(g, p)]
        matches = [p for p in above if same(g, p)]
        outcome = IGNORED if gt_category[g] < 0 else CROWD if gt_crowd[g] else TP if matches else missed(g)
        for p in matches or above[-1:] or [None]:
            shown = (0, 0, 0) if p is None else (pred_ids[p], *seen(g, p))
            rows.append([GT, gt_ids[g], gt_category[g], outcome, *shown, gt_area[g], on_unknown(g), 0])
    for p in all_pred:
        above = [g for g in all_gt if exceeds(g, p)]
        matches = [g for g in above if same(g, p)]
        if skip_crowd and pred_crowd[p]:
            outcome = IGNORED
        elif TAKES_NO_PART in (pred_category[p], charged[p]):
            outcome = UNKNOWN
        elif matches:
            outcome = TP
        else:
            outcome = excused(p) or (SMALL if size(p) < smallest else FP)
        g = (matches or above or [None])[-1]
        shown = (0, 0, 0) if g is None else (gt_ids[g], *seen(g, p))
        rows.append([PRED, pred_ids[p], charged[p], outcome, *shown, size(p), on_void(p), crowd[p]])

    undefined = sum(
        union(g, p) == 0
        for g, p in table
        if g and p and gt_category[g] >= 0 and not gt_crowd[g] and gt_category[g] == pred_category[p]
    )
    return rows, undefined


def sum_areas(rows, inter, count):
    """Sum the pixels of each row."""
    return [
        sum(pixels for row, pixels in zip(rows, inter, strict=True) if row == wanted) for wanted in range(count)
    ]


def settle(
    pair_gt,
    pair_pred,
    inter,
    gt_ids,
    gt_category,
    gt_crowd,
    gt_position,
    gt_stated,
    pred_ids,
    pred_category,
    pred_crowd,
    classes,
    unknown_class,
    stated_areas,
    last_only,
    rules,
    smallest,
):
    """Do all of the above, with categories and areas as lists have them."""
    table = pair_gt, pair_pred, inter
    gt_class = [TAKES_NO_PART if category < 0 else category for category in gt_category]
    outside = {UNKNOWN_CATEGORY: unknown_class, UNLISTED: TAKES_NO_PART, CALLED_UNKNOWN: TAKES_NO_PART}
    skipped = [rules // SKIP_PRED_CROWD % 2 and crowd for crowd in pred_crowd]
    pred_class = [
        TAKES_NO_PART if skip else outside.get(category, category)
        for category, skip in zip(pred_category, skipped, strict=True)
    ]
    counted = sum_areas(pair_gt, inter, len(gt_ids))
    pred_area = sum_areas(pair_pred, inter, len(pred_ids))
    listed = [pixels if area == NO_AREA else area for area, pixels in zip(gt_stated, counted, strict=True)]
    differing = [g for g in range(1, len(gt_ids)) if counted[g] and listed[g] != counted[g]]

    charged = charge_unknown(*table, gt_class, gt_crowd, pred_class)
    every = excusing_crowds(gt_class, gt_crowd, gt_position, classes, False)
    last = excusing_crowds(gt_class, gt_crowd, gt_position, classes, True)
    marks = last if last_only else every
    crowd = crowd_pixels(*table, gt_class, charged, marks, rules // ANY_CROWD % 2)
    gt = gt_ids, gt_class, gt_crowd, listed if stated_areas else counted
    pred = pred_ids, pred_class, pred_area, pred_crowd, charged, crowd
    rows, undefined = match_segments(*table, *gt, *pred, rules, smallest)
    unknown = [number for p, number in zip(pair_pred, inter, strict=True) if pred_class[p] == TAKES_NO_PART]
    first = differing[0] if differing else -1
    return rows, undefined, charged, counted, first, every != last, sum(unknown)


# The whole evaluation of a data set of small images.


class Refused(Exception):
    """The data cannot be scored; the argument names the reason."""


def panoptic_quality(dataset, convention="coco", unknown="error"):
    """Evaluate a data set given as plain lists and dicts.

    Parameters
    ----------
    dataset : dict
        ``categories``: list of ``{"id", "name", "isthing"}``. ``images``, in file order: list of ``{"image_id",
        "gt": {"map", "segments"}, "pred": {"map", "segments"}}`` with maps as lists of rows of ids.
    convention : {"coco", "panopticapi"}
        As in pqeval.
    unknown : {"error", "void", "fp"}
        As in pqeval.

    Returns
    -------
    dict
        ``per_class``: list of dicts with ``id, tp, fp, fn, iou_sum, pq, sq, rq``; ``groups``: All, Things,
        Stuff with ``pq, sq, rq, n``; ``notes``: for every oddity of the data, the ids of the images with it;
        ``excused``: how many predicted segments were forgiven by ``void`` and by ``crowd``.

    Raises
    ------
    Refused
        Where pqeval raises a DataError.
    """
    known = [category["id"] for category in dataset["categories"]]
    counts = {number: {"tp": 0, "fp": 0, "fn": 0, "iou_sum": 0.0} for number in known}
    notes, excused = {}, Counter(void=0, crowd=0)
    images = list(dataset["images"])
    if convention == "coco":
        images.sort(key=lambda image: (isinstance(image["image_id"], str), image["image_id"]))
    for image in images:
        _one_image(image, known, convention, unknown, counts, notes, excused)

    per_class = []
    for number in known:
        row = {"id": number, **counts[number]}
        weight = row["tp"] + 0.5 * row["fp"] + 0.5 * row["fn"]
        row["pq"] = row["iou_sum"] / weight if weight else None
        row["sq"] = (row["iou_sum"] / row["tp"] if row["tp"] else 0.0) if weight else None
        row["rq"] = row["tp"] / weight if weight else None
        per_class.append(row)
    groups = {}
    for name, wanted in (("All", (0, 1)), ("Things", (1,)), ("Stuff", (0,))):
        kinds = {category["id"] for category in dataset["categories"] if category["isthing"] in wanted}
        rows = [row for row in per_class if row["id"] in kinds and row["pq"] is not None]
        groups[name] = {"n": len(rows)}
        for score in ("pq", "sq", "rq"):
            # One by one: from Python 3.12 on, sum() of floats compensates its rounding.
            total = 0.0
            for row in rows:
                total += row[score]
            groups[name][score] = total / len(rows) if rows else None
    return {"per_class": per_class, "groups": groups, "notes": notes, "excused": dict(excused)}


def _one_image(image, known, convention, unknown, counts, notes, excused):
    official = convention == "panopticapi"

    def note(reason):
        notes.setdefault(reason, set()).add(image["image_id"])

    gt_pixels, pred_pixels = _pixel_sets(image["gt"]["map"]), _pixel_sets(image["pred"]["map"])
    if _shape(image["gt"]["map"]) != _shape(image["pred"]["map"]):
        raise Refused("shape")
    void = gt_pixels.pop(0, set())
    pred_pixels.pop(0, None)
    gt = _listed(image["gt"]["segments"], official, note)
    pred = _listed(image["pred"]["segments"], official, note)
    if set(pred) != set(pred_pixels):
        raise Refused("pred-ids")
    if set(gt_pixels) - set(gt):
        note("gt-id-not-listed")
    if set(gt) - set(gt_pixels):
        note("gt-id-without-pixels")
    for number, segment in gt.items():
        segment["pixels"] = gt_pixels.get(number, set())
        if segment["area"] is not None and segment["pixels"] and segment["area"] != len(segment["pixels"]):
            note("gt-area")
    for number, segment in pred.items():
        segment["pixels"] = pred_pixels[number]

    foreign = [number for number, segment in gt.items() if segment["category"] not in known]
    if foreign:
        if not official:
            raise Refused("gt-category-unknown")
        note("gt-category-unknown")
    for number in foreign:
        del gt[number]
    foreign = [number for number, segment in pred.items() if segment["category"] not in known]
    if foreign and unknown == "error":
        raise Refused("pred-category-unknown")
    charges = {}
    for number in foreign:
        segment = pred.pop(number)
        if unknown == "fp":
            charges[number] = segment

    # Matches: IoU > 1/2 in one category. Pixels of p on gt void are not of p; void never lies in a gt segment.
    gt_matched, pred_matched = set(), set()
    for g, truth in sorted(gt.items()):
        if truth["crowd"]:
            continue
        for p, guess in sorted(pred.items()):
            inter = len(truth["pixels"] & guess["pixels"])
            if truth["category"] != guess["category"] or not inter:
                continue
            union = len(truth["pixels"] | (guess["pixels"] - void))
            if official:
                area = len(truth["pixels"]) if truth["area"] is None else truth["area"]
                union = area + len(guess["pixels"]) - inter - len(guess["pixels"] & void)
                if union == 0:
                    raise Refused("area-undefined")
            if Fraction(inter, union) > HALF:
                counts[truth["category"]]["tp"] += 1
                counts[truth["category"]]["iou_sum"] += inter / union
                gt_matched.add(g)
                pred_matched.add(p)
    for g, truth in gt.items():
        if g not in gt_matched and not truth["crowd"]:
            counts[truth["category"]]["fn"] += 1

    wrong = {p: (guess, guess["category"]) for p, guess in pred.items() if p not in pred_matched}
    for p, guess in charges.items():
        covered = {
            g: len(truth["pixels"] & guess["pixels"])
            for g, truth in gt.items()
            if not truth["crowd"] and truth["pixels"] & guess["pixels"]
        }
        if covered:
            most = min(covered, key=lambda g: (-covered[g], g))
            wrong[p] = (guess, gt[most]["category"])
    for guess, category in wrong.values():
        crowds = [truth["pixels"] for truth in gt.values() if truth["crowd"] and truth["category"] == category]
        last, every = (set().union(*some) for some in (crowds[-1:], crowds))
        size = len(guess["pixels"])
        by_void = Fraction(len(guess["pixels"] & void), size) > HALF
        by_last = Fraction(len(guess["pixels"] & (void | last)), size) > HALF
        by_every = Fraction(len(guess["pixels"] & (void | every)), size) > HALF
        if by_last != by_every:
            note("crowds-of-one-class")
        if by_void:
            excused["void"] += 1
        elif by_last if official else by_every:
            excused["crowd"] += 1
        else:
            counts[category]["fp"] += 1


def _shape(rows):
    return len(rows), {len(row) for row in rows}


def _pixel_sets(rows):
    pixels = {}
    for y, row in enumerate(rows):
        for x, number in enumerate(row):
            pixels.setdefault(number, set()).add((y, x))
    return pixels


def _listed(segments, official, note):
    """Return the listed segments by id, in list order; repeated ids as the convention has them."""
    listed = {}
    for entry in segments:
        segment = {
            "category": entry["category_id"],
            "crowd": bool(entry.get("iscrowd", 0)),
            "area": entry.get("area"),
        }
        if entry["id"] == 0:
            raise Refused("segment-id-void")
        before = listed.get(entry["id"])
        if before is not None:
            note("segment-repeated")
            if not official:
                if (before["category"], before["crowd"]) != (segment["category"], segment["crowd"]):
                    raise Refused("segment-conflict")
                areas = (before["area"], segment["area"])
                segment["area"] = None if None in areas else sum(areas)
        listed[entry["id"]] = segment
    return listed


# Other ids for runs.


def slot_of_id(slots, number):
    """Find the slot of an id, or the empty one where it belongs, one after the other from where it should be."""
    size, empty = len(slots), 2**64 - 1
    start = ((number ^ number >> 16) * 2654435769 >> 15) % size
    return next(at % size for at in range(start, start + size) if slots[at % size] in (empty, number))


def distinct_ids(runs):
    """Collect the ids of runs."""
    return sorted({run % 2**32 for run in runs})


def rename_runs(runs, old, new):
    """Give runs other ids; also tell whether each has one."""
    names = dict(zip(old, new, strict=True))
    renamed = [run // 2**32 * 2**32 + names.get(run % 2**32, 0) for run in runs]
    return renamed, all(run % 2**32 in names for run in runs)
