"""Which prediction belongs to which ground truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pqeval.errors import DataWarning, PairingError
from pqeval.image_ids import ImageId, Key, image_key, plain_id, plain_name, shown
from pqeval.source import Image, Source

__all__ = ["Pairing", "chosen_images", "pair_images"]


@dataclass(frozen=True)
class Pairing:
    """The images of two sides, matched by id.

    Parameters
    ----------
    pairs : list of (gt Image, pred Image or None)
        In the order of the ground truth; ``None`` where there is no prediction.
    warnings : list of DataWarning
        Predictions without ground truth, and ids that are written differently on the two sides.
    extra : list of Image
        Predictions without ground truth.
    """

    pairs: list[tuple[Image, Image | None]]
    warnings: list[DataWarning]
    extra: list[Image] = field(default_factory=list)

    @property
    def missing(self) -> list[Image]:
        """Images of the ground truth without a prediction."""
        return [gt for gt, pred in self.pairs if pred is None]

    def missing_error(self, pred_file: str) -> PairingError:
        """Return the error that lists the images without a prediction."""
        ids = [image.image_id for image in self.missing]
        return PairingError(
            code="prediction-missing",
            found=f"no prediction for {len(ids)} of {len(self.pairs)} images: image {shown(ids)}",
            expected="a prediction for every image of the ground truth",
            remedy="add the predictions, or score them as empty or leave them out with --missing empty or skip",
            file=pred_file,
        )


def pair_images(gt: Source, pred: Source, only: Iterable[ImageId] | None = None) -> Pairing:
    """Match the images of two sides by id.

    Equal ids belong together. Ids that are written differently ("0012", "0012.png" and 12) do if that is
    unambiguous: if no other id of either side reads the same. Folders in ids count at first, and where that finds
    no partner they do not.

    Parameters
    ----------
    gt, pred : Source
        The two sides.
    only : iterable of image ids, optional
        The images of the ground truth to score; all others are left out on both sides.

    Returns
    -------
    Pairing
    """
    truth = chosen_images(gt, only)
    partner: dict[Key, Image] = {key: pred.images[key] for key in truth if key in pred.images}
    respelled: list[tuple[ImageId, ImageId]] = []
    for plain in (plain_id, plain_name):
        if len(partner) == len(truth):
            break
        taken = {image_key(image.image_id) for image in partner.values()}
        loose = {
            form: image
            for form, image in _forms(pred.images.values(), plain).items()
            if image is not None and image_key(image.image_id) not in gt.images.keys() | taken
        }
        for form, image in _forms(gt.images.values(), plain).items():
            if image is None or form not in loose:
                continue
            key = image_key(image.image_id)
            if key in truth and key not in partner:
                partner[key] = loose[form]
                respelled.append((image.image_id, loose[form].image_id))
    used = {image_key(image.image_id) for image in partner.values()}
    extra = [image for key, image in pred.images.items() if key not in used]
    if only is not None:
        extra = []  # they were left out on purpose
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
                found=f"predictions without ground truth are not scored ({len(extra)}): "
                f"image {shown([image.image_id for image in extra])}",
                expected="predictions for the images of the ground truth",
                remedy="check that the ground truth is the right split",
                file=pred.file,
            )
        )
    return Pairing([(image, partner.get(key)) for key, image in truth.items()], warnings, extra)


def chosen_images(gt: Source, only: Iterable[ImageId] | None) -> dict[Key, Image]:
    """Return the images that were asked for, in the order of the data.

    Raises
    ------
    PairingError
        If some are not there.
    """
    if only is None:
        return dict(gt.images)
    forms = [_forms(gt.images.values(), plain) for plain in (plain_id, plain_name)]
    wanted: set[Key] = set()
    lacking: list[ImageId] = []
    for image_id in only:
        near = (form.get(plain(image_id)) for form, plain in zip(forms, (plain_id, plain_name), strict=True))
        image = gt.images.get(image_key(image_id)) or next((found for found in near if found is not None), None)
        if image is None:
            lacking.append(image_id)
        else:
            wanted.add(image_key(image.image_id))
    if lacking:
        raise PairingError(
            code="images-lacking",
            found=f"{len(lacking)} of the images asked for are not there: image {shown(lacking)}",
            expected="images of the ground truth",
            remedy="check the list; one image id per line",
            file=gt.file,
        )
    return {key: image for key, image in gt.images.items() if key in wanted}


def _forms(images: Iterable[Image], plain: Callable[[ImageId], str]) -> dict[str, Image | None]:
    """Images by a plain form of their id, ``None`` where two images share it."""
    listed = [(plain(image.image_id), image) for image in images]
    times = Counter(form for form, _ in listed)
    return {form: image if times[form] == 1 else None for form, image in listed}
