# SPDX-License-Identifier: Apache-2.0
"""A cleaned QONNX graph with forks and joins becomes an IntegerGraph.

The nodes are walked in topological order. Each tensor gets a `Value`: the integer stream behind it
and what the graph does to it since. Elementwise nodes only extend a value, so scales, batch norms
and slopes travel over forks, concats and pools by themselves; an operator that needs integers
(a layer, an addition, a pool) takes them off and puts its own scale on, and a quantiser turns
what has gathered into thresholds or an integer multiplier, checked on what the stream can take.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.clean_graph import scalar
from flows.streamline.elementwise import ELEMENTWISE, line_behind
from flows.streamline.graph import (
    IMAGE,
    Image,
    IntegerGraph,
    Operation,
)
from flows.streamline.load import QUANTIZERS, attribute_ints
from flows.streamline.operators import (
    add,
    average_pool,
    concat,
    convolution,
    dense,
    finish,
    max_pool,
    shuffle,
    sum_pool,
)
from flows.streamline.recover import Codes, pixel_offset, quant_codes, read_requant, read_sign
from flows.streamline.stages import SHAPES
from flows.streamline.values import Value, renamed, stream_value
from flows.streamline.weights import constant


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """An integer graph, and where its streams stand in the file.

    Attributes:
        graph: the integer graph.
        streams: name of a stream to the tensor that is its integers times a scale.
        quantisers: name of a sign or requant to the tensor that it makes, as a function of the
            stream that it reads.
        output: the graph's output, as a function of the logits.
        pixels: (256,) float32, what the graph's input holds for each pixel value.
    """

    graph: IntegerGraph
    streams: Mapping[str, Value]
    quantisers: Mapping[str, Value]
    output: Value
    pixels: np.ndarray


class Reader:
    """The state of one walk: values of tensors so far, nodes of the integer graph so far."""

    def __init__(
        self, model: ModelWrapper, lookups: Sequence[np.ndarray], names: dict[str, str]
    ) -> None:
        self.model = model
        self.lookups = lookups
        self.pixels = lookups[0]
        self.values: dict[str, Value] = {}
        self.nodes: dict[str, Operation] = {}
        self.streams: dict[str, Value] = {}
        self.quantisers: dict[str, Value] = {}
        self.image: Image | None = None
        self._names = names
        self._counts: Counter[str] = Counter()

    def name(self, kind: str, tensor: str) -> str:
        """The name of the stream that a tensor carries: the reference's, or kind and number.

        The reference may name the tensor behind a constant factor instead.
        """
        while tensor not in self._names:
            readers = self.model.find_consumers(tensor) or []
            if len(readers) != 1 or readers[0].op_type not in ("Mul", "Cast"):
                break
            tensor = readers[0].output[0]
        known = self._names.get(tensor)
        if known is not None:
            return known
        self._counts[kind] += 1
        return f"{kind}{self._counts[kind] - 1}"

    def emit(self, node: Operation, value: Value) -> None:
        """Adds a node, and the value of the tensor that it makes."""
        if node.name in self.nodes:
            raise UnsupportedModelError(f"{node.name}: two streams have this name; rename one.")
        self.nodes[node.name] = node
        self.streams[node.name] = self.values[value.tensor] = value

    def inputs(self, node: NodeProto) -> list[Value]:
        """Values of the inputs that depend on the image."""
        return [self.values[name] for name in node.input if name in self.values]


_OPERATORS: dict[str, Callable[[Reader, NodeProto], None]] = {
    "Conv": convolution,
    "MatMul": dense,
    "Concat": concat,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": average_pool,
    "ReduceMean": average_pool,
    "ReduceSum": sum_pool,
    "Transpose": shuffle,
}


def read_graph(
    model: ModelWrapper, pixels: np.ndarray, names: dict[str, str] | None = None
) -> IntegerGraph:
    """The integer graph alone, where it is known what a pixel is; see `read`."""
    return read(model, (pixels,), names).graph


def read(
    model: ModelWrapper, pixels: Sequence[np.ndarray], names: dict[str, str] | None = None
) -> Reading:
    """Reads a cleaned graph.

    Args:
        pixels: (256,) float32 each, what the graph's input may hold for each pixel value; the first
            of which the input quantiser makes pixels plus an offset is taken.
        names: tensor to the name that its stream gets.

    Raises:
        UnsupportedModelError: naming the node, what it is, what is expected and how to mend it.
    """
    reader = Reader(model, pixels, names or {})
    source = model.graph.input[0].name
    shape = tuple(model.get_tensor_shape(source))
    whole = (*shape[1:], 1, 1)[:3]
    reader.values[source] = stream_value(IMAGE, source, whole, (0, 255, 1), np.ones(1))
    for node in model.graph.node:
        if any(name in reader.values for name in node.input):
            _read(reader, node)
    output = model.graph.output[0].name
    return Reading(
        graph=finish(reader, output),
        streams=reader.streams,
        quantisers=reader.quantisers,
        output=reader.values[output],
        pixels=reader.pixels,
    )


def _read(reader: Reader, node: NodeProto) -> None:
    live = [name for name in node.input if name in reader.values]
    op = node.op_type
    if op in QUANTIZERS:
        _quantizer(reader, node)
    elif op == "Floor":
        _floor(reader, node)
    elif node.output[0] in reader.values:
        return  # a Clip that its Floor has taken along
    elif op == "Add" and len({reader.values[name].base for name in live}) > 1:
        add(reader, node)
    elif op in ELEMENTWISE:
        _elementwise(reader, node)
    elif op in SHAPES or op == "Pad":
        _reshape(reader, node)
    elif op in _OPERATORS:
        _OPERATORS[op](reader, node)
    else:
        allowed = sorted({*_OPERATORS, *ELEMENTWISE, *SHAPES, *QUANTIZERS, "Pad"})
        raise UnsupportedModelError(
            f"{node.name} ({op}), behind {reader.values[live[0]].stream}: this operator cannot be"
            f" lowered; allowed: {', '.join(allowed)}; replace it, or cut the graph in front of it."
        )


def _elementwise(reader: Reader, node: NodeProto) -> None:
    """Extends a value by one node; all its inputs are functions of one stream."""
    inputs = reader.inputs(node)
    if len({value.base for value in inputs}) > 1:
        names = ", ".join(value.tensor for value in inputs)
        raise UnsupportedModelError(
            f"{node.name} ({node.op_type}): joins {names}, which come from different streams; only"
            " Add and Concat join streams; replace it."
        )
    first = inputs[0]
    slopes = dict(first.slopes)
    nodes = list(first.nodes)
    for value in inputs[1:]:
        slopes |= value.slopes
        known = {n.output[0] for n in nodes}
        nodes += [n for n in value.nodes if n.output[0] not in known]
    merged = replace(first, slopes=slopes, nodes=tuple(nodes))
    found = line_behind(node, reader.model, merged.slopes, first.channels)
    output = node.output[0]
    if found is not None:
        merged.slopes[output] = found
    reader.values[output] = replace(merged, tensor=output, nodes=(*merged.nodes, node))


def _quantizer(reader: Reader, node: NodeProto) -> None:
    value = reader.values[node.input[0]]
    if value.stream == IMAGE and not isinstance(reader.image, Image):
        _pixels(reader, node, value)
        return
    output = node.output[0]
    if node.op_type == "BipolarQuant":
        scale = constant(reader.model, node.input[1])
        name = reader.name("sign", output)
        found = read_sign(reader.model, value, name, node.input[0])
        made = stream_value(name, output, value.shape, (-1, 1, 2), np.asarray(scale), bits=True)
        reader.emit(found, made)
        reader.quantisers[name] = _behind(value, (node,))
        return
    _requant(reader, value, (node,), quant_codes(reader.model, node))


def _floor(reader: Reader, node: NodeProto) -> None:
    """Floor, Clip: a quantiser with step 1, as wide sums have it that Quant would round."""
    readers = reader.model.find_consumers(node.output[0]) or []
    nodes = (node, *(n for n in readers[:1] if n.op_type == "Clip"))
    bounds = [scalar(reader.model, name) for name in nodes[-1].input[1:3]]
    if len(nodes) != 2 or len(bounds) != 2 or None in bounds:
        raise UnsupportedModelError(
            f"{node.name} (Floor): no Clip with two constant bounds behind it; floor and clip make"
            " the codes of a stream; add the Clip, or use a Quant."
        )
    low, high = (int(bound) for bound in bounds if bound is not None)
    codes = Codes(scale=1.0, low=low, high=high, rounding="FLOOR")
    _requant(reader, reader.values[node.input[0]], nodes, codes)


def _requant(reader: Reader, value: Value, nodes: tuple[NodeProto, ...], codes: Codes) -> None:
    output = nodes[-1].output[0]
    name = reader.name("requant", output)
    found = read_requant(reader.model, value, name, nodes, codes)
    reach = (found.low, found.high, 1)
    reader.emit(found, stream_value(name, output, value.shape, reach, np.asarray(codes.scale)))
    reader.quantisers[name] = _behind(value, nodes)


def _behind(value: Value, nodes: tuple[NodeProto, ...]) -> Value:
    """The tensor that more nodes make, which have no slopes."""
    return replace(value, tensor=nodes[-1].output[0], nodes=(*value.nodes, *nodes))


def _pixels(reader: Reader, node: NodeProto, value: Value) -> None:
    """The first quantiser: pixels become codes, which must be pixel + offset."""
    height, width = value.shape[1:]
    for count, lookup in enumerate(reader.lookups, 1):
        reader.pixels = lookup.astype(np.float32)
        try:
            offset, scale = pixel_offset(reader.model, node, replace(value, lookup=reader.pixels))
            break
        except UnsupportedModelError:
            if count == len(reader.lookups):
                raise
    reader.image = Image(height=height, width=width, channels=value.channels, offset=offset)
    reach = (offset, 255 + offset, 1)
    made = stream_value(IMAGE, node.output[0], value.shape, reach, np.asarray(scale))
    reader.values[made.tensor] = made


def _reshape(reader: Reader, node: NodeProto) -> None:
    """Flatten and Reshape keep the stream, as its shape is kept with it; Pad is remembered."""
    value = reader.values[node.input[0]]
    made = renamed(value, node.output[0])
    if node.op_type == "Pad":
        made = _padded(reader, node, made)
    reader.values[node.output[0]] = made


def _padded(reader: Reader, node: NodeProto, value: Value) -> Value:
    amounts = attribute_ints(node, "pads", [])
    if not amounts:
        found = reader.model.get_initializer(node.input[1])
        amounts = [] if found is None else [int(x) for x in found]
    filler = reader.model.get_initializer(node.input[2]) if len(node.input) > 2 else None
    if len(amounts) != 8 or len({*amounts[2:4], *amounts[6:8]}) != 1 or any(amounts[:2]):
        raise UnsupportedModelError(
            f"{node.name} (Pad): pads {amounts} found; the same number of rows and columns on all"
            " four sides is allowed; change it."
        )
    return replace(
        value,
        pad=amounts[2],
        pad_value=0.0 if filler is None else float(np.asarray(filler).item()),
    )
