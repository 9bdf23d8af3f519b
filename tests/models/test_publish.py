# SPDX-License-Identifier: Apache-2.0
"""A finished run is measured as deployed and shipped with a card that says what was reached."""

import dataclasses

import numpy as np
import pytest

from brevitas_models import checkpoint, data, publish, train, zoo


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Train tiny_fc for an epoch, publish it into a folder of its own; returns that folder."""
    rng = np.random.default_rng(0)
    split = data.Split(
        images=rng.integers(0, 256, (60, 8, 8, 1), np.uint8), labels=rng.integers(0, 10, 60)
    )
    small = data.Split(images=split.images[:7], labels=split.labels[:7])
    monkeypatch.setattr(data, "load", lambda *_args, **_kwargs: split)
    monkeypatch.setattr(data, "fixture", lambda _: small)
    monkeypatch.setattr(zoo, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setitem(
        zoo.ZOO, "tiny_fc", dataclasses.replace(zoo.ZOO["tiny_fc"], test_only=False)
    )
    common = ["--model", "tiny_fc", "--data", "any"]
    run = tmp_path / "run"
    size = ["--epochs", "1", "--batch", "10", "--holdout", "10"]
    assert train.main([*common, "--out", str(run), *size]) == 0
    extra = ["--run", str(run), "--dataset", "random numbers", "--note", "of no use"]
    assert publish.main([*common, *extra]) == 0
    return tmp_path / "checkpoints"


def test_card_says_what_was_measured(shipped):
    assert sorted(p.name for p in shipped.iterdir()) == [
        "tiny_fc.npz",
        "tiny_fc.png",
        "tiny_fc.toml",
    ]
    model, card = zoo.trained("tiny_fc")
    split = data.load("mnist", "any", train=False)
    assert card["accuracy"]["top1"] == round(train.accuracy(model, split), 6)
    assert card["accuracy"]["dataset"] == "random numbers"
    assert card["accuracy"]["images"] == 60
    assert card["training"]["images"] == 50
    assert card["training"]["epochs"] == 1
    assert card["training"]["note"] == "of no use"
    assert checkpoint.read_card(shipped / "tiny_fc.npz") == card


def test_missing_run_is_one_message(tmp_path, capsys):
    arguments = ["--model", "tiny_fc", "--run", str(tmp_path), "--data", "x", "--dataset", "y"]
    assert publish.main(arguments) == 2
    assert "error: " in capsys.readouterr().err
