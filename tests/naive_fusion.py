"""Slow twins of the fusion rules, in plain Python, one pixel at a time. They import nothing of ours.

Maps are nested lists. A twin returns the id map and, for each segment, ``(id, category, isthing)``.
"""

from __future__ import annotations

import math


def first_largest(values):
    best = 0
    for at, value in enumerate(values):
        if value > values[best]:
            best = at
    return best


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def softmax(values):
    powers = [math.exp(value - max(values)) for value in values]
    return [power / sum(powers) for power in powers]


def pixels_of(grid):
    return [(y, x) for y in range(len(grid)) for x in range(len(grid[0]))]


def best_first(scores):
    return sorted(range(len(scores)), key=lambda k: (-scores[k], k))


def classes_of(logits, channels, size, other):
    """The category of the first largest channel at each pixel."""
    height, width = size
    if not channels:
        return [[other] * width for _ in range(height)]
    return [
        [channels[first_largest([channel[y][x] for channel in logits])] for x in range(width)]
        for y in range(height)
    ]


def painted(size, layers, classes, things, other, stuff_area):
    """Paint layers (pixels, category, isthing) one after the other, then stuff on what is left."""
    ids = [[0] * size[1] for _ in range(size[0])]
    rows = []

    def paint(pixels, category, isthing):
        free = [(y, x) for y, x in pixels if ids[y][x] == 0]
        if free:
            rows.append((len(rows) + 1, category, isthing))
        for y, x in free:
            ids[y][x] = len(rows)

    for layer in layers:
        paint(*layer)
    for category in sorted({category for row in classes for category in row}):
        region = [(y, x) for y, x in pixels_of(ids) if classes[y][x] == category and ids[y][x] == 0]
        if category not in things and category != other and len(region) >= stuff_area:
            paint(region, category, False)
    return ids, rows


def survivors(masks, order, threshold, groups):
    """The masks (sets of pixels) of which at most this share is covered by those kept before in the same group."""
    kept = []
    for k in order:
        covered = {pixel for j in kept if groups[j] == groups[k] for pixel in masks[j]}
        if masks[k] and len(masks[k] & covered) / len(masks[k]) <= threshold:
            kept.append(k)
    return kept


def heuristic(masks, scores, categories, classes, things, other, score, probability, overlap, area):
    sets = [{(y, x) for y, x in pixels_of(mask) if mask[y][x] >= probability} for mask in masks]
    order = [k for k in best_first(scores) if scores[k] >= score]
    kept = survivors(sets, order, overlap, [0] * len(sets))
    layers = [(sets[k], categories[k], True) for k in kept]
    return painted((len(classes), len(classes[0])), layers, classes, things, other, area)


def panoptic_fcn(
    masks, scores, categories, classes, things, other, probability, rescore, most, score, overlap, area
):
    sets = [{(y, x) for y, x in pixels_of(mask) if mask[y][x] > probability} for mask in masks]
    news = []
    for k, region in enumerate(sets):
        mean = sum(masks[k][y][x] for y, x in region) / len(region) if region else 0
        news.append(scores[k] * mean)
    order = [k for k in best_first(news) if news[k] >= rescore][:most]
    kept = survivors(sets, [k for k in order if news[k] >= score], overlap, [0] * len(sets))
    layers = [(sets[k], categories[k], True) for k in kept]
    return painted((len(classes), len(classes[0])), layers, classes, things, other, area)


def fused_kernels(kernels, scores, categories, threshold):
    """Rows (mean kernel, score, category), best first."""
    order = best_first(scores)

    def alike(i, j):
        dot = sum(a * b for a, b in zip(kernels[i], kernels[j], strict=True))
        length = math.sqrt(sum(a * a for a in kernels[i]) * sum(b * b for b in kernels[j]))
        return i == j or (categories[i] == categories[j] and length > 0 and dot / length >= threshold)

    goes_to = {}
    groups = {}
    for place, k in enumerate(order):
        first = next(j for j in order[: place + 1] if alike(j, k))
        goes_to[k] = first
        if goes_to[first] == first:
            groups.setdefault(first, []).append(k)
    return [
        ([sum(kernels[k][d] for k in group) / len(group) for d in range(len(kernels[first]))],
         scores[first],
         categories[first])
        for first, group in groups.items()
    ]  # fmt: skip


def stuff_kernels(kernels, scores, categories):
    found = []
    for category in sorted(set(categories)):
        group = [k for k, other in enumerate(categories) if other == category]
        means = [sum(kernels[k][d] for k in group) / len(group) for d in range(len(kernels[0]))]
        found.append((means, sum(scores[k] for k in group) / len(group), category))
    return found


def centres(heat, threshold, window, top_k):
    raised = [[value if value > threshold else -1 for value in row] for row in heat]
    reach = window // 2
    found = []
    for y, x in pixels_of(raised):
        around = [
            raised[b][a]
            for b, a in pixels_of(raised)
            if abs(b - y) <= reach and abs(a - x) <= reach
        ]  # fmt: skip
        if raised[y][x] > 0 and raised[y][x] == max(around):
            found.append((y, x))
    if top_k is not None and len(found) >= top_k:
        limit = sorted((raised[y][x] for y, x in found), reverse=True)[top_k - 1]
        found = [(y, x) for y, x in found if raised[y][x] > limit]
    return found


def most_common(values):
    """The most frequent value, the smallest one on ties, and how often it occurs."""
    best = max(sorted(set(values)), key=values.count)
    return best, values.count(best)


def panoptic_deeplab(classes, heat, offsets, things, other, threshold, window, top_k, area):
    peaks = centres(heat, threshold, window, top_k)
    regions = [[] for _ in peaks]
    for y, x in pixels_of(classes):
        if classes[y][x] in things and peaks:
            vote = (y + offsets[0][y][x], x + offsets[1][y][x])
            far = [-((vote[0] - b) ** 2 + (vote[1] - a) ** 2) for b, a in peaks]
            regions[first_largest(far)].append((y, x))
    layers = [(r, most_common([classes[y][x] for y, x in r])[0], True) for r in regions if r]
    return painted((len(classes), len(classes[0])), layers, classes, things, other, area)


def in_box(box, y, x):
    left, top, right, bottom = box
    return left <= x + 0.5 < right and top <= y + 0.5 < bottom


def upsnet(masks, boxes, scores, categories, logits, channels, things, other, size, unknown, score, overlap, area):
    sets = [{(y, x) for y, x in pixels_of(mask) if mask[y][x] > 0} for mask in masks]
    order = [k for k in best_first(scores) if scores[k] > score]
    kept = survivors(sets, order, overlap, categories)
    classes = classes_of(logits, channels, size, other)
    stuff = [c for c, category in enumerate(channels) if category not in things and category != other]
    answer = [[other] * size[1] for _ in range(size[0])]
    regions = {k: [] for k in kept}
    for y, x in pixels_of(answer):
        terms = [logits[channels.index(categories[k])][y][x] if in_box(boxes[k], y, x) else 0 for k in kept]
        values = [logits[c][y][x] for c in stuff]
        values += [term + masks[k][y][x] for k, term in zip(kept, terms, strict=True)]
        if unknown and kept:
            best_thing = max(logits[c][y][x] for c, category in enumerate(channels) if category in things)
            values.append(best_thing - max(terms))
        if not values:
            continue
        winner = first_largest(values)
        if winner < len(stuff):
            answer[y][x] = channels[stuff[winner]]
        elif winner < len(stuff) + len(kept):
            regions[kept[winner - len(stuff)]].append((y, x))
    layers = []
    for k in kept:
        if not regions[k]:
            continue
        common, votes = most_common([classes[y][x] for y, x in regions[k]])
        if common not in things and common != other and votes / len(regions[k]) >= 0.5:
            for y, x in regions[k]:
                answer[y][x] = common
        else:
            layers.append((regions[k], categories[k], True))
    return painted(size, layers, answer, things, other, area)


def efficientps(
    masks, boxes, scores, categories, logits, channels, things, other, size, score, probability, overlap, area
):
    sets = [{(y, x) for y, x in pixels_of(mask) if sigmoid(mask[y][x]) > probability} for mask in masks]
    order = [k for k in best_first(scores) if scores[k] > score]
    kept = survivors(sets, order, overlap, [0] * len(sets))
    classes = classes_of(logits, channels, size, other)
    stuff = [c for c, category in enumerate(channels) if category not in things and category != other]
    regions = {k: [] for k in kept}
    for y, x in pixels_of(classes):
        values = [logits[c][y][x] for c in stuff]
        for k in kept:
            a = masks[k][y][x]
            b = logits[channels.index(categories[k])][y][x] if in_box(boxes[k], y, x) else 0
            values.append((sigmoid(a) + sigmoid(b)) * (a + b))
        if kept:
            winner = first_largest(values)
            if winner >= len(stuff):
                regions[kept[winner - len(stuff)]].append((y, x))
    layers = [(regions[k], categories[k], True) for k in kept]
    return painted(size, layers, classes, things, other, area)


def degeus(masks, categories, logits, channels, things, other, size, probability, sure, share):
    layers = [([], category, True) for category in categories]
    nothing = [[0] * size[1] for _ in range(size[0])]
    for y, x in pixels_of(nothing):
        values = [mask[y][x] for mask in masks]
        if values and max(values) >= probability:
            layers[first_largest(values)][0].append((y, x))
    stuff = [c for c, category in enumerate(channels) if category not in things and category != other]

    def winners(among):
        return {(y, x): among[first_largest([logits[c][y][x] for c in among])] for y, x in pixels_of(nothing)}

    classes = [[other] * size[1] for _ in range(size[0])]
    if stuff:
        first = list(winners(stuff).values())
        large = [c for c in stuff if first.count(c) / len(first) > share]
        for (y, x), c in winners(large).items() if large else ():
            if softmax([channel[y][x] for channel in logits])[c] > sure:
                classes[y][x] = channels[c]
    return painted(size, layers, classes, things, other, 0)


def mask_classification(masks, class_logits, channels, things, size, variant, score, probability, share, merged):
    ids = [[0] * size[1] for _ in range(size[0])]
    queries = []
    for q, values in enumerate(class_logits):
        shares = softmax(values)
        label = first_largest(shares)
        if label < len(channels) and shares[label] > score:
            queries.append((q, channels[label], shares[label]))
    if not queries:
        return ids, []
    rows, places = [], {}
    owner = {
        (y, x): first_largest([s * sigmoid(masks[q][y][x]) for q, _, s in queries]) for y, x in pixels_of(ids)
    }
    for at, (q, category, s) in enumerate(queries):
        won = [pixel for pixel in pixels_of(ids) if owner[pixel] == at]
        factor = s if variant == "huggingface" else 1
        inside = [(y, x) for y, x in pixels_of(ids) if factor * sigmoid(masks[q][y][x]) >= probability]
        if not won or not inside:
            continue
        ratio = len(won) / len(inside)
        if ratio < share or (variant == "huggingface" and ratio <= share):
            continue
        if variant == "mask2former":
            won = [pixel for pixel in won if pixel in inside]
        if not won:
            continue
        if not (category in merged and category in places):
            rows.append((len(rows) + 1, category, category in things))
            places[category] = len(rows)
        for y, x in won:
            ids[y][x] = places[category]
    return ids, rows
