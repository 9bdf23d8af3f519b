# SPDX-License-Identifier: Apache-2.0
"""Small QONNX graphs with forks and joins, written down node by node."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from flows.streamline.graph import evaluate
from flows.streamline.pixels import RAW
from flows.streamline.read_graph import read_graph
from flows.streamline.standard import Executor

DOMAIN = "qonnx.custom_op.general"
STEP = 1 / 16  # of the residual stream


class Builder:
    """Appends nodes; each method returns the name of the tensor that it makes."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int, int]) -> None:
        self.rng = rng
        self.shape = shape  # (C, H, W)
        self.nodes: list = []
        self.constants: list = []

    def constant(self, value, dtype=np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def op(self, op: str, *inputs: str, domain: str = "", **attributes) -> str:
        name = f"{op.lower()}_{len(self.nodes)}"
        node = helper.make_node(op, list(inputs), [name], name, domain=domain, **attributes)
        self.nodes.append(node)
        return name

    def quant(
        self, x: str, step: float, bits: int = 8, signed: int = 1, mode: str = "FLOOR"
    ) -> str:
        scalars = [self.constant(v) for v in (step, 0, bits)]
        options = {"signed": signed, "narrow": 0, "rounding_mode": mode}
        return self.op("Quant", x, *scalars, domain=DOMAIN, **options)

    def bipolar(self, x: str, scale: float = 1.0) -> str:
        return self.op("BipolarQuant", x, self.constant(scale), domain=DOMAIN)

    def pixels(self) -> str:
        x = self.op("Sub", "image", self.constant(128))
        return self.quant(self.op("Mul", x, self.constant(1 / 128)), 1 / 128)

    def affine(self, x: str, channels: int, mul, add, rank: int = 4) -> str:
        shape = (1, channels) + (1,) * (rank - 2)
        x = self.op("Mul", x, self.constant(np.broadcast_to(mul, channels).reshape(shape)))
        return self.op("Add", x, self.constant(np.broadcast_to(add, channels).reshape(shape)))

    def requant(self, x: str, channels: int, step: float, unit: float, shift: int = 9) -> str:
        """A random quantised batch norm; one channel falls, one is constant."""
        mul = self.rng.integers(20, 120, channels)
        mul[0], mul[-1] = -mul[0], 0
        add = self.rng.integers(-4000, 4000, channels) + 2 ** (shift - 1)
        factor = step / unit / 2.0**shift
        x = self.affine(x, channels, mul * factor, add * step / 2.0**shift)
        return self.quant(x, step)

    def sign(self, x: str, channels: int, step: float, reach: int) -> str:
        """Threshold half a code away from every value, and polarity."""
        t = (self.rng.integers(-reach, reach, channels) + 0.5) * step
        polarity = self.rng.choice([-1.0, 1.0], channels)
        shape = (1, channels, 1, 1)
        x = self.op("Sub", x, self.constant(t.reshape(shape)))
        return self.bipolar(self.op("Mul", x, self.constant(polarity.reshape(shape))))

    def binary_conv(self, x: str, inputs: int, outputs: int, k: int = 3, **attributes) -> str:
        groups = attributes.get("group", 1)
        latent = self.rng.choice([-1.0, 1.0], (outputs, inputs // groups, k, k))
        return self._conv(x, self.bipolar(self.constant(latent)), k, **attributes)

    def int_conv(self, x: str, inputs: int, outputs: int, k: int = 3, **attributes) -> str:
        codes = self.rng.integers(-127, 128, (outputs, inputs, k, k))
        return self._conv(
            x, self.quant(self.constant(codes / 128), 1 / 128, mode="ROUND"), k, **attributes
        )

    def _conv(self, x: str, weights: str, k: int, **attributes) -> str:
        options = {"kernel_shape": [k, k], "pads": [0] * 4, "strides": [1, 1], **attributes}
        return self.op("Conv", x, weights, **options)

    def pad(self, x: str, value: float) -> str:
        sides = self.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64)
        return self.op("Pad", x, sides, self.constant(value), mode="constant")

    def dense(self, x: str, inputs: int, outputs: int, bias: bool = True) -> str:
        codes = self.rng.integers(-127, 128, (inputs, outputs))
        weights = self.quant(self.constant(codes / 128), 1 / 128, mode="ROUND")
        x = self.op("MatMul", self.op("Flatten", x, axis=1), weights)
        return self.op("Add", x, self.constant(np.arange(outputs) / 128)) if bias else x

    def model(self, output: str) -> ModelWrapper:
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, *self.shape))
        end = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "small", [image], [end], self.constants)
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
        proto = helper.make_model(graph, opset_imports=opsets)
        proto.ir_version = 8
        return ModelWrapper(proto).transform(InferShapes())


def check(build: Builder, output: str, images: int = 6):
    """Reads the graph and compares every logit with onnxruntime; returns the integer graph."""
    model = build.model(output)
    graph = read_graph(model, RAW.values())
    channels, height, width = build.shape
    pixels = build.rng.integers(0, 256, (images, height, width, channels), np.uint8)
    got = evaluate(graph, pixels)
    run = Executor(model)
    for index, image in enumerate(pixels):
        expected = run(image.transpose(2, 0, 1)[None])[output].reshape(-1)
        sums = got[graph.nodes[-1].name][index].reshape(-1)
        np.testing.assert_array_equal(sums * graph.final.scale + graph.final.bias, expected)
    for node in graph.nodes[:-1]:
        assert len(np.unique(got[node.name])) > 1, f"{node.name} is constant"
    return graph


def stem(build: Builder, channels: int = 8) -> str:
    x = build.int_conv(build.pixels(), build.shape[0], channels, pads=[1] * 4)
    return build.requant(x, channels, STEP, unit=2.0**-14, shift=12)


def block(build: Builder, x: str, channels: int, pad: float | None) -> str:
    """sign, binary convolution, quantised batch norm, shortcut."""
    bits = build.sign(x, channels, STEP, 60)
    if pad is None:
        y = build.binary_conv(bits, channels, channels, pads=[1] * 4)
    else:
        y = build.binary_conv(build.pad(bits, pad), channels, channels)
    y = build.requant(y, channels, STEP, unit=1.0)
    return build.quant(build.op("Add", y, x), STEP)


def head(build: Builder, x: str, channels: int, size: int) -> str:
    x = build.op("ReduceSum", x, build.constant([2, 3], np.int64), keepdims=1)
    return build.dense(build.quant(x, STEP * 16), channels, 5)
