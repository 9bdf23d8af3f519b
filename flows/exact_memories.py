# SPDX-License-Identifier: Apache-2.0
"""Memories of a graph network, read back from disk, against the trained signs and requants.

What a layer makes of a sum is worked out from the words that were emitted, as the hardware takes
them, and compared with what the trained module gave for every integer that it was tried on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.dataflow.kernels import Affine, ConvXnor, MatrixUnit, MvuProduct, Requant, Threshold
from flows.dataflow.network import Layer, Network
from flows.dataflow.stream import Stream
from flows.emit.memory import read_image
from flows.emit.verilog import image_name
from flows.errors import VerificationError
from flows.exact import ThresholdCheck
from flows.graph_reference import GraphReference, Probe, StreamReference
from flows.streamline.graph import Concat, IntegerGraph, MaxPool, Operation, Sign, named
from flows.streamline.reach import reaches

# From channels and (V,) integers to (channels, V) results, and which of them can occur. A layer
# with borders gives one pair for each place in the image that has words of its own.
Decision = Callable[[slice, np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]]

_ALL = np.ones((1, 1), bool)  # every integer can occur


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Channels of a trained unit that one layer computes: start to stop of the unit's."""

    name: str
    start: int
    stop: int


def check_memories(
    network: Network, graph: IntegerGraph, root: Path, reference: GraphReference
) -> ThresholdCheck:
    """Compares every emitted sign and requant with the trained one.

    Args:
        network: what was emitted.
        graph: what it was lowered from, after its passes.
        root: the RTL folder.

    Raises:
        VerificationError: naming layer, channel, integer, expected and got; or a layer whose memory
            decides something that the reference does not know.
    """
    for layer in network:
        _check_starts(layer, root)
    layers = {layer.name: layer for layer in network}
    nodes, reach = named(graph), reaches(graph)
    unknown = {layer.name for layer in network if _deciding(layer) is not None}
    channels, counts = 0, {"values": 0, "requants": 0, "sampled": 0}
    for stream in reference.streams:
        if not stream.probes or stream.name not in nodes:
            continue
        for part in _parts(nodes, stream.name, reach[stream.name].channels):
            node, layer = nodes[part.name], layers[part.name]
            source = reach[node.inputs[0]]
            decision = _decision(layer, node, root)
            for probe, rows, at in _probes(stream, part):
                can = (probe.inputs >= source.low) & (probe.inputs <= source.high)
                x, expected = probe.inputs[can], probe.outputs[rows][:, can]
                for got, possible in decision(at, x):
                    _compare(part, at.start, x, expected, np.where(possible, got, expected))
                kind = "requants" if probe.complete else "sampled"
                counts["values" if stream.kind == "sign" else kind] += expected.size
            channels += (part.stop - part.start) * (stream.kind == "sign")
            unknown.discard(part.name)
    if unknown:
        raise VerificationError(
            f"{min(unknown)}: its memory decides, but the trained network has no sign or requant of"
            " that name; export the model again."
        )
    return ThresholdCheck(channels=channels, mismatches=0, **counts)


def _parts(nodes: Mapping[str, Operation], name: str, channels: int) -> list[_Part]:
    """Layers behind a stream: passes take signs apart over concats, and swap them with pools."""
    node = nodes[name]
    if isinstance(node, MaxPool):
        return _parts(nodes, node.inputs[0], channels)
    if not isinstance(node, Concat):
        return [_Part(name=name, start=0, stop=channels)]
    found, start = [], 0
    for source in node.inputs:
        sign = nodes[source]
        assert isinstance(sign, Sign), "only signs are taken apart"
        stop = start + len(sign.thresholds)
        found.append(_Part(name=source, start=start, stop=stop))
        start = stop
    return found


def _probes(stream: StreamReference, part: _Part) -> Iterator[tuple[Probe, slice, slice]]:
    """Probes that concern a part: with their rows, and the channels of the part's layer."""
    start = 0
    for probe in stream.probes:
        low, high = max(start, part.start), min(start + probe.channels, part.stop)
        if low < high:
            yield (
                probe,
                slice(low - start, high - start),
                slice(low - part.start, high - part.start),
            )
        start += probe.channels


def _compare(part: _Part, start: int, x: np.ndarray, expected: np.ndarray, got: np.ndarray) -> None:
    wrong = np.argwhere(got != expected)
    if len(wrong):
        channel, index = map(int, wrong[0])
        raise VerificationError(
            f"{part.name}, channel {start + channel}: for the integer {x[index]} the trained"
            f" network gives {int(expected[channel, index])}, the emitted memories give"
            f" {int(got[channel, index])} ({len(wrong)} of {got.size} values differ)"
        )


def _check_starts(layer: Layer, root: Path) -> None:
    """Words that sums begin with, where they leave as they are or as codes: biases and borders."""
    unit = layer.unit
    if unit is None or unit.thresholds is not None:
        return
    for image in (m for m in unit.memories() if m.parameter == "THRESHOLD_FILE"):
        path = root / image_name(layer, unit, image.parameter)
        wrong = np.argwhere(read_image(path, *image.words.shape) != image.words)
        if len(wrong):
            word, bit = map(int, wrong[0])
            raise VerificationError(
                f"{path}: word {word}, bit {bit} is {1 - int(image.words[word, bit])}; the bias of"
                f" {layer.name}, with what its border takes off, has {int(image.words[word, bit])}"
            )


def _deciding(layer: Layer) -> MatrixUnit | Threshold | Requant | None:
    """The kernel whose memory turns sums into bits or codes."""
    for kernel in layer.kernels:
        if isinstance(kernel, Threshold | Requant):
            return kernel
        if isinstance(kernel, MatrixUnit) and (
            kernel.thresholds is not None or kernel.affine is not None
        ):
            return kernel
    return None


def _decision(layer: Layer, node: Operation, root: Path) -> Decision:
    """What the emitted words of a layer make of sums."""
    kernel = _deciding(layer)
    if isinstance(kernel, Threshold):
        return _thresholds(layer, kernel, root)
    if isinstance(kernel, Requant):
        return _requant(layer, kernel, root)
    if kernel is None:
        raise VerificationError(f"{layer.name}: a unit of the trained network, without a memory")
    if kernel.affine is not None:
        return _codes(layer, kernel, root)
    assert isinstance(node, Sign)
    turn = np.where(node.falling, -1, 1)[:, None]  # a falling step has inverted weights
    if isinstance(kernel, MvuProduct):
        return _products(layer, kernel, turn, root)
    assert isinstance(kernel, ConvXnor)
    return _counts(layer, kernel, turn, root)


def _fields(
    layer: Layer, kernel: MatrixUnit | Threshold | Requant, root: Path, what: str, shape: list[int]
) -> np.ndarray:
    """(*shape,) uint8 of a memory image; the last axis is the bits of a field."""
    path = root / image_name(layer, kernel, f"{what}_FILE")
    depth = int(np.prod(shape[:-2]))
    return read_image(path, depth, shape[-2] * shape[-1]).reshape(shape)


def _integers(fields: np.ndarray, signed: bool) -> np.ndarray:
    """(..., bits) uint8, least significant first, to (...,) int64."""
    weights = 1 << np.arange(fields.shape[-1], dtype=np.int64)
    if signed:
        weights[-1] *= -1
    return np.asarray(fields.astype(np.int64) @ weights)


def _in_order(kernel: MatrixUnit, lanes: np.ndarray) -> np.ndarray:
    """(NF, PE, ...) by fold and lane to (MH, ...) by channel."""
    found = np.empty((kernel.mh, *lanes.shape[2:]), lanes.dtype)
    found[kernel.lane_channels] = lanes
    return found


def _thresholds(layer: Layer, kernel: Threshold, root: Path) -> Decision:
    bits, channels = kernel.stream.bits, kernel.stream.channels
    falls = kernel.falling is not None
    shape = [channels // kernel.pe, kernel.pe, bits + 1 + falls]
    words = _fields(layer, kernel, root, "THRESHOLD", shape).reshape(channels, -1)
    limits = _integers(words[:, : bits + 1], kernel.stream.signed)[:, None]
    falling = words[:, bits + 1 :].sum(axis=1, keepdims=True) > 0

    def decide(at: slice, x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield (x >= limits[at]) != falling[at], _ALL

    return decide


def _requant(layer: Layer, kernel: Requant, root: Path) -> Decision:
    channels = kernel.stream.channels
    width = _affine_bits(kernel.affine, kernel.stream)
    shape = [channels // kernel.pe, kernel.pe, width]
    words = _fields(layer, kernel, root, "AFFINE", shape).reshape(channels, width)
    return _affine(kernel.affine, kernel.stream, words)


def _codes(layer: Layer, kernel: MatrixUnit, root: Path) -> Decision:
    assert kernel.affine is not None
    bits = kernel.accumulator_bits
    source = Stream(height=1, width=1, channels=kernel.mh, bits=bits, signed=True)
    width = _affine_bits(kernel.affine, source)
    words = _fields(layer, kernel, root, "AFFINE", [kernel.nf, kernel.pe, width])
    return _affine(kernel.affine, source, _in_order(kernel, words))


def _affine_bits(affine: Affine, source: Stream) -> int:
    two = affine.thresholds is not None
    return affine.slopes * (affine.mul_bits + affine.add_bits) + two * (source.bits + 1)


def _affine(affine: Affine, source: Stream, words: np.ndarray) -> Decision:
    """Factors from (C, bits) fields."""
    ends = np.cumsum([affine.mul_bits, affine.add_bits] * affine.slopes)
    parts = np.split(words, ends, axis=1)
    mul = [_integers(part, True)[:, None] for part in parts[0:-1:2]]
    add = [_integers(part, True)[:, None] for part in parts[1:-1:2]]
    limits = _integers(parts[-1][:, :-1], source.signed)[:, None] if affine.slopes > 1 else None
    falling = parts[-1][:, -1:] > 0

    def decide(at: slice, x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        result = x * mul[0][at] + add[0][at]
        if limits is not None:
            side = (x >= limits[at]) != falling[at]
            result = np.where(side, x * mul[1][at] + add[1][at], result)
        yield np.clip(result >> affine.shift, affine.low, affine.high), _ALL

    return decide


def _products(layer: Layer, kernel: MvuProduct, turn: np.ndarray, root: Path) -> Decision:
    """The bias less the threshold stands in front of the products."""
    shape = [kernel.nf, kernel.pe, kernel.start_bits]
    fields = _fields(layer, kernel, root, "THRESHOLD", shape)
    moved = (_in_order(kernel, _integers(fields, True)) - kernel.bias)[:, None]

    def decide(at: slice, x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield turn[at] * x + moved[at] >= 0, _ALL

    return decide


def _counts(layer: Layer, kernel: ConvXnor, turn: np.ndarray, root: Path) -> Decision:
    """As the counter does it: count + word + 1 carries out."""
    corrections, words = _places(layer, kernel, root)

    def decide(at: slice, x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for correction, word in zip(corrections, words, strict=True):
            twice = turn[at] * x - correction[at][:, None] + kernel.n
            possible = (twice % 2 == 0) & (twice >= 0) & (twice <= 2 * kernel.n)
            yield (twice // 2 + word[at][:, None] + 1) >> kernel.start_bits == 1, possible

    return decide


def _places(layer: Layer, kernel: ConvXnor, root: Path) -> tuple[np.ndarray, np.ndarray]:
    """(places, MH) int64: what the border adds to a count's sum there, and the start words."""
    border, bits = kernel.border, kernel.start_bits
    if border is None:
        lanes = _fields(layer, kernel, root, "THRESHOLD", [kernel.nf, kernel.pe, bits])
        words = _in_order(kernel, _integers(lanes, False))[None]
        return np.zeros_like(words), words
    taps = kernel.weights.reshape(kernel.mh, kernel.kernel, kernel.kernel, -1)
    rows, columns = border.classes()
    tiles = (columns[:, None] + np.arange(kernel.m)).ravel()
    corrections = border.correction(np.asarray(taps.sum(axis=3, dtype=np.int64)))
    shape = [len(rows), len(columns), kernel.nf, kernel.m * kernel.pe, bits]
    lanes = _integers(_fields(layer, kernel, root, "THRESHOLD", shape), False)
    lanes = lanes.reshape(len(rows), len(columns), kernel.nf, kernel.m, kernel.pe)
    by_fold = lanes.transpose(2, 4, 0, 1, 3).reshape(kernel.nf, kernel.pe, -1)
    words = _in_order(kernel, by_fold).T
    return corrections[rows[:, None], tiles].reshape(words.shape), words
