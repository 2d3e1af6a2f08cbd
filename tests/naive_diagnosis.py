"""Slow twins of the diagnosis: sets of pixels, fractions, every pair looked at. Imports nothing of pqeval.

A data set is what ``strategies.datasets`` draws, with a ``tissue`` per image.
"""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

HALF, TENTH = Fraction(1, 2), Fraction(1, 10)
TERMS = ("mask", "fp_cls", "fp_loc", "fp_both", "fp_bkg", "fn_cls", "fn_loc", "fn_both", "fn_miss")
TINY = Fraction(1, 10**6)


def rules(convention):
    """Say in words of this file what a convention does."""
    facts = {
        "stated": False,
        "last_crowd": False,
        "void_off": True,  # pixels of p on void leave the union
        "unknown_off": False,  # pixels of g under unknown leave the union
        "deleted": False,  # pixels of p on void are no pixels of p
        "excuse": "own",
        "excuse_gt": False,
        "smallest": 0,
        "prepare": False,
        "average": "classes",
        "absent": None,
        "nothing": None,
        "tp_plus": 0,
        "half_plus": 0,
    }
    lidar = {"deleted": True, "void_off": False, "excuse": None, "absent": 0, "nothing": 0}
    nuclei = {"void_off": False, "excuse": None, "tp_plus": TINY}
    special = {
        "panopticapi": {"stated": True, "last_crowd": True},
        "bdd100k": {"void_off": False, "excuse": "any", "nothing": 0},
        "deeplab2": {"excuse": "void"},
        "tf-models": {"excuse": "any", "nothing": 0},
        "torchmetrics": {"unknown_off": True, "excuse": "void", "excuse_gt": True, "prepare": True},
        "lidar": {"smallest": 50, **lidar},
        "nuscenes": {"smallest": 15, **lidar},
        "hovernet": {"average": "images", **nuclei},
        "pannuke": {"average": "tissues", **nuclei},
        "conic": {"absent": 0, "half_plus": TINY, **nuclei},
    }
    return SimpleNamespace(**(facts | special.get(convention, {})))


def scene(image, categories, rule, unknown):
    """Return the gt segments and the predicted segments that take part, with all their pixels counted."""
    known = {row["id"]: row for row in categories}
    sides = {}
    for side in ("gt", "pred"):
        pixels = {}
        for y, line in enumerate(image[side]["map"]):
            for x, number in enumerate(line):
                pixels.setdefault(number, set()).add((y, x))
        pixels.pop(0, None)
        listed = []
        for place, row in enumerate(image[side]["segments"]):
            listed.append(
                SimpleNamespace(
                    id=row["id"],
                    place=place,
                    cls=row["category_id"],
                    crowd=side == "gt" and bool(row.get("iscrowd")),
                    pixels=pixels.get(row["id"], set()),
                    area=row.get("area"),
                    score=row.get("score"),
                    foreign=row["category_id"] not in known,
                )
            )
        if rule.prepare:
            listed = [each for each in listed if not (side == "gt" and (each.crowd or each.foreign))]
            listed = merged(listed, known)
        sides[side] = sorted(listed, key=lambda each: each.id)
    gts, preds = sides["gt"], sides["pred"]
    everything = {(y, x) for y, line in enumerate(image["gt"]["map"]) for x, _ in enumerate(line)}
    if rule.prepare:
        void = everything - set().union(*(g.pixels for g in gts))
    else:
        void = {(y, x) for y, x in everything if image["gt"]["map"][y][x] == 0}
    if unknown == "void":
        preds = [p for p in preds if not p.foreign]
    for p in [p for p in preds if p.foreign]:
        shared = [(-len(g.pixels & p.pixels), g.id, g.cls) for g in gts if not g.crowd and g.pixels & p.pixels]
        p.cls = min(shared)[2] if shared else None
    told = set().union(*(p.pixels for p in preds))
    preds = [p for p in preds if p.cls is not None]
    for g in gts:
        g.size = g.area if rule.stated else len(g.pixels)
        g.void = len(g.pixels - told)
        g.net = g.size - (g.void if rule.unknown_off else 0)
    crowds = [g for g in gts if g.crowd]
    if rule.last_crowd:
        crowds = list({g.cls: g for g in sorted(crowds, key=lambda g: g.place)}.values())
    for p in preds:
        p.void = len(p.pixels & void)
        p.size = len(p.pixels) - (p.void if rule.deleted else 0)
        p.net = p.size - (p.void if rule.void_off else 0)
        p.on_crowd = sum(len(p.pixels & g.pixels) for g in crowds if rule.excuse == "any" or g.cls == p.cls)
    return [g for g in gts if not g.crowd], preds


def merged(listed, known):
    """Join the segments of each stuff class."""
    out, stuff = [], {}
    for each in sorted(listed, key=lambda each: each.id):
        if each.foreign or known[each.cls]["isthing"] or not each.pixels:
            out.append(each)
        elif each.cls in stuff:
            stuff[each.cls].pixels = stuff[each.cls].pixels | each.pixels
        else:
            stuff[each.cls] = each
            out.append(each)
    return out


def iou(g, p):
    """IoU under the convention; 0 where stated areas leave no union."""
    inter = len(g.pixels & p.pixels)
    union = g.net + p.net - inter
    return Fraction(inter, union) if union > 0 else Fraction(0)


def judged(gts, preds, rule, threshold=HALF):
    """Give every segment its outcome at a threshold of IoU; return the matches."""
    matches = [
        (g, p, iou(g, p)) for g in gts for p in preds if g.cls == p.cls and not p.foreign and iou(g, p) > threshold
    ]
    for g in gts:
        if any(g is each for each, _, _ in matches):
            g.outcome = "tp"
        elif max(g.size, 0) < rule.smallest:
            g.outcome = "small"
        elif rule.excuse_gt and 2 * g.void > g.size:
            g.outcome = "excused"
        else:
            g.outcome = "fn"
    for p in preds:
        covered = p.void + (p.on_crowd if rule.excuse in ("own", "any") else 0)
        if any(p is each for _, each, _ in matches):
            p.outcome = "tp"
        elif p.size == 0 or (rule.excuse and 2 * covered > p.size):
            p.outcome = "excused"
        elif p.size < rule.smallest:
            p.outcome = "small"
        else:
            p.outcome = "fp"
    return matches


def tell(gts, preds):
    """Give every FN and FP its kind, its partner and its flag."""
    for own, others, wrong, alone in ((gts, preds, "fn", "miss"), (preds, gts, "fp", "bkg")):
        for each in own:
            each.kind, each.other, each.flag = None, None, False
            if each.outcome != wrong:
                continue

            def shared(other, each=each, wrong=wrong):
                return iou(each, other) if wrong == "fn" else iou(other, each)

            def unalike(other, each=each):
                return other.cls != each.cls or other.foreign or each.foreign

            best = sorted(others, key=lambda other: (-shared(other), other.id))
            confused = [other for other in best if shared(other) > HALF and unalike(other)]
            same = [other for other in best if shared(other) >= TENTH and other.cls == each.cls]
            rest = [other for other in best if shared(other) >= TENTH and other.cls != each.cls]
            if confused:
                each.kind, each.other = f"{wrong}_cls", confused[0]
            elif same:
                each.kind, each.other = f"{wrong}_loc", same[0]
                each.flag = 2 * len(each.pixels & same[0].pixels) > each.net
            elif rest:
                each.kind, each.other = f"{wrong}_both", rest[0]
            else:
                each.kind = f"{wrong}_{alone}"


class Book:
    """Counts by (image, class): [sum of IoU, TP, FP, FN]."""

    def __init__(self, dataset, convention):
        self.rule = rules(convention)
        self.classes = [row["id"] for row in dataset["categories"]]
        self.tissue = [image["tissue"] for image in dataset["images"]]
        self.cells = {(i, c): [Fraction(0), 0, 0, 0] for i in range(len(self.tissue)) for c in self.classes}

    def add(self, image, cls, iou=0, tp=0, fp=0, fn=0):
        for place, number in enumerate((iou, tp, fp, fn)):
            self.cells[image, cls][place] += number

    def pooled(self):
        """Return what has one score: a class, or a class in an image."""
        if self.rule.average != "classes":
            return self.cells
        images = range(len(self.tissue))
        return {(0, c): [sum(self.cells[i, c][k] for i in images) for k in range(4)] for c in self.classes}

    def values(self):
        """PQ by cell; ``None`` where there is none."""
        found = {}
        for cell, (total, tp, fp, fn) in self.pooled().items():
            half = tp + Fraction(fp + fn, 2)
            if self.rule.average == "tissues" and tp + fn == 0:
                found[cell] = None
            elif half == 0:
                found[cell] = self.rule.absent
            elif tp == 0:
                found[cell] = Fraction(0)
            else:
                found[cell] = total / (tp + self.rule.tp_plus) * tp / (half + self.rule.half_plus)
        return found

    def mean(self, values, members):
        """Average cells to one number, as the convention does."""
        cells = {cell: value for cell, value in values.items() if cell[1] in members}
        if self.rule.average == "tissues":
            images = {}
            for (image, _), value in cells.items():
                images.setdefault(image, []).append(value)
            tissues = {}
            for image, each in images.items():
                tissues.setdefault(self.tissue[image], []).append(average(each))
            return average([average(each) for each in tissues.values()])
        classes = {}
        for (_, cls), value in cells.items():
            classes.setdefault(cls, []).append(value)
        return average([average(each) for each in classes.values()])

    def pq(self, members=None):
        value = self.mean(self.values(), self.classes if members is None else members)
        return self.rule.nothing if value is None else value


def average(values):
    told = [value for value in values if value is not None]
    return sum(told) / Fraction(len(told)) if told else None


def scenes(dataset, convention, unknown):
    rule = rules(convention)
    return [scene(image, dataset["categories"], rule, unknown) for image in dataset["images"]]


def counted(dataset, convention, unknown, threshold=HALF):
    """Count at a threshold of IoU; return the book and the judged scenes with their matches."""
    book = Book(dataset, convention)
    found = []
    for place, (gts, preds) in enumerate(scenes(dataset, convention, unknown)):
        matches = judged(gts, preds, book.rule, threshold)
        for g, _, value in matches:
            book.add(place, g.cls, iou=value, tp=1)
        for g in gts:
            book.add(place, g.cls, fn=g.outcome == "fn")
        for p in preds:
            book.add(place, p.cls, fp=p.outcome == "fp")
        tell(gts, preds)
        found.append((gts, preds, matches))
    return book, found


def losses(book, found):
    """Return, for each cell, what each term is of its 1 - PQ."""
    cells = {cell: dict.fromkeys(TERMS, Fraction(0)) for cell in book.pooled()}
    for place, (gts, preds, matches) in enumerate(found):
        image = 0 if book.rule.average == "classes" else place
        for g, _, value in matches:
            cells[image, g.cls]["mask"] += 1 - value
        for each in (*gts, *preds):
            if each.kind:
                cells[image, each.cls][each.kind] += HALF
    values = book.values()
    for cell, terms in cells.items():
        _, tp, fp, fn = book.pooled()[cell]
        half = tp + Fraction(fp + fn, 2)
        for term in terms:
            terms[term] = None if values[cell] is None else terms[term] / half if half else Fraction(0)
        terms["convention"] = None if values[cell] is None else 1 - values[cell] - sum(terms[t] for t in TERMS)
    return cells


def attribution(dataset, convention, unknown, members):
    """Return the terms of 1 - PQ of a group of classes, or ``None``."""
    book, found = counted(dataset, convention, unknown)
    cells = losses(book, found)
    terms = {
        term: book.mean({cell: each[term] for cell, each in cells.items()}, members)
        for term in (*TERMS, "convention")
    }
    if terms["mask"] is None:
        if book.rule.nothing is None:
            return None
        return dict.fromkeys(TERMS, 0) | {"convention": 1}
    return terms


def oracle(dataset, convention, unknown, kind):
    """Return PQ of All after a repair."""
    book, found = counted(dataset, convention, unknown)
    for place, (gts, preds, matches) in enumerate(found):
        if kind == "mask":
            for g, _, value in matches:
                book.add(place, g.cls, iou=1 - value)
        elif kind == "cls":
            repaired = []
            for p in preds:
                if p.kind == "fp_cls":
                    book.add(place, p.cls, fp=-1)
                    if p.other.outcome in ("small", "excused"):
                        repaired.append((p.other, p))
            repaired += [(g, g.other) for g in gts if g.kind == "fn_cls"]
            for g, p in repaired:
                book.add(place, g.cls, iou=iou(g, p), tp=1, fn=-(g.outcome == "fn"))
        elif kind == "loc":
            pairs = [
                (-iou(g, p), g.id, p.id, g, p)
                for g in gts
                for p in preds
                if g.kind == "fn_loc" and p.kind == "fp_loc" and g.cls == p.cls and iou(g, p) >= TENTH
            ]
            used = set()
            for _, _, _, g, p in sorted(pairs, key=lambda pair: pair[:3]):
                if ("g", g.id) not in used and ("p", p.id) not in used:
                    used |= {("g", g.id), ("p", p.id)}
                    book.add(place, g.cls, iou=1, tp=1, fn=-1)
            for p in preds:
                book.add(place, p.cls, fp=-(p.kind == "fp_loc"))
        else:
            for each in (*gts, *preds):
                if each.kind in (f"fp_{kind}", f"fn_{kind}"):
                    if each.kind == "fn_miss":
                        book.add(place, each.cls, fn=-1)
                    elif each.kind.startswith("fp"):
                        book.add(place, each.cls, fp=-1)
    return book.pq()


def by_size(dataset, convention, unknown, least, below):
    """Score the segments with an area from ``least`` to below ``below``; absent classes are left out."""
    _, found = counted(dataset, convention, unknown)
    book = Book(dataset, convention)
    book.rule.absent = book.rule.nothing = None
    for place, (gts, preds, matches) in enumerate(found):
        for g, _, value in matches:
            if least <= g.size < below:
                book.add(place, g.cls, iou=value, tp=1)
        for each in (*gts, *preds):
            if each.kind and least <= each.size < below:
                book.add(place, each.cls, **{each.outcome: 1})
    return book


def confusions(dataset, convention, unknown):
    """Count (gt class, predicted class) of FNs whose partner is an FP: with IoU > 1/2, and with less."""
    _, found = counted(dataset, convention, unknown)
    tables = {"fn_cls": {}, "fn_both": {}}
    for gts, _, _ in found:
        for g in gts:
            if g.kind in tables and g.other.outcome == "fp" and g.cls != g.other.cls:
                table = tables[g.kind]
                table[g.cls, g.other.cls] = table.get((g.cls, g.other.cls), 0) + 1
    return tables["fn_cls"], tables["fn_both"]


def items(dataset, convention, unknown):
    """Return what every image loses, and every (side, id) in it, of PQ of All."""
    book, found = counted(dataset, convention, unknown)
    values, pooled = book.values(), book.pooled()

    def price(cell):
        """How much All changes when this cell does, by trying."""
        if values[cell] is None:
            return Fraction(0)
        up = book.mean(values | {cell: values[cell] + 1}, book.classes)
        _, tp, fp, fn = pooled[cell]
        half = tp + Fraction(fp + fn, 2)
        return (up - book.mean(values, book.classes)) / half if half else Fraction(0)

    prices = {cell: price(cell) for cell in values}
    out = []
    for place, (gts, preds, matches) in enumerate(found):
        image = 0 if book.rule.average == "classes" else place
        each = [("gt", g.id, "mask", (1 - value) * prices[image, g.cls]) for g, _, value in matches]
        each += [("gt", g.id, g.kind, HALF * prices[image, g.cls]) for g in gts if g.kind]
        each += [("pred", p.id, p.kind, HALF * prices[image, p.cls]) for p in preds if p.kind]
        out.append(each)
    return out
