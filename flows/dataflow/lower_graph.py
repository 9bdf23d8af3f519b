# SPDX-License-Identifier: Apache-2.0
"""IntegerGraph and folding to Network: which kernels each stream is made by.

A layer that multiplies takes the sign or the requant behind it along, where that is its only
reader. Concats and shuffles are wires, and lie in front of whatever reads them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from flows.dataflow.check import check_network
from flows.dataflow.cost import Fold
from flows.dataflow.fold import divisors
from flows.dataflow.graph_units import Unit, graph_units, slowest, units
from flows.dataflow.kernels import (
    Affine,
    Border,
    ConvXnor,
    Join,
    Kernel,
    MatrixUnit,
    MaxPool,
    MvuProduct,
    MvuSerial,
    MvuXnor,
    ProductSerial,
    SlidingWindow,
    StreamAdd,
    StreamConcat,
    StreamShuffle,
    SumPool,
    Threshold,
    WidthConverter,
)
from flows.dataflow.kernels import Requant as RequantKernel
from flows.dataflow.lower import words
from flows.dataflow.network import Layer, Network
from flows.dataflow.stream import Stream
from flows.streamline.graph import (
    IMAGE,
    Add,
    Concat,
    Convolution,
    Dense,
    IntegerGraph,
    Operation,
    Requant,
    Shuffle,
    Sign,
    named,
)
from flows.streamline.graph import MaxPool as MaxPoolNode
from flows.streamline.graph import SumPool as SumPoolNode
from flows.streamline.reach import Reach, code_bits, reaches

Kernels = tuple[Kernel | Join, ...]


def stream_of(reach: Reach) -> Stream:
    """Type of a stream, as narrow as what it can hold."""
    return Stream(
        height=reach.height,
        width=reach.width,
        channels=reach.channels,
        bits=reach.bits,
        signed=reach.signed,
    )


class _Lowering:
    """One walk over the graph: wires are collected, everything else becomes a layer."""

    def __init__(self, graph: IntegerGraph, folding: Mapping[str, Fold], interval: int) -> None:
        self.graph = graph
        self.folding = folding
        self.interval = interval
        self.reach = reaches(graph)
        self.units = units(graph)
        self.inside = {u.layer.name for u in self.units.values() if u.result is not None}
        self.nodes = named(graph)
        self.layers: list[Layer] = []
        self.made = {IMAGE: stream_of(self.reach[IMAGE])}

    def source(self, name: str) -> tuple[Kernels, tuple[str, ...], Stream]:
        """The wires in front of a reader, the layers that they come from, and what arrives."""
        node = self.nodes.get(name)
        if isinstance(node, Shuffle):
            kernels, inputs, stream = self.source(node.inputs[0])
            shuffle = StreamShuffle(stream=stream, groups=node.groups)
            return (*kernels, shuffle), inputs, stream
        if isinstance(node, Concat):
            return self._concat(node)
        return (), (name,), self.made[name]

    def _concat(self, node: Concat) -> tuple[Kernels, tuple[str, ...], Stream]:
        kernels, inputs, stream = self.source(node.inputs[0])
        for name in node.inputs[1:]:
            more, names, other = self.source(name)
            assert not more, "concats were flattened"
            join = StreamConcat(a=stream, b=other)
            kernels, inputs, stream = (*kernels, join), (*inputs, *names), join.output
        return kernels, inputs, stream

    def add(self, name: str, kernels: Sequence[Kernel | Join], inputs: tuple[str, ...]) -> None:
        """One layer."""
        self.layers.append(Layer(name=name, kernels=tuple(kernels), inputs=inputs))
        self.made[name] = self.layers[-1].output

    def lanes(self, stream: Stream) -> int:
        """The fewest channels at a time that keep up with the interval."""
        return min(
            pe
            for pe in divisors(stream.channels)
            if stream.beats * (stream.channels // pe) <= self.interval
        )

    def lower(self, node: Operation) -> None:
        """The layer of a node, unless it is wires or lies in a unit's layer."""
        if isinstance(node, Concat | Shuffle) or node.name in self.inside:
            return
        if node.name in self.units:
            self._unit(self.units[node.name])
            return
        wires, inputs, stream = self.source(node.inputs[0])
        if isinstance(node, Add):
            self._add(node, wires, inputs, stream)
            return
        self.add(node.name, (*wires, self._simple(node, stream)), inputs)

    def _simple(self, node: Operation, stream: Stream) -> Kernel:
        if isinstance(node, Sign):
            return Threshold(
                stream=stream,
                pe=self.lanes(stream),
                thresholds=node.thresholds,
                falling=node.falling,
                pixels=True,
            )
        if isinstance(node, Requant):
            return RequantKernel(
                stream=stream,
                affine=affine_of(node),
                pe=self.lanes(stream),
            )
        if isinstance(node, MaxPoolNode):
            return MaxPool(
                stream=stream,
                kernel=node.kernel,
                stride=node.stride,
                pad=node.pad,
                pe=self.lanes(stream),
            )
        assert isinstance(node, SumPoolNode)
        return SumPool(
            stream=stream,
            kernel=node.kernel,
            shift=node.shift,
            low=node.low,
            high=node.high,
            bits=self.reach[node.name].bits,
            pe=self.lanes(stream),
        )

    def _add(self, node: Add, wires: Kernels, inputs: tuple[str, ...], stream: Stream) -> None:
        more, others, second = self.source(node.inputs[1])
        assert not more, "an addition reads streams, not wires"
        join = StreamAdd(
            a=stream,
            b=second,
            low=node.low,
            high=node.high,
            bits=self.reach[node.name].bits,
            pe=self.lanes(stream),
        )
        self.add(node.name, (*wires, join), (*inputs, *others))

    def _unit(self, unit: Unit) -> None:
        layer, fold = unit.layer, self.folding[unit.name]
        wires, inputs, stream = self.source(layer.inputs[0])
        kernels: list[Kernel | Join] = list(wires)
        if isinstance(layer, Convolution):
            kernels.append(_window(layer, stream, fold))
        elif stream.beats > 1 and fold.form == "window":
            kernels.append(_joined(stream))
            stream = kernels[-1].output
        offset = self.graph.image.offset if layer.inputs == (IMAGE,) else 0
        matrix = _matrix(unit, stream, self.reach[layer.name], fold, offset)
        if fold.form == "input":
            have, want = stream.beat_bits, matrix.input_bits
            kernels += words(unit.name, stream, have, matrix.input, want)
        kernels.append(matrix)
        out = matrix.output
        kernels += words(unit.name, out, matrix.output_bits, out, out.beat_bits)
        self.add(unit.name, kernels, inputs)


def _joined(stream: Stream) -> WidthConverter:
    """A frame of pixels as one vector."""
    count = stream.beats * stream.channels
    vector = replace(stream, height=1, width=1, channels=count)
    return WidthConverter(
        in_bits=stream.beat_bits, out_bits=vector.beat_bits, stream=stream, joined=vector
    )


def affine_of(node: Requant) -> Affine:
    """The arithmetic of a Requant, as its kernel takes it."""
    return Affine(
        mul=node.mul,
        add=node.add,
        thresholds=node.thresholds,
        falling=node.falling,
        shift=node.shift,
        low=node.low,
        high=node.high,
        bits=code_bits(node.low, node.high),
    )


def _window(layer: Convolution, stream: Stream, fold: Fold) -> SlidingWindow:
    return SlidingWindow(
        stream=stream,
        kernel=layer.kernel,
        stride=layer.stride,
        pad=layer.pad,
        pad_value=layer.pad_value or 0,
        m=fold.m,
    )


def _matrix(unit: Unit, stream: Stream, out: Reach, fold: Fold, offset: int) -> MatrixUnit:
    """The kernel that multiplies. A falling sign turns weights and threshold around.

    Args:
        stream: pixels that a window is cut from, or the vector of a dense layer.
        out: of the sums.
        offset: what the graph adds to the elements before it multiplies them.
    """
    layer = unit.layer
    weights, bias, thresholds = _turned(layer, unit.result, offset)
    affine = border = None
    kernel, stride, groups = 1, 1, 1
    if isinstance(layer, Convolution):
        kernel, stride, groups = layer.kernel, layer.stride, layer.groups
        if layer.pad and layer.pad_value is None:
            border = _border(layer, stream, fold.m)
    if isinstance(unit.result, Requant):
        affine = affine_of(unit.result)
    common: dict[str, Any] = {
        "height": out.height,
        "width": out.width,
        "channels": stream.channels,
        "kernel": kernel,
        "stride": stride,
        "thresholds": thresholds,
        "pe": fold.pe,
        "simd": fold.simd,
        "m": fold.m,
        "rom_block": fold.rom_block,
        "groups": groups,
        "affine": affine,
        "border": border,
    }
    serial = fold.form == "input"
    if serial:
        common["channels"] = weights.shape[1]
    if stream.bits == 1 and layer.weight_bits == 1:
        dense = MvuSerial if serial else MvuXnor
        kind = ConvXnor if isinstance(layer, Convolution) else dense
        return kind(weights=weights, **common)
    product = ProductSerial if serial else MvuProduct
    return product(
        weights=weights.astype(np.int64, copy=False),
        element_bits=stream.bits,
        element_signed=stream.signed,
        weight_bits=max(2, layer.weight_bits),
        bias=bias,
        **common,
    )


@lru_cache(maxsize=128)
def _turned(
    layer: Convolution | Dense, result: Sign | Requant | None, offset: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(MH, N) weights, biases and thresholds; the same for every folding, so made only once."""
    weights = layer.weights.reshape(len(layer.weights), -1)
    bias = layer.bias + offset * weights.sum(axis=1)
    thresholds = None
    kind = np.int8 if layer.weight_bits == 1 else np.int64
    if isinstance(result, Sign):
        turn = np.where(result.falling, -1, 1)
        weights, bias = weights * turn[:, None], bias * turn
        thresholds = np.where(result.falling, 1 - result.thresholds, result.thresholds)
    return weights.astype(kind), bias, thresholds


def _border(layer: Convolution, stream: Stream, m: int) -> Border:
    return Border(
        height=stream.height,
        width=stream.width,
        kernel=layer.kernel,
        stride=layer.stride,
        pad=layer.pad,
        m=m,
    )


def lower_graph(graph: IntegerGraph, folding: Mapping[str, Fold], name: str) -> Network:
    """Chooses the kernels and hands them their weights, thresholds and folds.

    Kernels without a fold of their own keep up with the slowest unit.

    Args:
        graph: after its passes.
        folding: unit name to fold.
        name: of the network; becomes the top module's.

    Returns:
        A checked network without FIFOs (see `schedule.size_fifos`).
    """
    shapes = [shape for shape, _ in graph_units(graph)]
    lowering = _Lowering(graph, folding, slowest(shapes, folding))
    for node in graph.nodes:
        lowering.lower(node)
    image = stream_of(lowering.reach[IMAGE])
    network = Network(name=name, layers=tuple(lowering.layers), input_frame=image)
    check_network(network)
    return network
