# SPDX-License-Identifier: Apache-2.0
"""What a chain may hold. Everything else is refused with the node's name and what is allowed."""

import numpy as np
import pytest
from onnx import helper

from flows.errors import UnsupportedModelError
from flows.streamline.load import clean
from flows.streamline.stages import read_stages
from tests.flows.streamline.graphs import Net, conv_net, dense_net


def stages(net):
    return read_stages(clean(net.model()))


def refused(net, *words):
    with pytest.raises(UnsupportedModelError) as caught:
        stages(net)
    message = str(caught.value)
    for word in (*words, "allowed"):
        assert word in message
    return message


def image(**options):
    return Net(1, 3, 8, 8, **options).sign()


def test_names_and_pools():
    found = stages(conv_net())
    assert [s.name for s in found] == ["input", "conv0", "conv1", "fc0", "fc1"]
    assert [s.pool for s in found] == [1, 1, 3, 1, 1]
    assert found[0].quantizer.op_type == "Quant"


def test_pool_inside_is_told_from_pool_behind():
    assert stages(conv_net(pool_inside=True))[2].pool_is_inside
    assert not stages(conv_net())[2].pool_is_inside


def test_weights_and_scale():
    net = Net(1, 6).sign()
    weights = net.random(4, 6)
    layer = stages(net.dense(4, 6, scale=0.3, weights=weights))[1].layer
    assert np.array_equal(layer.weights, np.where(weights >= 0, 1, -1))
    assert np.array_equal(layer.scale, np.full(4, np.float32(0.3)))


def test_weights_of_zero_count_as_plus_one():
    net = Net(1, 2).sign().dense(1, 2, weights=[[0.0, -1.0]])
    assert stages(net)[1].layer.weights.tolist() == [[1, -1]]


@pytest.mark.parametrize("op", ["Softmax", "Sigmoid", "Tanh", "Abs"])
def test_operator_without_hardware(op):
    net = dense_net().node(op)
    assert f"{op}_" in refused(net, op, "cannot be lowered")


def test_residual_add():
    net = image().conv(3, 3, pads=[1] * 4)
    net.node("Add", "t0")
    refused(net, "chain", "residual")


def test_float_weights():
    net = Net(1, 6).sign()
    net.node("MatMul", net.random(6, 4))
    refused(net, "24 distinct values", "BipolarQuant")


def test_four_bit_weights():
    net = Net(1, 6).sign()
    parameters = [net.constant(np.float32(v)) for v in (0.25, 0, 4)]
    latent = net.constant(net.random(6, 4))
    tensor, net.tensor = net.tensor, latent
    net.node("Quant", *parameters, domain=net.domain, signed=1, narrow=0, rounding_mode="ROUND")
    quantized, net.tensor = net.tensor, tensor
    net.node("MatMul", quantized)
    refused(net, "4", "bits", "1-bit")


def test_product_of_two_activations():
    net = Net(1, 6, 1, 1).sign()
    refused(net.node("MatMul", "t0"), "not a constant")


@pytest.mark.parametrize(
    ("attributes", "shape", "words"),
    [
        ({}, (4, 3, 3, 5), "kernel (3, 5)"),
        ({"dilations": [2, 2]}, (4, 3, 3, 3), "dilation"),
        ({"group": 3}, (3, 1, 3, 3), "3 groups"),
        ({"strides": [1, 2]}, (4, 3, 3, 3), "strides"),
        ({"pads": [1, 1, 0, 0]}, (4, 3, 3, 3), "pads"),
        ({"auto_pad": "SAME_UPPER"}, (4, 3, 3, 3), "auto_pad"),
    ],
    ids=["kernel", "dilation", "groups", "strides", "pads", "auto_pad"],
)
def test_convolution_without_hardware(attributes, shape, words):
    net = image()
    net.conv(0, 0, weights=net.random(*shape), **attributes)
    refused(net, "Conv_", words)


@pytest.mark.parametrize(
    "attributes",
    [
        {"strides": [1, 1]},
        {"pads": [1] * 4, "strides": [2, 2]},
        {"strides": [2, 2], "ceil_mode": 1},
    ],
    ids=["overlap", "pads", "ceil"],
)
def test_pool_without_hardware(attributes):
    net = image().conv(4, 3).sign().node("MaxPool", kernel_shape=[2, 2], **attributes)
    refused(net.flatten().dense(2, 36), "MaxPool")


def test_two_pools_behind_one_layer():
    net = image().conv(4, 3).sign().pool().pool()
    refused(net.flatten().dense(2, 4), "one pool")


def test_layer_without_sign():
    refused(Net(1, 6).sign().dense(4, 6).dense(2, 4), "fc0", "no BipolarQuant")


def test_multi_bit_activation():
    refused(Net(1, 6).sign().dense(4, 6).quant(0.5, bits=4).dense(2, 4), "multi-bit")


def test_scale_behind_a_sign():
    refused(Net(1, 6).sign().mul(2.0).dense(4, 6), "behind the quantiser")


def test_sign_behind_the_last_layer():
    refused(Net(1, 6).sign().dense(4, 6).sign(), "behind the last layer")


def test_image_as_output():
    refused(image().conv(4, 3), "one pixel")


def test_dense_layer_of_another_size():
    refused(Net(1, 1, 3, 4).sign().flatten().dense(5, 13), "MatMul", "(1, 12)", "(1, 13)")


def test_dense_layer_on_an_image():
    refused(Net(1, 1, 3, 4).sign().dense(5, 4), "MatMul", "flatten")


def test_convolution_of_another_size():
    refused(image().conv(4, 5), "3 input channels", "5")


def test_batch_norm_in_training_mode():
    net = Net(1, 6, opset=15).sign().dense(4, 6).norm(4)
    net.nodes[-1].attribute.append(helper.make_attribute("training_mode", 1))
    refused(net.sign().dense(2, 4), "BatchNormalization", "eval()")


def test_graph_without_layers():
    with pytest.raises(UnsupportedModelError, match="no Conv"):
        stages(Net(1, 6).sign())


def test_reshape_in_the_middle():
    net = image().conv(4, 3).sign().node("Reshape", np.asarray([1, 144, 1, 1]))
    refused(net.conv(2, 144, kernel=1), "Reshape")
