"""Names of files that are written: each is given once."""

from __future__ import annotations

from pqeval.errors import PairingError
from pqeval.image_ids import ImageId

__all__ = ["take_name"]


def take_name(name: str, taken: set[str], image_id: ImageId) -> None:
    """Note that a file name is taken.

    Raises
    ------
    PairingError
        If another image has it.
    """
    if name in taken:
        raise PairingError(
            code="image-twice-saved",
            found=f"two images would be saved as {name}",
            expected="every image id once",
            remedy="give every image its own id",
            image_id=image_id,
        )
    taken.add(name)
