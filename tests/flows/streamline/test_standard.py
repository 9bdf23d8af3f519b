# SPDX-License-Identifier: Apache-2.0
"""Quantiser nodes in standard operators give what qonnx's own execution gives."""

import numpy as np
import pytest
from qonnx.transformation.infer_shapes import InferShapes

from flows.errors import UnsupportedModelError
from flows.streamline.compare import compare_executors
from flows.streamline.standard import Executor, to_standard_ops
from tests.flows.streamline.graphs import Net


def quant_net(rounding, signed, narrow, bits, scale):
    net = Net(1, 64)
    parameters = (np.float32(scale), np.float32(0), np.float32(bits))
    attributes = {"signed": signed, "narrow": narrow, "rounding_mode": rounding}
    return net.node("Quant", *parameters, domain=net.domain, **attributes)


@pytest.mark.parametrize("rounding", ["ROUND", "FLOOR", "CEIL"])
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("narrow", [0, 1])
def test_quant(rounding, signed, narrow):
    model = quant_net(rounding, signed, narrow, 4, 0.25).model().transform(InferShapes())
    rng = np.random.default_rng(0)
    halves = rng.integers(-40, 40, (1, 64)).astype(np.float32) / 8  # ties among them
    compare_executors(model, halves)
    compare_executors(model, rng.normal(0, 2, (1, 64)).astype(np.float32))


@pytest.mark.parametrize("scale", [1.0, 0.37])
def test_bipolar(scale):
    model = Net(1, 5).sign(scale).model().transform(InferShapes())
    x = np.asarray([[-1.0, -1e-30, 0.0, -0.0, 2.0]], np.float32)
    compare_executors(model, x)
    signs = np.sign(next(iter(Executor(model)(x).values())))
    assert signs.tolist() == [[-1, -1, 1, 1, 1]]


def test_graph_without_quantisers_stays():
    net = Net(1, 5).mul(2.0)
    assert [n.op_type for n in to_standard_ops(net.model()).graph.node] == ["Mul"]


def test_argument_stays():
    model = Net(1, 5).sign().model()
    before = model.model.SerializeToString()
    to_standard_ops(model)
    assert model.model.SerializeToString() == before


def test_unknown_rounding():
    with pytest.raises(UnsupportedModelError, match="rounding mode HALF_UP found; allowed: ROUND"):
        Executor(quant_net("HALF_UP", 1, 0, 4, 0.25).model())


def test_computed_scale():
    net = Net(1, 5)
    net.node("BipolarQuant", "x", domain=net.domain)
    with pytest.raises(UnsupportedModelError, match="not constant"):
        Executor(net.model())
