# SPDX-License-Identifier: Apache-2.0
"""Elementwise nodes behind an integer stream: as a function to run, and as slopes to read off.

Between two streams a graph holds multiplications, batch norms, shifts, slopes, casts. They are
never carried out in hardware: what they do to every integer that the stream can take is run in
onnxruntime, node by node, and their slopes are read off as exact float64 numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.standard import Executor, make_model, opset

ELEMENTWISE = (
    "Add", "Sub", "Mul", "Div", "Neg", "BatchNormalization", "Cast", "Clip", "Relu", "PRelu",
    "LeakyRelu", "GreaterOrEqual", "Where", "Floor", "Identity",
)  # fmt: skip
_PER_CHANNEL = ("Add", "Sub", "Mul", "Div", "PRelu", "Where", "GreaterOrEqual")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """y = slope * x + offset, then clipped to low..high, per channel, in float64."""

    slope: np.ndarray
    offset: np.ndarray
    low: float = -np.inf
    high: float = np.inf

    def scaled(self, factor: np.ndarray) -> "Line":
        """factor * y; bounds only survive where they are of one sign and value."""
        bounds = sorted((self.low * float(factor.flat[0]), self.high * float(factor.flat[0])))
        if not np.all(factor == factor.flat[0]) and np.isfinite([self.low, self.high]).any():
            bounds = [-np.inf, np.inf]
        return Line(
            slope=self.slope * factor, offset=self.offset * factor, low=bounds[0], high=bounds[1]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """What a tensor is of its stream: one line, or two that a condition chooses from.

    Attributes:
        lines: of condition false (or the only one), then of condition true.
        condition: tensor that chooses where it is true, or not negative; "" for one line.
    """

    lines: tuple[Line, ...]
    condition: str = ""

    def map(self, change: Callable[[Line], Line]) -> "Slopes":
        """The same change on every line."""
        return Slopes(lines=tuple(change(line) for line in self.lines), condition=self.condition)


def per_channel(node: NodeProto, value: np.ndarray, channels: int) -> np.ndarray:
    """A constant operand as (channels,) float64, or (1,).

    Raises:
        UnsupportedModelError: it is neither one value nor one per channel.
    """
    flat = np.asarray(value, np.float64)
    kept = [size for size in flat.shape if size != 1]
    # Channels stand on axis 1 of an image and on the last axis of a vector.
    if kept and kept != [channels]:
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): a constant of shape {value.shape} on {channels}"
            " channels found; one value, or one per channel, is allowed; change it."
        )
    return flat.reshape(-1)


def line_behind(
    node: NodeProto, model: ModelWrapper, slopes: Mapping[str, Slopes], channels: int
) -> Slopes | None:
    """Slopes of a node's output, from those of its inputs; None where it has none (a condition).

    Raises:
        UnsupportedModelError: the node is not piecewise linear in one stream.
    """
    data = [name for name in node.input if name in slopes]
    op = node.op_type
    if op in ("Cast", "Identity"):
        return slopes[data[0]]
    if op == "GreaterOrEqual":
        return None
    if op == "Where":
        return _where(node, model, slopes)
    if len(data) != 1:
        raise _nonlinear(node)
    before = slopes[data[0]]
    if op == "Neg":
        return before.map(lambda line: line.scaled(np.asarray([-1.0])))
    if op == "Relu":
        return before.map(lambda line: _clip(line, 0.0, np.inf))
    if op == "Clip":
        bounds = [model.get_initializer(name) for name in node.input[1:] if name]
        low, high = (float(b) if b is not None else None for b in [*bounds, None, None][:2])
        return before.map(
            lambda line: _clip(
                line, -np.inf if low is None else low, np.inf if high is None else high
            )
        )
    if op == "BatchNormalization":
        factor, shift = _batch_norm(node, model)
        return before.map(lambda line: _shift(line.scaled(factor), shift))
    if op in ("PRelu", "LeakyRelu"):
        return _two_slopes(node, model, before, channels)
    if op == "Floor":
        raise _nonlinear(node)
    return before.map(_operand(node, model, data[0], channels))


def _where(node: NodeProto, model: ModelWrapper, slopes: Mapping[str, Slopes]) -> Slopes:
    condition, yes, no = node.input
    if yes not in slopes or no not in slopes or len(slopes[yes].lines) + len(slopes[no].lines) > 2:
        raise _nonlinear(node)
    return Slopes(lines=(slopes[no].lines[0], slopes[yes].lines[0]), condition=condition)


def _two_slopes(node: NodeProto, model: ModelWrapper, before: Slopes, channels: int) -> Slopes:
    if len(before.lines) != 1:
        raise _nonlinear(node)
    if node.op_type == "PRelu":
        factor = per_channel(node, model.get_initializer(node.input[1]), channels)
    else:
        alpha = next((a.f for a in node.attribute if a.name == "alpha"), 0.01)
        factor = np.asarray([np.float64(np.float32(alpha))])
    line = before.lines[0]
    return Slopes(lines=(line.scaled(factor), line), condition=node.input[0])


def _operand(
    node: NodeProto, model: ModelWrapper, data: str, channels: int
) -> Callable[[Line], Line]:
    """Add, Sub, Mul, Div with a constant."""
    first = node.input[0] == data
    constant = model.get_initializer(node.input[1 if first else 0])
    if constant is None:
        raise _nonlinear(node)
    value = per_channel(node, constant, channels)
    if node.op_type == "Add":
        return lambda line: _shift(line, value)
    if node.op_type == "Sub" and first:
        return lambda line: _shift(line, -value)
    if node.op_type == "Sub":
        return lambda line: _shift(line.scaled(np.asarray([-1.0])), value)
    if node.op_type == "Mul":
        return lambda line: line.scaled(value)
    if node.op_type == "Div" and first and np.all(value != 0):
        return lambda line: line.scaled(1.0 / value)
    raise _nonlinear(node)


def _shift(line: Line, value: np.ndarray) -> Line:
    constant = bool(np.all(value == value.flat[0]))
    low, high = (line.low, line.high) if constant else (-np.inf, np.inf)
    step = float(value.flat[0]) if constant else 0.0
    return Line(
        slope=np.broadcast_to(line.slope, np.broadcast_shapes(line.slope.shape, value.shape)),
        offset=line.offset + value,
        low=low + step,
        high=high + step,
    )


def _clip(line: Line, low: float, high: float) -> Line:
    return Line(
        slope=line.slope,
        offset=line.offset,
        low=min(max(line.low, low), high),
        high=max(min(line.high, high), low),
    )


def _batch_norm(node: NodeProto, model: ModelWrapper) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = (
        np.asarray(model.get_initializer(name), np.float64) for name in node.input[1:5]
    )
    epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
    factor = gamma / np.sqrt(variance + epsilon)
    return factor, beta - mean * factor


def _nonlinear(node: NodeProto) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{node.name} ({node.op_type}): no piecewise linear function of one stream; additions and"
        " multiplications with constants, batch norms, clips and two slopes are allowed between a"
        " layer and its quantiser; put a Quant or BipolarQuant in front of it."
    )


def run(
    model: ModelWrapper,
    nodes: Sequence[NodeProto],
    source: str,
    wanted: str,
    grid: np.ndarray,
    rank: int,
) -> np.ndarray:
    """Runs elementwise nodes on every value of every channel.

    Args:
        nodes: in topological order, from `source` to `wanted`.
        grid: (V, C) float32, values of the tensor `source`.
        rank: 4 for images, 2 for vectors.

    Returns:
        (V, C) float32 values of the tensor `wanted`; a condition is 0 or 1.
    """
    if wanted == source:
        return grid
    channels = grid.shape[1]
    constants: dict[str, TensorProto] = {}
    copies = []
    for node in nodes:
        copy = NodeProto()
        copy.CopyFrom(node)
        for index, name in enumerate(node.input):
            value = model.get_initializer(name) if name else None
            if value is None:
                continue
            if node.op_type in _PER_CHANNEL:
                flat = per_channel(node, value, channels)
                shape = (1, len(flat)) + (1,) * (rank - 2)
                if node.op_type == "PRelu":
                    shape = shape[1:]
                value = flat.astype(value.dtype).reshape(shape)
            copy.input[index] = f"{node.output[0]}:{index}"
            constants[copy.input[index]] = numpy_helper.from_array(value, copy.input[index])
        copies.append(copy)
    entry = f"{source}::float"
    info = helper.make_tensor_value_info(
        entry, TensorProto.FLOAT, [None, channels] + [1] * (rank - 2)
    )
    copies.insert(0, helper.make_node("Cast", [entry], [source], to=_type_of(model, source)))
    output = f"{wanted}::float"  # conditions are bool, wide requants double
    copies.append(helper.make_node("Cast", [wanted], [output], to=TensorProto.FLOAT))
    proto = make_model(copies, [info], [output], constants.values(), opset(model))
    runner = Executor(ModelWrapper(proto, fix_missing_initializer_valueinfo=False))
    shaped = grid.reshape(grid.shape + (1,) * (rank - 2))
    return np.asarray(runner(shaped)[output]).reshape(grid.shape)


def _type_of(model: ModelWrapper, tensor: str) -> int:
    info = model.get_tensor_valueinfo(tensor)
    return int(info.type.tensor_type.elem_type) if info is not None else TensorProto.FLOAT
