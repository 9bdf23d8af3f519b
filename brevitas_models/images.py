# SPDX-License-Identifier: Apache-2.0
"""Images of any shape to verify a network on: real ones where there are any that fit."""

from pathlib import Path

import numpy as np

from brevitas_models.data import stimulus

_DATASET = {1: "mnist", 3: "cifar10"}
_SIZE = {"mnist": 28, "cifar10": 32}


def images_of_shape(
    shape: tuple[int, int, int], count: int, data_dir: Path | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Test images of a data set, cropped to the middle; random pixels where none is large enough.

    Args:
        shape: (H, W, C).
        count: images wanted.
        data_dir: folder with the published data set; None takes the shipped fixture.

    Returns:
        images: (count, H, W, C) uint8.
        labels: (count,) int64, -1 where there is none. A cropped image keeps its label.
        dataset: name, or "random".

    Raises:
        ModelError: as `stimulus`.
    """
    height, width, channels = shape
    dataset = _DATASET.get(channels)
    if dataset is None or max(height, width) > _SIZE[dataset]:
        pixels = np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)
        return pixels, np.full(count, -1, np.int64), "random"
    images, labels = stimulus(dataset, count, data_dir)
    top, left = (_SIZE[dataset] - height) // 2, (_SIZE[dataset] - width) // 2
    return images[:, top : top + height, left : left + width], labels, dataset
