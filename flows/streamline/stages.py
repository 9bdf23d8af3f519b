# SPDX-License-Identifier: Apache-2.0
"""The cleaned graph read as a chain of stages: a layer, what stands behind it, its quantiser."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.load import QUANTIZERS, attribute_ints
from flows.streamline.weights import read_weights

LAYERS = ("Conv", "MatMul")
ELEMENTWISE = ("Add", "Sub", "Mul", "Div", "BatchNormalization", "Cast", "Neg", "Clip", "Dropout")
SHAPES = ("Flatten", "Reshape")
ALLOWED = (*LAYERS, *QUANTIZERS, *ELEMENTWISE, *SHAPES, "MaxPool", "Pad")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatrixLayer:
    """A Conv or MatMul with 1-bit weights.

    Attributes:
        name: conv0, conv1, ... and fc0, fc1, ... in order.
        node: the node's name in the graph, for messages.
        weights: int8 in {-1, +1}, (OC, IC, K, K) for Conv, (OC, IC) for MatMul.
        scale: (OC,) float64; the weights of the graph are weights * scale.
        stride, pad: of the window, 1 and 0 for MatMul.
        pad_value: what stands beside the image, in the units of the layer's input.
        output: the accumulator's tensor.
    """

    name: str
    node: str
    weights: np.ndarray
    scale: np.ndarray
    stride: int
    pad: int
    pad_value: float
    output: str

    @property
    def channels(self) -> int:
        """Output channels."""
        return len(self.weights)

    @property
    def fan_in(self) -> int:
        """Products of one sum."""
        return int(self.weights[0].size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """A layer and the nodes from its accumulator to its activation.

    Attributes:
        name: of the layer; "input" for the stage in front of the first layer.
        layer: None for the input stage.
        before: elementwise nodes in front of the pool (all of them where there is none).
        after: elementwise nodes and quantiser behind the pool.
        pool: kernel of the max pooling, 1 for none.
        pool_is_inside: the pool stands in front of the quantiser.
        quantizer: the quantiser node, None where the stage has none.
        source, output: tensors at which the stage starts and ends.
        shape: of `source`.
    """

    name: str
    layer: MatrixLayer | None
    before: tuple[NodeProto, ...]
    after: tuple[NodeProto, ...]
    pool: int
    pool_is_inside: bool
    quantizer: NodeProto | None
    source: str
    output: str
    shape: tuple[int, ...]

    @property
    def nodes(self) -> tuple[NodeProto, ...]:
        """Elementwise nodes and quantiser, without the pool."""
        return (*self.before, *self.after)


def read_stages(model: ModelWrapper) -> tuple[Stage, ...]:
    """Cut a cleaned graph into the input stage and one stage per layer.

    Raises:
        UnsupportedModelError: a fork, a join, an operator or a geometry that cannot be lowered.
    """
    path = list(data_path(model))
    cuts = [i for i, node in enumerate(path) if node.op_type in LAYERS]
    if not cuts:
        raise UnsupportedModelError(
            "graph: no Conv, MatMul or Gemm found; at least one layer with 1-bit weights is needed."
        )
    starts = [_with_pad(path, cut) for cut in cuts]
    stages = [_stage(model, "input", None, path[: starts[0]])]
    counts = {"Conv": 0, "MatMul": 0}
    for cut, end in zip(cuts, [*starts[1:], len(path)], strict=True):
        node = path[cut]
        prefix = "conv" if node.op_type == "Conv" else "fc"
        name = f"{prefix}{counts[node.op_type]}"
        counts[node.op_type] += 1
        pad = path[cut - 1] if cut and path[cut - 1].op_type == "Pad" else None
        layer = _layer(model, name, node, pad)
        stages.append(_stage(model, name, layer, path[cut + 1 : end]))
    for stage in stages[1:-1]:
        if stage.quantizer is None:
            raise UnsupportedModelError(
                f"{stage.name}: no BipolarQuant between this layer and the next; only the last"
                " layer is allowed to have none; add one behind the layer."
            )
    for stage, nodes in zip(stages[:-1], _between(path, starts), strict=True):
        _check_reshapes(stage, nodes)
    if any(size != 1 for size in stages[-1].shape[2:]):
        raise UnsupportedModelError(
            f"{stages[-1].name}: its output has the shape {stages[-1].shape}; one pixel is allowed;"
            " add dense layers behind the last convolution."
        )
    if stages[-1].quantizer is not None or stages[-1].pool > 1:
        raise UnsupportedModelError(
            f"{stages[-1].name}: a quantiser or a pool behind the last layer found; a scale"
            " and an offset are allowed there, as the last layer gives raw sums; remove it."
        )
    return tuple(stages)


def _between(path: list[NodeProto], starts: list[int]) -> Iterator[list[NodeProto]]:
    """Nodes of each stage but the last, the layer included."""
    for start, end in zip([0, *starts], starts, strict=False):
        yield path[start:end]


def _check_reshapes(stage: Stage, nodes: list[NodeProto]) -> None:
    for node in nodes:
        if node.op_type == "Reshape":
            raise UnsupportedModelError(
                f"{node.name} (Reshape): changes the shape in {stage.name}; flattening the image is"
                " allowed there, other reshapes only behind the last layer; remove it."
            )


def data_path(model: ModelWrapper) -> Iterator[NodeProto]:
    """Nodes that carry the image, from input to output.

    Raises:
        UnsupportedModelError: where the path forks or an operator cannot be lowered.
    """
    tensor = model.graph.input[0].name
    end = model.graph.output[0].name
    while tensor != end:
        consumers = model.find_consumers(tensor)
        if len(consumers) != 1:
            names = ", ".join(f"{node.name} ({node.op_type})" for node in consumers) or "nothing"
            raise UnsupportedModelError(
                f"tensor {tensor}: read by {names}; a chain is allowed, where every tensor is read"
                " by one node; residual and parallel branches cannot be lowered yet."
            )
        node = consumers[0]
        _check_node(model, node, tensor)
        yield node
        tensor = node.output[0]


def _check_node(model: ModelWrapper, node: NodeProto, tensor: str) -> None:
    if node.op_type not in ALLOWED:
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): this operator cannot be lowered; allowed:"
            f" {', '.join(ALLOWED)}; replace it, or cut the graph in front of it."
        )
    position = list(node.input).index(tensor)
    late = node.op_type in LAYERS or node.op_type in ("Div", "Sub")
    if position and late:
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): the activation is its input {position}; input 0 is"
            " allowed; swap the operands."
        )
    if node.op_type in LAYERS:
        return
    for name in node.input:
        if name and name != tensor and model.get_initializer(name) is None:
            raise UnsupportedModelError(
                f"{node.name} ({node.op_type}): joins {tensor} and {name}, both computed from the"
                " image; a chain is allowed; residual and parallel branches cannot be lowered yet."
            )


def _with_pad(path: list[NodeProto], cut: int) -> int:
    return cut - 1 if cut and path[cut - 1].op_type == "Pad" else cut


def _layer(model: ModelWrapper, name: str, node: NodeProto, pad: NodeProto | None) -> MatrixLayer:
    weights, scale = read_weights(model, node)
    stride, padding, value = 1, 0, 0.0
    if node.op_type == "Conv":
        stride, padding = _conv_geometry(model, node, weights)
    else:
        _check_fan_in(model, node, weights)
    if pad is not None:
        if padding or node.op_type != "Conv":
            raise UnsupportedModelError(
                f"{pad.name} (Pad): padding in front of {node.name} ({node.op_type}), which pads"
                f" {padding}; one Pad node in front of an unpadded Conv is allowed."
            )
        padding, value = _pad_node(model, pad)
    return MatrixLayer(
        name=name,
        node=node.name,
        weights=weights,
        scale=scale,
        stride=stride,
        pad=padding,
        pad_value=value,
        output=node.output[0],
    )


def _check_fan_in(model: ModelWrapper, node: NodeProto, weights: np.ndarray) -> None:
    shape = tuple(model.get_tensor_shape(node.input[0]))
    if shape != (1, weights.shape[1]):
        raise UnsupportedModelError(
            f"{node.name} (MatMul): an activation of shape {shape} found; (1, {weights.shape[1]})"
            " is allowed, as its weights have that many inputs; change the layer, or flatten the"
            " image."
        )


def _conv_geometry(model: ModelWrapper, node: NodeProto, weights: np.ndarray) -> tuple[int, int]:
    """Stride and padding of a Conv that hardware has."""
    values = {
        name: attribute_ints(node, name, default)
        for name, default in (("dilations", [1, 1]), ("strides", [1, 1]), ("pads", [0] * 4))
    }
    channels = model.get_tensor_shape(node.input[0])[1]
    group = next((a.i for a in node.attribute if a.name == "group"), 1)
    wrong = ""
    if weights.ndim != 4 or weights.shape[2] != weights.shape[3]:
        wrong = f"kernel {weights.shape[2:]} found; square kernels are allowed"
    elif values["dilations"] != [1, 1]:
        wrong = f"dilation {values['dilations']} found; 1 is allowed"
    elif group != 1:
        wrong = f"{group} groups found; 1 is allowed, grouped convolutions cannot be lowered yet"
    elif weights.shape[1] != channels:
        wrong = f"{channels} input channels found; {weights.shape[1]} are allowed by its weights"
    elif len(set(values["strides"])) != 1:
        wrong = f"strides {values['strides']} found; equal ones are allowed"
    elif len(set(values["pads"])) != 1:
        wrong = f"pads {values['pads']} found; equal ones on all four sides are allowed"
    else:
        wrong = _auto_pad(node)
    if wrong:
        raise UnsupportedModelError(f"{node.name} (Conv): {wrong}; change the layer.")
    return values["strides"][0], values["pads"][0]


def _auto_pad(node: NodeProto) -> str:
    """What is wrong with a node that leaves its padding to the reader."""
    for attribute in node.attribute:
        if attribute.name == "auto_pad" and attribute.s not in (b"", b"NOTSET", b"VALID"):
            return f"auto_pad {attribute.s.decode()} found; explicit pads are allowed"
    return ""


def _pad_node(model: ModelWrapper, node: NodeProto) -> tuple[int, float]:
    """Rows and value of a Pad node that pads rows and columns evenly."""
    if len(node.input) > 1:
        pads = [int(size) for size in model.get_initializer(node.input[1])]
    else:
        pads = attribute_ints(node, "pads", [])
    value = 0.0
    if len(node.input) > 2 and node.input[2]:
        value = float(model.get_initializer(node.input[2]).item())
    for attribute in node.attribute:
        if attribute.name == "value":
            value = attribute.f
        if attribute.name == "mode" and attribute.s != b"constant":
            pads = []
    if len(pads) != 8 or any(pads[i] for i in (0, 1, 4, 5)) or len({*pads[2:4], *pads[6:]}) != 1:
        raise UnsupportedModelError(
            f"{node.name} (Pad): pads {pads} found; constant padding, equal on all four sides of"
            " the image, is allowed; change the layer."
        )
    return pads[2], value


def _stage(
    model: ModelWrapper, name: str, layer: MatrixLayer | None, nodes: list[NodeProto]
) -> Stage:
    source = layer.output if layer is not None else model.graph.input[0].name
    split, pool, quantizer, inside = None, 1, None, False
    for index, node in enumerate(nodes):
        if node.op_type == "MaxPool":
            if pool > 1 or layer is None:
                raise UnsupportedModelError(
                    f"{node.name} (MaxPool): one pool behind each layer is allowed."
                )
            pool, split, inside = _pool_kernel(node), index, quantizer is None
        elif node.op_type in QUANTIZERS:
            if quantizer is not None or (node.op_type == "Quant" and layer is not None):
                raise UnsupportedModelError(
                    f"{node.name} ({node.op_type}): behind {name} one BipolarQuant is allowed;"
                    " multi-bit activations cannot be lowered yet; use a binary activation."
                )
            quantizer = node
        elif quantizer is not None and node.op_type in ELEMENTWISE:
            raise UnsupportedModelError(
                f"{node.name} ({node.op_type}): stands behind the quantiser of {name}; Flatten and"
                " MaxPool are allowed there; move it in front of the quantiser."
            )
    compute = [n for n in nodes if n.op_type in ELEMENTWISE or n.op_type in QUANTIZERS]
    cut = len(compute)
    if inside and split is not None:
        cut = sum(node in compute for node in nodes[:split])
    return Stage(
        name=name,
        layer=layer,
        before=tuple(compute[:cut]),
        after=tuple(compute[cut:]),
        pool=pool,
        pool_is_inside=inside,
        quantizer=quantizer,
        source=source,
        output=nodes[-1].output[0] if nodes else source,
        shape=tuple(model.get_tensor_shape(source)),
    )


def _pool_kernel(node: NodeProto) -> int:
    kernel = attribute_ints(node, "kernel_shape", [])
    strides = attribute_ints(node, "strides", [1] * len(kernel))
    pads = attribute_ints(node, "pads", [0] * 4)
    ceil = any(a.name == "ceil_mode" and a.i for a in node.attribute)
    if len(set(kernel)) != 1 or strides != kernel or any(pads) or ceil or _auto_pad(node):
        raise UnsupportedModelError(
            f"{node.name} (MaxPool): kernel {kernel}, strides {strides}, pads {pads},"
            f" ceil_mode {int(ceil)} found; square kernels with the same stride, no padding,"
            " rounding down are allowed; change the layer."
        )
    return kernel[0]
