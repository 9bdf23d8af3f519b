# SPDX-License-Identifier: Apache-2.0
"""The trainer: a step lowers the loss, a resumed run ends as an uninterrupted one, NaN stops it."""

import json
import math

import numpy as np
import pytest
import torch

from brevitas_models import data, train, zoo
from brevitas_models.augment import Batches
from brevitas_models.errors import ModelError


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def _split(count=120, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.integers(0, 100, (count, 8, 8, 1), np.uint8)
    images[np.arange(count), :, labels % 8] += 130
    return data.Split(images=images, labels=labels)


def _recipe(**changes):
    given = {"epochs": 3, "lr": 0.01, "batch": 20, "init": 0.1, "holdout": 20, "shift": 1}
    return train.Recipe(**(given | {"bf16": False, "flip": True} | changes))


def _trainer(**changes):
    torch.manual_seed(123)
    return train.Trainer(zoo.entry("tiny_fc").build(), _recipe(**changes), _split())


@pytest.mark.parametrize("loss", ["cross_entropy", "sqhinge"])
def test_steps_lower_the_loss(loss):
    trainer = _trainer(loss=loss, dropout=0.0, shift=0, flip=False)
    x, labels = next(trainer.batches.epoch())
    losses = [trainer.step(x, labels)[0] for _ in range(15)]
    assert losses[-1] < losses[0]
    for layer in trainer.model.binary_layers().values():
        assert float(layer.weight.abs().max()) <= 1.0


@pytest.mark.parametrize("bf16", [False, True])
def test_resumed_run_is_identical(tmp_path, bf16):
    whole = _trainer(bf16=bf16)
    for _ in range(3):
        whole.epoch()
    first = _trainer(bf16=bf16)
    first.epoch()
    train.save_atomically(first.state(), tmp_path / "state.pt")
    torch.manual_seed(99)  # a new process has another random state
    second = _trainer(bf16=bf16)
    second.restore(train.read_state(tmp_path / "state.pt"))
    for _ in range(2):
        second.epoch()
    for trainer in (whole, second):
        trainer.recalibrate()
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[key]), key
    drop = [{k: v for k, v in row.items() if k != "seconds"} for row in whole.history]
    assert drop == [{k: v for k, v in row.items() if k != "seconds"} for row in second.history]


def test_not_finite_loss_stops_with_advice():
    trainer = _trainer()
    with torch.no_grad():
        trainer.model.norm.norm.weight.fill_(math.nan)
    x, labels = next(trainer.batches.epoch())
    with pytest.raises(ModelError, match=r"epoch 0: the loss is nan.*lower --lr"):
        trainer.step(x, labels)


def test_recalibrated_statistics_are_the_averages_of_the_final_weights():
    trainer = _trainer(shift=0, flip=False, dropout=0.3, recalibrate=100)
    trainer.epoch()
    trainer.recalibrate()
    block = trainer.model.blocks["fc0"]
    x = torch.from_numpy(np.concatenate([x.numpy() for x, _ in trainer.batches.epoch()]))
    with torch.no_grad():
        acc = block.layer(trainer.model.input(x).flatten(1))
    assert torch.allclose(block.sign.norm.running_mean, acc.mean(0), atol=1e-4)
    assert block.sign.norm.momentum == 0.1


def test_learning_rate_warms_up_and_ends_at_zero():
    recipe = _recipe(epochs=10, lr=0.5)
    assert train.learning_rate(recipe, 0.5) == 0.25
    assert train.learning_rate(recipe, 1.0) == 0.5
    assert train.learning_rate(recipe, 5.5) == pytest.approx(0.25)
    assert train.learning_rate(recipe, 10.0) == pytest.approx(0.0)


def test_augmentation_shifts_and_flips_whole_images():
    images = np.arange(2 * 6 * 6 * 3, dtype=np.uint8).reshape(2, 6, 6, 3)
    batches = Batches(images, np.array([3, 4]), 2, 2, True, torch.Generator().manual_seed(0))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    seen = set()
    for _ in range(40):
        ((x, labels),) = batches.epoch()
        for image, label in zip(x.numpy(), labels.tolist(), strict=True):
            source = padded[label - 3]
            crops = {
                (dy, dx, mirror): source[dy : dy + 6, dx : dx + 6][:, :: -1 if mirror else 1]
                for dy in range(5)
                for dx in range(5)
                for mirror in (False, True)
            }
            got = image.transpose(1, 2, 0)
            seen.update(key for key, crop in crops.items() if np.array_equal(crop, got))
    assert len(seen) > 30


def _command(tmp_path, *extra):
    return train.main(
        ["--model", "tiny_fc", "--data", str(tmp_path), "--out", str(tmp_path / "out"),
         "--epochs", "2", "--batch", "20", "--holdout", "20", *extra]
    )  # fmt: skip


def test_command_line_in_pieces(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "load", lambda *_args, **_kwargs: _split())
    assert _command(tmp_path, "--stop-after", "1") == 0
    assert not (tmp_path / "out" / "final.pt").exists()
    assert _command(tmp_path, "--resume") == 0
    assert len(json.loads((tmp_path / "out" / "history.json").read_text())) == 2
    assert (tmp_path / "out" / "curves.png").stat().st_size > 1000
    model, _ = zoo.trained("tiny_fc", tmp_path / "out" / "final.pt")
    assert not model.training
    assert "epoch 2/2" in capsys.readouterr().out


def test_command_line_errors(tmp_path, monkeypatch, capsys):
    assert train.main(["--model", "cvn", "--data", "x", "--out", "y"]) == 2
    monkeypatch.setattr(data, "load", lambda *_args, **_kwargs: _split())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "state.pt").write_bytes(b"nothing")
    assert _command(tmp_path, "--resume") == 2
    assert "not a training state" in capsys.readouterr().err
    train.save_atomically(_trainer().state(), tmp_path / "out" / "state.pt")
    assert _command(tmp_path, "--resume", "--seed", "7") == 2
    assert "seed 1 (now 7)" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    command = ["--model", "tiny_fc", "--data", "x", "--out", str(tmp_path / "file" / "out")]
    assert train.main(command) == 2
    assert "--out must be writable" in capsys.readouterr().err


def test_state_of_another_network_is_refused():
    state = _trainer().state()
    torch.manual_seed(1)
    other = train.Trainer(zoo.entry("tfc_w1a1").build(), _recipe(), _split())
    with pytest.raises(ModelError, match="of another network"):
        other.restore(state)
