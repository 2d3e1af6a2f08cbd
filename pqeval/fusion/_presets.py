"""The one table of settings: what each rule is told for which data.

``coco`` is what the authors, or those who carried on their code, use for COCO, ``cityscapes`` for Cityscapes.
``small-scenes`` is for the 96 by 128 scenes of :mod:`pqeval.architectures`. Where nobody published a number, the
one that the other rules use stands here; the documentation says which these are.
"""

from __future__ import annotations

from typing import Any

from pqeval.errors import UsageError

__all__ = ["PRESETS", "RULES", "settings"]

PRESETS = ("coco", "cityscapes", "small-scenes")

# Settings that are the same everywhere, then those that differ, in the order of PRESETS.
RULES: dict[str, tuple[dict[str, Any], dict[str, tuple[Any, Any, Any]]]] = {
    "heuristic": (
        {"score_threshold": 0.5, "mask_threshold": 0.5, "overlap_threshold": 0.5},
        {"stuff_area": (4096, 2048, 64)},
    ),
    "upsnet": (
        {"score_threshold": 0.6, "overlap_threshold": 0.3, "unknown": True},
        {"stuff_area": (4096, 2048, 64)},
    ),
    "panoptic_deeplab": (
        {"centre_threshold": 0.1, "top_k": 200},
        {"nms_window": (41, 7, 7), "stuff_area": (4096, 2048, 64)},
    ),
    "panoptic_fcn": (
        {"rescore_threshold": 0.05, "most": 100, "overlap_threshold": 0.5},
        {"score_threshold": (0.2, 0.2, 0.15), "mask_threshold": (0.4, 0.5, 0.4), "stuff_area": (4096, 2048, 64)},
    ),
    "panoptic_fcn.fuse_kernels": (
        {},
        {"similarity_threshold": (0.9, 0.97, 0.98)},
    ),
    "mask_classification": (
        {"variant": "mask2former", "mask_threshold": 0.5, "kept_share": 0.8},
        {},
    ),
    "efficientps": (
        {"score_threshold": 0.5, "mask_threshold": 0.5, "overlap_threshold": 0.5},
        {"stuff_area": (4096, 2048, 64)},
    ),
    "degeus": (
        {"mask_threshold": 0.5, "pixel_threshold": 0.25, "stuff_share": 1 / 2048},
        {},
    ),
}


def settings(rule: str, preset: str = "coco") -> dict[str, Any]:
    """Return the settings of a rule.

    Parameters
    ----------
    rule : str
        The name of a rule, or ``"panoptic_fcn.fuse_kernels"`` for the step of that rule that precedes its masks.
    preset : str
        ``"coco"``, ``"cityscapes"`` or ``"small-scenes"``.

    Returns
    -------
    dict
        Keyword arguments; a new one each time.

    Raises
    ------
    UsageError
        If the table has no such rule or no such preset.

    Examples
    --------
    >>> import pqeval.fusion
    >>> pqeval.fusion.settings("heuristic", "cityscapes")
    {'score_threshold': 0.5, 'mask_threshold': 0.5, 'overlap_threshold': 0.5, 'stuff_area': 2048}
    """
    row = RULES.get(str(rule).replace("-", "_"))
    if row is None:
        raise UsageError(
            code="unknown-rule",
            found=f"no settings are kept for {rule!r}",
            expected=f"one of: {', '.join(RULES)}",
            remedy="check the spelling",
        )
    name = str(preset).replace("_", "-")
    if name not in PRESETS:
        raise UsageError(
            code="unknown-preset",
            found=f"no preset is called {preset!r}",
            expected=f"one of: {', '.join(PRESETS)}",
            remedy="choose the one whose images are most like yours, and override what differs",
        )
    same, differing = row
    return same | {setting: values[PRESETS.index(name)] for setting, values in differing.items()}
