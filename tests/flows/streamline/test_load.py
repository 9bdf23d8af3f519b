# SPDX-License-Identifier: Apache-2.0
"""Reading and cleaning: what is accepted, what is refused and with which words."""

import numpy as np
import onnx
import pytest
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError, UsageError
from flows.streamline.load import clean, load
from flows.streamline.standard import Executor
from tests.flows.streamline.graphs import DOMAIN, Net, conv_net, dense_net, zoo_net


def ops(model):
    return [node.op_type for node in model.graph.node]


def test_missing_file(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load(tmp_path / "none.onnx")


def test_text_file(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("this is no network\n")
    with pytest.raises(UsageError, match="truncated or of another kind"):
        load(path)


def test_empty_file(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="holds no graph"):
        load(path)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_truncated_file(tmp_path, share):
    path = dense_net().save(tmp_path / "model.onnx")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UsageError, match="truncated or of another kind"):
        load(path)


def test_old_exporter_graph_becomes_a_plain_chain():
    model = clean(ModelWrapper(zoo_net()))
    assert not {"Shape", "Gather", "Unsqueeze", "Concat", "Reshape", "Pow"} & set(ops(model))
    assert [entry.name for entry in model.graph.input] == ["global_in"]
    assert {n.domain for n in model.graph.node if n.op_type == "BipolarQuant"} == {DOMAIN}


@pytest.mark.parametrize("net", [dense_net, conv_net], ids=["dense", "conv"])
def test_cleaning_twice_changes_nothing(net):
    once = clean(net().model())
    assert clean(once).graph == once.graph


def test_cleaning_leaves_its_argument():
    model = dense_net().model()
    before = model.model.SerializeToString()
    clean(model)
    assert model.model.SerializeToString() == before


@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm_becomes_matmul_and_add(transposed):
    net = Net(1, 6).sign()
    weights = net.random(4, 6) if transposed else net.random(6, 4)
    bias = net.random(4)
    net.node("Gemm", net.binary(weights), bias, transB=transposed)
    model = net.model()
    x = net.random(1, 6)
    cleaned = clean(model)
    assert ops(cleaned)[-2:] == ["MatMul", "Add"]
    found, expected = (next(iter(Executor(m)(x).values())) for m in (cleaned, model))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_zero_bias_of_a_convolution_vanishes():
    net = Net(1, 2, 5, 5).sign()
    net.node("Conv", net.binary(net.random(3, 2, 3, 3)), np.zeros(3, np.float32))
    assert "Add" not in ops(clean(net.model()))


def test_batch_of_images_is_refused():
    net = Net(4, 6).sign().dense(2, 6)
    with pytest.raises(UnsupportedModelError, match="batch of 4"):
        clean(net.model())


def test_symbolic_batch_becomes_one_image():
    model = dense_net().proto()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    assert clean(ModelWrapper(model)).get_tensor_shape("global_in")[0] == 1


def test_two_outputs_are_refused():
    model = dense_net().proto()
    extra = helper.make_tensor_value_info("t2", onnx.TensorProto.FLOAT, None)
    model.graph.output.append(extra)
    with pytest.raises(UnsupportedModelError, match="2 outputs"):
        clean(ModelWrapper(model))


def test_unknown_operator_of_another_domain_is_refused():
    net = Net(1, 6).sign().node("Magic", domain="com.example")
    with pytest.raises(UnsupportedModelError):
        clean(net.model())
