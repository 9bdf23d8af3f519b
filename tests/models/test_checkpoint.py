# SPDX-License-Identifier: Apache-2.0
"""Packed checkpoints: round trip, card, and every kind of damage refused."""

import numpy as np
import pytest
import torch

from brevitas_models import checkpoint, data, zoo
from brevitas_models.errors import ModelError
from brevitas_models.export import exact_arithmetic
from brevitas_models.freeze import freeze
from brevitas_models.publish import fixture_hits
from brevitas_models.requant import Requant

CARD = {"model": "tiny_cnv", "accuracy": {"dataset": "none", "top1": 0.1}, "training": {"seed": 3}}
SHIPPED = [entry.name for entry in zoo.ZOO.values() if not entry.test_only and not entry.graph]


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.npz"
    checkpoint.save(zoo.untrained("tiny_cnv", 3), path, CARD)
    return path


def _resign(path):
    """Make the card's hash fit a changed file, to reach the checks behind the hash."""
    import hashlib

    card = checkpoint.card_path(path)
    old = checkpoint.read_card(path)["sha256"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    card.write_text(card.read_text().replace(old, digest))


def _rewrite(path, **changes):
    arrays = dict(np.load(path)) | changes
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    _resign(path)


def test_round_trip(saved):
    model, card = zoo.trained("tiny_cnv", saved)
    assert card["accuracy"]["top1"] == 0.1
    original = zoo.untrained("tiny_cnv", 3)
    x = torch.randint(0, 256, (20, 3, 12, 12)).float()
    with torch.no_grad():
        assert torch.equal(model(x), original(x))
    for got, want in zip(
        model.binary_layers().values(), original.binary_layers().values(), strict=True
    ):
        assert torch.equal(got.weight, torch.where(want.weight >= 0, 1.0, -1.0))


def test_same_model_gives_the_same_bytes(saved, tmp_path):
    checkpoint.save(zoo.untrained("tiny_cnv", 3), tmp_path / "again.npz", CARD)
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_state_dict_of_the_trained_model(tmp_path):
    original = zoo.untrained("tiny_fc", 5)
    torch.save(original.state_dict(), tmp_path / "state.pt")
    model, card = zoo.trained("tiny_fc", tmp_path / "state.pt")
    assert card is None
    x = torch.randint(0, 256, (20, 1, 8, 8)).float()
    with torch.no_grad():
        assert torch.equal(model(x), original(x))


def test_truncated_and_flipped_files(saved):
    content = saved.read_bytes()
    saved.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="SHA-256"):
        zoo.trained("tiny_cnv", saved)
    _resign(saved)
    with pytest.raises(ModelError, match="not a packed checkpoint"):
        zoo.trained("tiny_cnv", saved)
    changed = bytearray(content)
    changed[200] ^= 1
    saved.write_bytes(changed)
    with pytest.raises(ModelError):
        zoo.trained("tiny_cnv", saved)


def test_missing_file_and_missing_card(saved, tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        zoo.trained("tiny_cnv", tmp_path / "no.npz")
    checkpoint.card_path(saved).unlink()
    with pytest.raises(ModelError, match="needs its card"):
        zoo.trained("tiny_cnv", saved)


def test_other_network(saved):
    with pytest.raises(ModelError, match="belongs to another network"):
        zoo.trained("tiny_fc", saved)
    _rewrite(saved, **{"conv0.shape": np.array((8, 3, 5, 5), np.int32)})
    with pytest.raises(ModelError, match=r"conv0.shape is \[8, 3, 5, 5\]"):
        zoo.trained("tiny_cnv", saved)


def test_weights_of_more_than_one_bit(saved, tmp_path):
    packed = np.load(saved)["conv1.weight"]
    _rewrite(saved, **{"conv1.weight": packed.astype(np.float32)})
    with pytest.raises(ModelError, match="1 bit each"):
        zoo.trained("tiny_cnv", saved)
    state = zoo.untrained("tiny_fc", 5).state_dict()
    state["last.weight"] = state["last.weight"] * 9
    torch.save(state, tmp_path / "state.pt")
    with pytest.raises(ModelError, match="1-bit weights lie in"):
        zoo.trained("tiny_fc", tmp_path / "state.pt")


def test_not_finite_and_not_torch(saved, tmp_path):
    _rewrite(saved, **{"fc0.norm.bias": np.full(16, np.nan, np.float32)})
    with pytest.raises(ModelError, match="not finite"):
        zoo.trained("tiny_cnv", saved)
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(ModelError, match="not a torch file"):
        zoo.trained("tiny_fc", tmp_path / "text.pt")
    torch.save({"model": {"a": torch.zeros(1)}}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="does not fit"):
        zoo.trained("tiny_fc", tmp_path / "other.pt")


@pytest.mark.parametrize("name", ["tiny_densenet", "tiny_ftbnn", "tiny_resnet_tb"])
def test_round_trip_of_a_graph(name, tmp_path):
    original = zoo.untrained(name, 3)
    original.fix()
    checkpoint.save(original, tmp_path / "net.npz", CARD | {"model": name})
    model, _ = zoo.trained(name, tmp_path / "net.npz")
    x = torch.randint(0, 256, (5, 3, 8, 8)).float()
    with torch.no_grad():
        assert torch.equal(model.accumulators(x), original.accumulators(x))
    assert all(m.fixed for m in model.modules() if isinstance(m, Requant))


def test_network_without_checkpoint_says_so():
    with pytest.raises(ModelError, match=r"bireal34_imagenet: no trained weights ship.*untrained"):
        zoo.trained("bireal34_imagenet")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_checkpoint_keeps_its_card(name):
    entry = zoo.entry(name)
    model, card = zoo.trained(name)
    assert card["accuracy"]["images"] == 10_000
    assert card["accuracy"]["dataset"]
    deploy, _ = freeze(model)
    torch.set_num_threads(1)
    with exact_arithmetic():
        assert fixture_hits(deploy, entry.dataset) == card["accuracy"]["fixture_hits"]
    assert len(data.fixture(entry.dataset).labels) == card["accuracy"]["fixture_images"]
