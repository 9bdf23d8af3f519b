# SPDX-License-Identifier: Apache-2.0
"""`mvu_int`: convolutions and dense layers whose inputs are integers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import MemoryImage, Parameters, to_bits
from flows.dataflow.kernels.matrix import MatrixUnit
from flows.dataflow.stream import Stream


@dataclass(frozen=True, kw_only=True, eq=False)
class MvuInt(MatrixUnit):
    """Convolution of unsigned 8-bit pixels with 1-bit weights."""

    module: ClassVar[str] = "mvu_int"
    forms: ClassVar[frozenset[str]] = frozenset({"groups", "affine"})

    @property
    def in_bits(self) -> int:
        """A pixel."""
        return 8

    @property
    def shared(self) -> bool:
        """One step is all channels: weights are constants, `shared_sums` adds up (mvu_core.sv)."""
        return self.nf * self.sf == 1 and self.thresholds is not None and self.groups == 1

    def parameters(self) -> Parameters:
        """Adds the element's width and the geometry of the tile."""
        geometry = {"C": self.channels, "K": self.kernel, "STRIDE": self.stride, "M": self.m}
        return {"IN_BITS": self.in_bits} | geometry | dict(super().parameters())


@dataclass(frozen=True, kw_only=True, eq=False)
class MvuProduct(MatrixUnit):
    """Convolution or dense layer of integers with weights of more than one bit.

    Stems, 1 x 1 downsamples, heads. acc = sum(w * x) + bias; `weights` are (MH, K*K*C / groups)
    int64.

    Attributes:
        element_bits: width of an input element.
        element_signed: two's complement.
        weight_bits: two's complement width of the weights, 2 or more.
        bias: (MH,) int64, added to the sums.
    """

    module: ClassVar[str] = "mvu_int"
    forms: ClassVar[frozenset[str]] = frozenset({"groups", "affine"})
    element_bits: int
    element_signed: bool
    weight_bits: int
    bias: np.ndarray

    @property
    def in_bits(self) -> int:
        """Width of an input element."""
        return self.element_bits

    @property
    def input(self) -> Stream:
        """Pixels of integers."""
        fields = super().input
        return Stream(
            height=fields.height,
            width=fields.width,
            channels=fields.channels,
            bits=self.element_bits,
            signed=self.element_signed,
        )

    @property
    def accumulator_bound(self) -> int:
        """Largest magnitude that the weights at hand can make: max(sum|w|) * max|x| + max|bias|."""
        largest = 2 ** (self.element_bits - self.element_signed)
        return int(np.abs(self.weights).sum(axis=1).max() * largest + np.abs(self.bias).max())

    @property
    def start_bits(self) -> int:
        """Accumulators, and one more where a threshold is taken off."""
        return self.accumulator_bits + (self.thresholds is not None)

    def starts(self, correction: np.ndarray | int = 0) -> np.ndarray | None:
        """(MH,) int64: the bias, less the threshold where there is one; never reached stays so."""
        bias = self.bias + correction
        if self.thresholds is None:
            return np.asarray(bias)
        bound = self.accumulator_bound
        return np.asarray(bias - np.clip(self.thresholds, -bound, bound + 1))

    def accumulate(self, values: np.ndarray) -> np.ndarray:
        """sum(w * x) + bias."""
        return np.asarray(super().accumulate(values) + self.bias)

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """Accumulators, their codes, or their comparison with the thresholds."""
        return self.results(self.accumulate(frames))

    def weight_image(self) -> MemoryImage:
        """Word nf*SF + sf; field pe*SIMD + simd."""
        chosen = self.weights[self.lane_channels].astype(np.int64)
        folded = chosen.reshape(self.nf, self.pe, self.sf, self.simd).transpose(0, 2, 1, 3)
        fields = to_bits(folded, self.weight_bits)
        return MemoryImage(parameter="WEIGHT_FILE", words=fields.reshape(self.nf * self.sf, -1))

    def parameters(self) -> Parameters:
        """Adds the widths of the factors and the geometry of the tile."""
        return {
            "IN_BITS": self.element_bits,
            "IN_SIGNED": int(self.element_signed),
            "W_BITS": self.weight_bits,
            "C": self.channels,
            "K": self.kernel,
            "STRIDE": self.stride,
            "M": self.m,
            **super().parameters(),
        }
