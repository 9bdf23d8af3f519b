# SPDX-License-Identifier: Apache-2.0
"""Training of graph networks: phases, resuming in mid-epoch, and what is trained is deployed."""

import numpy as np
import pytest
import torch

from brevitas_models import data, train, zoo
from brevitas_models.artifacts import exact_arithmetic
from brevitas_models.errors import ModelError
from brevitas_models.graph import freeze_graph
from brevitas_models.requant import Requant
from brevitas_models.trainer import Trainer, accuracy

GRAPHS = ["tiny_bireal", "tiny_densenet", "tiny_ftbnn", "tiny_resnet_tb", "tiny_vgg"]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def _split(count=240, seed=0, size=8):
    """Images whose class is where a bright bar stands and of which colour."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = rng.integers(0, 120, (count, size, size, 3), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 4 * (label % 2) : 4 * (label % 2) + 3, label // 2] += 130
    return data.Split(images=images, labels=labels)


def _trainer(name, **changes):
    torch.manual_seed(123)
    given = {"epochs": 4, "lr": 0.01, "batch": 20, "init": 0.1, "holdout": 40, "bf16": False}
    recipe = train.Recipe(**(given | {"fix_at": 0.75, "recalibrate": 200} | changes))
    return Trainer(zoo.entry(name).build(), recipe, _split())


def _deployed(trainer, images):
    """Sums of the frozen network, and of the trained one in eval mode."""
    deploy = freeze_graph(trainer.model)[1]
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float().contiguous()
    with exact_arithmetic():
        return deploy.accumulators(x).double(), trainer.model.eval().accumulators(x).double()


@pytest.mark.parametrize("name", GRAPHS)
def test_training_learns_and_is_deployed_as_trained(name):
    trainer = _trainer(name, epochs=6)
    for _ in range(6):
        trainer.epoch()
    losses = [row["loss"] for row in trainer.history]
    assert losses[-1] < 0.8 * losses[0]
    assert all(m.fixed for m in trainer.model.modules() if isinstance(m, Requant))
    trainer.recalibrate()
    deployed, trained = _deployed(trainer, _split(60, seed=9).images)
    assert torch.equal(deployed, trained)
    deploy = freeze_graph(trainer.model)[1]
    assert accuracy(deploy, _split(60, seed=9)) > 0.5  # chance is 0.25


def test_integers_and_statistics_change_at_the_fix_only():
    trainer = _trainer("tiny_bireal")
    requant = next(m for m in trainer.model.modules() if isinstance(m, Requant))
    for _ in range(3):
        assert not requant.fixed
        trainer.epoch()
    trainer._begin()
    assert requant.fixed
    mean, gamma = requant.norm.running_mean.clone(), requant.norm.weight.detach().clone()
    trainer.epoch()
    assert torch.equal(requant.norm.running_mean, mean)
    assert not torch.equal(requant.norm.weight, gamma)  # gamma still learns, through the integers


def test_float_twin_has_no_grid():
    trainer = _trainer("tiny_bireal", quantised=False)
    trainer.epoch()
    x = torch.from_numpy(_split(4).images).permute(0, 3, 1, 2).float()
    seen = []
    hook = trainer.model.stage1.register_forward_hook(lambda *args: seen.append(args[2]))
    with torch.no_grad():
        trainer.model.eval()(x)
        trainer.model.quantise(True)
        trainer.model(x)
    hook.remove()
    codes = [stream * 16 for stream in seen]
    assert not torch.equal(codes[0], codes[0].round())
    assert torch.equal(codes[1], codes[1].round())


def test_two_steps_train_real_weights_first():
    trainer = _trainer("tiny_bireal", first_step=0.5, epochs=4)
    layers = trainer.model.binary_layers().values()
    flags = []
    for _ in range(4):
        trainer.epoch()
        flags.append({layer.real for layer in layers})
    assert flags == [{True}, {True}, {False}, {False}]
    peaks = [train.learning_rate(trainer.recipe, epoch) for epoch in (1.0, 1.999, 3.0, 3.999)]
    assert peaks[0] == peaks[2] == 0.01
    assert max(peaks[1], peaks[3]) < 1e-4


@pytest.mark.parametrize("stop", [3, 27])
def test_run_resumed_in_mid_epoch_is_identical(tmp_path, stop):
    whole = _trainer("tiny_resnet_tb", shift=1, flip=True)
    for _ in range(4):
        whole.epoch()
    first, steps = _trainer("tiny_resnet_tb", shift=1, flip=True), iter(range(1000))
    while first.epoch(late=lambda: next(steps) == stop) is not None:
        pass
    train.save_atomically(first.state(), tmp_path / "state.pt")
    torch.manual_seed(99)
    second = _trainer("tiny_resnet_tb", shift=1, flip=True)
    second.restore(train.read_state(tmp_path / "state.pt"))
    while len(second.history) < 4:
        second.epoch()
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[key]), key
    for row, want in zip(second.history, whole.history, strict=True):
        assert row["loss"] == pytest.approx(want["loss"])
        assert row["train"] == want["train"]


def test_minutes_stop_and_resume_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "load", lambda *_args, **_kwargs: _split())
    common = ["--model", "tiny_vgg", "--data", "x", "--out", str(tmp_path), "--epochs", "2"]
    common += ["--batch", "20", "--holdout", "40", "--device", "cpu"]
    assert train.main([*common, "--minutes", "0"]) == 0
    assert "stopped within it" in capsys.readouterr().out
    assert not (tmp_path / "final.pt").exists()
    assert train.main([*common, "--resume"]) == 0
    assert (tmp_path / "final.pt").exists()
    assert train.main([*common, "--resume", "--no-quantised"]) == 2
    assert "quantised True (now False)" in capsys.readouterr().err


def test_too_few_images_are_refused():
    with pytest.raises(ModelError, match="200 images to train on, --batch 400"):
        _trainer("tiny_vgg", batch=400)
