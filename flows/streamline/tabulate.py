# SPDX-License-Identifier: Apache-2.0
"""Every reachable sum of every channel, put through the reference's own arithmetic.

No threshold is derived by algebra. What stands between an accumulator and its activation is run in
onnxruntime on all integers that the accumulator can take; the result is the layer's truth table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.stages import MatrixLayer, Stage
from flows.streamline.standard import Executor, make_model, opset, to_standard_ops

# float32 holds every half code up to 2^23; FINN moves the pixels' offset into the thresholds, which
# doubles them at most.
_EXACT = 2**22
_BROADCAST = ("Add", "Sub", "Mul", "Div")
_CHUNK = 2**22  # values per run, to bound memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignTable:
    """What a binary activation gives for every value of its accumulator.

    Attributes:
        name: of the layer.
        acc_min, acc_step: column v of the table is the integer sum acc_min + v * acc_step.
        bits: (C, V) bool, True for +1.
    """

    name: str
    acc_min: int
    acc_step: int
    bits: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """(V,) int64, ascending."""
        return self.acc_min + self.acc_step * np.arange(self.bits.shape[1], dtype=np.int64)

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """The single step of each channel.

        Returns:
            first: (C,) int64, index of the first column with the later value; V where the channel
                is constantly 0, 0 where it is constantly 1.
            rising: (C,) bool; False where the channel falls.

        Raises:
            UnsupportedModelError: a channel changes more than once.
        """
        changes = self.bits[:, 1:] != self.bits[:, :-1]
        count = changes.sum(axis=1)
        if count.max(initial=0) > 1:
            channel = int(count.argmax())
            at = self.values[1:][changes[channel]][:4].tolist()
            raise UnsupportedModelError(
                f"{self.name}, channel {channel}: the activation changes {count[channel]} times"
                f" over the reachable sums (first at {at}); one step is allowed; use monotone"
                " functions between the layer and its sign."
            )
        first = np.where(count == 1, changes.argmax(axis=1) + 1, 0).astype(np.int64)
        first[(count == 0) & ~self.bits[:, 0]] = self.bits.shape[1]
        return first, ~((count == 1) & self.bits[:, 0])

    def thresholds(self) -> tuple[np.ndarray, np.ndarray]:
        """Integer threshold and polarity: bit = (polarity * sum >= threshold).

        Returns:
            threshold: (C,) int64; a constant channel has it at the lower end of the range (always
                1) or one step beyond the upper end (always 0).
            polarity: (C,) int8 in {-1, +1}.
        """
        first, rising = self.steps()
        threshold = self.acc_min + self.acc_step * first
        falling = -(threshold - self.acc_step)
        return np.where(rising, threshold, falling), np.where(rising, 1, -1).astype(np.int8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Codes:
    """Integer codes of an input that is not binary.

    Attributes:
        codes: (256,) int64, the code of each pixel value.
        scale: float value of code 1.
    """

    codes: np.ndarray
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinalAffine:
    """What the graph does to the logits: output = scale * sum + bias, to within rounding.

    Attributes:
        scale, bias: (classes,) float64.
        keeps_argmax: one positive scale and one bias for all classes.
    """

    scale: np.ndarray
    bias: np.ndarray
    keeps_argmax: bool


def tabulate_input(
    model: ModelWrapper, stage: Stage, pixel_values: np.ndarray
) -> SignTable | Codes:
    """Put all 256 pixel values through the input stage.

    Args:
        pixel_values: (256,) float32, what the graph's input holds for each pixel value.

    Returns:
        A truth table over 0..255 where the input is binary, its integer codes otherwise.
    """
    channels = stage.shape[1]
    grid = np.repeat(pixel_values.astype(np.float32)[:, None], channels, axis=1)
    out = _evaluate(model, stage, grid)[-1]
    if _is_binary(stage):
        return SignTable(name=stage.name, acc_min=0, acc_step=1, bits=(out > 0).T)
    scale = output_scale(model, stage)
    codes = np.rint(out.astype(np.float64) / scale)
    if not (codes == codes[:, :1]).all() or not (codes * scale == out).all():
        raise UnsupportedModelError(
            "input: the first layer's input is no integer times one scale for every pixel value;"
            " a BipolarQuant, a Quant with one scale, or plain pixels are allowed in front of the"
            " first layer; add a quantiser."
        )
    return Codes(codes=codes[:, 0].astype(np.int64), scale=scale)


def tabulate_sign(
    model: ModelWrapper, stage: Stage, sums: np.ndarray, input_scale: float
) -> SignTable:
    """Put every sum of every channel through a layer's elementwise nodes and its sign.

    Args:
        sums: (V,) int64, evenly spaced.
        input_scale: float value of 1 at the layer's input.

    Raises:
        UnsupportedModelError: max pooling in front of the sign does not commute with it.
    """
    layer = _layer_of(stage)
    bits = np.empty((layer.channels, len(sums)), np.bool_)
    rows = max(1, _CHUNK // layer.channels)
    inner: list[np.ndarray] = []
    for start in range(0, len(sums), rows):
        grid = sums[start : start + rows, None] * (layer.scale * input_scale)[None]
        *values, out = _evaluate(model, stage, grid.astype(np.float32))
        bits[:, start : start + rows] = (out > 0).T
        inner += values
    step = int(sums[1] - sums[0]) if len(sums) > 1 else 1
    table = SignTable(name=stage.name, acc_min=int(sums[0]), acc_step=step, bits=bits)
    if stage.pool_is_inside:
        _check_pool(table, np.concatenate(inner).T)
    return table


def tabulate_final(
    model: ModelWrapper, stage: Stage, sums: np.ndarray, scale: float
) -> FinalAffine:
    """Read scale and offset of the logits off the graph's last nodes.

    Args:
        sums: (V,) int64, every reachable sum.
        scale: float value of 1 at the last layer's input.
    """
    layer = _layer_of(stage)
    grid = (sums[:, None] * (layer.scale * scale)[None]).astype(np.float32)
    out = _run_to_end(model, stage, grid).astype(np.float64)
    span = float(sums[-1] - sums[0])
    gain = (out[-1] - out[0]) / span
    bias = out[0] - gain * sums[0]
    line = gain[None] * sums[:, None] + bias[None]
    tolerance = 1e-4 * (np.abs(out).max() + 1.0)
    if np.abs(out - line).max() > tolerance:
        raise UnsupportedModelError(
            f"{stage.name}: what stands behind the last layer is not scale * sum + offset; only"
            " that is allowed; move it out of the graph."
        )
    same = bool((out == out[:, :1]).all()) and bool((np.diff(out[:, 0]) > 0).all())
    return FinalAffine(scale=gain, bias=bias, keeps_argmax=same)


def reachable_sums(layer: MatrixLayer, codes: Codes | None) -> np.ndarray:
    """(V,) int64: every sum that any channel can reach, in even steps.

    Sums of +-1 run over -K..K by 2; sums of codes over +-K * max(abs(code)) by 1.

    Raises:
        UnsupportedModelError: float32 does not hold all of them.
    """
    bound, step = layer.fan_in, 2
    if codes is not None:
        bound, step = layer.fan_in * int(np.abs(codes.codes).max()), 1
    if bound >= _EXACT:
        raise UnsupportedModelError(
            f"{layer.name} ({layer.node}): sums up to {bound} found; below {_EXACT} is allowed, as"
            " the reference computes in float32; use fewer inputs."
        )
    return np.arange(-bound, bound + 1, step, dtype=np.int64)


def output_scale(model: ModelWrapper, stage: Stage) -> float:
    """Float value of 1 at the stage's output."""
    if stage.quantizer is None:
        return 1.0
    scale = model.get_initializer(stage.quantizer.input[1])
    if scale is None or scale.size != 1 or not scale.item() > 0:
        raise UnsupportedModelError(
            f"{stage.quantizer.name} ({stage.quantizer.op_type}): scale {scale} found; one positive"
            " constant is allowed; export with a scale per tensor."
        )
    return float(scale.item())


def _is_binary(stage: Stage) -> bool:
    return stage.quantizer is not None and stage.quantizer.op_type == "BipolarQuant"


def _layer_of(stage: Stage) -> MatrixLayer:
    assert stage.layer is not None
    return stage.layer


def _check_pool(table: SignTable, inner: np.ndarray) -> None:
    """max before the sign equals max behind it only where the sign rises with what is pooled."""
    order = inner.argsort(axis=1, kind="stable")
    ordered = np.take_along_axis(table.bits, order, axis=1)
    falls = (ordered[:, :-1] & ~ordered[:, 1:]).any(axis=1)
    if falls.any():
        raise UnsupportedModelError(
            f"{table.name}, channel {int(falls.argmax())}: the sign falls with what the MaxPool in"
            " front of it gives, so that pooling behind the sign differs; put the pool behind the"
            " batch norm or behind the sign."
        )


def _evaluate(model: ModelWrapper, stage: Stage, grid: np.ndarray) -> list[np.ndarray]:
    """Run the stage's nodes on (V, C) float32; the pooled tensor first where a pool is inside."""
    rank = len(stage.shape)
    shaped = grid.reshape(grid.shape + (1,) * (rank - 2))
    if not stage.nodes:
        return [grid]
    wanted = [stage.nodes[-1].output[0]]
    pooled = stage.pool_is_inside
    if pooled and stage.before:
        wanted.insert(0, stage.before[-1].output[0])
    result = _sub_executor(model, stage, grid.shape[1], wanted)(shaped)
    outputs = [result[name].reshape(grid.shape) for name in wanted]
    return [grid, *outputs] if pooled and not stage.before else outputs


def _sub_executor(
    model: ModelWrapper, stage: Stage, channels: int, wanted: Sequence[str]
) -> Executor:
    """The stage's elementwise nodes as a model on (V, C) or (V, C, 1, 1)."""
    rank = len(stage.shape)
    nodes: list[NodeProto] = []
    initializers: list[TensorProto] = []
    tensor = stage.source
    for node in stage.nodes:
        data = next(i for i, name in enumerate(node.input) if model.get_initializer(name) is None)
        copy = NodeProto()
        copy.CopyFrom(node)
        shape = model.get_tensor_shape(node.input[data])
        copy.input[data] = tensor
        for i, name in enumerate(node.input):
            if i == data or not name:
                continue
            value = model.get_initializer(name)
            if node.op_type in _BROADCAST:
                value = _per_channel(node, value, shape, channels, rank)
            elif node.op_type == "BatchNormalization" and value.size != channels:
                raise _constant_error(node, value, shape)
            copy.input[i] = f"{node.output[0]}:{i}"
            initializers.append(numpy_helper.from_array(value, copy.input[i]))
        nodes.append(copy)
        tensor = node.output[0]
    info = helper.make_tensor_value_info(
        stage.source, TensorProto.FLOAT, [None, channels] + [1] * (rank - 2)
    )
    names = list(dict.fromkeys(wanted))
    plain = make_model(nodes, [info], names, initializers, opset(model))
    return Executor(ModelWrapper(plain, fix_missing_initializer_valueinfo=False), names)


def _per_channel(
    node: NodeProto, value: np.ndarray, shape: Sequence[int], channels: int, rank: int
) -> np.ndarray:
    """A constant of one value, or one per channel, in the rank of the grid."""
    if value.size == 1:
        return value.reshape((1,) * rank)
    padded = (1,) * (len(shape) - value.ndim) + value.shape
    if value.size != channels or len(padded) != len(shape) or padded[1] != channels:
        raise _constant_error(node, value, shape)
    return value.reshape((1, channels) + (1,) * (rank - 2))


def _constant_error(
    node: NodeProto, value: np.ndarray, shape: Sequence[int]
) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"{node.name} ({node.op_type}): a constant of shape {value.shape} on an activation of shape"
        f" {tuple(shape)} found; one value, or one per channel of the layer, is allowed; change it."
    )


def _run_to_end(model: ModelWrapper, stage: Stage, grid: np.ndarray) -> np.ndarray:
    """Run the graph's own nodes behind the last layer, reshapes included, one sum at a time."""
    if stage.source == model.graph.output[0].name:
        return grid
    proto = to_standard_ops(model)
    nodes: list[NodeProto] = []
    tensor = stage.source
    while tensor != model.graph.output[0].name:
        node = model.find_consumers(tensor)[0]
        nodes.append(node)
        tensor = node.output[0]
    info = helper.make_tensor_value_info(stage.source, TensorProto.FLOAT, stage.shape)
    sub = make_model(nodes, [info], [tensor], proto.graph.initializer, opset(model))
    run = Executor(ModelWrapper(sub, fix_missing_initializer_valueinfo=False))
    rows = [run(row.reshape(stage.shape))[tensor].reshape(-1) for row in grid]
    return np.stack(rows)
