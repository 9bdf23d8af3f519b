# SPDX-License-Identifier: Apache-2.0
"""Chain or graph: every sort of network goes to the reader that can take it."""

from __future__ import annotations

import pytest
from qonnx.core.modelwrapper import ModelWrapper

from flows.streamline.structure import is_chain
from tests.flows.streamline.build import STEP, Builder, block, head, stem
from tests.flows.streamline.graphs import conv_net, dense_net, zoo_net


@pytest.fixture
def build(rng) -> Builder:
    return Builder(rng, (3, 8, 8))


@pytest.mark.parametrize("net", [dense_net, conv_net, lambda: conv_net(pool_inside=True)])
def test_a_chain_of_one_bit_layers(net):
    assert is_chain(net().model())


def test_a_chain_of_the_first_exporters():
    assert is_chain(ModelWrapper(zoo_net()))


def test_a_fork_and_a_join(build):
    x = block(build, stem(build), 8, -1.0)
    assert not is_chain(build.model(head(build, x, 8, 8)))


def test_wide_weights(build):
    x = build.int_conv(build.pixels(), 3, 8)
    assert not is_chain(build.model(build.dense(build.bipolar(x), 288, 5)))


def binary(build: Builder, **attributes) -> str:
    """Pixels, a convolution with 1-bit weights, its sign: as far as that, a chain."""
    x = build.binary_conv(build.pixels(), 3, 8)
    return build.bipolar(build.binary_conv(build.bipolar(x), 8, 8, **attributes))


def one_bit_head(build: Builder, x: str, inputs: int) -> str:
    weights = build.bipolar(build.constant(build.rng.choice([-1.0, 1.0], (inputs, 5))))
    return build.op("MatMul", build.op("Flatten", x, axis=1), weights)


def test_what_is_added_makes_the_difference(build):
    assert is_chain(build.model(one_bit_head(build, binary(build), 128)))


def test_groups(build):
    assert not is_chain(build.model(one_bit_head(build, binary(build, group=2), 128)))


def test_an_integer_stream(build):
    x = build.quant(build.binary_conv(build.pixels(), 3, 8), STEP)
    assert not is_chain(build.model(one_bit_head(build, build.bipolar(x), 288)))


@pytest.mark.parametrize(
    "pool",
    [
        {"kernel_shape": [3, 3], "strides": [1, 1]},
        {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [1] * 4},
    ],
)
def test_pools_that_overlap_or_pad(build, pool):
    x = build.op("MaxPool", binary(build), **pool)
    assert not is_chain(build.model(one_bit_head(build, x, 32)))


def test_a_sum_of_pixels(build):
    x = build.op("ReduceSum", binary(build), build.constant([2, 3], "int64"), keepdims=1)
    assert not is_chain(build.model(one_bit_head(build, x, 8)))


def test_a_tensor_that_is_read_twice_by_one_node(build):
    x = binary(build)
    assert not is_chain(build.model(one_bit_head(build, build.op("Mul", x, x), 128)))
