# SPDX-License-Identifier: Apache-2.0
"""A network as hardware: layers in topological order, each a chain of kernels behind a FIFO."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from flows.dataflow.kernels import Kernel, MatrixUnit
from flows.dataflow.stream import Stream


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One layer: one generated module, one row of every report.

    Attributes:
        name: as in the reference, for instance conv1.
        kernels: modules from input to output.
        fifo_depth: beats that the FIFO at the layer's input holds; 0 for none.
    """

    name: str
    kernels: tuple[Kernel, ...]
    fifo_depth: int = 0

    @property
    def input(self) -> Stream:
        """Type of the frame that comes in."""
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
    """A chain of layers. Joins and forks will add named inputs to `Layer`.

    Attributes:
        name: a SystemVerilog identifier, name of the top module.
        layers: from the pixels to the logits.
        input_frame: the image that a frame of the input stream carries.
    """

    name: str
    layers: tuple[Layer, ...]
    input_frame: Stream

    @property
    def input_bits(self) -> int:
        """Width of the network's input beat."""
        return self.layers[0].kernels[0].input_bits

    @property
    def input_beats(self) -> int:
        """Input beats of an image."""
        frame = self.input_frame
        return frame.beats * frame.beat_bits // self.input_bits

    @property
    def output(self) -> Stream:
        """Type of the network's output."""
        return self.layers[-1].output

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def cycles(self) -> dict[str, int]:
        """Cycles of a frame for each layer."""
        return {layer.name: layer.cycles() for layer in self.layers}

    def with_fifo_depths(self, depths: Mapping[str, int]) -> "Network":
        """A copy with other FIFO depths; layers that are not named keep theirs."""
        layers = tuple(
            replace(layer, fifo_depth=depths.get(layer.name, layer.fifo_depth))
            for layer in self.layers
        )
        return replace(self, layers=layers)
