# SPDX-License-Identifier: Apache-2.0
"""Operators that need integers: what each makes of its input values, and its integer node."""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from onnx import NodeProto
from qonnx.util.basic import get_by_name

from flows.errors import UnsupportedModelError
from flows.streamline.graph import (
    IMAGE,
    Add,
    Concat,
    Convolution,
    Dense,
    IntegerGraph,
    MaxPool,
    Operation,
    Requant,
    Shuffle,
    SumPool,
)
from flows.streamline.load import attribute_ints
from flows.streamline.tabulate import FinalAffine
from flows.streamline.values import Value, materialise, stream_value
from flows.streamline.weights import integer_weights

if TYPE_CHECKING:
    from flows.streamline.read_graph import Reader

_EXACT = 2**53


def _uniform(values: np.ndarray, node: NodeProto, what: str) -> float:
    """One number for all channels."""
    if not np.all(values == values.flat[0]):
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): its input has a {what} per channel; one {what} for all"
            " is allowed in front of a layer; quantise the tensor with one scale."
        )
    return float(values.flat[0])


def _layer_input(reader: "Reader", node: NodeProto) -> tuple[Value, float, float]:
    value = materialise(reader.model, reader.values[node.input[0]], node.name)
    scale = _uniform(value.line.slope, node, "scale")
    return value, scale, _uniform(value.line.offset, node, "offset")


def _accumulator(
    node: NodeProto, name: str, value: Value, weights: np.ndarray, padded: bool
) -> tuple[int, int, int]:
    """low, high, step of the sums: bounds of the channel that reaches furthest."""
    flat = weights.reshape(len(weights), -1)
    top = np.where(flat > 0, flat * value.high, flat * value.low).sum(axis=1)
    bottom = np.where(flat > 0, flat * value.low, flat * value.high).sum(axis=1)
    low, high = int(bottom.min()), int(top.max())
    if max(-low, high) >= _EXACT:
        raise UnsupportedModelError(f"{node.name} ({name}): sums of up to {high} found; below 2^53")
    # Sums of +-1 keep the parity of their count, where no tap is left out and no weight is zero.
    same = value.bits and not padded and bool((np.abs(flat) == 1).all())
    return low, high, 2 if same else 1


def convolution(reader: "Reader", node: NodeProto) -> None:
    """Conv: sums of integers; the scales of input and weights stand behind it."""
    model = reader.model
    value, scale, offset = _layer_input(reader, node)
    weights, steps, bits = integer_weights(model, node)
    kernel, stride, pad, groups = _geometry(node, weights)
    if pad and value.pad:
        raise UnsupportedModelError(f"{node.name} (Conv): a Pad node and pads; one is allowed.")
    beside = value.pad_value if value.pad else 0.0
    pad = pad or value.pad
    pad_value = _pad_code(reader, node, value, beside, scale, offset) if pad else 0
    shape = tuple(model.get_tensor_shape(node.output[0]))[1:]
    name = reader.name("conv", node.output[0])
    reach = _accumulator(node, name, value, weights, pad_value is None)
    made = Convolution(
        name=name,
        inputs=(value.stream,),
        weights=weights.transpose(0, 2, 3, 1),
        kernel=kernel,
        stride=stride,
        pad=pad,
        pad_value=pad_value,
        groups=groups,
        weight_bits=bits,
        bias=np.zeros(len(weights), np.int64),
    )
    sums = weights.reshape(len(weights), -1).sum(axis=1)
    out = stream_value(name, node.output[0], shape, reach, steps * scale, steps * offset * sums)
    reader.emit(made, out)


def _pad_code(
    reader: "Reader", node: NodeProto, value: Value, beside: float, scale: float, offset: float
) -> int | None:
    """What stands beside the image, in the coding of the stream; None: nothing is added."""
    code = (beside - offset) / scale
    if value.bits and beside == 0.0 and offset == 0.0:
        return None
    legal = (-1.0, 1.0) if value.bits else range(value.low, value.high + 1)
    if code not in legal:
        raise UnsupportedModelError(
            f"{node.name} (Conv): padding with {beside:g} is code {code:g} of {value.stream}, which"
            f" takes {value.low} to {value.high}; pad with a value that the stream can take."
        )
    if value.bits:
        return int(code > 0)
    if value.stream == IMAGE:
        assert reader.image is not None
        return int(code) - reader.image.offset
    return int(code)


def _geometry(node: NodeProto, weights: np.ndarray) -> tuple[int, int, int, int]:
    """Kernel, stride, padding, groups."""
    strides = attribute_ints(node, "strides", [1, 1])
    pads = attribute_ints(node, "pads", [0] * 4)
    dilations = attribute_ints(node, "dilations", [1, 1])
    group = get_by_name(node.attribute, "group")
    automatic = get_by_name(node.attribute, "auto_pad")
    square = weights.shape[2] == weights.shape[3]
    plain = automatic is None or automatic.s in (b"", b"NOTSET")
    even = len(set(strides)) == len(set(pads)) == 1 and set(dilations) == {1}
    if not (square and even and plain):
        raise UnsupportedModelError(
            f"{node.name} (Conv): kernel {weights.shape[2:]}, strides {strides}, pads {pads},"
            f" dilations {dilations} found; square kernels, equal strides and pads, dilation 1 are"
            " allowed; change the layer."
        )
    return weights.shape[2], strides[0], pads[0], int(group.i) if group is not None else 1


def dense(reader: "Reader", node: NodeProto) -> None:
    """MatMul with constant weights, on a vector or on an image that was flattened."""
    value, scale, offset = _layer_input(reader, node)
    weights, steps, bits = integer_weights(reader.model, node)
    channels, height, width = value.shape
    if weights.shape[1] != channels * height * width:
        raise UnsupportedModelError(
            f"{node.name} (MatMul): {weights.shape[1]} inputs found, the activation has"
            f" {channels} x {height} x {width} values; flatten the whole image in front of it."
        )
    # The graph flattens channel by channel, hardware pixel by pixel.
    ordered = weights.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    name = reader.name("fc", node.output[0])
    shape = (len(weights), 1, 1)
    reach = _accumulator(node, name, value, weights, False)
    made = Dense(
        name=name,
        inputs=(value.stream,),
        weights=ordered.reshape(len(weights), -1),
        weight_bits=bits,
        bias=np.zeros(len(weights), np.int64),
    )
    sums = weights.sum(axis=1)
    out = stream_value(name, node.output[0], shape, reach, steps * scale, steps * offset * sums)
    reader.emit(made, out)


def add(reader: "Reader", node: NodeProto) -> None:
    """Add of two streams: their steps must meet."""
    a, b = (materialise(reader.model, value, node.name) for value in reader.inputs(node))
    if not np.array_equal(a.line.slope, b.line.slope):
        channel = int((a.line.slope != b.line.slope).argmax())
        raise UnsupportedModelError(
            f"{node.name} (Add): {a.stream} has the step {a.line.slope[channel]:g}, {b.stream}"
            f" {b.line.slope[channel]:g} (channel {channel}); equal steps are needed at an"
            " addition; quantise both with the same scale."
        )
    if a.shape != b.shape:
        raise UnsupportedModelError(
            f"{node.name} (Add): shapes {a.shape} and {b.shape} found; equal shapes are allowed."
        )
    name = reader.name("add", node.output[0])
    low, high = a.low + b.low, a.high + b.high
    made = Add(name=name, inputs=(a.stream, b.stream), low=low, high=high)
    offset = a.line.offset + b.line.offset
    out = stream_value(name, node.output[0], a.shape, (low, high, 1), a.line.slope, offset)
    reader.emit(made, out)


def concat(reader: "Reader", node: NodeProto) -> None:
    """Concat of channels, each with its own scale and offset."""
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    values = [materialise(reader.model, v, node.name) for v in reader.inputs(node)]
    if axis != 1 or len(values) != len(node.input) or len({v.shape[1:] for v in values}) != 1:
        raise UnsupportedModelError(
            f"{node.name} (Concat): axis {axis}, {len(node.input)} inputs of shapes"
            f" {[v.shape for v in values]} found; streams of one height and width are joined along"
            " axis 1."
        )
    if len({v.bits for v in values}) != 1:
        raise UnsupportedModelError(
            f"{node.name} (Concat): bits and integers found; take the signs in front of it, or"
            " behind it."
        )
    name = reader.name("concat", node.output[0])
    made = Concat(name=name, inputs=tuple(v.stream for v in values))
    shape = (sum(v.channels for v in values), *values[0].shape[1:])
    step = 2 if all(v.step == 2 and v.low % 2 == values[0].low % 2 for v in values) else 1
    reach = (min(v.low for v in values), max(v.high for v in values), step)
    slope = np.concatenate([v.line.slope for v in values])
    offset = np.concatenate([v.line.offset for v in values])
    out = stream_value(name, node.output[0], shape, reach, slope, offset, values[0].bits)
    reader.emit(made, out)


def max_pool(reader: "Reader", node: NodeProto) -> None:
    """MaxPool, which keeps the scale as long as it is positive."""
    value = materialise(reader.model, reader.values[node.input[0]], node.name)
    if not (value.line.slope > 0).all():
        channel = int((value.line.slope <= 0).argmax())
        raise UnsupportedModelError(
            f"{node.name} (MaxPool): channel {channel} falls with its stream {value.stream}, so its"
            " largest value is the stream's smallest; put a quantiser in front of the pool."
        )
    kernel, stride, pad = _window(node)
    shape = tuple(reader.model.get_tensor_shape(node.output[0]))[1:]
    name = reader.name("maxpool", node.output[0])
    made = MaxPool(name=name, inputs=(value.stream,), kernel=kernel, stride=stride, pad=pad)
    reach = (value.low, value.high, value.step)
    line = value.line
    out = stream_value(name, node.output[0], shape, reach, line.slope, line.offset, value.bits)
    reader.emit(made, out)


def _window(node: NodeProto) -> tuple[int, int, int]:
    kernel = attribute_ints(node, "kernel_shape", [1, 1])
    strides = attribute_ints(node, "strides", [1, 1])
    pads = attribute_ints(node, "pads", [0] * 4)
    ceil = get_by_name(node.attribute, "ceil_mode")
    if len(set(kernel)) > 1 or len(set(strides)) > 1 or len(set(pads)) > 1 or (ceil and ceil.i):
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): kernel {kernel}, strides {strides}, pads {pads} found;"
            " square windows, equal strides and pads, floor mode are allowed; change it."
        )
    return kernel[0], strides[0], pads[0]


def average_pool(reader: "Reader", node: NodeProto) -> None:
    """Average over a window of a power of two of pixels: the sum, and a scale."""
    value = reader.values[node.input[0]]
    kernel, stride, pad = value.shape[1], value.shape[1], 0
    if node.op_type == "AveragePool":
        kernel, stride, pad = _window(node)
    elif value.shape[1] != value.shape[2]:
        raise UnsupportedModelError(f"{node.name} ({node.op_type}): a square image is allowed.")
    if pad or (kernel & (kernel - 1)):
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): an average over {kernel} x {kernel} pixels, padding"
            f" {pad} found; sizes that are powers of two, without padding, are allowed, as 1/n is"
            " exact only then; take the sum, and put 1/n into the scale of the logits."
        )
    _pool_sum(reader, node, kernel, stride, 1.0 / (kernel * kernel))


def sum_pool(reader: "Reader", node: NodeProto) -> None:
    """ReduceSum over all rows and columns."""
    value = reader.values[node.input[0]]
    if value.shape[1] != value.shape[2]:
        raise UnsupportedModelError(f"{node.name} (ReduceSum): a square image is allowed.")
    _pool_sum(reader, node, value.shape[1], value.shape[1], 1.0)


def _pool_sum(reader: "Reader", node: NodeProto, kernel: int, stride: int, factor: float) -> None:
    value = materialise(reader.model, reader.values[node.input[0]], node.name)
    count = kernel * kernel
    name = reader.name("sumpool", node.output[0])
    low, high = count * value.low, count * value.high
    made = SumPool(
        name=name, inputs=(value.stream,), kernel=kernel, stride=stride, shift=0, low=low, high=high
    )
    rows = (value.shape[1] - kernel) // stride + 1
    columns = (value.shape[2] - kernel) // stride + 1
    slope = value.line.slope * factor
    offset = value.line.offset * factor * count
    shape = (value.channels, rows, columns)
    reader.emit(made, stream_value(name, node.output[0], shape, (low, high, 1), slope, offset))


def shuffle(reader: "Reader", node: NodeProto) -> None:
    """Transpose between two Reshapes: (1, G, C/G, H, W) to (1, C/G, G, H, W)."""
    value = materialise(reader.model, reader.values[node.input[0]], node.name)
    order = attribute_ints(node, "perm", [])
    split = tuple(reader.model.get_tensor_shape(node.input[0]))
    if order != [0, 2, 1, 3, 4] or split[1] * split[2] != value.channels:
        raise UnsupportedModelError(
            f"{node.name} (Transpose): permutation {order} of shape {split} found; a channel"
            " shuffle (0, 2, 1, 3, 4) of (1, groups, channels / groups, rows, columns) is allowed."
        )
    groups = split[1]
    name = reader.name("shuffle", node.output[0])
    moved = np.arange(value.channels).reshape(groups, -1).T.reshape(-1)
    line, reach = value.line, (value.low, value.high, value.step)
    out = stream_value(
        name, node.output[0], value.shape, reach, line.slope[moved], line.offset[moved], value.bits
    )
    reader.emit(Shuffle(name=name, inputs=(value.stream,), groups=groups), out)


def finish(reader: "Reader", output: str) -> IntegerGraph:
    """The integer graph: logits with one positive scale, and what the model does to them."""
    value = reader.values[output]
    last = reader.nodes.get(value.stream)
    if reader.image is None or not isinstance(last, Dense | Convolution):
        raise UnsupportedModelError(
            f"{output}: the output comes from {value.stream}; a dense layer or a convolution is"
            " expected to make the logits, and a Quant of 8 bits to take the pixels."
        )
    line = value.line
    common = float(np.abs(line.slope).min())
    gain, bias = line.slope / common, line.offset / common
    same = bool(np.all(bias == bias[0])) and bias[0] != np.rint(bias[0])
    rest = np.full(len(bias), bias[0] * common) if same else np.zeros(len(bias))
    bias = np.zeros(len(bias)) if same else bias
    wrong = (gain != np.rint(gain)) | (bias != np.rint(bias)) | (gain <= 0)
    if wrong.any():
        channel = int(wrong.argmax())
        raise UnsupportedModelError(
            f"{last.name}, class {channel}: the logit is {line.slope[channel]:g} times a sum plus"
            f" {line.offset[channel]:g}; positive scales that are whole multiples of the smallest"
            f" ({common:g}), and offsets that are whole multiples of it, are allowed; quantise the"
            " head with power-of-two steps and its bias on the grid of the sums."
        )
    whole = gain.astype(np.int64)
    nodes = dict(reader.nodes)
    nodes[last.name] = replace(
        last,
        weights=last.weights * whole.reshape((-1,) + (1,) * (last.weights.ndim - 1)),
        weight_bits=last.weight_bits if (whole == 1).all() else _width(last, whole),
        bias=bias.astype(np.int64),
    )
    final = FinalAffine(scale=np.full(len(rest), common), bias=rest, keeps_argmax=True)
    return IntegerGraph(image=reader.image, nodes=_merged(tuple(nodes.values())), final=final)


def _width(layer: Dense | Convolution, gain: np.ndarray) -> int:
    return int(np.abs(layer.weights).max() * gain.max()).bit_length() + 1


def _merged(nodes: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Additions and pools take the bounds, and pools the shift, of a plain Requant behind them.

    A plain Requant multiplies by one and adds nothing; it must be the only reader.
    """
    readers = Counter(name for node in nodes for name in node.inputs)
    by_name = {node.name: node for node in nodes}
    gone: set[str] = set()
    made: dict[str, Operation] = {}
    for node in nodes:
        before = by_name.get(node.inputs[0])
        if not isinstance(node, Requant) or not _is_plain(node) or before is None:
            continue
        if readers[before.name] != 1 or (isinstance(before, Add) and node.shift):
            continue
        if isinstance(before, Add):
            made[node.name] = replace(before, name=node.name, low=node.low, high=node.high)
        elif isinstance(before, SumPool):
            made[node.name] = replace(
                before, name=node.name, shift=node.shift, low=node.low, high=node.high
            )
        else:
            continue
        gone.add(before.name)
    return tuple(made.get(node.name, node) for node in nodes if node.name not in gone)


def _is_plain(node: Requant) -> bool:
    one_side = node.thresholds is None
    return one_side and bool((node.mul == 1).all() and (node.add == 0).all())
