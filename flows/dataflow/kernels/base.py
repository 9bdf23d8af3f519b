# SPDX-License-Identifier: Apache-2.0
"""What every kernel value can answer; each kernel has a file of its own beside this one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from flows.dataflow.stream import Stream

# SystemVerilog parameters: numbers, or the file name of a memory image.
Parameters = Mapping[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemoryImage:
    """Contents of one memory of a kernel.

    Attributes:
        parameter: the kernel's parameter that takes the file name, for instance WEIGHT_FILE.
        words: (depth, width) uint8 in {0, 1}; bit 0 of a word is column 0.
    """

    parameter: str
    words: np.ndarray


class Kernel(ABC):
    """One hardware module with its parameters: frozen choices, no build products."""

    __slots__ = ()
    module: ClassVar[str]

    @property
    @abstractmethod
    def input(self) -> Stream:
        """Type of the frame that comes in."""

    @property
    @abstractmethod
    def output(self) -> Stream:
        """Type of the frame that goes out."""

    @property
    def input_bits(self) -> int:
        """Width of an input beat, which inside a layer need not be a pixel."""
        return self.input.beat_bits

    @property
    def output_bits(self) -> int:
        """Width of an output beat."""
        return self.output.beat_bits

    @abstractmethod
    def parameters(self) -> Parameters:
        """Parameters of the module; file names of memories are added at emission."""

    def memories(self) -> tuple[MemoryImage, ...]:
        """Memory images of the module."""
        return ()

    @abstractmethod
    def cycles(self) -> int:
        """Cycles that the module is busy for one frame when nothing holds it up."""

    @abstractmethod
    def compute(self, frames: np.ndarray) -> np.ndarray:
        """The module's arithmetic.

        Args:
            frames: (N, height, width, channels) int64 of the input stream; bits are 0 or 1.

        Returns:
            (N, height, width, channels) int64 of the output stream.
        """


class Join(Kernel):
    """A module with two inputs: `s_axis_a`, which is `input`, and `s_axis_b`, which is `second`."""

    __slots__ = ()

    @property
    @abstractmethod
    def second(self) -> Stream:
        """Type of the frame at the second input."""

    @property
    def second_bits(self) -> int:
        """Width of a beat at the second input."""
        return self.second.beat_bits

    @abstractmethod
    def join(self, frames: np.ndarray, second: np.ndarray) -> np.ndarray:
        """The module's arithmetic on both inputs, as `compute` for one."""

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """A join has no arithmetic for one input."""
        raise TypeError(f"{self.module} joins two streams; call join()")
