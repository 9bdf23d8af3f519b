# SPDX-License-Identifier: Apache-2.0
"""Random shifts and flips of whole batches of uint8 images, where the images lie."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


class Batches:
    """A training set in memory that yields shuffled, augmented batches.

    Args:
        images: (N, H, W, C) uint8.
        labels: (N,) int64.
        batch: images per step over all processes.
        shift: largest shift in pixels along each axis; uncovered pixels mirror the image.
        flip: mirror half of the images left to right.
        generator: source of every random choice, so that a run can be resumed exactly; the same
            in all processes.
        device: where the images are kept and cut.
        rank, count: this process takes every count-th image of a batch, from `rank`.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch: int,
        shift: int,
        flip: bool,
        generator: torch.Generator,
        device: torch.device | None = None,
        rank: int = 0,
        count: int = 1,
    ) -> None:
        x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device)
        if shift:
            x = F.pad(x.float(), (shift,) * 4, mode="reflect").to(torch.uint8)
        size = images.shape[1]
        # (N, C, 2*shift+1, 2*shift+1, H, W), a view: every crop of every image
        self._crops = x.unfold(2, size, 1).unfold(3, size, 1)
        self._labels = torch.from_numpy(labels).to(device)
        self._batch = batch
        self._shift = shift
        self._flip = flip
        self._generator = generator
        self._share = slice(rank, None, count)

    def __len__(self) -> int:
        return len(self._labels) // self._batch

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (images (B, C, H, W) float32 in 0..255, labels (B,) int64), once around.

        Args:
            number: of the epoch; the generator knows it already.
            start: steps to leave out, whose random choices are made all the same.
        """
        order = torch.randperm(len(self._labels), generator=self._generator)
        for step in range(len(self)):
            index = order[step * self._batch : (step + 1) * self._batch]
            choices = self._choose(len(index))
            if step >= start:
                yield self._images(index[self._share], *(c[..., self._share] for c in choices))

    def _choose(self, count: int) -> tuple[Tensor, Tensor]:
        """Offsets (2, count) and whether to mirror (count,)."""
        offsets = torch.randint(0, 2 * self._shift + 1, (2, count), generator=self._generator)
        if not self._flip:
            return offsets, torch.zeros(count, dtype=torch.bool)
        return offsets, torch.rand(count, generator=self._generator) < 0.5

    def _images(self, index: Tensor, offsets: Tensor, mirror: Tensor) -> tuple[Tensor, Tensor]:
        device = self._labels.device
        index, offsets = index.to(device), offsets.to(device)
        x = self._crops[index, :, offsets[0], offsets[1]]
        if self._flip:
            x = torch.where(mirror.to(device)[:, None, None, None], x.flip(3), x)
        return x.float(), self._labels[index]
