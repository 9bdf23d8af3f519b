# SPDX-License-Identifier: Apache-2.0
"""Graphs with forks and joins: what is read computes what onnxruntime computes, and the rest is
refused by name."""

import numpy as np
import pytest

from flows.errors import UnsupportedModelError
from flows.streamline.graph import (
    Add,
    Concat,
    Convolution,
    Dense,
    MaxPool,
    Requant,
    Shuffle,
    Sign,
    SumPool,
)
from flows.streamline.pixels import RAW
from flows.streamline.read_graph import read_graph
from tests.flows.streamline.build import STEP, Builder, block, check, head, stem


def kinds(graph):
    return [type(node) for node in graph.nodes]


@pytest.fixture
def build(rng) -> Builder:
    return Builder(rng, (3, 8, 8))


@pytest.mark.parametrize("pad", [None, -1.0, 1.0])
def test_two_stacked_residual_blocks(build, pad):
    x = block(build, block(build, stem(build), 8, pad), 8, pad)
    graph = check(build, head(build, x, 8, 8))
    assert kinds(graph) == [
        Convolution, Requant, Sign, Convolution, Requant, Add, Sign, Convolution, Requant, Add,
        SumPool, Dense,
    ]  # fmt: skip
    pads = [node.pad_value for node in graph.nodes if isinstance(node, Convolution)]
    assert pads == [128, *[{None: None, -1.0: 0, 1.0: 1}[pad]] * 2]
    adds = [node for node in graph.nodes if isinstance(node, Add)]
    assert [(node.low, node.high) for node in adds] == [(-128, 127)] * 2


def test_one_sign_feeds_two_convolutions(build):
    bits = build.sign(stem(build), 8, STEP, 60)
    a = build.requant(build.binary_conv(bits, 8, 8), 8, STEP, 1.0)
    b = build.requant(build.binary_conv(bits, 8, 8), 8, STEP, 1.0)
    graph = check(build, head(build, build.quant(build.op("Add", a, b), STEP), 8, 6))
    (sign,) = [node for node in graph.nodes if isinstance(node, Sign)]
    assert len(graph.consumers()[sign.name]) == 2


def test_a_bipolar_shortcut(build):
    """Bits added to bits: -2, 0, 2; the next sign falls on exactly zero."""
    a = build.sign(stem(build), 8, STEP, 60)
    b = build.bipolar(build.binary_conv(build.pad(a, -1.0), 8, 8))
    x = build.bipolar(build.op("Add", a, b))
    y = build.requant(build.binary_conv(x, 8, 8), 8, STEP, 1.0)
    graph = check(build, head(build, y, 8, 6))
    joined = next(node for node in graph.nodes if isinstance(node, Add))
    assert (joined.low, joined.high) == (-2, 2)
    zero = next(node for node in graph.nodes if node.inputs == (joined.name,))
    assert (zero.thresholds == 0).all() and not zero.falling.any()  # sign(0) = +1


def test_downsampling_shortcut(build):
    """Stride 2 against average pool, 1 x 1 convolution with 8-bit weights and its own step."""
    x = stem(build)
    bits = build.sign(x, 8, STEP, 60)
    y = build.binary_conv(build.pad(bits, -1.0), 8, 16, strides=[2, 2])
    y = build.requant(y, 16, STEP, 1.0)
    pooled = build.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    pooled = build.quant(pooled, STEP)
    z = build.requant(build.int_conv(pooled, 8, 16, k=1), 16, STEP, STEP / 128, shift=12)
    graph = check(build, head(build, build.quant(build.op("Add", y, z), STEP), 16, 4))
    pool = next(node for node in graph.nodes if isinstance(node, SumPool))
    assert (pool.kernel, pool.stride, pool.shift) == (2, 2, 2)


def test_dense_block_thresholds_raw_counts_per_consumer(build):
    """(acc + K) / 2 travels over the concat unquantised; every reader has thresholds of its own."""
    x = stem(build)
    for channels in (8, 12):
        signed = build.sign(x, channels, STEP, 60)
        new = build.binary_conv(build.pad(signed, -1.0), channels, 4)
        count = build.affine(new, 4, 0.5, channels * 9 / 2)
        x = build.op("Concat", x, count, axis=1)
    y = build.requant(build.binary_conv(build.sign(x, 16, 1.0, 40), 16, 8), 8, STEP, 1.0)
    graph = check(build, head(build, y, 8, 6))
    assert sum(isinstance(node, Concat) for node in graph.nodes) == 2
    assert sum(isinstance(node, Requant) for node in graph.nodes) == 2


def test_batch_norm_behind_a_concat(build):
    """A float batch norm with gamma of zero and below in front of a sign: read off, not derived."""
    a = build.sign(stem(build), 8, STEP, 60)
    sums = [build.binary_conv(a, 8, 4), build.binary_conv(a, 8, 4)]
    x = build.op("Concat", *sums, axis=1)
    gamma = np.array([1.3, -0.7, 0.0, 0.2, 1.0, 1.0, -1.0, 2.0])
    beta = np.array([0.1, 0.2, -0.3, 0.0, 0.0, -1.0, 0.0, 0.4])
    mean = np.array([3.0, 1.0, 0.0, 2.0, 4.0, 0.0, 2.0, -6.0])
    constants = [build.constant(v) for v in (gamma, beta, mean, np.full(8, 30.0))]
    x = build.bipolar(build.op("BatchNormalization", x, *constants, epsilon=1e-5))
    y = build.requant(build.binary_conv(x, 8, 8), 8, STEP, 1.0)
    model = build.model(head(build, y, 8, 4))
    graph = read_graph(model, RAW.values())
    sign = [node for node in graph.nodes if isinstance(node, Sign)][1]
    assert sign.falling.tolist() == [False, True, False, False, False, False, True, False]
    assert kinds(graph).count(Concat) == 1


def test_grouped_convolution_and_shuffle(build):
    bits = build.sign(stem(build), 8, STEP, 60)
    split = build.op("Reshape", bits, build.constant([1, 2, 4, 8, 8], np.int64))
    turned = build.op("Transpose", split, perm=[0, 2, 1, 3, 4])
    joined = build.op("Reshape", turned, build.constant([1, 8, 8, 8], np.int64))
    y = build.requant(build.binary_conv(joined, 8, 8, group=4), 8, STEP, 1.0)
    graph = check(build, head(build, y, 8, 6))
    assert next(node for node in graph.nodes if isinstance(node, Shuffle)).groups == 2
    assert [n.groups for n in graph.nodes if isinstance(n, Convolution)] == [1, 4]


def test_even_weights_keep_the_step_that_they_were_trained_with(build, rng):
    """What is counted must be what the trained network counts, or no table would fit."""
    codes = rng.integers(-127, 128, (8, 3, 3, 3))
    codes[2] -= codes[2] % 2
    x = build._conv(build.pixels(), build.quant(build.constant(codes / 128), 1 / 128), 3)
    x = build.requant(x, 8, STEP, unit=2.0**-14, shift=12)
    graph = check(build, head(build, x, 8, 6))
    np.testing.assert_array_equal(graph.nodes[0].weights, codes.transpose(0, 2, 3, 1))


def two_slopes(build: Builder, x: str, channels: int) -> str:
    """z >= t chooses one of two affines; a falling channel among them."""
    shape = (1, channels, 1, 1)
    t = build.rng.integers(-6, 6, channels).reshape(shape) + 0.5
    polarity = build.rng.choice([-1.0, 1.0], channels).reshape(shape)
    side = build.op("Mul", build.op("Sub", x, build.constant(t)), build.constant(polarity))
    chosen = build.op("GreaterOrEqual", side, build.constant(0))
    lines = []
    for low in (10, 60):
        mul = build.rng.integers(low, low + 40, channels)
        add = build.rng.integers(-2000, 2000, channels)
        lines.append(build.affine(x, channels, mul * STEP / 512, add * STEP / 512))
    return build.quant(build.op("Where", chosen, *lines), STEP)


def test_two_slopes(build):
    bits = build.sign(stem(build), 8, STEP, 60)
    graph = check(build, head(build, two_slopes(build, build.binary_conv(bits, 8, 8), 8), 8, 6))
    slopes = [node for node in graph.nodes if isinstance(node, Requant)][1]
    assert slopes.mul.shape == (2, 8) and slopes.thresholds is not None


def test_max_pool_of_integers_and_of_bits(build):
    x = build.op("MaxPool", stem(build), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    bits = build.op("MaxPool", build.sign(x, 8, STEP, 60), kernel_shape=[2, 2], strides=[2, 2])
    y = build.requant(build.binary_conv(bits, 8, 8, k=1), 8, STEP, 1.0)
    graph = check(build, head(build, y, 8, 2))
    assert sum(isinstance(node, MaxPool) for node in graph.nodes) == 2


def test_zero_and_one_activations_become_bits(build):
    """{0, a} with zero padding: -1 padding and a constant that the thresholds swallow."""
    bits = build.affine(build.sign(stem(build), 8, STEP, 60), 8, 0.25, 0.25)
    y = build.binary_conv(bits, 8, 8, pads=[1] * 4)
    x = build.bipolar(build.affine(y, 8, 1.0, -0.125))
    z = build.requant(build.binary_conv(x, 8, 8), 8, STEP, 1.0)
    graph = check(build, head(build, z, 8, 6))
    assert [n.pad_value for n in graph.nodes if isinstance(n, Convolution)] == [128, 0, 0]


def refuse(build: Builder, output: str, match: str) -> None:
    with pytest.raises(UnsupportedModelError, match=match):
        read_graph(build.model(output), RAW.values())


def test_steps_that_do_not_meet_are_refused(build):
    x = stem(build)
    bits = build.sign(x, 8, STEP, 60)
    y = build.requant(build.binary_conv(build.pad(bits, -1.0), 8, 8), 8, STEP / 2, 1.0)
    refuse(
        build, head(build, build.op("Add", x, y), 8, 8), r"\(Add\): .*step.*equal steps are needed"
    )


def test_an_unquantised_batch_norm_on_a_stream_is_refused(build):
    x = stem(build)
    bits = build.sign(x, 8, STEP, 60)
    y = build.affine(build.binary_conv(build.pad(bits, -1.0), 8, 8), 8, 0.3, 0.1)
    found = r"not an integer times a scale where add_\d+ reads it \(channel 0\)"
    refuse(build, head(build, build.op("Add", x, y), 8, 8), found)


def test_a_stream_added_to_itself_is_refused(build):
    x = stem(build)
    refuse(
        build, head(build, build.op("Add", x, x), 8, 8), r"\(Add\): no piecewise linear function"
    )


def test_an_unknown_operator_is_named_with_its_stream(build):
    x = build.op("Softmax", stem(build), axis=1)
    refuse(build, head(build, x, 8, 8), r"softmax_\d+ \(Softmax\), behind requant0")


def test_round_to_even_on_ties_is_refused_unless_it_is_the_same(build):
    bits = build.sign(stem(build), 8, STEP, 60)
    half = build.affine(build.binary_conv(bits, 8, 8), 8, STEP / 4, 0.0)
    refuse(build, head(build, build.quant(half, STEP, mode="ROUND"), 8, 6), r"Quant, ROUND.*floor")


def test_average_of_nine_pixels_is_refused(build):
    x = build.op("AveragePool", stem(build), kernel_shape=[3, 3], strides=[3, 3])
    refuse(build, head(build, x, 8, 2), "powers of two")


def test_a_pool_over_a_falling_channel_is_refused(build):
    x = build.affine(stem(build), 8, np.array([1.0] * 7 + [-1.0]), 0.0)
    x = build.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    refuse(build, head(build, x, 8, 4), r"MaxPool\): channel 7 falls")
