# SPDX-License-Identifier: Apache-2.0
"""Zero padding of bits, a third symbol: what a window that reaches over an edge has too much."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """The image of a convolution whose padding counts as nothing.

    The window unit puts bits 0 (-1) beside the image; `correction` is what that changes.

    Attributes:
        height, width: of the image, without padding.
        kernel, stride, pad: of the windows.
        m: windows of a tile.
    """

    height: int
    width: int
    kernel: int
    stride: int
    pad: int
    m: int

    def outside(self) -> tuple[np.ndarray, np.ndarray]:
        """For rows and for columns: (windows, K) bool, which taps lie beside the image."""
        sides = []
        for size in (self.height, self.width):
            count = (size + 2 * self.pad - self.kernel) // self.stride + 1
            taps = np.arange(count)[:, None] * self.stride - self.pad + np.arange(self.kernel)
            sides.append((taps < 0) | (taps >= size))
        return sides[0], sides[1]

    def correction(self, taps: np.ndarray) -> np.ndarray:
        """What is missing where a window reaches over the edge.

        Args:
            taps: (MH, K, K) int64, for each tap the sum of its weights over the input channels.

        Returns:
            (OH, OW, MH) int64: sum(w * x) with zeros beside the image, less that with -1.
        """
        rows, columns = self.outside()
        beside = rows[:, None, :, None] | columns[None, :, None, :]  # OH, OW, kh, kw
        return np.asarray(np.einsum("yxij,oij->yxo", beside.astype(np.int64), taps))

    def classes(self) -> tuple[np.ndarray, np.ndarray]:
        """First output row of each class, and first output column of each class of tiles.

        A class begins where the taps outside differ from those of the tile before, as border_words
        counts them.
        """
        rows, columns = self.outside()
        tiles = columns.reshape(len(columns) // self.m, -1)
        firsts = [
            np.flatnonzero(np.r_[True, (side[1:] != side[:-1]).any(axis=1)])
            for side in (rows, tiles)
        ]
        return firsts[0], firsts[1] * self.m
