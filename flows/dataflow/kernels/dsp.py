# SPDX-License-Identifier: Apache-2.0
"""`mvu_dsp`: the stem in DSP slices, two output channels in each."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import Parameters
from flows.dataflow.kernels.integer import MvuInt
from flows.errors import FoldingError

# A weight word of two fields must fit the pre-adder of a DSP48E1 (25 bits, signed).
_WIDEST_FIELD = 22


def holds(inputs: int, bits: int = 8) -> bool:
    """Whether two sums of that many unsigned inputs fit a slice."""
    largest = inputs * ((1 << bits) - 1)
    return (2 * largest).bit_length() + 1 <= _WIDEST_FIELD


@dataclass(frozen=True, kw_only=True, eq=False)
class MvuDsp(MvuInt):
    """Convolution of unsigned 8-bit pixels with 1-bit weights: `for i in N`, all channels a step.

    Two sums share a slice, each in a field that starts from half its range minus the threshold, so
    that its highest bit is the activation.
    """

    module: ClassVar[str] = "mvu_dsp"
    forms: ClassVar[frozenset[str]] = frozenset()

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
        if self.start_bits > _WIDEST_FIELD:
            raise FoldingError(
                f"{self.module}: sums of {self.n} pixels need fields of {self.start_bits} bits,"
                f" a DSP slice holds two of {_WIDEST_FIELD} at most; use form 'window'"
            )

    @property
    def slices(self) -> int:
        """DSP slices."""
        return self.m * ((self.mh + 1) // 2)

    @property
    def start_bits(self) -> int:
        """Width of a field: holds sum - threshold for every sum and every threshold."""
        return (2 * self.accumulator_bound).bit_length() + 1

    @property
    def middle(self) -> int:
        """Where a sum starts whose threshold is 0."""
        return 1 << (self.start_bits - 1)

    def parameters(self) -> Parameters:
        """No PE and SIMD: they are fixed."""
        return {k: v for k, v in super().parameters().items() if k not in ("PE", "SIMD")}

    def starts(self, correction: np.ndarray | int = 0) -> np.ndarray | None:
        """(MH,) int64: half the range of a field, less the threshold; raw sums begin with 0."""
        if self.thresholds is None:
            return None
        bound = self.accumulator_bound
        return np.asarray(self.middle - np.clip(self.thresholds, -bound, bound + 1))

    @property
    def direct(self) -> bool:
        """Whether results go to the output register at once; faster ones go through a FIFO."""
        return self.n >= self.m + 7

    def latency(self) -> int:
        """Cycles from the transfer of a tile to its first output beat, beyond the N steps."""
        return 7 if self.direct else 8
