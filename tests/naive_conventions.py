"""Slow evaluators, one per family of conventions, in plain Python and in the words of their originals.

Nothing of pqeval is imported and no two families share a rule: each is written out as its source has it, with sets
of pixels, labels per pixel, or points that are deleted, and with fractions. Only the averages of pooled counts
are shared, where the originals agree.

Sources: google-research/deeplab2, tensorflow/models, Lightning-AI/torchmetrics, PRBonn/semantic-kitti-api,
nutonomy/nuscenes-devkit, bdd100k/bdd100k, vqdang/hover_net, TissueImageAnalytics/PanNuke-metrics and CoNIC, at the
commits that ``pqeval/void.py`` names.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from types import SimpleNamespace

HALF = Fraction(1, 2)

POOLED = ("coco", "cityscapes", "deeplab2", "tf-models", "torchmetrics", "bdd100k", "lidar", "nuscenes", "conic")
BY_IMAGE = ("hovernet", "pannuke")
EVERY = (*POOLED, *BY_IMAGE)


def evaluate(dataset, convention, unknown="error"):
    """Evaluate a data set as ``naive.panoptic_quality`` takes it.

    Images may have a ``tissue``, and predicted segments ``iscrowd``. With ``unknown="void"`` predicted segments
    whose category the table lacks are void; otherwise there must be none.

    Returns
    -------
    dict
        ``per_class`` and ``groups`` as there, with a group Binary where the convention has one; ``void``: what was
        forgiven, too small, and hidden.
    """
    table = dataset["categories"]
    images = sorted(dataset["images"], key=lambda image: (isinstance(image["image_id"], str), image["image_id"]))
    scenes = [_scene(image, table, unknown) for image in images]
    tallies = [RULES[convention](scene, convention) for scene in scenes]
    pooled = {row["id"]: _pooled(tallies, row["id"]) for row in table}
    if convention in BY_IMAGE:
        score = {number: _mean(_one_image(tally, number, convention) for tally in tallies) for number in pooled}
    else:
        score = {number: _ratios(*counts[:4], convention) for number, counts in pooled.items()}

    per_class = []
    for number, (tp, fp, fn, iou, _) in pooled.items():
        row = {"id": number, "tp": tp, "fp": fp, "fn": fn, "iou_sum": iou}
        per_class.append(row | dict(zip(("pq", "sq", "rq"), score[number], strict=True)))
    groups = {}
    for name, wanted in (("All", (0, 1)), ("Things", (1,)), ("Stuff", (0,))):
        kinds = [row["id"] for row in table if row["isthing"] in wanted]
        if convention == "pannuke":
            each = [_mean(_one_image(tally, kind, convention) for kind in kinds) for tally in tallies]
            group = _over_tissues(scenes, each)
        else:
            group = _mean((score[kind] for kind in kinds), nothing=NOTHING.get(convention))
        n = sum(score[kind][0] is not None for kind in kinds)
        groups[name] = {"n": n, **dict(zip(("pq", "sq", "rq"), group, strict=True))}
    if convention in ("hovernet", "pannuke", "conic"):
        each = [_binary(scene, convention) for scene in scenes]
        group = _over_tissues(scenes, each) if convention == "pannuke" else _mean(each)
        n = sum(row[0] is not None for row in each)
        groups["Binary"] = {"n": n, **dict(zip(("pq", "sq", "rq"), group, strict=True))}

    void = Counter()
    for tally in tallies:
        void.update(tally.void)
    void["fn_unknown"] = sum(counts[4] for counts in pooled.values())
    if convention not in BY_IMAGE:
        wrong = [_ratios(tp, fp + hidden, fn, iou, convention) for tp, fp, fn, iou, hidden in pooled.values()]
        void["pq_if_unknown_were_wrong"] = _mean(wrong, nothing=NOTHING.get(convention))[0]
    return {"per_class": per_class, "groups": groups, "void": dict(void)}


# What an image is.


def _scene(image, table, unknown):
    """Sets of pixels: ``gt`` and ``pred`` segments by ascending id, gt ``void``, predicted ``blank``."""
    known = {row["id"] for row in table}
    stuff = {row["id"] for row in table if not row["isthing"]}
    sides = {}
    for side in ("gt", "pred"):
        pixels = {}
        for y, row in enumerate(image[side]["map"]):
            for x, number in enumerate(row):
                pixels.setdefault(int(number), set()).add((y, x))
        empty = pixels.pop(0, set())
        segments = []
        for entry in sorted(image[side]["segments"], key=lambda entry: entry["id"]):
            here = pixels[entry["id"]]
            category, crowd = entry["category_id"], bool(entry.get("iscrowd"))
            if category in known:
                segments.append(SimpleNamespace(id=entry["id"], category=category, crowd=crowd, pixels=here))
            else:
                assert side == "pred"
                assert unknown == "void"
                empty = empty | here
        sides[side] = segments, empty
    return SimpleNamespace(
        gt=sides["gt"][0],
        void=sides["gt"][1],
        pred=sides["pred"][0],
        blank=sides["pred"][1],
        stuff=stuff,
        tissue=image.get("tissue"),
    )


class Tally:
    """What was counted in an image: matches as (category, gt id, IoU), the rest as categories."""

    def __init__(self):
        self.matches, self.fp, self.fn, self.hidden = [], [], [], []
        self.void = Counter(
            fp_forgiven_by_void=0, fp_forgiven_by_crowd=0, fn_forgiven_by_unknown=0, small_segments=0
        )

    def miss(self, segment, blank):
        self.fn.append(segment.category)
        if len(segment.pixels & blank) > HALF * len(segment.pixels):
            self.hidden.append(segment.category)


def share(part, whole):
    return Fraction(len(part), len(whole))


# The families.


def _leaderboard(scene, convention):
    """COCO and Cityscapes: what a prediction does on void is left out of the union; crowds forgive their class."""
    tally, found, hit = Tally(), set(), set()
    for g in scene.gt:
        for p in scene.pred:
            inter, union = g.pixels & p.pixels, g.pixels | (p.pixels - scene.void)
            if not g.crowd and g.category == p.category and share(inter, union) > HALF:
                tally.matches.append((g.category, g.id, len(inter) / len(union)))
                found.add(g.id)
                hit.add(p.id)
    for g in scene.gt:
        if g.id not in found and not g.crowd:
            tally.miss(g, scene.blank)
    for p in scene.pred:
        crowds = [g.pixels for g in scene.gt if g.crowd and g.category == p.category]
        if p.id in hit:
            continue
        if share(p.pixels & scene.void, p.pixels) > HALF:
            tally.void["fp_forgiven_by_void"] += 1
        elif share(p.pixels & scene.void.union(*crowds), p.pixels) > HALF:
            tally.void["fp_forgiven_by_crowd"] += 1
        else:
            tally.fp.append(p.category)
    return tally


IGNORED = "ignored"


def _label_map(scene, convention):
    """deeplab2 and tf-models: a label (class, instance) per pixel; void is (ignored, 0), a crowd (ignored, n)."""
    truth = dict.fromkeys(scene.void, (IGNORED, 0))
    guess = dict.fromkeys(scene.blank, (IGNORED, 0))
    for g in scene.gt:
        truth |= dict.fromkeys(g.pixels, (IGNORED, g.id) if g.crowd else (g.category, g.id))
    for p in scene.pred:
        guess |= dict.fromkeys(p.pixels, (p.category, p.id))
    gt_area, pred_area = Counter(truth.values()), Counter(guess.values())
    both = Counter((truth[pixel], guess[pixel]) for pixel in truth)

    tally, found, hit = Tally(), set(), set()
    for (g, p), inter in sorted(both.items(), key=lambda item: (item[0][0][1], item[0][1][1])):
        if g[0] == IGNORED or g[0] != p[0]:
            continue
        union = gt_area[g] + pred_area[p] - inter - both[(IGNORED, 0), p]
        if Fraction(inter, union) > HALF:
            tally.matches.append((g[0], g[1], inter / union))
            found.add(g)
            hit.add(p)
    for g in gt_area:
        if g not in found and g[0] != IGNORED:
            tally.fn.append(g[0])
            tally.hidden += [g[0]] * (both[g, (IGNORED, 0)] > HALF * gt_area[g])
    for p in pred_area:
        if p in hit or p[0] == IGNORED:
            continue
        on_void = both[(IGNORED, 0), p]
        on_ignored = sum(pixels for (g, q), pixels in both.items() if q == p and g[0] == IGNORED)
        if Fraction(on_void, pred_area[p]) > HALF:
            tally.void["fp_forgiven_by_void"] += 1
        elif convention == "tf-models" and Fraction(on_ignored, pred_area[p]) > HALF:
            tally.void["fp_forgiven_by_crowd"] += 1
        else:
            tally.fp.append(p[0])
    return tally


def _torchmetrics(scene, convention):
    """The instance of stuff does not count, void is void on both sides, and there are no crowds."""
    void = scene.void.union(*(g.pixels for g in scene.gt if g.crowd))

    def colours(segments):
        found = {}
        for segment in segments:
            if not segment.crowd:
                instance = None if segment.category in scene.stuff else segment.id
                colour = found.setdefault((segment.category, instance), [segment.id, set()])
                colour[1] |= segment.pixels
        return sorted((number, colour[0], pixels) for colour, (number, pixels) in found.items())

    pred = [SimpleNamespace(id=p.id, category=p.category, crowd=False, pixels=p.pixels) for p in scene.pred]
    truths, guesses = colours(scene.gt), colours(pred)
    tally, found, hit = Tally(), set(), set()
    for g, category, truth in truths:
        for p, other, guess in guesses:
            inter = truth & guess
            if category == other and inter and share(inter, (truth - scene.blank) | (guess - void)) > HALF:
                union = len(guess) - len(guess & void) + len(truth) - len(truth & scene.blank) - len(inter)
                tally.matches.append((category, g, len(inter) / union))
                found.add(g)
                hit.add(p)
    for g, category, truth in truths:
        if g not in found and share(truth & scene.blank, truth) <= HALF:
            tally.fn.append(category)
        elif g not in found:
            tally.void["fn_forgiven_by_unknown"] += 1
    for p, category, guess in guesses:
        if p not in hit and share(guess & void, guess) <= HALF:
            tally.fp.append(category)
        elif p not in hit:
            tally.void["fp_forgiven_by_void"] += 1
    return tally


MIN_POINTS = {"lidar": 50, "nuscenes": 15}


def _lidar(scene, convention):
    """Points without a class are deleted; small segments are no errors, but can be found."""
    least, tally = MIN_POINTS[convention], Tally()
    truths = [(g.category, g.id, g) for g in scene.gt if not g.crowd]
    guesses = {(p.category, p.id): p.pixels - scene.void for p in scene.pred}
    matched = set()
    for category, number, g in truths:
        best = 0
        for key, points in guesses.items():
            inter = len(g.pixels & points)
            union = len(g.pixels) + len(points) - inter
            if key[0] == category and Fraction(inter, union) > HALF:
                tally.matches.append((category, number, inter / union))
                matched.add(key)
                best = inter
        if not best and len(g.pixels) >= least:
            tally.miss(g, scene.blank)
        elif not best:
            tally.void["small_segments"] += 1
    for key, points in guesses.items():
        if key in matched:
            continue
        if not points:
            tally.void["fp_forgiven_by_void"] += 1
        elif len(points) >= least:
            tally.fp.append(key[0])
        else:
            tally.void["small_segments"] += 1
    return tally


MOST_MASKS = 100


def _bdd100k(scene, convention):
    """Nothing is taken off a union; flagged segments take no part; the part outside of valid truth excuses."""
    tally, matched = Tally(), set()
    masks = scene.pred[:MOST_MASKS]
    gone = scene.blank.union(*(p.pixels for p in scene.pred[MOST_MASKS:]), *(p.pixels for p in masks if p.crowd))
    valid = [g for g in scene.gt if not g.crowd]
    for g in valid:
        best, partner = Fraction(0), None
        for p in masks:
            iou = share(g.pixels & p.pixels, g.pixels | p.pixels)
            if p.category == g.category and iou > best:
                best, partner = iou, p
        if best > HALF and not partner.crowd:
            tally.matches.append((g.category, g.id, best.numerator / best.denominator))
            matched.add(partner.id)
        else:
            tally.miss(g, gone)
    inside = set().union(*(g.pixels for g in valid))
    for p in masks:
        if p.crowd or p.id in matched:
            continue
        if share(p.pixels - inside, p.pixels) <= HALF:
            tally.fp.append(p.category)
        else:
            by_void = share(p.pixels & scene.void, p.pixels) > HALF
            tally.void["fp_forgiven_by_void" if by_void else "fp_forgiven_by_crowd"] += 1
    return tally


def _nuclei(scene, convention):
    """Every class on its own, on its own background; nothing is excused."""
    tally = Tally()
    nuclei = [g for g in scene.gt if not g.crowd]
    for category in {segment.category for segment in (*nuclei, *scene.pred)}:
        truths = [g for g in nuclei if g.category == category]
        guesses = [p for p in scene.pred if p.category == category]
        pairs = _paired(truths, guesses)
        tally.matches += [(category, g, iou) for g, p, iou in pairs]
        for g in truths:
            if g.id not in {pair[0] for pair in pairs}:
                tally.miss(g, scene.blank)
        tally.fp += [category for p in guesses if p.id not in {pair[1] for pair in pairs}]
    return tally


def _paired(truths, guesses):
    pairs = []
    for g in truths:
        for p in guesses:
            inter, union = g.pixels & p.pixels, g.pixels | p.pixels
            if share(inter, union) > HALF:
                pairs.append((g.id, p.id, len(inter) / len(union)))
    return pairs


RULES = {
    "coco": _leaderboard,
    "cityscapes": _leaderboard,
    "deeplab2": _label_map,
    "tf-models": _label_map,
    "torchmetrics": _torchmetrics,
    "bdd100k": _bdd100k,
    "lidar": _lidar,
    "nuscenes": _lidar,
    "hovernet": _nuclei,
    "pannuke": _nuclei,
    "conic": _nuclei,
}

# Averages.

NOTHING = {"tf-models": 0.0, "bdd100k": 0.0, "lidar": 0.0, "nuscenes": 0.0}
NOBODY = (None, None, None)


def _pooled(tallies, number):
    """TP, FP, FN, sum of IoU (one by one, by image and then gt id), FNs that lie under unknown."""
    tp, iou = 0, 0.0
    for tally in tallies:
        for _, _, ratio in sorted(match for match in tally.matches if match[0] == number):
            tp, iou = tp + 1, iou + ratio
    fp, fn, hidden = (sum(getattr(t, kind).count(number) for t in tallies) for kind in ("fp", "fn", "hidden"))
    return tp, fp, fn, iou, hidden


def _ratios(tp, fp, fn, iou, convention):
    """PQ, SQ and RQ of the counts of a class over all images."""
    half = tp + 0.5 * fp + 0.5 * fn
    if convention in MIN_POINTS:
        sq, rq = iou / max(tp, 1e-15), tp / max(half, 1e-15)
        return sq * rq, sq, rq
    if convention == "conic":
        sq, rq = iou / (tp + 1e-6), tp / (half + 1e-6)
        return sq * rq, sq, rq
    return (iou / half, iou / tp if tp else 0.0, tp / half) if half else NOBODY


def _one_image(tally, number, convention):
    """PQ, SQ and RQ of a class in an image, as evaluators of nuclei have them."""
    tp, fp, fn, iou, _ = _pooled([tally], number)
    return _nuclei_ratios(tp, fp, fn, iou, convention)


def _nuclei_ratios(tp, fp, fn, iou, convention):
    half = tp + 0.5 * fp + 0.5 * fn
    if convention == "conic":
        dq, sq = tp / (half + 1e-6), iou / (tp + 1e-6)
    elif (convention == "pannuke" and tp + fn == 0) or half == 0:
        return NOBODY
    else:
        dq, sq = tp / half, iou / (tp + 1e-6)
    return dq * sq, sq, dq


def _binary(scene, convention):
    nuclei = [g for g in scene.gt if not g.crowd]
    pairs = _paired(nuclei, scene.pred)
    iou = 0.0
    for pair in pairs:
        iou += pair[2]
    return _nuclei_ratios(len(pairs), len(scene.pred) - len(pairs), len(nuclei) - len(pairs), iou, convention)


def _mean(triples, nothing=None):
    told = [triple for triple in triples if triple[0] is not None]
    if not told:
        return (nothing,) * 3
    return tuple(sum(column) / len(told) for column in zip(*told, strict=True))


def _over_tissues(scenes, triples):
    tissues = {}
    for scene, triple in zip(scenes, triples, strict=True):
        tissues.setdefault(scene.tissue, []).append(triple)
    return _mean(_mean(members) for members in tissues.values())
