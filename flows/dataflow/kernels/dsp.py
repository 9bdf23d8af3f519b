# SPDX-License-Identifier: Apache-2.0
"""`mvu_dsp`: the stem in DSP slices, two output channels in each."""

from dataclasses import dataclass
from typing import ClassVar

from flows.dataflow.kernels.base import MemoryImage, Parameters
from flows.dataflow.kernels.matrix import MvuInt, to_bits
from flows.errors import FoldingError

# A weight word of two fields must fit the pre-adder of a DSP48E1 (25 bits, signed).
_WIDEST_FIELD = 22


@dataclass(frozen=True, kw_only=True, eq=False)
class MvuDsp(MvuInt):
    """Convolution of unsigned 8-bit pixels with 1-bit weights: `for i in N`, all channels a step.

    Two sums share a slice, each in a field that starts from half its range minus the threshold, so
    that its highest bit is the activation.
    """

    module: ClassVar[str] = "mvu_dsp"

    def __post_init__(self) -> None:
        """Refuses foldings and sizes that the module does not have."""
        super().__post_init__()
        if (self.pe, self.simd) != (self.mh, 1):
            raise FoldingError(
                f"{self.module}: PE = {self.pe}, SIMD = {self.simd}; form 'dsp' computes all "
                f"{self.mh} channels and one input at a time, so PE = {self.mh}, SIMD = 1"
            )
        if self.m > self.n:
            raise FoldingError(
                f"{self.module}: M = {self.m} pixels leave one by one, which takes longer than "
                f"the {self.n} steps that compute them; M may be {self.n} at most"
            )
        if self.threshold_bits > _WIDEST_FIELD:
            raise FoldingError(
                f"{self.module}: sums of {self.n} pixels need fields of {self.threshold_bits} bits,"
                f" a DSP slice holds two of {_WIDEST_FIELD} at most; use form 'window'"
            )

    @property
    def slices(self) -> int:
        """DSP slices."""
        return self.m * ((self.mh + 1) // 2)

    @property
    def threshold_bits(self) -> int:
        """Width of a field: holds sum - threshold for every sum and every threshold."""
        return (2 * self.accumulator_bound).bit_length() + 1

    @property
    def middle(self) -> int:
        """Where a sum starts whose threshold is 0."""
        return 1 << (self.threshold_bits - 1)

    def parameters(self) -> Parameters:
        """No PE and SIMD: they are fixed."""
        return {k: v for k, v in super().parameters().items() if k not in ("PE", "SIMD")}

    def memories(self) -> tuple[MemoryImage, ...]:
        """Weights, and one word with the starts of all sums where the unit has thresholds."""
        if self.thresholds is None:
            return (self.weight_image(),)
        starts = to_bits(self.middle - self.stored_thresholds(), self.threshold_bits)
        image = MemoryImage(parameter="THRESHOLD_FILE", words=starts.reshape(1, -1))
        return (self.weight_image(), image)

    def latency(self) -> int:
        """Cycles from the transfer of a tile to its first output beat, beyond the N steps.

        Results that come faster than the output register is emptied go through a FIFO.
        """
        return 7 if self.n >= self.m + 7 else 8
