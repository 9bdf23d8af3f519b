# SPDX-License-Identifier: Apache-2.0
"""Random shifts and flips of whole batches of uint8 images."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


class Batches:
    """A training set in memory that yields shuffled, augmented batches.

    Args:
        images: (N, H, W, C) uint8.
        labels: (N,) int64.
        shift: largest shift in pixels along each axis; uncovered pixels mirror the image.
        flip: mirror half of the images left to right.
        generator: source of every random choice, so that a run can be resumed exactly.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch: int,
        shift: int,
        flip: bool,
        generator: torch.Generator,
    ) -> None:
        x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        if shift:
            x = F.pad(x.float(), (shift,) * 4, mode="reflect").to(torch.uint8)
        size = images.shape[1]
        # (N, C, 2*shift+1, 2*shift+1, H, W), a view: every crop of every image
        self._crops = x.unfold(2, size, 1).unfold(3, size, 1)
        self._labels = torch.from_numpy(labels)
        self._batch = batch
        self._shift = shift
        self._flip = flip
        self._generator = generator

    def __len__(self) -> int:
        return len(self._labels) // self._batch

    def epoch(self):  # noqa: ANN201
        """Yield (images (B, C, H, W) float32 in 0..255, labels (B,) int64), once around."""
        order = torch.randperm(len(self._labels), generator=self._generator)
        for start in range(0, len(self) * self._batch, self._batch):
            index = order[start : start + self._batch]
            yield self._images(index), self._labels[index]

    def _images(self, index: Tensor) -> Tensor:
        count = len(index)
        offsets = torch.randint(0, 2 * self._shift + 1, (2, count), generator=self._generator)
        x = self._crops[index, :, offsets[0], offsets[1]]
        if self._flip:
            mirror = torch.rand(count, generator=self._generator) < 0.5
            x = torch.where(mirror[:, None, None, None], x.flip(3), x)
        return x.float()
