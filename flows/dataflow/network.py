# SPDX-License-Identifier: Apache-2.0
"""A network as hardware: layers in topological order, each a chain of kernels behind FIFOs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from flows.dataflow.kernels import Join, Kernel, MatrixUnit
from flows.dataflow.stream import Stream

IMAGE = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One stream on its way into a layer.

    Attributes:
        producer: name of the layer that makes it, or IMAGE.
        consumer: name of the layer that reads it.
        port: "" where the consumer has one input, else a, b, ... in order.
        stream: its type.
        beat_bits: width of its beats at the consumer.
    """

    producer: str
    consumer: str
    port: str
    stream: Stream
    beat_bits: int

    @property
    def name(self) -> str:
        """The consumer's name, with the port where it has more than one."""
        return f"{self.consumer}.{self.port}" if self.port else self.consumer

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return self.stream.beats * self.stream.beat_bits // self.beat_bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One layer: one generated module, one row of every report.

    Attributes:
        name: as in the reference, for instance conv1.
        kernels: modules from input to output. A `Join` takes what the kernel before it makes (as
            the first kernel, input 0) and the layer's next input.
        inputs: names of the layers that it reads, or IMAGE; one more than it has joins.
        fifo_depths: beats that the FIFO at each input holds; 0 for none.
    """

    name: str
    kernels: tuple[Kernel, ...]
    inputs: tuple[str, ...]
    fifo_depths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """No FIFOs, where none are named."""
        object.__setattr__(self, "fifo_depths", self.fifo_depths or (0,) * len(self.inputs))

    @property
    def joins(self) -> tuple[Join, ...]:
        """Kernels that take an input of the layer beside what comes down the chain."""
        return tuple(kernel for kernel in self.kernels if isinstance(kernel, Join))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The streams that the layer reads, in order."""
        first = self.kernels[0]
        taken = [(first.input, first.input_bits)]
        taken += [(join.second, join.second_bits) for join in self.joins]
        ports = [""] if len(taken) == 1 else [chr(ord("a") + i) for i in range(len(taken))]
        return tuple(
            Edge(producer=name, consumer=self.name, port=port, stream=stream, beat_bits=bits)
            for name, port, (stream, bits) in zip(self.inputs, ports, taken, strict=True)
        )

    @property
    def input(self) -> Stream:
        """Type of the frame that comes in, at the first input."""
        return self.kernels[0].input

    @property
    def output(self) -> Stream:
        """Type of the frame that goes out."""
        return self.kernels[-1].output

    @property
    def output_words(self) -> int:
        """Beats of an output pixel: 1, or more where a unit sends words of PE results."""
        return self.output.beat_bits // self.kernels[-1].output_bits

    @property
    def unit(self) -> MatrixUnit | None:
        """The kernel that multiplies, if the layer has one."""
        return next((k for k in self.kernels if isinstance(k, MatrixUnit)), None)

    def cycles(self) -> int:
        """Cycles of a frame: those of the slowest kernel."""
        return max(kernel.cycles() for kernel in self.kernels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """Layers and the streams between them.

    Attributes:
        name: a SystemVerilog identifier, name of the top module.
        layers: in topological order, from the pixels to the logits.
        input_frame: the image that a frame of the input stream carries.
    """

    name: str
    layers: tuple[Layer, ...]
    input_frame: Stream

    @property
    def input_bits(self) -> int:
        """Width of the network's input beat."""
        return next(edge.beat_bits for edge in self.edges if edge.producer == IMAGE)

    @property
    def input_beats(self) -> int:
        """Input beats of an image."""
        frame = self.input_frame
        return frame.beats * frame.beat_bits // self.input_bits

    @property
    def output(self) -> Stream:
        """Type of the network's output."""
        return self.layers[-1].output

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every stream into every layer."""
        return tuple(edge for layer in self.layers for edge in layer.edges)

    def readers(self, name: str) -> tuple[Edge, ...]:
        """Edges that leave a layer, or the image."""
        return tuple(edge for edge in self.edges if edge.producer == name)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def cycles(self) -> dict[str, int]:
        """Cycles of a frame for each layer."""
        return {layer.name: layer.cycles() for layer in self.layers}

    @property
    def fifo_depths(self) -> dict[str, int]:
        """Edge name to the depth of its FIFO, for those that have one."""
        pairs = [
            (edge.name, depth)
            for layer in self.layers
            for edge, depth in zip(layer.edges, layer.fifo_depths, strict=True)
        ]
        return {name: depth for name, depth in pairs if depth}

    def with_fifo_depths(self, depths: Mapping[str, int]) -> "Network":
        """A copy with other FIFO depths, by edge name; edges that are not named keep theirs."""
        layers = []
        for layer in self.layers:
            pairs = zip(layer.edges, layer.fifo_depths, strict=True)
            chosen = tuple(depths.get(edge.name, depth) for edge, depth in pairs)
            layers.append(replace(layer, fifo_depths=chosen))
        return replace(self, layers=tuple(layers))
