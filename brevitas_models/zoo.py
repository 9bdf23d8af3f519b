# SPDX-License-Identifier: Apache-2.0
"""The networks by name: topology, data set, recipe, checkpoint."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from brevitas_models import checkpoint
from brevitas_models.cnv import CnvConfig, cnv
from brevitas_models.errors import ModelError
from brevitas_models.fc import LFC, SFC, TFC, FcConfig, fc
from brevitas_models.graph import GraphNetwork, randomise
from brevitas_models.network import BinaryNetwork
from brevitas_models.recipe import Recipe
from brevitas_models.seeds import SEEDS, SeedConfig

CHECKPOINTS = Path(__file__).parent / "checkpoints"
_TFC_RECIPE = Recipe(epochs=60, lr=0.01, init=0.1, dropout=0.0, bf16=False)
_SFC_RECIPE = Recipe(epochs=50, lr=0.01, init=0.1, dropout=0.0, shift=1, bf16=False)
_LFC_RECIPE = Recipe(epochs=30, lr=0.01, batch=200, init=0.1, dropout=0.1, shift=1)
_CNV_RECIPE = Recipe(epochs=52, lr=0.01, init=0.1, shift=2, flip=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZooEntry:
    """One network.

    Attributes:
        config: its topology.
        dataset: "mnist", "cifar10" or "imagenet": what it is trained on and takes images from.
        recipe: how it is trained.
        test_only: a small network for tests, with no checkpoint.
    """

    name: str
    config: CnvConfig | FcConfig | SeedConfig
    dataset: str
    recipe: Recipe
    test_only: bool = False

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Image as (C, H, W)."""
        return (self.config.in_channels, self.config.in_size, self.config.in_size)

    @property
    def checkpoint(self) -> Path:
        """Where the packed checkpoint ships; test-only entries have none."""
        return CHECKPOINTS / f"{self.name}.npz"

    @property
    def graph(self) -> bool:
        """Whether the network has forks and joins, or multi-bit streams, inside."""
        return not isinstance(self.config, CnvConfig | FcConfig)

    def build(self) -> BinaryNetwork | GraphNetwork:
        """Return the network with fresh weights."""
        if isinstance(self.config, CnvConfig):
            return cnv(self.config)
        if isinstance(self.config, FcConfig):
            return fc(self.config)
        return self.config.build()


_TINY_CNV = CnvConfig(in_size=12, convs=((8, 1), (8, 2), (16, 1)), dense=(16,))
_TINY_FC = FcConfig(hidden=(16, 24), in_size=8)

ZOO = {
    e.name: e
    for e in (
        ZooEntry(name="tfc_w1a1", config=TFC, dataset="mnist", recipe=_TFC_RECIPE),
        ZooEntry(name="sfc_w1a1", config=SFC, dataset="mnist", recipe=_SFC_RECIPE),
        ZooEntry(name="lfc_w1a1", config=LFC, dataset="mnist", recipe=_LFC_RECIPE),
        ZooEntry(name="cnv_w1a1", config=CnvConfig(), dataset="cifar10", recipe=_CNV_RECIPE),
        ZooEntry(
            name="tiny_cnv",
            config=_TINY_CNV,
            dataset="cifar10",
            recipe=_CNV_RECIPE,
            test_only=True,
        ),
        ZooEntry(
            name="tiny_fc", config=_TINY_FC, dataset="mnist", recipe=_TFC_RECIPE, test_only=True
        ),
        *(ZooEntry(**seed) for seed in SEEDS),
    )
}


def entry(name: str) -> ZooEntry:
    """Look a network up.

    Raises:
        ModelError: no such name; lists the names and the nearest one.
    """
    key = name.lower().replace("-", "_")
    if key in ZOO:
        return ZOO[key]
    shown = [e.name for e in ZOO.values() if not e.test_only]
    near = difflib.get_close_matches(key, ZOO, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ModelError(f"model {name!r} is unknown; allowed: {', '.join(shown)}.{hint}")


def untrained(name: str, seed: int) -> BinaryNetwork | GraphNetwork:
    """Return a network with random weights and batch norms as awkward as real ones get.

    One channel in ten has a negative gamma, one in thirty a gamma of zero, one in eight statistics
    that land exactly on ties. Hardware is developed and tested on it without any training.
    """
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = entry(name).build()
    if isinstance(model, GraphNetwork):
        randomise(model, rng)
        return model.eval()
    with torch.no_grad():
        for layer in model.binary_layers().values():
            layer.weight.copy_(_uniform(rng, layer.weight.shape, -1.0, 1.0))
        for block in model.blocks.values():
            pixels = block is next(iter(model.blocks.values())) and not model.input.binary
            power = block.layer.weight[0].numel() * (0.33 if pixels else 1.0)
            _randomise(block.sign.norm, power, rng)
        model.norm.norm.running_var.fill_(float(model.last.in_features))
        model.norm.norm.running_mean.fill_(0.5)
    return model.eval()


def _uniform(rng: torch.Generator, shape: torch.Size, low: float, high: float) -> torch.Tensor:
    return torch.rand(shape, generator=rng) * (high - low) + low


def _randomise(norm: torch.nn.BatchNorm1d, power: float, rng: torch.Generator) -> None:
    """Fill `norm` for accumulators whose mean square is `power`."""
    shape = norm.weight.shape
    pick = _uniform(rng, shape, 0.0, 1.0)
    norm.weight.copy_(_uniform(rng, shape, 0.3, 1.5))
    norm.weight[pick < 0.1] *= -1
    norm.weight[pick > 0.97] = 0.0
    norm.bias.copy_(_uniform(rng, shape, -0.3, 0.3))
    norm.running_mean.copy_(_uniform(rng, shape, -0.4, 0.4) * power**0.5)
    norm.running_var.copy_(_uniform(rng, shape, 0.5, 2.0) * power)
    ties = (pick > 0.5) & (pick < 0.625)
    norm.bias[ties] = 0.0
    norm.running_mean[ties] = 2 * torch.round(norm.running_mean[ties] / 2)


def trained(
    name: str, path: Path | None = None
) -> tuple[BinaryNetwork | GraphNetwork, dict[str, Any] | None]:
    """Return a network with trained weights, in eval mode, and the checkpoint's card.

    Args:
        path: packed checkpoint or torch state dict; None takes the one that ships.

    Raises:
        ModelError: unknown name, or a checkpoint that cannot be used.
    """
    found = entry(name)
    if path is None and found.test_only:
        raise ModelError(f"{found.name}: a test network, never trained; use untrained().")
    if path is None and not found.checkpoint.exists():
        raise ModelError(
            f"{found.name}: no trained weights ship; give a checkpoint of your own training,"
            " or a seed for random weights (--untrained)."
        )
    model = found.build()
    card = checkpoint.load(model, found.checkpoint if path is None else path)
    if card is not None and card.get("model") != found.name:
        raise ModelError(
            f"{path}: its card is of {card.get('model')!r}, not of {found.name!r};"
            " name the model that it was trained as."
        )
    return model.eval(), card
