"""Which prediction belongs to which ground truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from pqeval.errors import DataWarning, PairingError
from pqeval.image_ids import ImageId, Key, image_key
from pqeval.source import Image, Source

__all__ = ["Pairing", "pair_images"]

SUFFIXES = (".png", ".jpg", ".jpeg")
SHOWN = 5


@dataclass(frozen=True)
class Pairing:
    """The images of two sides, matched by id.

    Parameters
    ----------
    pairs : list of (gt Image, pred Image or None)
        In the order of the ground truth; ``None`` where there is no prediction.
    warnings : list of DataWarning
        Predictions without ground truth, and ids that are written differently on the two sides.
    """

    pairs: list[tuple[Image, Image | None]]
    warnings: list[DataWarning]

    @property
    def missing(self) -> list[Image]:
        """Images of the ground truth without a prediction."""
        return [gt for gt, pred in self.pairs if pred is None]

    def missing_error(self, pred_file: str) -> PairingError:
        """Return the error that lists the images without a prediction."""
        ids = [image.image_id for image in self.missing]
        return PairingError(
            code="prediction-missing",
            found=f"no prediction for {len(ids)} of {len(self.pairs)} images: image {_shown(ids)}",
            expected="a prediction for every image of the ground truth",
            remedy="add the predictions, or score them as empty or leave them out with --missing empty or skip",
            file=pred_file,
        )


def pair_images(gt: Source, pred: Source) -> Pairing:
    """Match the images of two sides by id.

    Equal ids belong together. Ids that are written differently ("0012", "0012.png" and 12) do if that is
    unambiguous: if no other id of either side reads the same.

    Parameters
    ----------
    gt, pred : Source
        The two sides.

    Returns
    -------
    Pairing
    """
    partner: dict[Key, Image] = {key: pred.images[key] for key in gt.images if key in pred.images}
    respelled: list[tuple[ImageId, ImageId]] = []
    if len(partner) < len(gt.images):
        pred_forms = _forms(pred.images.values())
        loose = {
            form: image
            for form, image in pred_forms.items()
            if image is not None and image_key(image.image_id) not in gt.images
        }
        for form, image in _forms(gt.images.values()).items():
            if image is None or form not in loose or image_key(image.image_id) in partner:
                continue
            partner[image_key(image.image_id)] = loose[form]
            respelled.append((image.image_id, loose[form].image_id))
    used = {image_key(image.image_id) for image in partner.values()}
    extra = [image.image_id for key, image in pred.images.items() if key not in used]
    warnings = []
    if respelled:
        warnings.append(
            DataWarning(
                code="image-id-form",
                found=f"image ids are written differently on the two sides ({len(respelled)} in all): "
                f"{respelled[0][0]!r} in the ground truth is taken for {respelled[0][1]!r} in the prediction",
                expected="equal image ids, type included",
                remedy="write the image ids as the ground truth does",
                file=pred.file,
            )
        )
    if extra:
        warnings.append(
            DataWarning(
                code="prediction-extra",
                found=f"predictions without ground truth are not scored ({len(extra)}): image {_shown(extra)}",
                expected="predictions for the images of the ground truth",
                remedy="check that the ground truth is the right split",
                file=pred.file,
            )
        )
    return Pairing([(image, partner.get(key)) for key, image in gt.images.items()], warnings)


def _forms(images: Iterable[Image]) -> dict[str, Image | None]:
    """Images by the plain form of their id, ``None`` where two images share a form."""
    listed = [(_plain(image.image_id), image) for image in images]
    times = Counter(form for form, _ in listed)
    return {form: image if times[form] == 1 else None for form, image in listed}


def _plain(image_id: ImageId) -> str:
    if image_id is None or isinstance(image_id, bool):
        return "\0" + repr(image_id)  # never the form of a string
    if not isinstance(image_id, str):
        return repr(int(image_id) if isinstance(image_id, float) and image_id.is_integer() else image_id)
    name = PurePosixPath(image_id.replace("\\", "/"))
    stem = name.stem if name.suffix.lower() in SUFFIXES else name.name
    return stem.lstrip("0") or "0" if stem.isdecimal() else stem


def _shown(ids: list[ImageId]) -> str:
    shown = ", ".join(repr(number) for number in ids[:SHOWN])
    return shown if len(ids) <= SHOWN else f"{shown} and {len(ids) - SHOWN} more"
