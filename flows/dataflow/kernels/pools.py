# SPDX-License-Identifier: Apache-2.0
"""`maxpool` and `sumpool`: the largest element of each window, or its sum."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import Kernel, Parameters, check_bounds, check_divides, numbers
from flows.dataflow.stream import Stream
from flows.errors import UnsupportedModelError


@dataclass(frozen=True, kw_only=True, eq=False)
class MaxPool(Kernel):
    """Largest element of each window; what lies beside the image never wins. Of bits, their OR.

    Attributes:
        stream: the image.
        kernel: rows and columns of a window.
        stride: distance of windows, `kernel` or `kernel - 1`; None: `kernel`.
        pad: rows and columns beside the image, fewer than the stride.
        pe: channels at a time; None: all.
    """

    module: ClassVar[str] = "maxpool"
    stream: Stream
    kernel: int
    stride: int | None = None
    pad: int = 0
    pe: int | None = None

    def __post_init__(self) -> None:
        """Refuses windows that the module does not have.

        Raises:
            UnsupportedModelError: with the strides and pads that are possible.
        """
        check_divides(self.module, "PE", self.lanes, self.stream.channels)
        if self.kernel < 2 or self.step not in (self.kernel, self.kernel - 1):
            raise UnsupportedModelError(
                f"maxpool: kernel {self.kernel} with stride {self.step}; allowed are kernels of 2 "
                f"or more, with stride {self.kernel} or {self.kernel - 1}"
            )
        if not 0 <= self.pad < self.step:
            raise UnsupportedModelError(
                f"maxpool: pad {self.pad} with stride {self.step}; the pad must be less"
            )
        _check_fits(self.module, self.stream, self.kernel, self.pad)

    @property
    def step(self) -> int:
        """Distance of windows."""
        return self.kernel if self.stride is None else self.stride

    @property
    def lanes(self) -> int:
        """PE."""
        return self.stream.channels if self.pe is None else self.pe

    @property
    def input(self) -> Stream:
        """Pixels."""
        return self.stream

    @property
    def output(self) -> Stream:
        """Fewer pixels, of the same elements."""
        height, width = (
            (size + 2 * self.pad - self.kernel) // self.step + 1
            for size in (self.stream.height, self.stream.width)
        )
        return replace(self.stream, height=height, width=width)

    def parameters(self) -> Parameters:
        """Shape, folding, windows."""
        return {
            "C": self.stream.channels,
            "PE": self.lanes,
            "BITS": self.stream.bits,
            "SIGNED": int(self.stream.signed),
            "H": self.stream.height,
            "WIDTH": self.stream.width,
            "K": self.kernel,
            "STRIDE": self.step,
            "PAD": self.pad,
        }

    def cycles(self) -> int:
        """C / PE cycles a pixel."""
        return self.stream.beats * (self.stream.channels // self.lanes)

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """Maximum over the windows."""
        side = (self.pad, self.pad)
        lowest = np.iinfo(frames.dtype).min
        padded = np.pad(frames, ((0, 0), side, side, (0, 0)), constant_values=lowest)
        return np.asarray(_windows(padded, self.kernel, self.step).max(axis=(4, 5)))


@dataclass(frozen=True, kw_only=True, eq=False)
class SumPool(Kernel):
    """clip(floor(sum over the window / 2^shift), low, high): average and global pool.

    Attributes:
        stream: the image; bits count as +-1.
        kernel: rows and columns of a window, and distance of windows.
        shift: of the sum.
        low, high: bounds of the codes; where low < 0 they are two's complement.
        bits: width of a code.
        pe: channels at a time.
    """

    module: ClassVar[str] = "sumpool"
    stream: Stream
    kernel: int
    shift: int
    low: int
    high: int
    bits: int
    pe: int

    def __post_init__(self) -> None:
        """Refuses bounds that do not fit, and windows larger than the image."""
        check_divides(self.module, "PE", self.pe, self.stream.channels)
        check_bounds(self.module, self.low, self.high, self.bits)
        _check_fits(self.module, self.stream, self.kernel, 0)

    @property
    def input(self) -> Stream:
        """Pixels."""
        return self.stream

    @property
    def output(self) -> Stream:
        """Codes, K times fewer pixels each way."""
        return replace(
            self.stream,
            height=self.stream.height // self.kernel,
            width=self.stream.width // self.kernel,
            bits=self.bits,
            signed=self.low < 0,
        )

    def parameters(self) -> Parameters:
        """Shape, folding, arithmetic."""
        return {
            "C": self.stream.channels,
            "PE": self.pe,
            "IN_BITS": self.stream.bits,
            "IN_SIGNED": int(self.stream.signed),
            "OUT_BITS": self.bits,
            "SHIFT": self.shift,
            "LOW": self.low,
            "HIGH": self.high,
            "H": self.stream.height,
            "WIDTH": self.stream.width,
            "K": self.kernel,
        }

    def cycles(self) -> int:
        """C / PE cycles a pixel."""
        return self.stream.beats * (self.stream.channels // self.pe)

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """First the sum, then the floor, then the clip."""
        windows = _windows(numbers(self.stream, frames), self.kernel, self.kernel)
        sums = windows.sum(axis=(4, 5)) >> self.shift
        return np.asarray(np.clip(sums, self.low, self.high))


def _check_fits(where: str, stream: Stream, kernel: int, pad: int) -> None:
    if kernel < 1 or min(stream.height, stream.width) + 2 * pad < kernel:
        raise UnsupportedModelError(
            f"{where}: a window of {kernel} x {kernel} does not fit in {stream} with pad {pad}"
        )


def _windows(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """(N, H, W, C) to (N, OH, OW, C, K, K)."""
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))
    return view[:, ::stride, ::stride]
