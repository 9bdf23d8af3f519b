# SPDX-License-Identifier: Apache-2.0
"""ImageNet in its usual layout: `train/CLASS/*.JPEG` and `val/CLASS/*.JPEG`, read while training.

Which images a step sees and how each is cropped depends on seed, epoch and position only, not on
the number of processes or workers, so that a run can be resumed anywhere.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from brevitas_models.errors import ModelError

SUFFIXES = {".jpeg", ".jpg", ".png"}
_CENTRE = 256 / 224  # the shorter side before the central crop, per side of the crop
Key = tuple[int, int, int]  # seed of the crop, epoch, index of the image


class ImageFolder(Dataset):
    """Images of a folder per class, decoded to (C, size, size) uint8 with their label.

    Args:
        files: path and label of each image.
        size: side of the crop.
        train: random-resized crop and mirror instead of the centre.
    """

    def __init__(self, files: Sequence[tuple[Path, int]], size: int, train: bool) -> None:
        self.files = list(files)
        self.size = size
        self.train = train

    def __len__(self) -> int:
        return len(self.files)

    def subset(self, indices: Sequence[int], train: bool) -> "ImageFolder":
        """Some of the images, cropped for training or for evaluation."""
        return ImageFolder([self.files[i] for i in indices], self.size, train)

    def __getitem__(self, key: Key) -> tuple[Tensor, int]:
        seed, epoch, index = key
        path, label = self.files[index]
        try:
            with Image.open(path) as raw:
                image = raw.convert("RGB")
        except OSError as error:
            raise ModelError(
                f"{path}: cannot be decoded ({error}); fetch the file again or remove it."
            ) from error
        if self.train:
            rng = np.random.default_rng((seed, epoch, index))
            image = _random_crop(image, self.size, rng)
        else:
            image = _centre_crop(image, self.size)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1), label


def _random_crop(image: Image.Image, size: int, rng: np.random.Generator) -> Image.Image:
    """8 to 100 % of the area with sides 3:4 to 4:3, resized; mirrored every other time."""
    width, height = image.size
    for _ in range(10):
        area = width * height * rng.uniform(0.08, 1.0)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
            break
    else:
        w = h = min(width, height)
        left, top = (width - w) // 2, (height - h) // 2
    box = (left, top, left + w, top + h)
    image = image.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    mirror = Image.Transpose.FLIP_LEFT_RIGHT
    return image.transpose(mirror) if rng.random() < 0.5 else image


def _centre_crop(image: Image.Image, size: int) -> Image.Image:
    """The shorter side resized to 256 for a crop of 224, then the centre."""
    scale = size * _CENTRE / min(image.size)
    width, height = (max(size, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    left, top = (width - size) // 2, (height - size) // 2
    return image.crop((left, top, left + size, top + size))


def read_folder(data_dir: Path, train: bool, size: int) -> ImageFolder:
    """List one split.

    Raises:
        ModelError: no such folder, or no images in it.
    """
    root = Path(data_dir) / ("train" if train else "val")
    if not root.is_dir():
        raise ModelError(
            f"{root}: not a directory; an image folder has train/CLASS/*.JPEG and"
            " val/CLASS/*.JPEG; name the folder that holds both."
        )
    classes = sorted(path for path in root.iterdir() if path.is_dir())
    files = [
        (path, label)
        for label, folder in enumerate(classes)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]
    if not files:
        raise ModelError(
            f"{root}: no images found; {', '.join(sorted(SUFFIXES))} in a folder per class are"
            " expected."
        )
    return ImageFolder(files, size, train)


class FolderBatches:
    """A folder that yields shuffled batches, decoded by worker processes.

    Args:
        batch: images per step over all processes.
        rank, count: this process takes every count-th image of a batch, from `rank`.
        workers: decoding processes; 0 decodes here.
    """

    def __init__(
        self,
        folder: ImageFolder,
        batch: int,
        *,
        seed: int,
        rank: int = 0,
        count: int = 1,
        workers: int = 0,
    ) -> None:
        self._folder, self._batch, self._seed = folder, batch, seed
        self._rank, self._count, self._workers = rank, count, workers

    def __len__(self) -> int:
        return len(self._folder) // self._batch

    def keys(self, epoch: int, start: int = 0) -> list[list[Key]]:
        """What this process reads in an epoch, from step `start`."""
        rng = np.random.default_rng((self._seed, epoch))
        order = rng.permutation(len(self._folder))
        steps = range(start, len(self))
        batches = [order[i * self._batch : (i + 1) * self._batch] for i in steps]
        return [
            [(self._seed, epoch, int(i)) for i in part[self._rank :: self._count]]
            for part in batches
        ]

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (images (B, C, H, W) float32 in 0..255, labels (B,) int64), from step `start`."""
        loader = DataLoader(
            self._folder,
            batch_sampler=self.keys(number, start),
            num_workers=self._workers,
            pin_memory=torch.cuda.is_available(),
        )
        for images, labels in loader:
            yield images.float(), labels


def evaluation_batches(
    folder: ImageFolder, batch: int, workers: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """All images in order, (B, C, H, W) float32 in 0..255 with (B,) labels."""
    keys: list[Key] = [(0, 0, i) for i in range(len(folder))]
    parts = [keys[i : i + batch] for i in range(0, len(keys), batch)]
    for images, labels in DataLoader(folder, batch_sampler=parts, num_workers=workers):
        yield images.float(), labels
