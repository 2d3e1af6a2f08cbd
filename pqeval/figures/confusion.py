"""Which classes are taken for which, as a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pqeval.figures.style import axes_of, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pqeval.diagnosis.findings import Diagnosis

__all__ = ["MOST", "chosen_classes", "draw"]

MOST = 20


def chosen_classes(found: Diagnosis) -> list[int]:
    """Return the category ids that take part in most confusions, in the order of the table."""
    totals: dict[int, int] = {}
    for pair in found.confusions:
        for number in (pair.gt, pair.pred):
            totals[number] = totals.get(number, 0) + pair.count + pair.near
    order = [row.id for row in found.per_class if row.id in totals]
    kept = set(sorted(order, key=lambda number: (-totals[number], order.index(number)))[:MOST])
    return [number for number in order if number in kept]


def draw(found: Diagnosis) -> Figure | None:
    """Draw FN and FP pairs with IoU of at least 1/10 by their two classes; ``None`` where there are none."""
    chosen = chosen_classes(found)
    if not chosen:
        return None
    table = [[0] * len(chosen) for _ in chosen]
    for pair in found.confusions:
        if pair.gt in chosen and pair.pred in chosen:
            table[chosen.index(pair.gt)][chosen.index(pair.pred)] = pair.count + pair.near
    names = {row.id: short(row.name) for row in found.per_class}
    size = 2.6 + 0.27 * len(chosen)
    figure, axes = axes_of(size + 0.6, size)
    largest = max(map(max, table))
    axes.imshow(table, cmap="Blues", vmin=0, vmax=max(1, largest))
    for row, counts in enumerate(table):
        for column, count in enumerate(counts):
            if count:
                colour = "white" if count > 0.6 * largest else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    labels = [names[number] for number in chosen]
    axes.set_xticks(range(len(chosen)), labels, rotation=90)
    axes.set_yticks(range(len(chosen)), labels)
    axes.tick_params(length=0)
    for edge in axes.spines.values():
        edge.set_visible(False)
    axes.set_xlabel("predicted as")
    axes.set_ylabel("ground truth")
    classes = len({number for pair in found.confusions for number in (pair.gt, pair.pred)})
    axes.set_title("Confused classes" + (f" (the {MOST} of {classes} most confused)" if classes > MOST else ""))
    return figure
