# SPDX-License-Identifier: Apache-2.0
"""The image folder: what is read, how it is cropped and divided; a run of two processes."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from brevitas_models import imagefolder, train
from brevitas_models.errors import ModelError
from brevitas_models.imagefolder import FolderBatches, evaluation_batches, read_folder

CLASSES = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three classes, told apart by their colour, of images of various sizes."""
    root = tmp_path_factory.mktemp("imagenet")
    rng = np.random.default_rng(0)
    for split, count in (("train", 16), ("val", 4)):
        for label in range(CLASSES):
            path = root / split / f"n{label:08d}"
            path.mkdir(parents=True)
            for index in range(count):
                height, width = rng.integers(70, 120, 2)
                pixels = rng.integers(0, 90, (height, width, 3), np.uint8)
                pixels[:, :, label] += 120
                Image.fromarray(pixels).save(path / f"{index}.JPEG")
        (root / split / "notes.txt").write_text("no class")
    return root


def test_labels_are_the_sorted_classes(folder):
    images = read_folder(folder, train=False, size=64)
    assert [label for _, label in images.files] == [0] * 4 + [1] * 4 + [2] * 4
    assert images.files[0][0].name == "0.JPEG"
    for x, labels in evaluation_batches(images, 5):
        assert x.shape[1:] == (3, 64, 64)
        assert x.mean((2, 3)).argmax(1).tolist() == labels.tolist()


def test_crops_are_fixed_by_seed_epoch_and_image_alone(folder):
    images = read_folder(folder, train=True, size=32)
    again = read_folder(folder, train=True, size=32).subset(range(10), train=True)
    assert torch.equal(images[(1, 2, 3)][0], again[(1, 2, 3)][0])
    assert not torch.equal(images[(1, 2, 3)][0], images[(1, 3, 3)][0])
    assert not torch.equal(images[(1, 2, 3)][0], images[(2, 2, 3)][0])
    centre = images.subset([3], train=False)
    assert torch.equal(centre[(1, 2, 0)][0], centre[(7, 8, 0)][0])


def test_processes_divide_every_batch_and_a_resumed_epoch_goes_on(folder):
    images = read_folder(folder, train=True, size=32)
    whole = FolderBatches(images, 8, seed=5)
    parts = [FolderBatches(images, 8, seed=5, rank=rank, count=2) for rank in (0, 1)]
    assert len(whole) == len(parts[0]) == 6
    for step, keys in enumerate(whole.keys(1)):
        shares = [part.keys(1)[step] for part in parts]
        assert sorted(shares[0] + shares[1]) == sorted(keys)
        assert len(shares[0]) == len(shares[1]) == 4
    assert whole.keys(1, start=4) == whole.keys(1)[4:]
    assert whole.keys(0) != [[(s, 0, i) for s, _, i in part] for part in whole.keys(1)]


@pytest.mark.nightly  # starts processes of its own
def test_workers_change_nothing(folder):
    images = read_folder(folder, train=True, size=32)
    here, there = (
        list(FolderBatches(images, 16, seed=1, workers=workers).epoch(0, 1)) for workers in (0, 1)
    )
    assert len(here) == 2
    for (x, y), (other, labels) in zip(here, there, strict=True):
        assert torch.equal(x, other)
        assert torch.equal(y, labels)


def test_bad_folders_are_refused(folder, tmp_path):
    with pytest.raises(ModelError, match=r"train: not a directory.*val/CLASS"):
        read_folder(tmp_path, train=True, size=32)
    (tmp_path / "train" / "n0").mkdir(parents=True)
    with pytest.raises(ModelError, match="no images found"):
        read_folder(tmp_path, train=True, size=32)
    (tmp_path / "train" / "n0" / "a.jpg").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"a.jpg: cannot be decoded"):
        read_folder(tmp_path, train=True, size=32)[(0, 0, 0)]


def test_crop_keeps_its_limits():
    rng = np.random.default_rng(0)
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3))
    mirrored = 0
    for _ in range(60):
        crop = np.asarray(imagefolder._random_crop(Image.fromarray(ramp.copy()), 40, rng))
        slope = int(crop[20, -1, 0]) - int(crop[20, 0, 0])
        mirrored += slope < 0
        # at least 8 % of the area at a ratio of at least 3:4 is 34 pixels wide
        assert 25 <= abs(slope) <= 200
    assert 15 < mirrored < 45


def _options(folder, out, *extra):
    return ["--model", "tiny_imagenet", "--data", str(folder), "--out", str(out), "--batch", "8",
            "--holdout", "6", "--workers", "0", "--device", "cpu", "--no-bf16", *extra]  # fmt: skip


def test_folder_of_another_data_set_is_refused(folder, tmp_path, capsys):
    options = _options(folder, tmp_path, "--epochs", "1")
    options[1] = "bireal18_imagenet"
    assert train.main(options) == 2
    assert "3 classes; bireal18_imagenet has 1000" in capsys.readouterr().err


@pytest.mark.nightly  # starts processes of its own
def test_two_processes_train_one_network(folder, tmp_path):
    """Through torchrun, stopped and resumed; what is written is a whole run's."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    options = _options(folder, tmp_path / "out", "--epochs", "4", "--fix-at", "0.75")
    for extra in (["--stop-after", "2"], ["--resume"]):
        command = [*torchrun, "2", "-m", "brevitas_models.train", *options, *extra]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
    history = json.loads((tmp_path / "out" / "history.json").read_text())
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["loss"] < history[0]["loss"]
    final = torch.load(tmp_path / "out" / "final.pt", weights_only=True)["model"]
    assert all(value > 0 for key, value in final.items() if key.endswith(".shift"))


def test_batch_that_processes_do_not_divide_is_refused(folder):
    from brevitas_models import zoo
    from brevitas_models.processes import Process

    recipe = train.Recipe(epochs=1, lr=0.1, batch=8, holdout=0)
    images = read_folder(folder, train=True, size=72)
    with pytest.raises(ModelError, match="8 images for 3 processes"):
        train.Trainer(zoo.entry("tiny_imagenet").build(), recipe, images, Process(count=3))
