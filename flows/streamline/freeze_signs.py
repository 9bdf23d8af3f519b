# SPDX-License-Identifier: Apache-2.0
"""Rewrite the graph so that only integers flow, with each threshold half a code away from them.

The result holds Conv and MatMul on +-1 weights, `Sub(t), Mul(polarity), BipolarQuant` behind each,
MaxPool and Flatten, nothing else. No tie can occur and no float scale is left, so that every
executor and every later transformation gives the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from flows.errors import UnsupportedModelError
from flows.streamline.load import CUSTOM_DOMAIN
from flows.streamline.stages import MatrixLayer, Stage
from flows.streamline.tables import Tables
from flows.streamline.tabulate import Codes, SignTable

INPUT = "image"
OUTPUT = "logits"
_OPSET = 11  # what the transformations that follow were written for


@dataclass(slots=True)
class _Builder:
    """Nodes and constants of the graph under construction; `tensor` is its loose end."""

    tensor: str
    rank: int
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def add(self, op: str, output: str, *constants: np.ndarray, **attributes: Any) -> None:
        """Append a node that reads the loose end and constants."""
        inputs = [self.tensor]
        for index, value in enumerate(constants):
            name = f"{output}.{index}"
            self.constants.append(numpy_helper.from_array(value, name))
            inputs.append(name)
        domain = CUSTOM_DOMAIN if op == "BipolarQuant" else ""
        node = helper.make_node(op, inputs, [output], output, domain=domain, **attributes)
        self.nodes.append(node)
        self.tensor = output

    def weights(self, name: str, signs: np.ndarray) -> str:
        """A BipolarQuant on constant weights; its output's name."""
        latent, scale, out = f"{name}.latent", f"{name}.scale", f"{name}.weights"
        self.constants.append(numpy_helper.from_array(signs.astype(np.float32), latent))
        self.constants.append(numpy_helper.from_array(np.ones((), np.float32), scale))
        self.nodes.append(
            helper.make_node("BipolarQuant", [latent, scale], [out], out, domain=CUSTOM_DOMAIN)
        )
        return out


def freeze_signs(stages: Sequence[Stage], tables: Tables) -> ModelWrapper:
    """Build the integer graph.

    Requires: stages of a cleaned graph, and the tables read off them.
    Ensures: input `image` (1, C, H, W) of pixels 0..255, output `logits` (1, classes) of integers;
        tensor NAME holds the activation of layer NAME before pooling, `NAME.pool` after it.
        Freezing the result again gives the same graph.

    Raises:
        UnsupportedModelError: pixels become codes that are not pixel + offset, or a padding value
            that the layer's input cannot have.
    """
    shape = (*stages[0].shape, 1, 1)[:4]
    build = _Builder(tensor=INPUT, rank=4)
    unit = _input(build, tables.source, tables.input_scale)
    for stage, table in zip(stages[1:], [*tables.signs, None], strict=True):
        layer = stage.layer
        assert layer is not None
        binary = unit is None
        _layer(build, layer, 1.0 if unit is None else unit, binary)
        if table is not None:
            _sign(build, stage.name, *half_codes(table))
        if stage.pool > 1:
            _pool(build, f"{stage.name}.pool", stage.pool)
        unit = None
    if build.rank == 4:
        build.add("Flatten", f"{OUTPUT}.flat", axis=1)
    build.nodes[-1].output[0] = OUTPUT
    return _model(build, shape)


def half_codes(table: SignTable) -> tuple[np.ndarray, np.ndarray]:
    """Threshold t and polarity of bit = (polarity * (sum - t) >= 0), t between reachable sums.

    Returns:
        t: (C,) float32, exact.
        polarity: (C,) float32 in {-1, +1}.
    """
    threshold, polarity = table.thresholds()
    t = polarity * (threshold - table.acc_step / 2)
    return t.astype(np.float32), polarity.astype(np.float32)


def _input(build: _Builder, table: SignTable | Codes, scale: float) -> float | None:
    """The pixels' sign or offset. Returns the float value of code 1, None for a binary input."""
    if isinstance(table, SignTable):
        t, polarity = half_codes(table)
        if (polarity < 0).any():
            raise UnsupportedModelError(
                f"input, channel {int(polarity.argmin())}: the input's sign falls as pixels rise;"
                " a rising sign is allowed; invert the images or the first layer's weights."
            )
        _sign(build, "input", t, polarity)
        return None
    offset = pixel_offset(table)
    if offset:
        build.add("Add", "input", np.asarray(offset, np.float32))
    return scale


def pixel_offset(table: Codes) -> int:
    """The one integer that turns every pixel value into its code.

    Raises:
        UnsupportedModelError: the codes are not pixel + offset; checked on all 256 values.
    """
    offsets = table.codes - np.arange(256)
    if (offsets != offsets[0]).any():
        pixel = int((offsets != offsets[0]).argmax())
        raise UnsupportedModelError(
            f"input: pixel {pixel} becomes code {table.codes[pixel]} where pixel + {offsets[0]} is"
            " expected; an integer offset for all 256 values is allowed; quantise the pixels with"
            " step 1, for instance (pixel - 128) / 128 in 8 bits."
        )
    return int(offsets[0])


def _layer(build: _Builder, layer: MatrixLayer, unit: float, binary: bool) -> None:
    name = layer.name
    if layer.weights.ndim == 2:
        if build.rank == 4:
            build.add("Flatten", f"{name}.flat", axis=1)
            build.rank = 2
        weights = build.weights(name, layer.weights.T)
        _matrix(build, "MatMul", name, weights)
        return
    if layer.pad:
        value = layer.pad_value / unit
        _check_pad(layer, value, binary)
        sides = np.asarray([0, 0, layer.pad, layer.pad] * 2, np.int64)
        build.add("Pad", f"{name}.padded", sides, np.asarray(value, np.float32), mode="constant")
    attributes = {
        "kernel_shape": list(layer.weights.shape[2:]),
        "strides": [layer.stride] * 2,
        "pads": [0] * 4,
        "dilations": [1, 1],
        "group": 1,
    }
    _matrix(build, "Conv", name, build.weights(name, layer.weights), **attributes)


def _check_pad(layer: MatrixLayer, value: float, binary: bool) -> None:
    if binary and value not in (-1.0, 1.0):
        raise UnsupportedModelError(
            f"{layer.name} ({layer.node}): padding with {value:g} between +-1 activations found; -1"
            " or +1 is allowed; put a Pad with value -1 in front of an unpadded convolution."
        )
    if value != int(value):
        raise UnsupportedModelError(
            f"{layer.name} ({layer.node}): padding with {value:g} codes found; whole codes are"
            " allowed; change the padding's value."
        )


def _matrix(build: _Builder, op: str, name: str, weights: str, **attributes: Any) -> None:
    build.add(op, f"{name}.sum", **attributes)
    build.nodes[-1].input.append(weights)


def _pool(build: _Builder, output: str, kernel: int) -> None:
    sides = [kernel] * 2
    build.add(
        "MaxPool",
        output,
        kernel_shape=sides,
        strides=sides,
        pads=[0] * 4,
        dilations=[1, 1],
        ceil_mode=0,
    )


def _sign(build: _Builder, name: str, t: np.ndarray, polarity: np.ndarray) -> None:
    shape = (1, -1) + (1,) * (build.rank - 2)
    build.add("Sub", f"{name}.shifted", t.reshape(shape))
    build.add("Mul", f"{name}.turned", polarity.reshape(shape))
    build.add("BipolarQuant", name, np.ones((), np.float32))


def _model(build: _Builder, shape: tuple[int, ...]) -> ModelWrapper:
    image = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, shape)
    logits = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, None)
    graph = helper.make_graph(build.nodes, "frozen", [image], [logits], build.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(CUSTOM_DOMAIN, 1)]
    proto = helper.make_model(graph, opset_imports=opsets, producer_name="xnorflow")
    proto.ir_version = 8
    model = ModelWrapper(proto).transform(InferShapes())
    model.set_tensor_datatype(INPUT, DataType["UINT8"])
    return model.transform(InferDataTypes())
