# SPDX-License-Identifier: Apache-2.0
"""Small QONNX graphs, written node by node."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

DOMAIN = "qonnx.custom_op.general"


class Net:
    """Appends nodes to a chain; `tensor` is its loose end."""

    def __init__(self, *shape, domain=DOMAIN, opset=13, seed=0):
        self.shape, self.domain, self.opset = shape, domain, opset
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants = [], []
        self.tensor = "x"

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op, *constants, domain="", **attributes):
        inputs = [self.tensor, *(c if isinstance(c, str) else self.constant(c) for c in constants)]
        self.tensor = f"t{len(self.nodes)}"
        name = f"{op}_{len(self.nodes)}"
        node = helper.make_node(op, inputs, [self.tensor], name, domain=domain, **attributes)
        self.nodes.append(node)
        return self

    def mul(self, value):
        return self.node("Mul", np.asarray(value, np.float32))

    def add(self, value):
        return self.node("Add", np.asarray(value, np.float32))

    def sub(self, value):
        return self.node("Sub", np.asarray(value, np.float32))

    def sign(self, scale=1.0):
        return self.node("BipolarQuant", np.asarray(scale, np.float32), domain=self.domain)

    def quant(self, scale, bits=8, rounding="FLOOR"):
        parameters = (np.float32(scale), np.float32(0), np.float32(bits))
        attributes = {"signed": 1, "narrow": 0, "rounding_mode": rounding}
        return self.node("Quant", *parameters, domain=self.domain, **attributes)

    def binary(self, weights, scale=1.0):
        """Name of quantised weights."""
        name = f"w{len(self.nodes)}"
        inputs = [self.constant(np.asarray(weights, np.float32)), self.constant(np.float32(scale))]
        self.nodes.append(
            helper.make_node("BipolarQuant", inputs, [name], f"q{name}", domain=self.domain)
        )
        return name

    def random(self, *shape):
        return self.rng.uniform(-1, 1, shape).astype(np.float32)

    def conv(self, outputs, inputs, kernel=3, scale=1.0, weights=None, **attributes):
        weights = self.random(outputs, inputs, kernel, kernel) if weights is None else weights
        shape = list(np.shape(weights)[2:])
        return self.node("Conv", self.binary(weights, scale), kernel_shape=shape, **attributes)

    def dense(self, outputs, inputs, scale=1.0, weights=None):
        weights = self.random(outputs, inputs) if weights is None else weights
        quantized = self.binary(weights, scale)
        name = f"{quantized}t"
        self.nodes.append(helper.make_node("Transpose", [quantized], [name], perm=[1, 0]))
        return self.node("MatMul", name)

    def norm(self, channels, gamma=None, beta=None, eps=1e-5):
        """Batch norm with random statistics and gains of both signs."""
        rng = self.rng
        gamma = rng.uniform(-2, 2, channels) if gamma is None else gamma
        beta = rng.normal(0, 1, channels) if beta is None else beta
        mean, var = rng.normal(0, 3, channels), rng.uniform(1, 60, channels)
        values = [np.asarray(v, np.float32) for v in (gamma, beta, mean, var)]
        return self.node("BatchNormalization", *values, epsilon=eps)

    def pool(self, kernel=2):
        return self.node("MaxPool", kernel_shape=[kernel] * 2, strides=[kernel] * 2)

    def pad(self, size, value):
        sides = np.asarray([0, 0, size, size] * 2, np.int64)
        return self.node("Pad", sides, np.float32(value))

    def flatten(self):
        return self.node("Flatten", axis=1)

    def proto(self):
        entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)
        end = helper.make_tensor_value_info(self.tensor, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "test", [entry], [end], self.constants)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(self.domain, 1)]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = 8
        return model

    def model(self):
        return ModelWrapper(self.proto())

    def save(self, path):
        path.write_bytes(self.proto().SerializeToString())
        return path


def dense_net(outputs=5, hidden=9, inputs=12, seed=0):
    """Binary input, two dense layers with batch norm, scaled logits: (1, 1, 3, 4) to (1, 5)."""
    net = Net(1, 1, 3, inputs // 3, seed=seed).sub(128).mul(2**-7).sign().flatten()
    net.dense(hidden, inputs).norm(hidden).sign().dense(hidden, hidden).norm(hidden).sign()
    return net.dense(outputs, hidden).mul(0.5).add(0.25)


def conv_net(seed=0, channels=4, pool_inside=False):
    """8-bit stem, two convolutions, pooling, a flattened 2 x 2 image: (1, 3, 10, 10) to (1, 5)."""
    net = Net(1, 3, 10, 10, seed=seed).sub(128).mul(2**-7).quant(2**-7)
    net.conv(channels, 3).norm(channels).sign().conv(6, channels).norm(6)
    net = net.pool(3).sign() if pool_inside else net.sign().pool(3)
    return net.flatten().dense(7, 24).norm(7).sign().dense(5, 7).mul(0.5)


def zoo_net(seed=0, inputs=784, hidden=64):
    """What the first Brevitas exporters wrote for TFC_1W1A.

    Source: structure of TFC_1W1A.onnx of the QONNX model zoo: opset 9, weights listed among the
    inputs, domain onnx.brevitas, the image flattened by Shape, Gather, Unsqueeze, Concat, Reshape,
    2x - 1 in front of the first sign, the last batch norm spelled out with a Pow. The weights here
    are random.
    """
    side = int(inputs**0.5)
    net = Net(1, 1, side, side, domain="onnx.brevitas", opset=9, seed=seed)
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", net.constant(np.int64(0))], ["rows"], axis=0),
        helper.make_node("Unsqueeze", ["rows"], ["row_list"], axes=[0]),
        helper.make_node(
            "Concat", ["row_list", net.constant(np.asarray([-1]))], ["flat_shape"], axis=0
        ),
    ]
    net.nodes += nodes
    net.node("Reshape", "flat_shape").mul(2.0).sub([1.0]).sign()
    for width in (inputs, hidden, hidden):
        net.dense(hidden, width, weights=np.sign(net.random(hidden, width)))
        net.norm(hidden).sign()
    net.dense(10, hidden).sub([0.45])
    net.nodes.append(
        helper.make_node(
            "Pow", [net.constant(np.float32([318.2])), net.constant(np.float32(0.5))], ["std"]
        )
    )
    net.node("Div", "std").mul([0.73]).add([-1.14])
    model = net.proto()
    model.ir_version = 6
    for value in net.constants:
        kind = helper.make_tensor_value_info(value.name, value.data_type, value.dims)
        model.graph.input.append(kind)
    return model
