# SPDX-License-Identifier: Apache-2.0
"""A factor of +-1 behind a layer goes into its weights; any other factor stays."""

import numpy as np
import pytest
from qonnx.core.datatype import DataType
from qonnx.transformation.infer_shapes import InferShapes

from flows.streamline.absorb_signs import AbsorbSignsIntoWeights
from flows.streamline.standard import Executor
from tests.flows.streamline.graphs import Net


def layer(op, factor):
    net = Net(1, 2, 4, 4) if op == "Conv" else Net(1, 6)
    weights = np.sign(net.random(3, 2, 3, 3) if op == "Conv" else net.random(6, 3))
    net.node(op, weights)
    factor = np.asarray(factor, np.float32)
    shape = (1, -1, 1, 1) if op == "Conv" and factor.size > 1 else factor.shape
    model = net.mul(factor.reshape(shape)).model().transform(InferShapes())
    model.set_tensor_datatype("c0", DataType["BIPOLAR"])
    return model


@pytest.mark.parametrize("op", ["Conv", "MatMul"])
@pytest.mark.parametrize("factor", [[1, -1, -1], -1.0, [-1.0]], ids=["channels", "scalar", "one"])
def test_signs_go_into_the_weights(op, factor):
    before = layer(op, factor)
    after = before.transform(AbsorbSignsIntoWeights())
    assert [node.op_type for node in after.graph.node] == [op]
    assert after.get_tensor_datatype("c0") == DataType["BIPOLAR"]
    rng = np.random.default_rng(0)
    for _ in range(10):
        x = rng.integers(-9, 10, before.get_tensor_shape("x"))
        results = [next(iter(Executor(model)(x).values())) for model in (before, after)]
        assert np.array_equal(*results)


@pytest.mark.parametrize("op", ["Conv", "MatMul"])
@pytest.mark.parametrize("factor", [[1, -2, 1], 0.5, [1, 0, 1]])
def test_other_factors_stay(op, factor):
    model = layer(op, factor)
    assert model.transform(AbsorbSignsIntoWeights()).graph == model.graph


def test_a_fixed_point_after_one_run():
    once = layer("MatMul", [1, -1, 1]).transform(AbsorbSignsIntoWeights())
    assert once.transform(AbsorbSignsIntoWeights()).graph == once.graph


def test_a_layer_that_two_nodes_read_stays():
    net = Net(1, 6)
    net.node("MatMul", np.ones((6, 3), np.float32))
    net.mul(-1.0).node("Add", "t0")
    model = net.model().transform(InferShapes())
    assert model.transform(AbsorbSignsIntoWeights()).graph == model.graph
