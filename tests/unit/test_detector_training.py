"""How Panoptic FPN and UPSNet learn: matching and lots by hand, the losses, and that torch and numpy agree."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from pqeval.architectures import detector, panoptic_fpn, upsnet  # noqa: E402
from pqeval.architectures import ops as numpy_ops  # noqa: E402
from pqeval.architectures.parameters import RandomParameters  # noqa: E402
from pqeval.architectures.prediction import load, normalised  # noqa: E402
from pqeval.architectures.scenes import draw_scene  # noqa: E402
from pqeval.architectures.train import _detection, ops  # noqa: E402
from pqeval.architectures.train import panoptic_fpn as fpn_recipe  # noqa: E402
from pqeval.architectures.train import upsnet as ups_recipe  # noqa: E402
from pqeval.architectures.train.examples import VOID, Example  # noqa: E402
from pqeval.architectures.train.parameters import TrainableParameters  # noqa: E402
from pqeval.fusion.upsnet import panoptic_logits  # noqa: E402

RECIPES = [fpn_recipe, ups_recipe]
SKY, GROUND, DISC, BOX, STAR = 5, 6, 1, 2, 4


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def random_map(seed, *shape):
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def boxes_of(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def by_hand(size=(32, 48)):
    """Ground, a disc (a square, here), a crowd of stars, and void."""
    id_map = np.ones(size, np.uint32)
    id_map[4:16, 4:14] = 2
    id_map[16:32, 32:48] = 3
    id_map[0:2] = 0
    segments = [
        {"id": 1, "category_id": GROUND, "iscrowd": 0},
        {"id": 2, "category_id": DISC, "iscrowd": 0},
        {"id": 3, "category_id": STAR, "iscrowd": 1},
    ]
    return Example(random_map(0, 3, *size), id_map, segments)


def empty(size=(32, 48)):
    segments = [{"id": 1, "category_id": SKY, "iscrowd": 0}]
    return Example(random_map(1, 3, *size), np.ones(size, np.uint32), segments)


# Matching and lots


def test_objects_by_hand():
    found = _detection.objects_of(by_hand())
    assert found.boxes.tolist() == [[4, 4, 14, 16]]
    assert found.kinds.tolist() == [0]
    assert found.masks.sum() == 120
    assert found.unclear.sum() == 16 * 16 + 2 * 48
    anchors = detector.anchors_of((32, 48))
    assert set(found.anchors.tolist()) == {-1, 0, 1}
    # The square of 11 around (10, 10): 99 of its 121 pixels and of the object's 120 are shared.
    assert found.anchors[96 + 2 * 12 + 2] == 1
    inside_crowd = (anchors[:, 0] >= 32) & (anchors[:, 1] >= 16) & (anchors[:, 2] <= 48) & (anchors[:, 3] <= 32)
    assert inside_crowd.any()
    assert (found.anchors[inside_crowd] == -1).all()


def test_anchors_by_hand():
    anchors = boxes_of(
        (0, 0, 10, 10), (0, 0, 10, 7), (0, 0, 10, 5), (0, 0, 10, 2), (20, 20, 30, 30), (40, 0, 50, 10)
    )
    unclear = np.zeros((40, 60), bool)
    unclear[:, 46:] = True
    labels, owners = _detection.match(anchors, boxes_of((0, 0, 10, 10), (26, 20, 36, 30)), unclear)
    # Overlap 0.7 is enough, 0.5 is between, 0.2 is none. The fifth is the best of its object, with a quarter.
    assert labels.tolist() == [1, 1, -1, 0, 1, 0]
    assert owners[[0, 1, 4]].tolist() == [0, 0, 1]
    unclear[:, 44:] = True
    assert _detection.match(anchors, boxes_of((0, 0, 10, 10)), unclear)[0].tolist() == [1, 1, -1, 0, 0, -1]
    assert _detection.match(anchors, boxes_of(), unclear)[0].tolist() == [0, 0, 0, 0, 0, -1]


def test_share_of_a_box_that_is_covered():
    mask = np.zeros((10, 10), bool)
    mask[:, :5] = True
    boxes = boxes_of((0, 0, 5, 5), (3, 0, 7, 1), (-4, -4, 5, 5), (5, 0, 9, 9), (20, 20, 30, 30))
    assert _detection.share_inside(boxes, mask).tolist() == [1, 0.5, 1, 0, 0]


@pytest.mark.parametrize(
    ("ones", "zeros", "expected"), [(3, 50, (3, 5)), (20, 50, (4, 4)), (0, 3, (0, 3)), (20, 0, (4, 0))]
)
def test_lots(ones, zeros, expected):
    labels = np.array([1] * ones + [0] * zeros + [-1] * 9, np.int8)
    chosen = _detection.draw_lots(labels, 8, 4, np.random.RandomState(0))
    assert (int(chosen[labels == 1].sum()), int(chosen[labels == 0].sum())) == expected
    assert not chosen[labels == -1].any()


def outputs(size, hot=()):
    count = len(detector.anchors_of(size))
    objectness = np.full((1, count), -9, np.float32)
    objectness[0, list(hot)] = 9
    return objectness, np.zeros((1, 4, count), np.float32)


def test_regions_by_hand():
    objects = _detection.objects_of(by_hand())
    good = 96 + 2 * 12 + 2
    found = _detection.choose_regions(*outputs((32, 48), [good]), [objects], np.random.RandomState(0))
    assert found.boxes.shape == (1, _detection.REGIONS, 4)
    positive = found.kinds[0] == 0
    # The object itself, and the anchor around it; they stand in front.
    assert {tuple(box) for box in found.boxes[0][positive].tolist()} >= {(4, 4, 14, 16), (4.5, 4.5, 15.5, 15.5)}
    assert positive[: positive.sum()].all()
    assert (found.owners[0][positive] == 0).all()
    counted = found.boxes[0][found.kinds[0] != -1]
    assert (_detection.share_inside(counted, objects.unclear) <= 0.5).all()


def test_regions_of_a_scene_without_objects():
    objects = _detection.objects_of(empty())
    found = _detection.choose_regions(*outputs((32, 48)), [objects], np.random.RandomState(0))
    assert set(found.kinds[0].tolist()) <= {-1, 4}


def test_regions_where_all_is_unclear():
    objects = _detection.objects_of(empty())._replace(unclear=np.ones((32, 48), bool))
    found = _detection.choose_regions(*outputs((32, 48)), [objects], np.random.RandomState(0))
    assert (found.kinds == -1).all()


# The parts of the losses


def test_a_mask_like_the_truth_costs_nothing():
    objects = _detection.objects_of(by_hand())
    regions = _detection.Regions(
        boxes_of((4, 4, 14, 16), (0, 0, 48, 32))[None], np.array([[0, 4]]), np.zeros((1, 2), np.int64)
    )
    masks = torch.full((1, 2, 4, 28, 28), -20.0)
    # Of the object's own box all is inside; other classes and boxes without object do not matter.
    assert float(_detection._mask_loss(masks, regions, [objects])) == pytest.approx(20)
    masks[0, 0, 0] = 20
    assert float(_detection._mask_loss(masks, regions, [objects])) == pytest.approx(0, abs=1e-6)


def test_masks_learn_nothing_where_it_is_unclear():
    objects = _detection.objects_of(by_hand())
    # The upper half of this box is half void: rows 0 and 1 of four.
    regions = _detection.Regions(boxes_of((20, 0, 24, 4))[None], np.array([[0]]), np.zeros((1, 1), np.int64))
    masks = torch.full((1, 1, 4, 28, 28), -20.0)
    masks[..., :14, :] = 20
    assert float(_detection._mask_loss(masks, regions, [objects])) == pytest.approx(0, abs=1e-6)


def test_a_right_box_costs_nothing():
    objects = _detection.objects_of(by_hand())
    regions = _detection.Regions(
        boxes_of((4, 4, 14, 16), (30, 0, 40, 9), (0, 0, 9, 9))[None],
        np.array([[0, 4, -1]]),
        np.zeros((1, 3), np.int64),
    )
    classes = torch.full((1, 3, 5), -20.0)
    classes[0, 0, 0] = classes[0, 1, 4] = 20
    deltas = torch.ones(1, 3, 4, 4)
    deltas[0, 0, 0] = 0
    assert [float(loss) for loss in _detection._box_loss(classes, deltas, regions, [objects])] == [0, 0]
    deltas[0, 0, 0] = torch.tensor([1.0, -2, 0, 0.5])
    assert float(_detection._box_loss(classes, deltas, regions, [objects])[1]) == pytest.approx(3.5 / 2)


def test_semantic_target_of_panoptic_fpn():
    target = fpn_recipe.targets(by_hand())
    assert target.semantic[20, 40] == target.semantic[8, 8] == 3  # a crowd is other, as any thing
    assert target.semantic[8, 20] == 1
    assert target.semantic[0, 0] == VOID
    assert target.objects.kinds.tolist() == [0]


def two_objects():
    example = by_hand()
    example.id_map[20:30, 4:20] = 4
    return Example(example.image, example.id_map, [*example.segments, {"id": 4, "category_id": BOX, "iscrowd": 0}])


def test_objects_left_out_become_unknown():
    batch = [ups_recipe.targets(example) for example in (two_objects(), by_hand(), empty())]
    kept = ups_recipe.keep(batch, np.random.RandomState(0))
    assert kept.real.tolist() == [[True], [True], [False]]
    first = int(kept.kinds[0, 0])
    own, left = ((8, 8), (25, 10))[:: 1 if first == 0 else -1]
    assert kept.target[0][own] == 3
    assert kept.target[0][left] == kept.target[0][20, 40] == 4  # the object left out, and the crowd
    assert kept.target[0][8, 30] == 1
    assert kept.target[0][0, 0] == VOID
    assert (kept.target[2] == 0).all()


def test_a_crowd_alone_is_ignored():
    example = by_hand()
    example.id_map[example.id_map == 2] = 1
    del example.segments[1]
    kept = ups_recipe.keep([ups_recipe.targets(example)], np.random.RandomState(0))
    assert kept.target[0][20, 40] == VOID


def test_panoptic_logits_are_those_of_the_fusion_rule(monkeypatch):
    monkeypatch.setattr(ups_recipe, "STRIDE", 1)
    size = (12, 16)
    boxes = boxes_of((1, 2, 9, 8), (6.5, 0, 16, 11.2))
    kept = ups_recipe.Kept(
        np.concatenate([boxes, boxes[:1]])[None],
        np.array([[0, 3, 0]]),
        np.array([[True, True, False]]),
        np.zeros((1, *size), np.int64),
    )
    semantic, masks = random_map(0, 7, *size), random_map(1, 3, 28, 28)
    found = ups_recipe.panoptic_logits(torch.from_numpy(semantic)[None], torch.from_numpy(masks)[None], kept, size)
    pasted, _ = upsnet.paste(masks[:2], boxes, size)
    expected, _ = panoptic_logits(
        masks=pasted,
        boxes=boxes,
        categories=[1, 4],
        semantic=semantic,
        channels=upsnet.CHANNELS,
        things={1, 2, 3, 4},
    )
    np.testing.assert_allclose(found[0, [0, 1, 2, 3, 4, 6]], expected, atol=1e-5)
    assert float(found[0, 5].max()) < -1000


# The whole networks


class Lent(TrainableParameters):
    """Layers with given weights and no normalisation, to run a definition in torch."""

    def __init__(self, arrays):
        super().__init__()
        self.arrays = arrays

    def weights(self, name):
        return [torch.from_numpy(self.arrays[f"{name}.{part}"]) for part in ("weight", "bias")]

    def shared(self, name, images, width, size=3, *, stride=1, dilation=1, groups=1, relu=True, **_):
        weight, bias = self.weights(name)
        assert weight.shape[0] == width
        assert weight.shape[-1] == size
        out = [ops.conv2d(i, weight, bias, stride=stride, dilation=dilation, groups=groups) for i in images]
        return [ops.relu(image) for image in out] if relu else out

    def linear(self, name, rows, width, *, relu=True):
        out = ops.linear(rows, *self.weights(name))
        assert out.shape[-1] == width
        return ops.relu(out) if relu else out


def agree(found, expected):
    np.testing.assert_allclose(found.numpy()[0], expected, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("network", [panoptic_fpn, upsnet])
def test_networks_agree(network, trained):
    params = load(network.__name__.rpartition(".")[2]) if trained else RandomParameters(3)
    image = normalised(draw_scene(5).image)[:, :48, :64]
    network.forward(numpy_ops, params, image)
    lent, batch = Lent(params.arrays), torch.from_numpy(image)[None]
    levels, twins = network.features(numpy_ops, params, image), network.features(ops, lent, batch)
    boxes = boxes_of((3, 4, 20, 30), (-5, 2, 31, 50), (0, 0, 64, 48), (10.3, 11.1, 12.2, 13.9))
    pairs = list(zip(twins, levels, strict=True))
    pairs += zip(detector.rpn(ops, lent, twins), detector.rpn(numpy_ops, params, levels), strict=True)
    pairs += zip(
        detector.box_head(ops, lent, twins, boxes[None]),
        detector.box_head(numpy_ops, params, levels, boxes),
        strict=True,
    )
    masks = [
        detector.mask_head(ops, lent, twins, boxes[None]),
        detector.mask_head(numpy_ops, params, levels, boxes),
    ]
    size = () if network is upsnet else ((48, 64),)
    semantic = network.semantic(ops, lent, twins, *size), network.semantic(numpy_ops, params, levels, *size)
    for found, expected in [*pairs, masks, semantic]:
        agree(found, expected)
    assert (semantic[0].numpy()[0].argmax(0) == semantic[1].argmax(0)).mean() >= 0.999


def scene(seed=7, size=(64, 64)):
    drawn = draw_scene(seed, size=size)
    return Example(normalised(drawn.image), drawn.id_map, drawn.segments)


def run(recipe, params, examples):
    images = torch.from_numpy(np.stack([example.image for example in examples]))
    return recipe.losses(params, images, [recipe.targets(example) for example in examples])


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    "examples", [[scene(), scene(4)], [by_hand(), empty()], [empty(), empty()]], ids=["scenes", "mixed", "empty"]
)
def test_losses_are_finite(recipe, examples):
    params = TrainableParameters()
    parts = run(recipe, params, examples)
    names = ["objectness", "proposals", "class", "box", "mask", "semantic"]
    assert list(parts) == names + ["panoptic"] * (recipe is ups_recipe)
    assert all(np.isfinite(float(loss.detach())) and float(loss.detach()) >= 0 for loss in parts.values())
    torch.stack(list(parts.values())).sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in params.parameters() if weight.grad is not None)


def test_gradients_reach_the_moves_and_all_other_layers():
    params = TrainableParameters()
    torch.stack(list(run(ups_recipe, params, [scene(), scene(4)]).values())).sum().backward()
    for step in range(2):
        moves = params.layers[f"pixels/deformable{step}/moves"].weight
        assert not moves.detach().any()  # a plain convolution at first
        assert moves.grad.abs().sum() > 0
    # Normalisation takes the place of a bias.
    for layer in params.layers.values():
        for part in (layer.weight, layer.norm.bias if layer.norm else layer.bias):
            assert part.grad is not None
            assert part.grad.any()


def shaken(batch):
    """Boxes near the objects, always the same: those of the proposals would change while they are learnt."""
    boxes, kinds, owners = [], [], []
    for objects in batch:
        at = np.resize(np.arange(len(objects.boxes)), 12)
        moves = np.random.RandomState(0).uniform(-2, 2, (12, 4)).astype(np.float32)
        moved = np.clip(objects.boxes[at] + moves, 0, 64)
        boxes.append(np.concatenate([moved, boxes_of((0, 0, 12, 12), (40, 40, 60, 60))]))
        kinds.append(np.append(objects.kinds[at], [4, 4]))
        owners.append(np.append(at, [0, 0]))
    return _detection.Regions(np.stack(boxes), np.stack(kinds), np.stack(owners))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_few_steps_lower_every_loss(recipe, monkeypatch):
    monkeypatch.setattr(_detection, "choose_regions", lambda objectness, deltas, batch, random: shaken(batch))
    torch.manual_seed(1)
    params, examples = TrainableParameters(), [scene(), scene()]
    before = {name: float(loss.detach()) for name, loss in run(recipe, params, examples).items()}
    optimiser = torch.optim.AdamW(params.parameters(), lr=3e-3)
    for _ in range(20):
        optimiser.zero_grad()
        torch.stack(list(run(recipe, params, examples).values())).sum().backward()
        optimiser.step()
    after = {name: float(loss.detach()) for name, loss in run(recipe, params, examples).items()}
    assert {name: after[name] for name in after if after[name] >= 0.9 * before[name]} == {}
