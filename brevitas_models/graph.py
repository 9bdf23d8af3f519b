# SPDX-License-Identifier: Apache-2.0
"""Networks with forks and joins: pixels, a body of units, an int8 head; and how they freeze.

A body is built from units (`units.py`) and stream modules (`streams.py`), so that freezing keeps
its topology and forward pass and only replaces what the units are made of.
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from brevitas_models.convs import BinaryConv2d, FrozenHead, Int8Conv2d, Int8Linear
from brevitas_models.convs import TrainedBinaryConv2d as Trained
from brevitas_models.layers import PixelInput
from brevitas_models.streams import StreamQuant
from brevitas_models.units import Unit


class GraphNetwork(nn.Module):
    """uint8 pixels as float (N, C, H, W) in 0..255 to logits (N, classes) float32.

    Args:
        body: 8-bit pixels to features (N, K), its children one behind the other.
        head: features to the integer sums of the classes.
        weight_penalty: factor of the squared weight scales that training adds to the loss.
    """

    def __init__(self, body: nn.Module, head: Int8Linear, weight_penalty: float = 0.0) -> None:
        super().__init__()
        self.input = PixelInput(binary=False)
        # Not as a module of its own: module paths are the names of the exported streams.
        for name, module in body.named_children():
            self.add_module(name, module)
        self.head: Int8Linear | FrozenHead = head
        self.weight_penalty = weight_penalty

    def accumulators(self, x: Tensor) -> Tensor:
        """(N, C, H, W) pixels to (N, classes) sums of the head, integers times its grid."""
        for module in self.children():
            x = module(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) pixels to (N, classes) logits."""
        logits = self.accumulators(x) * self.head.scale
        return logits.float() if logits.dtype == torch.float64 else logits

    def binary_layers(self) -> dict[str, BinaryConv2d]:
        """Every layer with 1-bit weights, by module path, in order."""
        return {n: m for n, m in self.named_modules() if isinstance(m, BinaryConv2d)}

    def kept(self) -> dict[str, Tensor]:
        """What a checkpoint keeps beside the 1-bit weights, by module path."""
        binary = {f"{name}.weight" for name in self.binary_layers()}
        return {
            name: value
            for name, value in self.state_dict().items()
            if name not in binary and not name.endswith("num_batches_tracked")
        }

    def units(self) -> Iterator[tuple[str, Unit]]:
        """Every unit by module path, in order."""
        for name, module in self.named_modules():
            if isinstance(module, Unit):
                yield name, module

    @torch.no_grad()
    def clip_latent(self) -> None:
        """Keep the latent weights in [-1, 1], where their sign can still change."""
        for layer in self.binary_layers().values():
            layer.weight.clamp_(-1.0, 1.0)

    def penalty(self) -> Tensor:
        """What training adds to the loss: the squared trained weight scales. Source: BMVC 2019."""
        scales = [m.alpha().square() for m in self.modules() if isinstance(m, Trained)]
        return self.weight_penalty * torch.stack(scales).sum() if scales else torch.zeros(())

    def quantise(self, enabled: bool) -> None:
        """Switch all multi-bit quantisation off for a float twin, or on again; signs stay."""
        for module in self.modules():
            if isinstance(module, StreamQuant | Int8Conv2d | Int8Linear):
                module.enabled = enabled

    def use_real_weights(self, real: bool) -> None:
        """Multiply latent weights instead of their signs, in the first of two training steps."""
        for layer in self.binary_layers().values():
            layer.real = real

    @torch.no_grad()
    def fix(self) -> None:
        """Fix statistics and shifts: from here on, requants compute what hardware does."""
        for name, unit in self.units():
            unit.fix(name)


@torch.no_grad()
def freeze_graph(model: GraphNetwork) -> tuple[GraphNetwork, GraphNetwork]:
    """Replace every batch norm by integers.

    Args:
        model: a trained network; left as it is.

    Returns:
        A copy of the model with requants fixed, whose batch norms still decide signs, and the
        exported form, both in eval mode on the CPU. They are equal bit for bit.

    Raises:
        ModelError: a sign is no single step, or a requant does not fit its widths.
    """
    fixed = copy.deepcopy(model).cpu().float().to(memory_format=torch.contiguous_format).eval()
    fixed.quantise(True)
    fixed.use_real_weights(False)
    for name, unit in fixed.units():
        if not all(getattr(m, "fixed", True) for m in unit.modules()):
            unit.fix(name)
    deploy = copy.deepcopy(fixed)
    for name, unit in list(deploy.units()):
        parent, _, leaf = name.rpartition(".")
        setattr(deploy.get_submodule(parent), leaf, unit.frozen(name))
    deploy.head = deploy.head.frozen()
    return fixed, deploy.eval()


@torch.no_grad()
def randomise(model: GraphNetwork, rng: torch.Generator) -> None:
    """Give every batch norm statistics near what random weights lead to, and awkward parameters.

    One channel in ten has a negative gamma, one in thirty a gamma of zero, one in eight a mean of
    the expected value and no beta, which puts sums on ties.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(channels, generator=rng) * (high - low) + low

    for norm in model.modules():
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        channels = norm.num_features
        mean, variance = norm.expected
        pick = uniform(0.0, 1.0)
        norm.weight.copy_(uniform(0.3, 1.5))
        norm.weight[pick < 0.1] *= -1
        norm.weight[pick > 0.97] = 0.0
        norm.bias.copy_(uniform(-0.3, 0.3))
        norm.running_mean.copy_(mean + uniform(-0.4, 0.4) * variance.sqrt())
        norm.running_var.copy_(variance * uniform(0.5, 2.0))
        ties = (pick > 0.5) & (pick < 0.625)
        norm.bias[ties] = 0.0
        norm.running_mean[ties] = mean[ties]
