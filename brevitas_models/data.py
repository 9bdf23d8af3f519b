# SPDX-License-Identifier: Apache-2.0
"""MNIST and CIFAR-10 in their published layouts, and the test images that ship with the code."""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brevitas_models.errors import ModelError

DATASETS = ("mnist", "cifar10")
FIXTURES = Path(__file__).parent / "fixtures"
_CIFAR_TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
_CIFAR_TEST = ("test_batch.bin",)
_CIFAR_RECORD = 1 + 3 * 32 * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Images (N, H, W, C) uint8 and labels (N,) int64."""

    images: np.ndarray
    labels: np.ndarray


def load(dataset: str, data_dir: Path, train: bool) -> Split:
    """Read one split of a published data set.

    Args:
        dataset: "mnist" or "cifar10".
        data_dir: folder that holds the files, or its parent.
        train: the training split instead of the test split.

    Raises:
        ModelError: no such folder, a file is missing, truncated or not of the format.
    """
    if dataset == "mnist":
        return _mnist(Path(data_dir), "train" if train else "t10k")
    if dataset == "cifar10":
        return _cifar10(Path(data_dir), _CIFAR_TRAIN if train else _CIFAR_TEST)
    raise ModelError(f"data set {dataset!r} is unknown; allowed: {', '.join(DATASETS)}.")


def _find(data_dir: Path, names: tuple[str, ...], folders: tuple[str, ...]) -> Path:
    """Return the first of `names` in `data_dir` or in one of its `folders`."""
    if not data_dir.is_dir():
        raise ModelError(f"{data_dir}: not a directory; name the folder that holds {names[0]}.")
    for folder in ("", *folders):
        for name in names:
            if (data_dir / folder / name).is_file():
                return data_dir / folder / name
    raise ModelError(
        f"{data_dir}: {' or '.join(names)} not found, here or in {', '.join(folders)};"
        " name the folder that holds the published files."
    )


def _idx(path: Path, magic: int) -> np.ndarray:
    """Read an IDX file, plain or gzipped, of unsigned bytes."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); fetch the file again.") from error
    ndim = magic & 0xFF
    if len(raw) < 4 + 4 * ndim or struct.unpack(">I", raw[:4])[0] != magic:
        raise ModelError(
            f"{path}: not an IDX file with magic number {magic}; fetch the file again."
        )
    shape = struct.unpack(f">{ndim}I", raw[4 : 4 + 4 * ndim])
    body = np.frombuffer(raw, np.uint8, offset=4 + 4 * ndim)
    if body.size != int(np.prod(shape)):
        raise ModelError(
            f"{path}: {body.size} bytes of data where the header announces {int(np.prod(shape))};"
            " the file is truncated or damaged, fetch it again."
        )
    return body.reshape(shape).copy()  # writable, as torch wants it


def _mnist(data_dir: Path, prefix: str) -> Split:
    folders = ("mnist", "MNIST", "MNIST/raw", "raw")
    images, labels = (
        _idx(_find(data_dir, (f"{stem}.gz", stem, stem.replace("-idx", ".idx")), folders), magic)
        for stem, magic in (
            (f"{prefix}-images-idx3-ubyte", 2051),
            (f"{prefix}-labels-idx1-ubyte", 2049),
        )
    )
    if len(images) != len(labels) or images.shape[1:] != (28, 28):
        raise ModelError(
            f"{data_dir}: {images.shape} images and {len(labels)} labels;"
            " MNIST has one label per 28x28 image; fetch the files again."
        )
    return Split(images=images[..., None], labels=labels.astype(np.int64))


def _cifar10(data_dir: Path, names: tuple[str, ...]) -> Split:
    parts = []
    for name in names:
        path = _find(data_dir, (name,), ("cifar-10-batches-bin",))
        raw = np.fromfile(path, np.uint8)
        if raw.size == 0 or raw.size % _CIFAR_RECORD or raw[::_CIFAR_RECORD].max() > 9:
            raise ModelError(
                f"{path}: {raw.size} bytes are no whole number of {_CIFAR_RECORD}-byte records"
                " with a label of 0..9 first; fetch the CIFAR-10 binary version again."
            )
        parts.append(raw.reshape(-1, _CIFAR_RECORD))
    records = np.concatenate(parts)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Split(images=np.ascontiguousarray(images), labels=records[:, 0].astype(np.int64))


def fixture(dataset: str) -> Split:
    """The 256 test images that ship with the code, drawn at random from the test set."""
    if dataset not in DATASETS:
        raise ModelError(f"data set {dataset!r} is unknown; allowed: {', '.join(DATASETS)}.")
    path = FIXTURES / f"{dataset}_test256.npz"
    with np.load(path) as pack:
        return Split(images=pack["images"], labels=pack["labels"].astype(np.int64))


def stimulus(
    dataset: str, count: int, data_dir: Path | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Images to verify hardware on.

    From `data_dir`: the first `count` of the published test set. Else the fixture, and when more
    are asked for than it holds, random variants of its images, which carry no label.

    Returns:
        images: (count, H, W, C) uint8.
        labels: (count,) int64, -1 where there is none.

    Raises:
        ModelError: no images asked for, or the data set cannot be read or is too small.
    """
    if count < 1:
        raise ModelError(f"{dataset}: {count} images asked for; at least 1 is needed.")
    if data_dir is not None:
        split = load(dataset, data_dir, train=False)
        if count > len(split.labels):
            raise ModelError(
                f"{data_dir}: {count} images asked for, the test set holds {len(split.labels)};"
                " ask for fewer."
            )
        return split.images[:count], split.labels[:count]
    split = fixture(dataset)
    if count <= len(split.labels):
        return split.images[:count], split.labels[:count]
    extra = variants(split.images, count - len(split.labels), np.random.default_rng(seed))
    labels = np.concatenate([split.labels, np.full(len(extra), -1, np.int64)])
    return np.concatenate([split.images, extra]), labels


def variants(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Make `count` images (N, H, W, C) uint8 by shift, contrast, noise and inversion."""
    picked = images[rng.integers(0, len(images), count)]
    out = np.empty_like(picked)
    for index, image in enumerate(picked):
        shifted = np.roll(image, tuple(rng.integers(-4, 5, 2)), (0, 1)).astype(np.float32)
        shifted = (shifted - 128) * rng.uniform(0.4, 1.8) + 128 + rng.uniform(-30, 30)
        shifted += rng.normal(0, rng.uniform(0, 24), image.shape)
        code = np.clip(np.rint(shifted), 0, 255).astype(np.uint8)
        out[index] = 255 - code if rng.random() < 0.25 else code
    return out
