"""Annotations and images of a COCO panoptic JSON that is not ordinary, one by one."""

from __future__ import annotations

from typing import Any

from pqeval.image_ids import Key, image_key, is_image_id

__all__ = ["fault_of", "stated_sizes"]


def stated_sizes(images: Any) -> dict[Key, Any]:
    """Return (height, width) as ``images`` states them, by image."""
    entries = images if isinstance(images, list) else []
    return {
        image_key(entry["id"]): (entry.get("height"), entry.get("width"))
        for entry in entries
        if isinstance(entry, dict) and is_image_id(entry.get("id", []))
    }


def fault_of(entry: Any) -> tuple[str, str] | None:
    """Return what is wrong with an annotation: (found, expected), or nothing."""
    if not isinstance(entry, dict):
        return f" is {entry!r:.40}", "an object with image_id, file_name and segments_info"
    if "image_id" not in entry or not is_image_id(entry["image_id"]):
        found = f".image_id is {entry['image_id']!r:.40}" if "image_id" in entry else " has no image_id"
        return found, "a string or a number"
    if not isinstance(entry.get("file_name"), str):
        return f".file_name is {entry.get('file_name')!r:.40}", "the name of a PNG"
    rows = entry.get("segments_info")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        found = "has no segments_info" if rows is None else "segments_info is not a list of objects"
        return f": {found}", 'a list such as [{"id": 1, "category_id": 17}]'
    return None
