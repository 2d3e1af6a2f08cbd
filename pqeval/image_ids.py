"""What names an image: any JSON scalar."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from pqeval.errors import PairingError

__all__ = ["ImageId", "Key", "image_ids", "image_key", "is_image_id", "plain_id", "plain_name", "shown"]

ImageId: TypeAlias = str | int | float | bool | None
Key: TypeAlias = tuple[int, Any]

EXTENSION = re.compile(r"\.(?:png|jpe?g|bmp|tiff?|np[yz]|mat|json|label|bin|txt)$", re.IGNORECASE)
MARK = re.compile(
    r"_(?:(?:gtFine|gtCoarse)(?:_\w+)?|leftImg8bit|newImg8bit|final_mask|panoptic|instanceIds|labelIds)$"
)
"""What datasets append to the name of an image to say what a file is."""


def image_key(image_id: ImageId) -> Key:
    """Return a key that sorts and hashes image ids of mixed types: null, booleans, numbers, strings.

    1 and 1.0 are one id (JSON does not tell them apart); 1, "1" and true are three.
    """
    if image_id is None:
        return (0, 0)
    if isinstance(image_id, bool):
        return (1, image_id)
    return (3, image_id) if isinstance(image_id, str) else (2, image_id)


def is_image_id(value: object) -> bool:
    """Whether a value can name an image: any JSON scalar; NaN, which some writers add, equals nothing."""
    return value is None or (math.isfinite(value) if isinstance(value, float) else isinstance(value, str | int))


def image_ids(value: Any) -> list[ImageId]:
    """Read one image id, or the ids of a batch.

    Parameters
    ----------
    value : str, int, float, bool, None, or a sequence of them
        Also numpy and torch scalars and one-dimensional arrays.

    Returns
    -------
    list of image ids
        Plain Python values: a tensor would not be equal to itself the next time.

    Raises
    ------
    PairingError
        For anything else.
    """
    plain = value.tolist() if hasattr(value, "tolist") else value
    listed = list(plain) if isinstance(plain, list | tuple) else [plain]
    ids = [entry.tolist() if hasattr(entry, "tolist") else entry for entry in listed]
    # 1.0 and 1 are one id; whichever comes first must not decide how it is written.
    ids = [int(number) if isinstance(number, float) and number.is_integer() else number for number in ids]
    for number in ids:
        if not is_image_id(number):
            nan = isinstance(number, float)
            raise PairingError(
                code="image-id",
                found=f"the image id {number!r:.40}" if nan else f"an image id of type {type(number).__name__}",
                expected="a string or a number, or a list of them for a batch",
                remedy="pass what names the image in the dataset",
            )
    return ids


def shown(ids: Sequence[ImageId], most: int = 5) -> str:
    """Name the first of some images, and say how many more there are."""
    text = ", ".join(repr(number) for number in ids[:most])
    return text if len(ids) <= most else f"{text} and {len(ids) - most} more"


def plain_id(image_id: ImageId) -> str:
    """Return an id without what may differ between two files: suffixes, leading zeros, its type."""
    if image_id is None or isinstance(image_id, bool):
        return "\0" + repr(image_id)  # never the form of a string
    if not isinstance(image_id, str):
        return repr(int(image_id) if isinstance(image_id, float) and image_id.is_integer() else image_id)
    return "/".join(_plain_part(part) for part in image_id.replace("\\", "/").split("/") if part not in ("", "."))


def _plain_part(part: str) -> str:
    stem = MARK.sub("", EXTENSION.sub("", part))
    return stem.lstrip("0") or "0" if stem.isdecimal() else stem


def plain_name(image_id: ImageId) -> str:
    """Return :func:`plain_id` without folders."""
    return plain_id(image_id).rpartition("/")[2]
