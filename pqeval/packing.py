"""Predictions checked and packed as an evaluation server takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pqeval.categories import Categories
from pqeval.conversion import frames_of, open_source
from pqeval.errors import (
    CategoryError,
    DataWarning,
    PairingError,
    PqevalError,
    ShapeError,
    UsageError,
    raise_all,
)
from pqeval.formats._coco_pack import write_zip
from pqeval.image_ids import ImageId, Key, image_key
from pqeval.output import PathLike, check_target
from pqeval.pairing import pair_images
from pqeval.source import Image, Source, Written
from pqeval.userfiles import read_image_list

__all__ = ["SERVERS", "Packed", "pack"]


@dataclass(frozen=True)
class Server:
    """What an evaluation server wants.

    Parameters
    ----------
    table : str
        Its categories.
    image_id : str
        What image ids look like, as a regular expression over their text.
    shown : str
        The same, for messages.
    numbers : bool
        Whether they are written as numbers.
    """

    table: str
    image_id: str
    shown: str
    numbers: bool = False


SERVERS = {
    "coco": Server("coco", r"\d+", "numbers, such as 139", numbers=True),
    "cityscapes": Server(
        "cityscapes", r"[a-z-]+_\d{6}_\d{6}", "city_sequence_frame, such as berlin_000000_000019"
    ),
}


@dataclass(frozen=True)
class Packed:
    """What was packed.

    Parameters
    ----------
    images : int
        Images in the archive.
    warnings : tuple of DataWarning
        What should be known.
    """

    images: int
    warnings: tuple[DataWarning, ...]


@dataclass
class _Wanted:
    """The images that the server expects, as a side to pair with."""

    file: str
    images: dict[Key, Image]
    categories: Categories | None = None
    problems: list[PqevalError] = field(default_factory=list)

    def read(self, image: Image, **options: Any) -> None:
        """Nothing is read of it."""


def pack(
    pred: PathLike,
    output: PathLike,
    *,
    server: str = "coco",
    images: PathLike | None = None,
    format: str | None = None,
    folder: PathLike | None = None,
    options: Mapping[str, str] | None = None,
    categories: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """Check predictions and write the zip that an evaluation server takes.

    The zip has a JSON and a folder of PNGs, both named as the zip itself; servers ask for a certain name, so give
    the zip that one. It is written only if every image is sound.

    Parameters
    ----------
    pred : path or URL
        The predictions, in any format that can be read.
    output : path
        The zip.
    server : {"coco", "cityscapes"}
        Whose rules. Both take COCO panoptic; Cityscapes with label ids.
    images : path, optional
        The images that the server expects: a JSON with ``images`` (``image_info_test-dev2017.json``, say, whose
        sizes are checked too), or a text file with an image id per line. Without it nothing can tell what lacks.
    format, folder, options
        As ``pred_format``, ``pred_folder`` and ``pred_options`` of :func:`pqeval.evaluate`.
    categories : path, str, or list of mapping, optional
        Another table than that of the server.
    progress : callable, optional
        Called as ``progress(done, total)`` after every image.

    Returns
    -------
    Packed

    Raises
    ------
    UsageError
        For a server that is not known.
    DataError
        Naming every image that the server would refuse.

    Examples
    --------
    >>> import pathlib, tempfile, zipfile, numpy as np, pqeval
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> segments = [{"id": 1, "category_id": 1}]
    >>> pqeval.save_coco_panoptic(folder / "pred.json", [(7, np.array([[1, 1]]), segments)], "coco")
    >>> pqeval.pack(folder / "pred.json", folder / "panoptic_test2017_mine_results.zip").images
    1
    >>> zipfile.ZipFile(folder / "panoptic_test2017_mine_results.zip").namelist()
    ['panoptic_test2017_mine_results/000000000007.png', 'panoptic_test2017_mine_results.json']
    """
    if server not in SERVERS:
        raise UsageError(
            code="unknown-server",
            found=f"no server is called {server!r}",
            expected=f"one of: {', '.join(SERVERS)}",
            remedy="other servers may take the same layout; see `pqeval convert`",
        )
    rules = SERVERS[server]
    target = Path(output)
    if target.suffix != ".zip":
        raise UsageError(
            code="zip-suffix",
            found=f"the output is {target.name!r}",
            expected="a name that ends in .zip",
            remedy="name the zip as the server asks for",
        )
    check_target(target)
    table = Categories.builtin(rules.table) if categories is None else categories
    side, listed = open_source(pred, format=format, role="pred", folder=folder, options=options, categories=table)
    warnings = [problem for problem in side.problems if isinstance(problem, DataWarning)]
    sizes: dict[Key, tuple[int, int]] = {}
    if images is not None:
        wanted = read_image_list(images)
        sizes = {image_key(number): size for number, size in wanted if size is not None}
        listed, found = _paired(side, [number for number, _ in wanted], str(images))
        warnings += found
    listed = _with_ids(listed, rules, side.file)
    known = side.categories
    assert known is not None
    checked = _checked(frames_of(side, listed, progress=progress), known, sizes, side.file)
    write_zip(target, checked, stem=target.stem)
    return Packed(len(listed), tuple(warnings))


def _paired(side: Source, ids: list[ImageId], file: str) -> tuple[list[Image], list[DataWarning]]:
    """Give the predictions the ids that the server knows, in its order."""
    wanted = _Wanted(
        file, {image_key(number): Image(number, place, file, None) for place, number in enumerate(ids)}
    )
    pairing = pair_images(wanted, side)
    if pairing.missing:
        raise pairing.missing_error(side.file)
    renamed = [
        replace(found, image_id=image.image_id, rank=image.rank)
        for image, found in pairing.pairs
        if found is not None
    ]
    return renamed, [warning for warning in pairing.warnings if warning.code != "image-id-form"]


def _with_ids(images: list[Image], rules: Server, file: str) -> list[Image]:
    """Write image ids as the server does, and refuse what it cannot have."""
    odd = [image.image_id for image in images if not re.fullmatch(rules.image_id, str(image.image_id))]
    if odd:
        raise PairingError(
            code="server-image-id",
            found=f"{len(odd)} image ids are not what the server has, first {odd[0]!r}",
            expected=rules.shown,
            remedy="name the images as the dataset does, or give the list of images with --images",
            file=file,
        )
    return [replace(image, image_id=int(str(image.image_id))) for image in images] if rules.numbers else images


def _checked(
    frames: Iterator[Written], table: Categories, sizes: Mapping[Key, tuple[int, int]], file: str
) -> Iterator[Written]:
    """Hold back what the server would refuse; all errors together are raised behind the last image."""
    errors: list[PqevalError] = []
    for image in frames:
        errors += [problem.located(file=file, image_id=image.image_id) for problem in _faults(image, table, sizes)]
        if not errors:
            yield image
    raise_all(errors)


def _faults(image: Written, table: Categories, sizes: Mapping[Key, tuple[int, int]]) -> Iterator[PqevalError]:
    lacking = [row.category_id for row in image.rows if table.index_of(row.category_id) < 0]
    if lacking:
        yield CategoryError(
            code="server-category",
            found=f"category_id {lacking[0]} is none that the server scores",
            expected=f"one of the {len(table)} ids of its table",
            remedy="map the class numbers of the network to the dataset's category ids",
        )
    if len(image.labels.shape) != 2:
        yield ShapeError(
            code="server-map",
            found=f"the map has the shape {image.labels.shape}",
            expected="an (H, W) map",
            remedy="pack images; points and volumes have other servers",
        )
    size = sizes.get(image_key(image.image_id))
    if size is not None and size != image.labels.shape:
        height, width = image.labels.shape[0], image.labels.shape[-1]
        yield ShapeError(
            code="server-size",
            found=f"the prediction is {width} x {height} (width x height), the image is {size[1]} x {size[0]}",
            expected="two equal sizes",
            remedy="resize the prediction with nearest-neighbour interpolation",
        )
