"""Training: the torch twins of the operations, folding, the targets, and that a few steps lower every loss."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from pqeval.architectures import ops as numpy_ops  # noqa: E402
from pqeval.architectures import panoptic_deeplab, panoptic_fcn  # noqa: E402
from pqeval.architectures.parameters import Parameters, RandomParameters  # noqa: E402
from pqeval.architectures.prediction import load  # noqa: E402
from pqeval.architectures.train import loop, ops  # noqa: E402
from pqeval.architectures.train import panoptic_deeplab as deeplab_recipe  # noqa: E402
from pqeval.architectures.train import panoptic_fcn as fcn_recipe  # noqa: E402
from pqeval.architectures.train.examples import VOID, Example, Pool  # noqa: E402
from pqeval.architectures.train.losses import dice, focal, semantic_loss  # noqa: E402
from pqeval.architectures.train.parameters import TrainableParameters  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def random_map(seed, *shape):
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def tensor(array):
    return torch.from_numpy(np.array(array))


# The two backends


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"dilation": 3}, {"groups": 6}])
def test_conv2d_agrees(options):
    image, bias = random_map(0, 6, 9, 7), random_map(2, 6)
    weight = random_map(1, 6, 6 // options.get("groups", 1), 3, 3)
    with torch.no_grad():
        found = ops.conv2d(tensor(image)[None], tensor(weight), tensor(bias), **options)[0]
    np.testing.assert_allclose(found, numpy_ops.conv2d(image, weight, bias, **options), atol=1e-5)


def test_the_other_operations_agree():
    image = random_map(0, 8, 5, 6)
    rows, columns = random_map(1, 4, 3) * 3 + 2, random_map(2, 4, 3) * 3 + 2
    one = tensor(image)[None]
    pairs = [
        (ops.sample(one, tensor(rows)[None], tensor(columns)[None]), numpy_ops.sample(image, rows, columns)),
        (ops.resize(one, (10, 4)), numpy_ops.resize(image, (10, 4))),
        (ops.mean_pool(one), numpy_ops.mean_pool(image)),
        (ops.depth_to_space(one), numpy_ops.depth_to_space(image)),
        (ops.coordinates(one), numpy_ops.coordinates(image)),
        (ops.relu(one), numpy_ops.relu(image)),
        (ops.sigmoid(one), numpy_ops.sigmoid(image)),
        (ops.concat([one, one]), numpy_ops.concat([image, image])),
        (
            ops.linear(one, tensor(image[0]), tensor(image[0, :, 0])),
            numpy_ops.linear(image, image[0], image[0, :, 0]),
        ),
    ]
    for found, expected in pairs:
        assert found[0].shape == expected.shape
        np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_one_pixel_can_be_sampled():
    assert float(ops.sample(torch.ones(1, 1, 1, 1), torch.zeros(1, 1), torch.zeros(1, 1))) == 1


class Lent(TrainableParameters):
    """Layers with given weights and no normalisation, to run a definition in torch."""

    def __init__(self, arrays):
        super().__init__()
        self.arrays = arrays

    def shared(self, name, images, width, size=3, *, stride=1, dilation=1, groups=1, relu=True, **_):
        weight, bias = (tensor(self.arrays[f"{name}.{part}"]) for part in ("weight", "bias"))
        assert tuple(weight.shape) == (width, images[0].shape[-3] // groups, size, size)
        how = {"stride": stride, "dilation": dilation, "groups": groups}
        out = [ops.conv2d(image, weight, bias, **how) for image in images]
        return [ops.relu(image) for image in out] if relu else out


def flat(outputs):
    return {
        (key, place): part
        for key, value in outputs.items()
        for place, part in enumerate(value if isinstance(value, list) else [value])
    }


@pytest.mark.parametrize("network", [panoptic_deeplab, panoptic_fcn])
@pytest.mark.parametrize("trained", [False, True])
def test_networks_agree(network, trained):
    image = random_map(0, 3, 48, 64)
    params = load(network.__name__.rpartition(".")[2]) if trained else RandomParameters(1)
    expected = flat(network.forward(numpy_ops, params, image))
    with torch.no_grad():
        found = flat(network.forward(ops, Lent(params.arrays), tensor(image)[None]))
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        close = 1e-4 * max(1.0, float(np.abs(array).max()) if not trained else 1.0)
        np.testing.assert_allclose(found[key][0], array, atol=close, err_msg=str(key))
        if key[0] == "semantic":
            assert (found[key][0].argmax(0).numpy() == array.argmax(0)).mean() >= 0.999


# Layers that learn


def test_normalisation_is_folded_into_the_exported_layer():
    torch.manual_seed(0)
    params = TrainableParameters()
    image = torch.from_numpy(random_map(0, 4, 3, 8, 8)) * 2 + 1
    for _ in range(20):
        params.conv("a", params.conv("b", image, 5, stride=2), 5, 5, groups=5, relu=False)
    params.eval()
    with torch.no_grad():
        expected = params.conv("a", params.conv("b", image, 5, stride=2), 5, 5, groups=5, relu=False)
    folded = Parameters(params.export())
    found = folded.conv("a", folded.conv("b", image.numpy(), 5, stride=2), 5, 5, groups=5, relu=False)
    np.testing.assert_allclose(found, expected, atol=0.02)  # the weights are rounded to float16
    assert {array.dtype for array in params.export().values()} == {np.dtype(np.float16)}


def test_layers_start_as_told():
    params = TrainableParameters()
    image = torch.ones(2, 3, 4, 4)
    params.conv("zero", image, 2, zero=True, norm=False, relu=False)
    params.conv("sure", image, 2, start=-2.19, norm=False, relu=False)
    arrays = params.export()
    assert not arrays["zero.weight"].any()
    assert arrays["sure.bias"] == pytest.approx([-2.19, -2.19], abs=1e-3)
    assert 0 < np.abs(arrays["sure.weight"]).max() < 0.1


# Losses, by hand


def test_semantic_loss_counts_labelled_pixels_and_the_hardest():
    logits = torch.zeros(1, 2, 1, 4)
    logits[0, 0, 0] = torch.tensor([0.0, 100.0, -100.0, 50.0])
    target = torch.tensor([[[0, 0, 0, VOID]]], dtype=torch.uint8)
    assert float(semantic_loss(logits, target)) == pytest.approx((np.log(2) + 0 + 100) / 3)
    assert float(semantic_loss(logits, target, hardest=0.4)) == pytest.approx(100)
    weight = torch.tensor([[[3.0, 1, 0, 1]]])
    assert float(semantic_loss(logits, target, weight)) == pytest.approx(3 * np.log(2) / 3)


def test_focal_and_dice_by_hand():
    # Score 1/2 everywhere: agreement is 1/2 whatever the target, cross-entropy log 2.
    target = torch.tensor([1.0, 0.0, 0.5])
    expected = np.array([0.25, 0.75, 0.5]) * 0.25 * np.log(2)
    np.testing.assert_allclose(focal(torch.zeros(3), target, 0.25), expected, rtol=1e-6)
    score = torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 1]])
    found = dice(score, torch.tensor([[1.0, 1, 0, 0], [1, 1, 0, 0]]))
    np.testing.assert_allclose(found, [0, 1 - 4 / 6], atol=1e-4)


# Targets, by hand


def scene():
    """One small box, one crowd of discs, ground, a column of void."""
    id_map = np.full((16, 32), 2, np.uint32)
    id_map[2:6, 4:10] = 3
    id_map[10:16, 20:28] = 4
    id_map[:, 31] = 0
    segments = [
        {"id": 2, "category_id": 6, "iscrowd": 0},
        {"id": 3, "category_id": 2, "iscrowd": 0},
        {"id": 4, "category_id": 1, "iscrowd": 1},
    ]
    return Example(np.zeros((3, 16, 32), np.float32), id_map, segments)


def test_an_example_knows_its_classes_and_objects():
    example = scene()
    semantic = example.semantic()
    assert [int(semantic[at]) for at in ((0, 0), (3, 5), (12, 22), (0, 31))] == [1, 4, 3, VOID]
    assert [(category, int(mask.sum())) for category, mask in example.things()] == [(2, 24)]
    assert [(category, int(mask.sum())) for category, mask in example.things(crowds=True)] == [(1, 48)]


def test_variation_mirrors_image_and_map_together():
    example = scene()
    example.image[:, 3, 5] = 1
    seen = set()
    for seed in range(8):
        varied = example.varied(np.random.RandomState(seed))
        at = np.unravel_index(varied.image[0].argmax(), (16, 32))
        assert varied.id_map[at] == 3
        seen.add(at)
    assert seen == {(3, 5), (3, 26)}


def test_targets_of_panoptic_deeplab():
    target = deeplab_recipe.targets(scene())
    # The box covers rows 2 to 5 and columns 4 to 9: its centre is (3.5, 6.5), drawn at (3, 6).
    assert target.heat[3, 6] == 1
    assert target.heat[3, 9] == pytest.approx(np.exp(-9 / 18))
    assert target.offset[:, 2, 4].tolist() == [1.5, 2.5]
    assert target.offset_counts.sum() == 24
    assert target.heat_counts.sum() == 16 * 32 - 16 - 48
    assert set(target.weight[2:6, 4:10].flat) == {3}
    assert target.weight.sum() == 16 * 32 + 2 * 24


def test_targets_of_panoptic_fcn():
    target = fcn_recipe.targets(scene())
    assert target.classes.tolist() == [1, 5]  # the box and the ground; no sky, no water
    # The root of the box's area is 4.9: the finest level alone has it.
    assert [bool(heat.any()) for heat in target.heat] == [True, False, False]
    assert target.heat[0].argmax() == np.ravel_multi_index((1, 0, 1), (4, 4, 8))
    assert target.places[0][0, 0, 1] == 0.5  # rows 2 and 3 of the four, all columns
    assert not target.places[1][0].any()
    assert target.counts[0].sum() == 4 * 8 - 4  # the crowd covers two squares wholly and two by half
    assert target.regions[0][:, 0, 0].tolist() == [0, 0, 1, 0]
    assert target.masks[0].sum() * 4 == 24


# The whole recipe


@pytest.mark.parametrize("name", ["panoptic_deeplab", "panoptic_fcn"])
def test_twenty_steps_on_one_scene_lower_every_loss(name):
    recipe, params, pool = loop.start(name, 0)
    examples = [example for _ in range(6) for example in pool.batch(4)]
    example = next(example for example in examples if len(example.things()) > 2)
    optimiser = torch.optim.AdamW(params.parameters(), lr=1e-3)
    steps = [loop.advance(recipe, params, optimiser, [example, example]) for _ in range(20)]
    assert all(np.isfinite(loss) for step in steps for loss in step.values())
    for part in steps[0]:
        first, last = (np.mean([step[part] for step in some]) for some in (steps[:3], steps[-3:]))
        assert last < first, part


def test_a_run_writes_weights_that_predict_and_a_log(tmp_path, monkeypatch):
    import json

    monkeypatch.setattr(loop, "REPORT", 2)
    monkeypatch.setattr("pqeval.architectures.train.loop.TUNING", range(10_000, 10_002))
    said = []
    loop.train("panoptic_deeplab", tmp_path, steps=3, say=said.append)
    lines = [json.loads(line) for line in (tmp_path / "panoptic_deeplab.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 3]
    assert [json.loads(line) for line in said] == lines
    assert set(lines[-1]["pq"]) == {"pq", "sq", "rq", "things", "stuff"}
    with np.load(tmp_path / "panoptic_deeplab.npz") as arrays:
        assert {arrays[name].dtype for name in arrays} == {np.dtype(np.float16)}


def test_the_rate_rises_and_falls_to_zero():
    rates = [loop.rate_at(step, 1000, 2.0) for step in range(1000)]
    assert rates[0] == pytest.approx(0.04)
    assert max(rates) == rates[50] == 2.0
    assert rates[525] == pytest.approx(1.0, abs=0.01)
    assert rates[-1] < 1e-4


def test_the_pool_grows_to_its_size_and_gives_one_size_a_batch():
    pool = Pool(12, 0)
    shapes = {example.image.shape for _ in range(6) for example in pool.batch(2)}
    assert pool.drawn == 12
    for _ in range(5):
        assert len({example.image.shape for example in pool.batch(2)}) == 1
    assert shapes <= {(3, 96, 128), (3, 128, 96), (3, 112, 112)}
