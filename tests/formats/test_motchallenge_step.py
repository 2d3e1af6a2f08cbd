"""MOTChallenge-STEP: as KITTI-STEP, with another table; what they share is tested there."""

from __future__ import annotations

import pytest
from datasets import image, save, says
from hypothesis import given, settings
from pair_maps import pair_maps, partition, problems, save_step, segments, tracks
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories

FORMAT = "motchallenge_step"
SIDEWALK, SKY, PERSON, RIDER, BICYCLE, VOID = 0, 3, 4, 5, 6, 255
TABLE = Categories.builtin(FORMAT)

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def test_persons_are_the_only_things(tmp_path):
    assert [row.id for row in TABLE if row.isthing] == [PERSON]
    save_step(tmp_path / "0009" / "000001.png", [[PERSON, RIDER, BICYCLE, VOID]])
    # Without instance a person is a crowd; riders and bicycles have none.
    assert partition(tmp_path, FORMAT) == {
        "0009/000001": ([[0, 1, 2, -1]], {0: (PERSON, True), 1: (RIDER, False), 2: (BICYCLE, False)})
    }


def test_an_object_keeps_its_segment_id_over_the_frames(tmp_path):
    for frame, instances in enumerate([[260, 4], [4, 260]]):
        save_step(tmp_path / "0002" / f"{frame:06d}.png", [[PERSON, PERSON]], [instances])
    first, second = (ids[0].tolist() for ids, _ in segments(tmp_path, FORMAT).values())
    assert first == second[::-1]


def test_a_score_worked_out_by_hand(tmp_path):
    # Person 260 has 4 pixels, 3 of them found by person 1, which has 1 on the sky: 3 / 5.
    # Sky has 4, found 3 and 1 of the person: 3 / 5.
    save_step(tmp_path / "gt" / "0002" / "000001.png", [[PERSON] * 4 + [SKY] * 4], [[260] * 4 + [0] * 4])
    save_step(
        tmp_path / "pred" / "0002" / "000001.png",
        [[PERSON, PERSON, PERSON, SKY, SKY, SKY, SKY, PERSON]],
        [[1, 1, 1, 0, 0, 0, 0, 1]],
    )
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    assert (result.groups["Things"].pq, result.groups["Stuff"].pq) == (3 / 5, 3 / 5)
    assert result.groups["All"].n == 2


def test_against_coco(tmp_path):
    save_step(tmp_path / "step" / "0002" / "000001.png", [[PERSON, PERSON, SKY]], [[300, 300, 0]])
    coco = save(
        tmp_path / "coco.json",
        [image("0002/000001", [[1, 2, 2]], {1: PERSON, 2: SKY}, file_name="a.png")],
        categories=[row.as_dict() for row in TABLE],
    )
    # Person: 1 / 2 is not enough. Sky: 1 / 2 neither.
    result = pqeval.evaluate(gt=tmp_path / "step", pred=coco, gt_format=FORMAT, pred_format="coco")
    assert [(row.tp, row.fp, row.fn) for row in result.per_class if row.fn] == [(0, 1, 1), (0, 1, 1)]


@settings(max_examples=10)
@given(
    pair_maps(things=[PERSON], stuff=[SIDEWALK, RIDER], void=VOID, instances=[1, 256, 65535], crowd=0, frames=2)
)
def test_there_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("step")
    for number, (category, instance) in enumerate(frames):
        save_step(folder / "gt" / "0002" / f"{number:06d}.png", category, instance)
    before = partition(folder / "gt", FORMAT)
    pqeval.convert(folder / "gt", folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before
    pqeval.convert(folder / "coco.json", folder / "again", format="coco", to=FORMAT)
    assert partition(folder / "again", FORMAT) == before
    assert sorted(tracks(folder / "again", FORMAT).values()) == sorted(tracks(folder / "gt", FORMAT).values())


@trigger
def a_category_of_the_other_step(folder):
    """Cars of KITTI-STEP, 13, are nothing here."""
    save_step(folder / "gt" / "0002" / "000001.png", [[SKY]])
    save_step(folder / "pred" / "0002" / "000001.png", [[13]], [[1]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/0002/000001.png (image '0002/000001'): the prediction uses category_id 13, which the category
              table lacks
          expected: one of the 7 ids of the table, 0 to 6
          do: write the dataset's category ids, not the network's class numbers; or say what unknown segments are
              with `unknown` (on the command line --unknown void or --unknown fp)
        """,
        folder=folder,
    )
