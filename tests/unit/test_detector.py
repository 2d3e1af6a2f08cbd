"""The detector of Panoptic FPN and UPSNet, and both networks, in numpy alone: numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pqeval.architectures import _boxes, detector, ops, panoptic_fpn, upsnet
from pqeval.architectures._pasting import paste, paste_points
from pqeval.architectures.parameters import Parameters, RandomParameters

NETWORKS = [panoptic_fpn, upsnet]
CHANNELS = {panoptic_fpn: 4, upsnet: 7}


def random_map(seed, *shape):
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def boxes_of(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def flat_levels(size, values):
    return [
        np.full((1, size // stride, size // stride), v, np.float32)
        for stride, v in zip(detector.STRIDES, values, strict=True)
    ]


# Boxes


def test_anchors_by_hand():
    found = _boxes.anchors((16, 24), [8], [8.0], [1.0, 4.0])
    assert found.shape == (2 * 3 * 2, 4)
    assert found[0].tolist() == [0, 0, 8, 8]
    assert found[1].tolist() == [8, 0, 16, 8]
    assert found[3].tolist() == [0, 8, 8, 16]
    # The same area, four times as high as wide, around the same centre.
    assert found[6].tolist() == [2, -4, 6, 12]


def test_anchors_are_in_the_order_of_the_outputs():
    size = (32, 48)
    anchors = detector.anchors_of(size)
    objectness, deltas = detector.rpn(
        ops, RandomParameters(0), [np.zeros((3, 32 // s, 48 // s), np.float32) for s in detector.STRIDES]
    )
    assert anchors.shape == (objectness.shape[0], 4) == (deltas.shape[1], deltas.shape[0])
    # Row 1, column 2 of the second shape at stride 4 is what position (1, 2) of channel 1 speaks about.
    at = 1 * 8 * 12 + 1 * 12 + 2
    assert anchors[at].tolist() == pytest.approx([2.5 * 4 - 5.5, 1.5 * 4 - 5.5, 2.5 * 4 + 5.5, 1.5 * 4 + 5.5])


def test_deltas_of_an_anchor_stay_together():
    # Channels of the layer: all of dx, then all of dy, dw, dh, one for each shape.
    params = RandomParameters(0)
    levels = [random_map(at, 3, 32 // stride, 32 // stride) for at, stride in enumerate(detector.STRIDES)]
    detector.rpn(ops, params, levels)
    params.arrays["rpn.deltas.weight"][:] = 0
    params.arrays["rpn.deltas.bias"][:] = np.arange(12)
    deltas = detector.rpn(ops, params, levels)[1]
    assert deltas[:, 0].tolist() == [0, 3, 6, 9]
    assert deltas[:, 8 * 8].tolist() == [1, 4, 7, 10]
    assert deltas[:, -1].tolist() == [2, 5, 8, 11]


def test_boxes_are_coded_by_hand():
    found = _boxes.encode(boxes_of((5, 0, 15, 20)), boxes_of((0, 0, 10, 10)), (10, 10, 5, 5))
    np.testing.assert_allclose(found, [[5, 5, 0, 5 * math.log(2)]], rtol=1e-6)


def test_coding_can_be_undone():
    random = np.random.RandomState(0)
    corners = random.uniform(0, 80, (2, 50, 2))
    first, second = (
        np.concatenate([c, c + random.uniform(2, 40, (50, 2))], -1).astype(np.float32) for c in corners
    )
    for weights in (detector.RPN_WEIGHTS, detector.BOX_WEIGHTS):
        found = _boxes.decode(_boxes.encode(first, second, weights), second, weights)
        np.testing.assert_allclose(found, first, atol=1e-3)
        assert found.dtype == np.float32


def test_growth_is_limited():
    found = _boxes.decode(boxes_of((0, 0, 1e6, 0)), boxes_of((0, 0, 16, 16)), (1, 1, 1, 1))
    np.testing.assert_allclose(found, [[8 - 500, 0, 8 + 500, 16]], rtol=1e-4)


def test_overlap_by_hand():
    first = boxes_of((0, 0, 2, 2), (5, 5, 5, 5))
    second = boxes_of((0, 0, 2, 2), (1, 1, 3, 3), (2, 0, 4, 2), (5, 5, 5, 5))
    np.testing.assert_allclose(_boxes.iou(first, second), [[1, 1 / 7, 0, 0], [0, 0, 0, 0]], rtol=1e-6)


def test_suppression_by_hand():
    boxes = boxes_of((0, 0, 10, 10), (1, 0, 11, 10), (50, 0, 60, 10), (0, 0, 10, 9))
    scores = np.float32([0.5, 0.9, 0.4, 0.8])
    assert _boxes.suppress(boxes, scores, 0.5).tolist() == [1, 2]
    # Of two classes, box 0 is alone in its own.
    assert _boxes.suppress(boxes, scores, 0.5, np.array([7, 8, 8, 8])).tolist() == [1, 0, 2]


def test_a_suppressed_box_suppresses_nothing():
    chain = boxes_of((0, 0, 10, 1), (4, 0, 14, 1), (8, 0, 18, 1))
    assert _boxes.suppress(chain, np.float32([0.9, 0.8, 0.7]), 0.4).tolist() == [0, 2]


def test_overlap_of_exactly_the_threshold_is_allowed():
    boxes = boxes_of((0, 0, 2, 1), (0, 0, 1, 1))
    assert _boxes.suppress(boxes, np.float32([0.5, 0.6]), 0.5).tolist() == [1, 0]
    assert _boxes.suppress(boxes, np.float32([0.5, 0.6]), 0.49).tolist() == [1]


def test_the_first_of_equal_scores_wins():
    boxes = boxes_of((0, 0, 4, 4), (0, 0, 4, 4), (9, 9, 10, 10))
    assert _boxes.suppress(boxes, np.float32([0.5, 0.5, 0.5]), 0.5).tolist() == [0, 2]


def test_nothing_is_suppressed_among_no_boxes():
    assert _boxes.suppress(boxes_of(), np.zeros(0, np.float32), 0.5).tolist() == []


def test_box_of_a_mask():
    mask = np.zeros((5, 6), bool)
    mask[2, 3] = True
    assert _boxes.box_of(mask).tolist() == [3, 2, 4, 3]
    mask[4, 0] = True
    assert _boxes.box_of(mask).tolist() == [0, 2, 4, 5]


# RoIAlign


def test_align_by_hand():
    # On a plane, reading between pixels is exact: 10 times the row plus the column of the map.
    levels = flat_levels(32, (0, 0, 0, 0))
    levels[0] = np.add.outer(10 * np.arange(16), np.arange(16))[None].astype(np.float32)
    found = detector.align(ops, levels, boxes_of((4, 6, 12, 14)), 2, 2)
    # Bins have their centres at x 6 and 10, y 8 and 12 of the image: 2.5 and 4.5, 3.5 and 5.5 of the map.
    np.testing.assert_allclose(found, [[[[37.5, 39.5], [57.5, 59.5]]]], rtol=1e-6)


def test_align_reads_zeros_outside():
    levels = flat_levels(32, (1, 100, 100, 100))
    # Centres at image (-2, -2) to (2, 2): -1.5 and 0.5 of the map.
    assert detector.align(ops, levels, boxes_of((-4, -4, 4, 4)), 2, 1).tolist() == [[[[0, 0], [0, 1]]]]
    # Half a pixel off the left border of the map half is zero.
    assert detector.align(ops, levels, boxes_of((-1, 9, 1, 11)), 1, 1).tolist() == [[[[0.5]]]]
    # Below the finest level the next one begins, but a row of zeros lies between.
    found = detector.align(ops, levels, boxes_of((4, 28, 12, 36)), 2, 1)
    assert found.tolist() == [[[[1, 1], [0, 0]]]]
    assert not detector.align(ops, levels, boxes_of((0, 500, 8, 508), (500, 0, 508, 8)), 2, 2).any()


def test_large_boxes_are_read_from_coarse_levels():
    levels = flat_levels(160, (1, 2, 3, 4))
    boxes = boxes_of(*((16, 16, 16 + side, 16 + side) for side in (4, 27.9, 28, 55.9, 56, 112)))
    found = detector.align(ops, levels, boxes, 1, 1)[:, 0, 0, 0]
    assert found.tolist() == [1, 1, 2, 2, 3, 3]


def test_align_of_no_boxes():
    assert detector.align(ops, flat_levels(32, (1, 1, 1, 1)), boxes_of(), 7, 2).shape == (0, 1, 7, 7)


# Selections


def test_proposals():
    size = (32, 48)
    count = len(detector.anchors_of(size))
    objectness, deltas = np.full(count, -5, np.float32), np.zeros((4, count), np.float32)
    # A square of 11 around (10, 6), and one around (22, 18) that is moved a whole width to the right.
    first, second = 1 * 96 + 1 * 12 + 2, 1 * 96 + 4 * 12 + 5
    objectness[first], objectness[second] = 3, 4
    deltas[0, second] = 1
    found = detector.propose(objectness, deltas, size)
    np.testing.assert_allclose(found[:2], [[27.5, 12.5, 38.5, 23.5], [4.5, 0.5, 15.5, 11.5]])
    assert 2 < len(found) <= 40
    assert (found >= 0).all()
    assert (found <= [48, 32, 48, 32]).all()
    overlap = _boxes.iou(found, found) - np.eye(len(found))
    assert overlap.max() <= 0.7
    assert len(detector.propose(objectness, deltas, size, after=1)) == 1


def test_proposals_outside_the_image_are_none():
    count = len(detector.anchors_of((32, 32)))
    deltas = np.zeros((4, count), np.float32)
    deltas[0] = 100
    assert detector.propose(np.zeros(count, np.float32), deltas, (32, 32)).shape == (0, 4)


def detections(classes, *, agnostic=False, score=0.05, most=20):
    proposals = boxes_of((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60))
    logits = np.log(np.array(classes, np.float32))
    deltas = np.zeros((3, 4, 4), np.float32)
    deltas[2, 1, 0] = 10
    found = detector.detect(
        logits, deltas, proposals, (64, 64), detection_score=score, agnostic=agnostic, detections=most
    )
    return found[0].tolist(), found[1].tolist(), found[2].tolist()


SURE = [[0.9, 0.02, 0.02, 0.02, 0.04], [0.3, 0.6, 0.03, 0.03, 0.04], [0.1, 0.7, 0.01, 0.01, 0.18]]


def test_detections_of_each_class_by_itself():
    boxes, scores, kinds = detections(SURE)
    assert kinds == [0, 1, 1, 0]
    assert scores == pytest.approx([0.9, 0.7, 0.6, 0.1])
    # The correction of kind 1 moves the third box by its width, and the image cuts it off.
    assert boxes == [[0, 0, 10, 10], [60, 50, 64, 60], [1, 0, 11, 10], [50, 50, 60, 60]]


def test_detections_of_all_classes_together():
    boxes, _, kinds = detections(SURE, agnostic=True, score=0.2)
    assert kinds == [0, 1]
    assert boxes == [[0, 0, 10, 10], [60, 50, 64, 60]]
    assert detections(SURE, most=1)[2] == [0]


def test_a_score_of_exactly_the_threshold_is_no_detection():
    half = [[0.5, 0.125, 0.125, 0.125, 0.125]] * 3
    assert detections(half, score=0.5) == ([], [], [])


# Masks


def test_pasting_by_hand():
    masks = np.float32([[[1, 3], [5, 7]]])
    logits, inside = paste(masks, boxes_of((1, 0, 5, 4)), (5, 6))
    # Pixel centres lie at -0.25, 0.25, 0.75 and 1.25 of the mask, and the border is repeated.
    across = np.array([0, 0.25, 0.75, 1])
    expected = np.zeros((5, 6))
    expected[:4, 1:5] = 1 + 4 * across[:, None] + 2 * across[None, :]
    np.testing.assert_allclose(logits[0], expected, rtol=1e-6)
    assert (inside[0] == (expected > 0)).all()


def test_pixels_are_inside_by_their_centres():
    _, inside = paste(
        np.ones((3, 2, 2), np.float32), boxes_of((0.5, 0, 1.5, 1), (0.6, 0, 1.6, 1), (-3, -3, 9, 1)), (2, 3)
    )
    assert inside.astype(int).tolist() == [[[1, 0, 0], [0] * 3], [[0, 1, 0], [0] * 3], [[1, 1, 1], [0] * 3]]


def test_pasting_onto_a_coarse_map():
    down, across, rows, columns = paste_points(boxes_of((0, 0, 8, 8)), (8, 12), 4, stride=2)
    assert down.tolist() == [[0, 1, 2, 3]]  # centres at 1, 3, 5, 7 pixels, and every bin is 2 pixels
    assert across.tolist() == [[0, 1, 2, 3, 3, 3]]
    assert rows.all()
    assert columns.tolist() == [[True] * 4 + [False] * 2]


def test_pasting_nothing():
    logits, inside = paste(np.zeros((0, 28, 28), np.float32), boxes_of(), (4, 5))
    assert logits.shape == inside.shape == (0, 4, 5)


# Deformable convolution


def deformed(image, weight, bias, moves):
    arrays = {
        "a.moves.weight": np.zeros((18, image.shape[0], 3, 3)),
        "a.moves.bias": np.float32(moves),
        "a.mix.weight": weight.reshape(len(weight), -1, 1, 1),
        "a.mix.bias": bias,
    }
    return upsnet.deformable(ops, Parameters(arrays), "a", [image], len(weight))[0]


def test_without_moves_it_is_a_plain_convolution():
    image, weight, bias = random_map(0, 5, 6, 7), random_map(1, 4, 5, 3, 3), random_map(2, 4)
    expected = ops.relu(ops.conv2d(image, weight, bias))
    np.testing.assert_allclose(deformed(image, weight, bias, [0] * 18), expected, atol=1e-5)


def test_taps_move_down_and_across():
    image, weight, bias = random_map(0, 2, 6, 7), random_map(1, 3, 2, 3, 3), random_map(2, 3)
    moved = np.zeros_like(image)
    moved[:, :-1, 2:] = image[:, 1:, :-2]
    found = deformed(image, weight, bias, [1] * 9 + [-2] * 9)
    expected = ops.relu(ops.conv2d(moved, weight, bias))
    # At the border the window reads what a shifted image would have lost.
    np.testing.assert_allclose(found[:, 1:-2, 3:-1], expected[:, 1:-2, 3:-1], atol=1e-5)


def test_each_tap_moves_by_itself():
    image = np.arange(25, dtype=np.float32).reshape(1, 5, 5)
    weight = np.zeros((1, 1, 3, 3), np.float32)
    weight[0, 0, 0, 2] = 1  # tap 2: up and to the right
    moves = np.zeros(18)
    moves[2], moves[9 + 2] = 0.5, -0.25
    found = deformed(image, weight, np.zeros(1, np.float32), moves)
    assert found[0, 2, 2] == pytest.approx(5 * 1.5 + 2.75)


# Both networks


@pytest.mark.parametrize("network", NETWORKS)
def test_outputs(network):
    params = RandomParameters(3)
    image = random_map(0, 3, 48, 64)
    found = network.forward(ops, params, image, detection_score=0.1)
    count = len(found["scores"])
    assert count > 0
    assert found["boxes"].shape == (count, 4)
    assert found["masks"].shape == (count, 28, 28)
    assert found["semantic"].shape == (CHANNELS[network], 48, 64)
    assert set(found["categories"].tolist()) <= {1, 2, 3, 4}
    assert (np.diff(found["scores"]) <= 0).all()
    assert found["scores"].min() > 0.1
    assert all(array.dtype == np.float32 for name, array in found.items() if name != "categories")
    assert sum(array.size for array in params.arrays.values()) <= 300_000


@pytest.mark.parametrize("network", NETWORKS)
def test_outputs_without_any_detection(network):
    params, image = RandomParameters(3), random_map(0, 3, 32, 48)
    found = network.forward(ops, params, image, detection_score=1.0)
    assert found["boxes"].shape == (0, 4)
    assert found["masks"].shape == (0, 28, 28)
    id_map, segments = network.segment(params, image, detection_score=1.0, stuff_area=1)
    assert id_map.shape == (32, 48)
    assert id_map.dtype == np.uint32
    assert {row["category_id"] for row in segments} <= {5, 6, 7}


@pytest.mark.parametrize("network", NETWORKS)
def test_segments_are_those_of_the_map(network):
    params, image = RandomParameters(3), random_map(0, 3, 48, 64)
    id_map, segments = network.segment(params, image, detection_score=0.1, score_threshold=0.1, stuff_area=1)
    assert {row["id"] for row in segments} == set(np.unique(id_map).tolist()) - {0}
    assert any(row["category_id"] <= 4 for row in segments)


def test_shared_layers_have_equal_names_and_shapes():
    shapes = []
    for network in NETWORKS:
        params = RandomParameters(0)
        network.forward(ops, params, random_map(0, 3, 32, 32))
        shapes.append({name: array.shape for name, array in params.arrays.items()})
    fpn, ups = shapes
    assert all(fpn[name] == ups[name] for name in fpn.keys() & ups.keys())
    assert {name.split(".")[0] for name in fpn.keys() ^ ups.keys()} == {
        "semantic", "semantic0", "semantic1", "semantic2", "semantic3", "pixels",
    }  # fmt: skip
