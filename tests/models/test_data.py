# SPDX-License-Identifier: Apache-2.0
"""Loaders of the published layouts, fixtures and synthetic stimulus."""

import gzip
import struct

import numpy as np
import pytest

from brevitas_models import data
from brevitas_models.errors import ModelError


def _write_mnist(folder, count=5, compress=True, prefix="t10k"):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    labels = rng.integers(0, 10, count).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    for stem, head, body in (
        ("images-idx3", struct.pack(">4I", 2051, count, 28, 28), images),
        ("labels-idx1", struct.pack(">2I", 2049, count), labels),
    ):
        raw = head + body.tobytes()
        name = f"{prefix}-{stem}-ubyte" + (".gz" if compress else "")
        (folder / name).write_bytes(gzip.compress(raw) if compress else raw)
    return images, labels


def _write_cifar(folder, count=4):
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
    labels = rng.integers(0, 10, count).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    records = [
        bytes([y]) + x.transpose(2, 0, 1).tobytes() for x, y in zip(images, labels, strict=True)
    ]
    (folder / "test_batch.bin").write_bytes(b"".join(records))
    return images, labels


@pytest.mark.parametrize("compress", [True, False], ids=["gz", "raw"])
@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw"])
def test_mnist(tmp_path, compress, below):
    images, labels = _write_mnist(tmp_path / below, compress=compress)
    split = data.load("mnist", tmp_path, train=False)
    assert np.array_equal(split.images[..., 0], images)
    assert np.array_equal(split.labels, labels)
    assert split.images.shape == (5, 28, 28, 1)


@pytest.mark.parametrize("below", ["", "cifar-10-batches-bin"])
def test_cifar10(tmp_path, below):
    images, labels = _write_cifar(tmp_path / below)
    split = data.load("cifar10", tmp_path, train=False)
    assert np.array_equal(split.images, images)
    assert np.array_equal(split.labels, labels)


def test_missing_folder_file_and_name(tmp_path):
    with pytest.raises(ModelError, match="not a directory"):
        data.load("mnist", tmp_path / "none", train=False)
    with pytest.raises(ModelError, match=r"test_batch.bin not found"):
        data.load("cifar10", tmp_path, train=False)
    with pytest.raises(ModelError, match="allowed: mnist, cifar10"):
        data.load("imagenet", tmp_path, train=False)


def test_damaged_files(tmp_path):
    _write_mnist(tmp_path, compress=False)
    path = tmp_path / "t10k-images-idx3-ubyte"
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    with pytest.raises(ModelError, match="3913 bytes of data where the header announces 3920"):
        data.load("mnist", tmp_path, train=False)
    path.write_bytes(b"\0\0\x08\x01" + content[4:])
    with pytest.raises(ModelError, match="not an IDX file"):
        data.load("mnist", tmp_path, train=False)
    path.unlink()
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(content)[:40])
    with pytest.raises(ModelError, match="cannot be read"):
        data.load("mnist", tmp_path, train=False)
    _write_cifar(tmp_path)
    cifar = tmp_path / "test_batch.bin"
    cifar.write_bytes(cifar.read_bytes()[:-1])
    with pytest.raises(ModelError, match="no whole number of 3073-byte records"):
        data.load("cifar10", tmp_path, train=False)


@pytest.mark.parametrize("dataset, shape", [("mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
def test_fixture_and_stimulus(dataset, shape):
    split = data.fixture(dataset)
    assert split.images.shape == (256, *shape)
    assert split.images.dtype == np.uint8
    assert set(split.labels) == set(range(10))
    images, labels = data.stimulus(dataset, 300)
    again, _ = data.stimulus(dataset, 300)
    assert np.array_equal(images, again)
    assert images.shape == (300, *shape)
    assert np.array_equal(images[:256], split.images)
    assert (labels[256:] == -1).all()
    assert len(np.unique(images.reshape(300, -1), axis=0)) == 300
    few, few_labels = data.stimulus(dataset, 10)
    assert np.array_equal(few, split.images[:10])
    assert (few_labels >= 0).all()


def test_stimulus_from_a_folder(tmp_path):
    images, _ = _write_cifar(tmp_path)
    got, labels = data.stimulus("cifar10", 3, tmp_path)
    assert np.array_equal(got, images[:3])
    assert labels.dtype == np.int64
    with pytest.raises(ModelError, match="the test set holds 4"):
        data.stimulus("cifar10", 5, tmp_path)
    with pytest.raises(ModelError, match="at least 1"):
        data.stimulus("cifar10", 0)
