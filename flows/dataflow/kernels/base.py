# SPDX-License-Identifier: Apache-2.0
"""What every kernel value can answer; each kernel has a file of its own beside this one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from flows.dataflow.stream import Stream
from flows.errors import FoldingError, UnsupportedModelError

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


def check_divides(where: str, name: str, part: int, whole: int) -> None:
    """Refuses a folding that does not divide.

    Raises:
        FoldingError: with the values that would be legal.
    """
    if part < 1 or whole % part:
        legal = ", ".join(str(d) for d in range(1, whole + 1) if whole % d == 0)
        raise FoldingError(f"{where}: {name} = {part} does not divide {whole}; legal: {legal}")


def check_bounds(where: str, low: int, high: int, bits: int) -> None:
    """Refuses bounds that a code of so many bits cannot hold; it is signed where low < 0.

    Raises:
        UnsupportedModelError: with the range that would fit.
    """
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if low < 0 else (0, 2**bits - 1)
    if not least <= low <= high <= most:
        raise UnsupportedModelError(
            f"{where}: bounds {low}..{high} do not fit in {bits} bits, which hold {least}..{most}"
        )


def numbers(stream: Stream, frames: np.ndarray) -> np.ndarray:
    """What the elements of a stream stand for: a single bit is -1 or +1."""
    return 2 * frames - 1 if stream.bits == 1 else frames


def to_bits(values: np.ndarray, width: int) -> np.ndarray:
    """Two's complement bits.

    Args:
        values: (...,) int64.
        width: bits of a value.

    Returns:
        (..., width) uint8, least significant first.
    """
    shifts = np.arange(width)
    return ((values[..., None] >> shifts) & 1).astype(np.uint8)
