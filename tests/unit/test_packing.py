"""``pqeval.pack``: what is packed is what a server can read, and what it would refuse is found before."""

from __future__ import annotations

import json
import zipfile

import pytest
from click.testing import CliRunner
from datasets import image, save, says
from triggers import Triggers, name_of

import pqeval
from pqeval.cli import cli
from pqeval.errors import PqevalError

trigger = Triggers()

PERSON, GRASS, ROAD, CAR = 1, 193, 7, 26


def predictions(folder, *images):
    return save(folder / "pred.json", list(images), categories=None)


def raised(*arguments, **options):
    with pytest.raises(PqevalError) as caught:
        pqeval.pack(*arguments, **options)
    return caught.value


def test_the_archive_can_be_evaluated(tmp_path):
    pixels, rows = [[5, 5, 70000], [0, 5, 70000]], {5: PERSON, 70000: GRASS}
    pred = predictions(tmp_path, image(139, pixels, rows), image(285, [[9]], {9: GRASS}))
    gt = save(tmp_path / "gt.json", [image(139, pixels, rows), image(285, [[9]], {9: GRASS})], categories=[
        {"id": PERSON, "name": "person", "isthing": 1}, {"id": GRASS, "name": "grass", "isthing": 0}])  # fmt: skip
    packed = pqeval.pack(pred, tmp_path / "panoptic_val2017_mine_results.zip")
    assert (packed.images, packed.warnings) == (2, ())
    with zipfile.ZipFile(tmp_path / "panoptic_val2017_mine_results.zip") as archive:
        assert archive.namelist() == [
            "panoptic_val2017_mine_results/000000000139.png",
            "panoptic_val2017_mine_results/000000000285.png",
            "panoptic_val2017_mine_results.json",
        ]
        assert json.loads(archive.read("panoptic_val2017_mine_results.json"))["annotations"][0] == {
            "image_id": 139,
            "file_name": "000000000139.png",
            "segments_info": [{"id": 5, "category_id": PERSON}, {"id": 70000, "category_id": GRASS}],
        }
    result = pqeval.evaluate(gt=gt, pred=tmp_path / "panoptic_val2017_mine_results.zip")
    assert (result.pq, result.void["unknown_pixels"]) == (1.0, 1)


def test_the_same_predictions_give_the_same_bytes(tmp_path):
    pred = predictions(tmp_path, image(139, [[5]], {5: PERSON}))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pqeval.pack(pred, tmp_path / name / "x.zip")
    assert (tmp_path / "a" / "x.zip").read_bytes() == (tmp_path / "b" / "x.zip").read_bytes()


def test_ids_are_written_as_the_server_has_them_and_in_its_order(tmp_path):
    pred = predictions(
        tmp_path,
        image("000000000285", [[5]], {5: PERSON}),
        image("139", [[5]], {5: PERSON}),
        image(7, [[5]], {5: 1}),
    )
    (tmp_path / "info.json").write_text(
        json.dumps({"images": [{"id": 139, "height": 1, "width": 1}, {"id": 285}], "categories": []})
    )
    packed = pqeval.pack(pred, tmp_path / "x.zip", images=tmp_path / "info.json")
    assert packed.images == 2
    assert [warning.code for warning in packed.warnings] == ["prediction-extra"]
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        annotations = json.loads(archive.read("x.json"))["annotations"]
    assert [entry["image_id"] for entry in annotations] == [139, 285]


def test_cityscapes_takes_label_ids(tmp_path):
    pred = predictions(tmp_path, image("berlin_000000_000019", [[5, 6]], {5: ROAD, 6: CAR}))
    assert pqeval.pack(pred, tmp_path / "x.zip", server="cityscapes").images == 1


def test_another_table_can_be_given(tmp_path):
    pred = predictions(tmp_path, image(1, [[5]], {5: 4000}))
    table = [{"id": 4000, "name": "cat", "isthing": 1}]
    assert pqeval.pack(pred, tmp_path / "x.zip", categories=table).images == 1


def test_the_command(tmp_path):
    pred = predictions(tmp_path, image(139, [[5]], {5: PERSON}))
    (tmp_path / "list.txt").write_text("139\n")
    arguments = ["pack", str(pred), str(tmp_path / "x.zip"), "--images", str(tmp_path / "list.txt")]
    done = CliRunner().invoke(cli, arguments)
    assert (done.exit_code, done.output) == (0, f"1 image packed into {tmp_path / 'x.zip'}\n")
    warned = CliRunner().invoke(cli, arguments[:3])
    assert warned.stderr == "warning: no --images, so nobody knows whether images lack\n"
    pqeval.save_coco_panoptic(tmp_path / "more.json", [], "coco")
    extra = predictions(tmp_path, image(139, [[5]], {5: PERSON}), image(7, [[5]], {5: PERSON}))
    told = CliRunner().invoke(cli, ["pack", str(extra), str(tmp_path / "x.zip"), *arguments[3:]])
    assert told.stderr.startswith("warning: [prediction-extra] ")


def test_nothing_is_left_of_an_archive_that_could_not_be_written(tmp_path):
    pred = predictions(tmp_path, image(139, [[5]], {5: PERSON}), image(285, b"no PNG", {5: PERSON}))
    assert raised(pred, tmp_path / "x.zip").code == "png-signature"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pred", "pred.json"]


@trigger
def server(folder):
    says(
        raised(folder / "pred.json", folder / "x.zip", server="kaggle"),
        """
        no server is called 'kaggle'
          expected: one of: coco, cityscapes
          do: other servers may take the same layout; see `pqeval convert`
        """,
    )


@trigger
def suffix(folder):
    says(
        raised(folder / "pred.json", folder / "x.tar"),
        """
        the output is 'x.tar'
          expected: a name that ends in .zip
          do: name the zip as the server asks for
        """,
    )


@trigger
def missing(folder):
    pred = predictions(folder, image(139, [[5]], {5: PERSON}))
    (folder / "list.txt").write_text("139\n285\n724\n")
    says(
        raised(pred, folder / "x.zip", images=folder / "list.txt"),
        """
        DIR/pred.json: no prediction for 2 of 3 images: image '285', '724'
          expected: a prediction for every image of the ground truth
          do: add the predictions, or score them as empty or leave them out with --missing empty or skip
        """,
        folder=folder,
    )


@trigger
def image_ids(folder):
    pred = predictions(folder, image("frankfurt_294", [[5]], {5: ROAD}))
    says(
        raised(pred, folder / "x.zip", server="cityscapes"),
        """
        DIR/pred.json: 1 image ids are not what the server has, first 'frankfurt_294'
          expected: city_sequence_frame, such as berlin_000000_000019
          do: name the images as the dataset does, or give the list of images with --images
        """,
        folder=folder,
    )


@trigger
def several_images(folder):
    pred = predictions(folder, image(139, [[5]], {5: 4000}), image(285, [[5, 5]], {5: PERSON}))
    (folder / "info.json").write_text(json.dumps({"images": [{"id": 139}, {"id": 285, "height": 2, "width": 3}]}))
    error = raised(pred, folder / "x.zip", images=folder / "info.json")
    says(
        list(error.errors),
        """
        DIR/pred.json (image 139): category_id 4000 is none that the server scores
          expected: one of the 133 ids of its table
          do: map the class numbers of the network to the dataset's category ids
        DIR/pred.json (image 285): the prediction is 2 x 1 (width x height), the image is 3 x 2
          expected: two equal sizes
          do: resize the prediction with nearest-neighbour interpolation
        """,
        folder=folder,
    )
    assert not (folder / "x.zip").exists()


@trigger
def volume(folder):
    import numpy as np

    (folder / "maps").mkdir()
    np.save(folder / "maps" / "7.npy", np.ones((2, 2, 3), np.uint32))
    (folder / "maps" / "7.json").write_text(json.dumps({"segments_info": [{"id": 1, "category_id": PERSON}]}))
    says(
        raised(folder / "maps", folder / "x.zip", format="numpy", options={"layout": "ids"}),
        """
        DIR/maps (image 7): the map has the shape (2, 2, 3)
          expected: an (H, W) map
          do: pack images; points and volumes have other servers
        """,
        folder=folder,
    )


@trigger
def list_of_images(folder):
    pred = predictions(folder, image(139, [[5]], {5: PERSON}))
    (folder / "info.json").write_text('{"images": [139]}')
    says(
        raised(pred, folder / "x.zip", images=folder / "info.json"),
        """
        DIR/info.json: the JSON has no list of images
          expected: "images": [{"id": 139, "height": 426, "width": 640}, ...]
          do: name the JSON that lists the images, or a text file with an image id per line
        """,
        folder=folder,
    )


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)
