"""The operations of the networks against their definitions, and against numbers worked out by hand."""

from __future__ import annotations

import naive_ops
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pqeval.architectures import ops


def random_map(seed, *shape):
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


sizes = st.integers(1, 9)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31), height=sizes, width=sizes, channels=st.integers(1, 3), wide=st.integers(1, 4),
    size=st.sampled_from([1, 3, 5]), stride=st.integers(1, 3), dilation=st.integers(1, 4),
)  # fmt: skip
def test_conv2d_is_its_definition(seed, height, width, channels, wide, size, stride, dilation):
    image = random_map(seed, channels, height, width)
    weight, bias = random_map(seed + 1, wide, channels, size, size), random_map(seed + 2, wide)
    found = ops.conv2d(image, weight, bias, stride=stride, dilation=dilation)
    expected = naive_ops.conv2d(image, weight, bias, stride=stride, dilation=dilation)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-5)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31), height=sizes, width=sizes, channels=st.integers(2, 4), size=st.sampled_from([3, 5])
)
def test_depthwise_conv2d_is_its_definition(seed, height, width, channels, size):
    image = random_map(seed, channels, height, width)
    weight, bias = random_map(seed + 1, channels, 1, size, size), random_map(seed + 2, channels)
    found = ops.conv2d(image, weight, bias, groups=channels)
    np.testing.assert_allclose(found, naive_ops.conv2d(image, weight, bias, groups=channels), atol=2e-5)


def test_conv2d_by_hand():
    image = np.arange(1, 10, dtype=np.float32).reshape(1, 3, 3)
    weight = np.zeros((1, 1, 3, 3), np.float32)
    weight[0, 0, 1, 1], weight[0, 0, 0, 2] = 10, 1  # ten times the pixel, and its neighbour up and to the right
    found = ops.conv2d(image, weight, np.float32([0.5]))
    assert found.tolist() == [[[10.5, 20.5, 30.5], [42.5, 53.5, 60.5], [75.5, 86.5, 90.5]]]
    assert ops.conv2d(image, weight, np.float32([0]), stride=2).tolist() == [[[10, 30], [75, 90]]]


def test_conv2d_in_several_bands_equals_one(monkeypatch):
    image, weight, bias = random_map(0, 4, 17, 13), random_map(1, 5, 4, 3, 3), random_map(2, 5)
    whole = ops.conv2d(image, weight, bias)
    monkeypatch.setattr(ops, "BAND", 4 * 9 * 13 * 3)
    np.testing.assert_allclose(ops.conv2d(image, weight, bias), whole, atol=1e-5)


@pytest.mark.parametrize("size", [1, 3])
def test_conv2d_takes_stacks_of_maps_even_empty_ones(size):
    stack, weight, bias = random_map(0, 2, 3, 4, 6, 5), random_map(1, 7, 4, size, size), random_map(2, 7)
    found = ops.conv2d(stack, weight, bias, stride=2)
    assert found.shape == (2, 3, 7, 3, 3)
    np.testing.assert_allclose(found[1, 2], ops.conv2d(stack[1, 2], weight, bias, stride=2))
    assert ops.conv2d(stack[0, :0], weight, bias, stride=2).shape == (0, 7, 3, 3)


def test_conv2d_reads_views_and_leaves_its_input_alone():
    image = random_map(0, 6, 8, 3).transpose(2, 0, 1)[:, :, ::-1]
    before = image.copy()
    weight, bias = random_map(1, 2, 3, 3, 3), random_map(2, 2)
    np.testing.assert_array_equal(ops.conv2d(image, weight, bias), ops.conv2d(before, weight, bias))
    np.testing.assert_array_equal(image, before)


points = st.lists(st.tuples(*2 * [st.floats(-3, 8, width=32)]), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), height=st.integers(1, 6), width=st.integers(1, 6), at=points)
def test_sample_is_its_definition(seed, height, width, at):
    image = random_map(seed, 3, height, width)
    rows, columns = (np.array(axis, np.float32) for axis in zip(*at, strict=True))
    expected = naive_ops.sample(image, rows.tolist(), columns.tolist())
    np.testing.assert_allclose(ops.sample(image, rows, columns), expected, atol=1e-5)


def test_sample_by_hand():
    image = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    rows = np.float32([[0, 0.5, 1.25], [2, -0.5, -1]])
    columns = np.float32([[0, 0.5, 2.00], [2.5, 1, 1]])
    # A pixel; the mean of 0, 1, 3 and 4; a quarter of the way from 5 to 8; half outside, twice; wholly outside.
    assert ops.sample(image, rows, columns).tolist() == [[[0, 2, 5.75], [4, 0.5, 0]]]


def test_sample_of_points_that_are_no_numbers_is_zero():
    rows = np.float32([np.nan, np.inf, -np.inf, 1e30, 0])
    found = ops.sample(np.ones((2, 3, 3), np.float32), rows, np.zeros(5, np.float32))
    assert found.tolist() == [[0, 0, 0, 0, 1]] * 2


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), old=st.tuples(sizes, sizes), new=st.tuples(sizes, sizes))
def test_resize_is_its_definition(seed, old, new):
    image = random_map(seed, 2, *old)
    found = ops.resize(image, new)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, naive_ops.resize(image, new), atol=1e-5)


def test_resize_by_hand():
    image = np.float32([[[0, 4], [8, 12]]])
    assert ops.resize(image, (2, 4)).tolist() == [[[0, 1, 3, 4], [8, 9, 11, 12]]]
    assert ops.resize(image, (1, 1)).tolist() == [[[6]]]
    assert ops.resize(image, (2, 2)) is image


def test_depth_to_space_by_hand():
    image = np.arange(8, dtype=np.float32).reshape(8, 1, 1)
    assert ops.depth_to_space(image).tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    assert ops.depth_to_space(random_map(0, 5, 8, 3, 4)).shape == (5, 2, 6, 8)


def test_coordinates_run_from_minus_one_to_one():
    found = ops.coordinates(random_map(0, 7, 3, 5))
    assert found[0].tolist() == [[-1] * 5, [0] * 5, [1] * 5]
    assert found[1].tolist() == [[-1, -0.5, 0, 0.5, 1]] * 3


def test_sigmoid_is_silent_where_the_exponential_overflows():
    found = ops.sigmoid(np.float32([-1e4, 0, 1e4]))
    assert found.tolist() == [0, 0.5, 1]
    assert found.dtype == np.float32
