# SPDX-License-Identifier: Apache-2.0
"""BinaryDenseNet-28, -37 and -45: every layer reads what all layers of its block have made.

    stem         3x3 (7x7 / 2, ReLU, max pool 3x3 / 2)      64
    block1       6 (6, 6) layers, each + 64 channels        448
    transition1  batch norm, max pool / 2, ReLU, int8 1x1   160 (128, 160)
    block2       6 (8, 12) layers
    transition2                                             192 (192, 288)
    block3       6 (12, 14) layers
    transition3                                             256 (256, 288)
    block4       5 (6, 8) layers                            576 (640, 800)
    head         batch norm, ReLU, global sum, int8 dense   classes

A layer is batch norm, sign, binary 3x3 convolution padded with -1, and gives the number of its
products that are +1: an exact integer, so nothing inside a block is ever rounded or scaled, and
the batch norm in front of a sign is one integer threshold per channel of the concatenation.
Source: Bethge et al., "Back to Simplicity: How to Train Accurate BNNs from Scratch?"
(arXiv 1906.08637), with the layer lists and the -1 padding of the authors' published code.
Differences, all for hardware: stem, transitions and head are int8, and a batch norm stands between
each of those convolutions and its 8-bit codes; as every reader of a channel normalises it again,
that changes no function which can be learned.
"""

from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from brevitas_models.convs import BinaryConv2d, Int8Conv2d, Int8Linear
from brevitas_models.estimators import ste_sign
from brevitas_models.formats import Format
from brevitas_models.graph import GraphNetwork
from brevitas_models.requant import Requant
from brevitas_models.residual import PIXEL_POWER, SMALL_IMAGE
from brevitas_models.signs import Sign, batch_norm
from brevitas_models.streams import Chain, GlobalSum, MaxPool
from brevitas_models.units import PopcountConv, StreamRequant, StreamSign, int8_requant

CLIP = 1.3  # of the sign's gradient, in activations and latent weights alike
_MULTIPLE = 32  # of the channels behind a transition

# Layers per block, and by how much each transition divides the channels.
VARIANTS = {
    28: ((6, 6, 6, 5), (2.7, 2.7, 2.2)),
    37: ((6, 8, 12, 6), (3.3, 3.3, 4.0)),
    45: ((6, 12, 14, 8), (2.7, 3.3, 4.0)),
}

Channels = list[tuple[Format, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseNetConfig:
    """One network.

    Attributes:
        layers: per block.
        reductions: channels in / channels out of each transition.
        growth: channels that a layer adds.
        width: channels of the stem.
        in_channels, in_size: the image, square.
        base: format of what enters a block; `relu`: of what a transition's convolution reads.
    """

    layers: tuple[int, ...] = VARIANTS[28][0]
    reductions: tuple[float, ...] = VARIANTS[28][1]
    growth: int = 64
    width: int = 64
    multiple: int = _MULTIPLE
    in_channels: int = 3
    in_size: int = 32
    classes: int = 10
    base: Format = field(default_factory=Format)
    relu: Format = field(default_factory=lambda: Format(exponent=-5, signed=False))

    def reduced(self, channels: int, index: int) -> int:
        """Channels behind transition `index`: a multiple of 32 near channels / reduction."""
        wanted = int(channels / self.reductions[index])
        return max(1, round(wanted / self.multiple)) * self.multiple

    def build(self) -> GraphNetwork:
        """Return the network with fresh weights."""
        return binary_densenet(self)


def _expected(forms: Channels) -> tuple[Tensor, Tensor]:
    """Mean and variance per channel for random weights: codes of unit variance, or popcounts."""
    base, width = forms[0]
    means, variances = [torch.full((width,), 0.0 if base.signed else 0.5)], [torch.ones(width)]
    for _, channels in forms[1:]:
        taps = 9.0 * width  # a layer reads all channels in front of its own
        means.append(torch.full((channels,), taps / 2))
        variances.append(torch.full((channels,), taps / 4))
        width += channels
    return torch.cat(means), torch.cat(variances)


def _norm(forms: Channels) -> nn.BatchNorm2d:
    return batch_norm(sum(channels for _, channels in forms), *_expected(forms))


class DenseLayer(nn.Module):
    """Batch norm, sign and binary convolution beside what came in.

    Args:
        forms: format and channels of everything that comes in, in order.
    """

    def __init__(self, forms: Channels, growth: int) -> None:
        super().__init__()
        sign = partial(ste_sign, clip=CLIP)
        channels = sum(count for _, count in forms)
        self.sign = StreamSign(Sign(sign, _norm(forms)), forms)
        self.conv = PopcountConv(BinaryConv2d(channels, growth, estimator=sign))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C + growth, H, W)."""
        return torch.cat([x, self.conv(self.sign(x))], 1)


def _transition(config: DenseNetConfig, forms: Channels, out: int) -> Chain:
    """Batch norm and ReLU to 8 bits, max pool, 1x1 convolution; ReLU and max commute."""
    channels = sum(count for _, count in forms)
    conv = Int8Conv2d(channels, out, 1, form=config.relu)
    return Chain(
        requant=StreamRequant(Requant(config.relu, _norm(forms), wide=True), forms),
        pool=MaxPool(config.relu, 2, 2),
        conv=int8_requant(conv, config.base, 0.5),
    )


def _stem(config: DenseNetConfig) -> tuple[Chain, Format, int]:
    """First convolution, the format that it gives and the side of its map."""
    size = config.in_size
    if size <= SMALL_IMAGE:
        conv = Int8Conv2d(config.in_channels, config.width, 3, pad=1)
        return Chain(conv=int8_requant(conv, config.base, PIXEL_POWER)), config.base, size
    conv = Int8Conv2d(config.in_channels, config.width, 7, stride=2, pad=3)
    unit = int8_requant(conv, config.relu, PIXEL_POWER)
    return Chain(conv=unit, pool=MaxPool(config.relu, 3, 2, 1)), config.relu, (size + 3) // 4


def binary_densenet(config: DenseNetConfig) -> GraphNetwork:
    """Build the network."""
    first, form, size = _stem(config)
    body = Chain(stem=first)
    forms: Channels = [(form, config.width)]
    for index, count in enumerate(config.layers):
        block = Chain()
        for number in range(count):
            layer = DenseLayer(forms, config.growth)
            block.add_module(f"layer{number}", layer)
            forms = [*forms, (layer.conv.form, config.growth)]
        body.add_module(f"block{index + 1}", block)
        if index < len(config.reductions):
            out = config.reduced(sum(channels for _, channels in forms), index)
            body.add_module(f"transition{index + 1}", _transition(config, forms, out))
            forms, size = [(config.base, out)], size // 2
    requant = StreamRequant(Requant(config.relu, _norm(forms), wide=True), forms)
    pool = GlobalSum(config.relu, size)
    body.add_module("requant", requant)
    body.add_module("pool", pool)
    features = sum(channels for _, channels in forms)
    head = Int8Linear(features, config.classes, pool.form, scale=1.0 / pool.pixels)
    return GraphNetwork(body, head)
