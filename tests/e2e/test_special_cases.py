# SPDX-License-Identifier: Apache-2.0
"""What is known to break or silently corrupt other flows, each alone, from QONNX down to RTL.

The file is executed by onnxruntime, the integer graph by numpy, the hardware by Verilator.
"""

from __future__ import annotations

import numpy as np
import pytest

from flows.streamline.graph import Add, Concat, Convolution, IntegerGraph, Sign, evaluate
from tests.flows.streamline.build import STEP, Builder, block, check, head, stem
from tests.support.battery import CACHE
from tests.support.run_graph import run_graph


@pytest.fixture
def build(rng) -> Builder:
    return Builder(rng, (3, 8, 8))


def down_to_rtl(build: Builder, output: str, folder) -> IntegerGraph:
    graph = check(build, output)
    run_graph(graph, 3, folder, CACHE)
    return graph


def of(graph: IntegerGraph, kind: type) -> list:
    return [node for node in graph.nodes if isinstance(node, kind)]


def test_zero_padding_of_bits(build, tmp_path):
    """Beside the image stands a third symbol: neither +1 nor -1."""
    signs = build.sign(stem(build), 8, STEP, 60)
    inner = build.binary_conv(signs, 8, 8, pads=[1] * 4)
    x = build.sign(inner, 8, 1.0, 12)
    y = build.requant(build.binary_conv(x, 8, 8, pads=[1] * 4), 8, STEP, 1.0)
    graph = down_to_rtl(build, head(build, y, 8, 8), tmp_path)
    assert [node.pad_value for node in of(graph, Convolution)[1:]] == [None, None]


def test_one_sign_feeds_two_convolutions(build, tmp_path):
    bits = build.sign(stem(build), 8, STEP, 60)
    a = build.requant(build.binary_conv(bits, 8, 8), 8, STEP, 1.0)
    b = build.requant(build.binary_conv(bits, 8, 8), 8, STEP, 1.0)
    output = head(build, build.quant(build.op("Add", a, b), STEP), 8, 6)
    graph = down_to_rtl(build, output, tmp_path)
    (sign,) = of(graph, Sign)
    assert len(graph.consumers()[sign.name]) == 2


def test_a_bipolar_shortcut(build, tmp_path):
    """Bits added to bits, -2, 0 or 2; the next sign decides at exactly zero."""
    a = build.sign(stem(build), 8, STEP, 60)
    b = build.bipolar(build.binary_conv(build.pad(a, -1.0), 8, 8))
    x = build.bipolar(build.op("Add", a, b))
    y = build.requant(build.binary_conv(x, 8, 8), 8, STEP, 1.0)
    graph = down_to_rtl(build, head(build, y, 8, 6), tmp_path)
    (joined,) = [node for node in of(graph, Add) if node.low == -2]
    assert joined.high == 2


@pytest.mark.parametrize("pad", [None, -1.0, 1.0])
def test_two_stacked_residual_blocks(build, tmp_path, pad):
    x = block(build, block(build, stem(build), 8, pad), 8, pad)
    graph = down_to_rtl(build, head(build, x, 8, 8), tmp_path)
    assert len(of(graph, Add)) == 2


def normalised(build: Builder, x: str, gamma, beta, mean) -> str:
    """A float batch norm of eight channels in front of a sign."""
    values = [build.constant(v) for v in (gamma, beta, mean, np.full(8, 30.0))]
    return build.bipolar(build.op("BatchNormalization", x, *values, epsilon=1e-5))


def test_batch_norm_behind_a_concat(build, tmp_path):
    bits = build.sign(stem(build), 8, STEP, 60)
    x = build.op("Concat", build.binary_conv(bits, 8, 4), build.binary_conv(bits, 8, 4), axis=1)
    gamma = build.rng.uniform(0.3, 1.5, 8) * build.rng.choice([-1, 1], 8)
    x = normalised(build, x, gamma, build.rng.normal(0, 0.3, 8), build.rng.normal(0, 4, 8))
    y = build.requant(build.binary_conv(x, 8, 8), 8, STEP, 1.0)
    graph = down_to_rtl(build, head(build, y, 8, 4), tmp_path)
    assert of(graph, Sign)[1].falling.tolist() == (gamma < 0).tolist()
    assert len(of(graph, Concat)) == 1


def test_gamma_of_zero_and_below(build, tmp_path):
    """A channel that falls, and two that are constant: the sign of beta alone, +1 for zero."""
    bits = build.sign(stem(build), 8, STEP, 60)
    gamma = np.array([1.0, -1.0, 0.0, 0.0, 0.0, -0.3, 0.7, -2.0])
    beta = np.array([0.1, 0.2, 0.5, -0.5, 0.0, -0.1, 0.0, 0.0])
    x = normalised(build, build.binary_conv(bits, 8, 8), gamma, beta, np.zeros(8))
    y = build.requant(build.binary_conv(x, 8, 8), 8, STEP, 1.0)
    graph = down_to_rtl(build, head(build, y, 8, 4), tmp_path)
    sign = of(graph, Sign)[1]
    assert sign.falling[[1, 5, 7]].all() and not sign.falling[[0, 6]].any()
    values = evaluate(graph, build.rng.integers(0, 256, (6, 8, 8, 3), np.uint8))[sign.name]
    constant = values[..., 2:5].reshape(-1, 3)
    assert (constant == [True, False, True]).all()


def test_sign_of_exactly_zero(build, tmp_path):
    """Half of the channels fall; every one of them meets zero, which is +1 from either side."""
    bits = build.sign(stem(build), 8, STEP, 60)
    gamma = np.array([1.0, -1.0] * 4)
    mean = 2.0 * build.rng.integers(-4, 5, 8)
    x = normalised(build, build.binary_conv(bits, 8, 8), gamma, np.zeros(8), mean)
    y = build.requant(build.binary_conv(x, 8, 8), 8, STEP, 1.0)
    graph = down_to_rtl(build, head(build, y, 8, 4), tmp_path)
    sign = of(graph, Sign)[1]
    streams = evaluate(graph, build.rng.integers(0, 256, (6, 8, 8, 3), np.uint8))
    sums, decided = streams[sign.inputs[0]], streams[sign.name]
    zero = sums == mean
    assert zero.any(axis=(0, 1, 2)).all()
    assert decided[zero].all()
