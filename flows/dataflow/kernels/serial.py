# SPDX-License-Identifier: Apache-2.0
"""`mvu_serial`: the input-stationary unit, words of SIMD inputs in, words of PE results out."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import MemoryImage, Parameters
from flows.dataflow.kernels.integer import MvuProduct
from flows.dataflow.kernels.matrix import ConvXnor, MatrixUnit
from flows.errors import FoldingError


@dataclass(frozen=True, kw_only=True, eq=False)
class Serial(MatrixUnit):
    """A dense layer, or a convolution with one output pixel: `for sf in N/SIMD: for nf in MH/PE`.

    Inputs arrive in the order of the weights' columns, which for a convolution whose window is the
    whole image is the order of its pixels.
    """

    module: ClassVar[str] = "mvu_serial"
    forms: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        """Refuses more than one output pixel, and foldings that do not divide."""
        super().__post_init__()
        if (self.height, self.width) != (1, 1):
            raise FoldingError(
                f"{self.module}: form 'input' needs a layer with one output pixel, this one has "
                f"{self.height} x {self.width}; use form 'window'"
            )

    @property
    def input_bits(self) -> int:
        """A word of SIMD inputs."""
        return self.simd * self.in_bits

    @property
    def output_bits(self) -> int:
        """A word of PE results."""
        return self.pe * self.output.bits

    def weight_image(self) -> MemoryImage:
        """Word sf*NF + nf; field pe*SIMD + simd."""
        folded = super().weight_image().words.reshape(self.nf, self.sf, -1)
        words = folded.transpose(1, 0, 2).reshape(self.nf * self.sf, -1)
        return MemoryImage(parameter="WEIGHT_FILE", words=words)

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """The same arithmetic; only the order in time differs."""
        window = self.input
        shape = (len(frames), window.height, window.width, window.channels)
        return super().compute(frames.reshape(shape))


@dataclass(frozen=True, kw_only=True, eq=False)
class MvuSerial(Serial, ConvXnor):
    """Over bits."""

    module: ClassVar[str] = Serial.module
    forms: ClassVar[frozenset[str]] = Serial.forms

    def parameters(self) -> Parameters:
        """MW instead of a tile's geometry."""
        return {"MW": self.n} | dict(MatrixUnit.parameters(self))


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductSerial(Serial, MvuProduct):
    """Over integers; sums leave as they are, with their bias."""

    module: ClassVar[str] = Serial.module
    forms: ClassVar[frozenset[str]] = Serial.forms

    def __post_init__(self) -> None:
        """Refuses thresholds.

        Raises:
            FoldingError: they are for bits.
        """
        super().__post_init__()
        if self.thresholds is not None:
            raise FoldingError(
                f"{self.module}: form 'input' has no thresholds over integers; use form 'window'"
            )

    def parameters(self) -> Parameters:
        """MW instead of a tile's geometry, and the widths of the factors."""
        return {
            "MW": self.n,
            "IN_BITS": self.element_bits,
            "IN_SIGNED": int(self.element_signed),
            "W_BITS": self.weight_bits,
            **MatrixUnit.parameters(self),
        }
