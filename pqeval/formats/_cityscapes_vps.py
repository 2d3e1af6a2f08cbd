"""How the frames of Cityscapes-VPS are named: video, frame, and the image of Cityscapes that it is.

Source: mcahny/vps at 138503e, ``prepare_data/create_panoptic_video_labels.py`` and ``tools/eval_vpq.py``.
"""

from __future__ import annotations

import re

__all__ = ["FRAME", "frame_id", "video_of"]

FRAME = r"\d{4}_\d{4}_[^_/]+_\d{6}_\d{6}"
ENDING = re.compile(r"_(?:final_mask|newImg8bit|leftImg8bit|gtFine_[A-Za-z]+)$")
WHOLE = re.compile(rf"{FRAME}(?=_|$)")
VIDEO = 4


def frame_id(name: str) -> str:
    """Return video/frame of a file name or of an image id."""
    stem = name.rpartition("/")[2].removesuffix(".png")
    parts = WHOLE.match(stem)
    stem = ENDING.sub("", stem) if parts is None else parts[0]
    return f"{stem[:VIDEO]}/{stem}"


def video_of(image_id: str) -> str:
    """Return the video of what :func:`frame_id` made."""
    return image_id.partition("/")[0]
