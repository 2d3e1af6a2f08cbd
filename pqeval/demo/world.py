"""What the world of the demonstration is made of: four things and four stuffs."""

from __future__ import annotations

from typing import Any

from pqeval.demo.canvas import Colour

CATEGORIES: list[dict[str, Any]] = [
    {"id": 3, "name": "ball", "supercategory": "toy", "isthing": 1, "color": [224, 62, 54]},
    {"id": 8, "name": "crate", "supercategory": "cargo", "isthing": 1, "color": [236, 160, 32]},
    {"id": 17, "name": "tent", "supercategory": "shelter", "isthing": 1, "color": [150, 84, 200]},
    {"id": 41, "name": "tyre", "supercategory": "cargo", "isthing": 1, "color": [22, 140, 150]},
    {"id": 112, "name": "sky", "supercategory": "outdoor", "isthing": 0, "color": [168, 206, 240]},
    {"id": 125, "name": "grass", "supercategory": "ground", "isthing": 0, "color": [142, 192, 108]},
    {"id": 149, "name": "road", "supercategory": "ground", "isthing": 0, "color": [150, 146, 152]},
    {"id": 178, "name": "water", "supercategory": "outdoor", "isthing": 0, "color": [74, 122, 196]},
]
"""COCO category dicts; the ids have gaps, as in a real data set."""

BALL, CRATE, TENT, TYRE, SKY, GRASS, ROAD, WATER = (int(category["id"]) for category in CATEGORIES)
IS_THING = {int(category["id"]): category["isthing"] == 1 for category in CATEGORIES}

PAINTS: dict[int, tuple[Colour, ...]] = {
    BALL: ((222, 64, 58), (60, 112, 214), (246, 200, 62), (238, 238, 232)),
    CRATE: ((196, 142, 84), (176, 120, 70), (208, 160, 104)),
    TENT: ((232, 120, 48), (62, 150, 132), (206, 74, 96)),
    TYRE: ((62, 62, 68), (52, 54, 62)),
}
"""What the things are painted with in the picture of the scene; the colours above are for label maps."""
