# SPDX-License-Identifier: Apache-2.0
"""Read FINN's streamlined graph into an IntegerChain, and hold it against the truth tables.

Geometry and weights come from the graph, thresholds from the tables. The weights must be those of
the model with the falling channels negated, and FINN's own thresholds must give the table's bit for
every reachable sum of every channel: two derivations that share nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from flows.errors import UnsupportedModelError, VerificationError
from flows.streamline.chain import ChainInput, ConvLayer, DenseLayer, IntegerChain, Layer, PoolLayer
from flows.streamline.freeze_signs import pixel_offset
from flows.streamline.load import attribute_ints
from flows.streamline.stages import Stage
from flows.streamline.tables import Tables
from flows.streamline.tabulate import Codes, SignTable

_TO_NHWC = [0, 2, 3, 1]
_TO_NCHW = [0, 3, 1, 2]


@dataclass(slots=True)
class _Found:
    """One layer of the graph under reading."""

    matrix: np.ndarray  # (inputs, OC)
    kernel: int
    stride: int
    pad: int
    pad_code: float
    flat_shape: tuple[int, int, int] | None  # (C, H, W) where the inputs are a flattened NCHW image
    thresholds: np.ndarray | None = None
    pools: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Reader:
    """Where the walk through the graph stands: what the next layer will find in front of it."""

    model: ModelWrapper
    channels_last: bool = False
    flat_shape: tuple[int, int, int] | None = None
    kernel: int = 1
    stride: int = 1
    pad: int = 0
    pad_code: float = 0.0
    input_offset: float = 0.0
    input_thresholds: np.ndarray | None = None
    layers: list[_Found] = field(default_factory=list)

    def visit(self, node: NodeProto) -> None:
        """Take one node in.

        Raises:
            UnsupportedModelError: FINN left something that a chain cannot hold.
        """
        operation = getattr(self, f"_{node.op_type.lower()}", None)
        if operation is None:
            raise UnsupportedModelError(
                f"{node.name} ({node.op_type}): left over by streamlining; Im2Col, MatMul,"
                " MultiThreshold, MaxPoolNHWC, Transpose, Pad and Flatten are allowed; report this"
                " model."
            )
        operation(node)

    def _transpose(self, node: NodeProto) -> None:
        perm = attribute_ints(node, "perm", [])
        if perm not in (_TO_NHWC, _TO_NCHW):
            raise UnsupportedModelError(
                f"{node.name} (Transpose): permutation {perm} found; {_TO_NHWC} and {_TO_NCHW} are"
                " allowed; report this model."
            )
        self.channels_last = perm == _TO_NHWC

    def _add(self, node: NodeProto) -> None:
        value = self.model.get_initializer(node.input[1])
        if self.layers or value is None or value.size != 1:
            raise UnsupportedModelError(
                f"{node.name} (Add): left over by streamlining; one offset of the pixels is allowed"
                " in front of the first layer; report this model."
            )
        self.input_offset = float(value.item())

    def _pad(self, node: NodeProto) -> None:
        pads = self.model.get_initializer(node.input[1])
        self.pad = int(pads.max())
        self.pad_code = float(self.model.get_initializer(node.input[2]).item())

    def _im2col(self, node: NodeProto) -> None:
        operation = getCustomOp(node)
        self.kernel = int(operation.get_nodeattr("kernel_size")[0])
        self.stride = int(operation.get_nodeattr("stride")[0])

    def _flatten(self, node: NodeProto) -> None:
        shape = self.model.get_tensor_shape(node.input[0])
        if len(shape) == 4 and not self.channels_last:
            self.flat_shape = (shape[1], shape[2], shape[3])

    def _matmul(self, node: NodeProto) -> None:
        matrix = self.model.get_initializer(node.input[1])
        self.layers.append(
            _Found(
                matrix=matrix,
                kernel=self.kernel,
                stride=self.stride,
                pad=self.pad,
                pad_code=self.pad_code,
                flat_shape=self.flat_shape,
            )
        )
        self.kernel, self.stride, self.pad, self.pad_code = 1, 1, 0, 0.0
        self.flat_shape = None

    def _conv(self, node: NodeProto) -> None:
        """FINN leaves a 1 x 1 convolution of one pixel as it is nowhere, so this is a fault."""
        raise UnsupportedModelError(
            f"{node.name} (Conv): not lowered to Im2Col and MatMul; report this model."
        )

    def _multithreshold(self, node: NodeProto) -> None:
        values = self.model.get_initializer(node.input[1])
        operation = getCustomOp(node)
        scale, bias = operation.get_nodeattr("out_scale"), operation.get_nodeattr("out_bias")
        if values.shape[1] != 1 or (scale, bias) != (2.0, -1.0):
            raise UnsupportedModelError(
                f"{node.name} (MultiThreshold): {values.shape[1]} thresholds, scale {scale}, bias"
                f" {bias} found; 1, 2 and -1 are allowed; use binary activations."
            )
        if self.layers:
            self.layers[-1].thresholds = values[:, 0].astype(np.float64)
        else:
            self.input_thresholds = values[:, 0].astype(np.float64)

    def _maxpoolnhwc(self, node: NodeProto) -> None:
        self.layers[-1].pools.append(attribute_ints(node, "kernel_shape", [])[0])

    _maxpool = _maxpoolnhwc


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadChain:
    """The chain, and what was compared on the way.

    Attributes:
        thresholds_checked: (channel, sum) pairs for which FINN's threshold gave the table's bit.
    """

    chain: IntegerChain
    thresholds_checked: int


def read_chain(
    model: ModelWrapper,
    stages: Sequence[Stage],
    tables: Tables,
) -> ReadChain:
    """Turn FINN's graph into a chain.

    Args:
        model: result of `finn_adapter.apply_steps`.
        stages, tables: as read off the model before.

    Raises:
        UnsupportedModelError: FINN left an operator that a chain cannot hold.
        VerificationError: weights or thresholds differ from the model's.
    """
    reader = _Reader(model=model)
    for node in model.graph.node:
        reader.visit(node)
    if len(reader.layers) != len(stages) - 1:
        raise VerificationError(
            f"streamlined graph: {len(reader.layers)} layers found, {len(stages) - 1} expected;"
            " streamlining must keep every layer; report this model."
        )
    pixels = isinstance(tables.source, Codes)
    offset = pixel_offset(tables.source) if isinstance(tables.source, Codes) else 0
    source, checked = _read_input(reader, stages[0], tables, offset)
    layers: list[Layer] = []
    for index, (found, stage) in enumerate(zip(reader.layers, stages[1:], strict=True)):
        table = tables.signs[index] if index < len(tables.signs) else None
        first = index == 0 and pixels
        layer = _layer(found, stage, table, 8 if first else 1)
        shift = _shift(layer, offset) if first else np.zeros(len(layer.weights), np.int64)
        if table is not None:
            in_graph = shift if reader.input_offset == 0 else np.zeros_like(shift)
            checked += _check_thresholds(found, table, in_graph)
        layers.append(_absorb(layer, shift, offset if first else 0))
        layers += [PoolLayer(name=f"{stage.name}_pool", kernel=kernel) for kernel in found.pools]
    chain = IntegerChain(input=source, layers=tuple(layers), final=tables.final)
    return ReadChain(chain=chain, thresholds_checked=checked)


def _read_input(
    reader: _Reader, stage: Stage, tables: Tables, offset: int
) -> tuple[ChainInput, int]:
    channels, height, width = (*stage.shape, 1, 1)[1:4]
    thresholds, checked, table = None, 0, tables.source
    if isinstance(table, SignTable):
        thresholds, _ = table.thresholds()
        found = _Found(np.empty(0), 1, 1, 0, 0.0, None, thresholds=reader.input_thresholds)
        checked = _check_thresholds(found, table, np.zeros(channels, np.int64))
    source = ChainInput(
        height=height,
        width=width,
        channels=channels,
        thresholds=thresholds,
        offset=offset,
        pixel_table=tables.pixel_table,
    )
    return source, checked


def _layer(
    found: _Found, stage: Stage, table: SignTable | None, in_bits: int
) -> ConvLayer | DenseLayer:
    """Weights in stream order, with polarity, checked against the model's own."""
    assert stage.layer is not None
    name, signs = stage.name, stage.layer.weights
    thresholds, polarity = None, np.ones(len(signs), np.int8)
    if table is not None:
        thresholds, polarity = table.thresholds()
    if signs.ndim == 4:
        kernel = found.kernel
        weights = found.matrix.T.reshape(len(signs), kernel, kernel, -1).astype(np.int8)
        _check_weights(name, weights, signs.transpose(0, 2, 3, 1), polarity)
        return ConvLayer(
            name=name,
            weights=weights,
            kernel=kernel,
            stride=found.stride,
            pad=found.pad,
            pad_value=int(found.pad_code if in_bits > 1 else found.pad_code > 0),
            in_bits=in_bits,
            thresholds=thresholds,
        )
    weights = found.matrix.T.astype(np.int8)
    _check_weights(name, weights, signs, polarity)
    if found.flat_shape is not None:
        # (OC, C, H, W) to (OC, H, W, C): the stream brings a pixel's channels together.
        weights = weights.reshape(len(weights), *found.flat_shape).transpose(0, 2, 3, 1)
        weights = np.ascontiguousarray(weights.reshape(len(weights), -1))
    return DenseLayer(name=name, weights=weights, in_bits=in_bits, thresholds=thresholds)


def _check_weights(name: str, found: np.ndarray, signs: np.ndarray, polarity: np.ndarray) -> None:
    expected = signs * polarity.reshape(-1, *[1] * (signs.ndim - 1))
    if found.shape != expected.shape or not np.array_equal(found, expected):
        where = "shape"
        if found.shape == expected.shape:
            where = str(tuple(int(i) for i in np.argwhere(found != expected)[0]))
        raise VerificationError(
            f"{name}: weights after streamlining differ from the model's at {where}; they must be"
            " the model's, negated where the sign falls; report this model."
        )


def _shift(layer: ConvLayer | DenseLayer, offset: int) -> np.ndarray:
    """(OC,) int64: what the input's offset adds to each sum."""
    total = layer.weights.reshape(len(layer.weights), -1).astype(np.int64).sum(axis=1)
    return np.asarray(offset * total)


def _absorb(layer: ConvLayer | DenseLayer, shift: np.ndarray, offset: int) -> Layer:
    """sum(w * (x + offset)) >= T becomes sum(w * x) >= T - offset * sum(w)."""
    if not offset:
        return layer
    if layer.thresholds is None:
        raise UnsupportedModelError(
            f"{layer.name}: the only layer takes pixels with an offset of {offset}, and gives raw"
            " sums; a hidden layer, or a binary input, is needed; change the model."
        )
    thresholds = layer.thresholds - shift
    if isinstance(layer, DenseLayer):
        return replace(layer, thresholds=thresholds)
    pixel = layer.pad_value - offset
    if layer.pad and not 0 <= pixel <= 255:
        raise UnsupportedModelError(
            f"{layer.name}: padding with code {layer.pad_value}, which is pixel {pixel}; pixels 0"
            " to 255 are allowed; pad with a value that a pixel can have."
        )
    return replace(layer, thresholds=thresholds, pad_value=pixel if layer.pad else 0)


def _check_thresholds(found: _Found, table: SignTable, shift: np.ndarray) -> int:
    """Compare FINN's threshold with the table, on every sum of every channel.

    Args:
        shift: what FINN has moved from the sums into its thresholds.

    Returns:
        Count of compared pairs.
    """
    if found.thresholds is None:
        raise VerificationError(
            f"{table.name}: no threshold in the streamlined graph where the model has a sign;"
            " report this model."
        )
    _, polarity = table.thresholds()
    sums = polarity[:, None].astype(np.int64) * table.values[None]
    limits = found.thresholds[:, None] + shift[:, None]
    wrong = np.argwhere((sums >= limits) != table.bits)
    if len(wrong):
        channel, column = (int(i) for i in wrong[0])
        raise VerificationError(
            f"{table.name}, channel {channel}: sum {table.values[column]} gives"
            f" {int(not table.bits[channel, column])} after streamlining,"
            f" {int(table.bits[channel, column])} expected; report this model."
        )
    return int(table.bits.size)
