# SPDX-License-Identifier: Apache-2.0
"""Trained binarization: VGG-Small, AlexNet and ResNet-18 with steps {0, a} and weights +-alpha.

    VGG-Small   3x3 128 | 3x3 128 P | 3x3 256 | 3x3 256 P | 3x3 512 | 3x3 512 P | dense
    AlexNet     11x11 96 P | 5x5 256 P | 3x3 384 | 3x3 384 | 3x3 256 P | 6x6 4096 | 1x1 4096 | dense
    ResNet-18   stem 64 | 2 x 64 | 2 x 128 | 2 x 256 | 2 x 512 | global sum, dense

Everything between the bars is binary but the first layer (int8 weights on 8-bit pixels) and the
last (int8). P is 2x2 / 2 max pooling, 3x3 / 2 in AlexNet, whose first layer has stride 4. Batch
norm follows every convolution. The positive scales a and alpha vanish in the thresholds, so
VGG-Small and AlexNet are chains of signs; in front of the last layer stands a Hardtanh (VGG-Small)
or ReLU (AlexNet) of 8 bits.

Source: Xu & Cheung, "Accurate and Compact Convolutional Neural Networks with Trained Binarization"
(BMVC 2019). Its abstract confirms trained scales of both kinds, the penalty on weight scales and
the results; layer lists are those that later papers use under these names. Assumed: one a and
one alpha per layer; ResNet-18 of ordinary blocks with two convolutions (`bireal=True` gives each
convolution its own shortcut); batch norm in front of max pooling, where pooling can work on bits.
"""

from dataclasses import dataclass, field

from torch import nn

from brevitas_models.convs import Int8Conv2d, Int8Linear
from brevitas_models.convs import TrainedBinaryConv2d as BinaryConv
from brevitas_models.errors import ModelError
from brevitas_models.estimators import bipolar_step
from brevitas_models.formats import PIXELS, Format, StreamPlan
from brevitas_models.graph import GraphNetwork
from brevitas_models.requant import Requant
from brevitas_models.residual import (
    PIXEL_POWER,
    Residual,
    downsample,
    pooled_head,
    stages,
    stem,
)
from brevitas_models.signs import Sign, batch_norm
from brevitas_models.streams import Chain, Flatten, MaxPool
from brevitas_models.units import ConvRequant, ConvSign, StreamSign, int8_requant

_RELU = Format(bits=8, exponent=-5, signed=False)
_PENALTY = 1e-5  # of the squared weight scales; the paper's factor is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class VggConfig:
    """VGG-Small.

    Attributes:
        convs: output channels and max pooling of each 3x3 convolution.
        in_channels, in_size: the image, square.
    """

    convs: tuple[tuple[int, int], ...] = (
        (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2),
    )  # fmt: skip
    in_channels: int = 3
    in_size: int = 32
    classes: int = 10

    def narrowed(self, factor: int) -> "VggConfig":
        """The same with 1 / factor of the channels."""
        convs = tuple((channels // factor, pool) for channels, pool in self.convs)
        return VggConfig(
            convs=convs,
            in_channels=self.in_channels,
            in_size=self.in_size,
            classes=self.classes,
        )

    def build(self) -> GraphNetwork:
        """Return the network with fresh weights."""
        return vgg(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlexNetConfig:
    """AlexNet for 224 x 224 images: 55, 27, 13 and 6 pixels a side.

    Attributes:
        convs: output channels, kernel, padding and whether a 3x3 / 2 max pool follows, per binary
            convolution.
    """

    width: int = 96
    convs: tuple[tuple[int, int, int, bool], ...] = (
        (256, 5, 2, True),
        (384, 3, 1, False),
        (384, 3, 1, False),
        (256, 3, 1, True),
        (4096, 6, 0, False),
        (4096, 1, 0, False),
    )
    in_channels: int = 3
    in_size: int = 224
    classes: int = 1000

    def build(self) -> GraphNetwork:
        """Return the network with fresh weights."""
        return alexnet(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetConfig:
    """ResNet-18.

    Attributes:
        blocks: of two convolutions, per stage.
        bireal: one shortcut around each convolution instead of one around two.
        plan: width of the residual stream and its step per stage.
    """

    blocks: tuple[int, ...] = (2, 2, 2, 2)
    width: int = 64
    bireal: bool = False
    in_channels: int = 3
    in_size: int = 32
    classes: int = 10
    plan: StreamPlan = field(default_factory=StreamPlan)

    def build(self) -> GraphNetwork:
        """Return the network with fresh weights."""
        return resnet(self)


def _norm(conv: BinaryConv) -> nn.BatchNorm2d:
    """Batch norm of a * alpha * sum(h * w), for fresh scales and every other h = 1."""
    _, offset = conv.affine()
    return batch_norm(conv.out_channels, offset.detach(), conv.taps / 4.0)


def _conv_sign(conv: BinaryConv | Int8Conv2d, pool: MaxPool | None = None) -> ConvSign:
    if isinstance(conv, BinaryConv):
        norm = _norm(conv)
    else:
        power = PIXEL_POWER * conv.weight.detach().square().flatten(1).sum(1)
        norm = batch_norm(conv.out_channels, 0.0, power)
    return ConvSign(conv, Sign(bipolar_step, norm), pool)


def vgg(config: VggConfig) -> GraphNetwork:
    """Build VGG-Small.

    Raises:
        ModelError: the pools leave nothing of the image.
    """
    body, channels, size = Chain(), config.in_channels, config.in_size
    for index, (out, pool) in enumerate(config.convs):
        first, last = index == 0, index == len(config.convs) - 1
        conv = (Int8Conv2d if first else BinaryConv)(channels, out, 3, pad=1)
        size //= pool
        if last:
            body.add_module(f"conv{index}", ConvRequant(conv, Requant(PIXELS, _norm(conv))))
            if pool > 1:
                body.add_module(f"pool{index}", MaxPool(PIXELS, pool, pool))
        else:
            pooling = MaxPool(None, pool, pool) if pool > 1 else None
            body.add_module(f"conv{index}", _conv_sign(conv, pooling))
        channels = out
    if size < 1:
        raise ModelError(
            f"VggConfig: nothing is left of the {config.in_size}-pixel image behind the pools;"
            " each divides its side; use a larger in_size or fewer pools."
        )
    body.add_module("flatten", Flatten())
    return GraphNetwork(body, Int8Linear(channels * size * size, config.classes, PIXELS), _PENALTY)


def alexnet(config: AlexNetConfig) -> GraphNetwork:
    """Build AlexNet; its first two dense layers are convolutions over the whole map."""
    first = Int8Conv2d(config.in_channels, config.width, 11, stride=4, pad=2)
    body = Chain(
        conv0=int8_requant(first, _RELU, PIXEL_POWER),
        pool0=MaxPool(_RELU, 3, 2),
        sign0=StreamSign(
            Sign(bipolar_step, batch_norm(config.width, 1.0, 1.0)), [(_RELU, config.width)]
        ),
    )
    channels = config.width
    for index, (out, kernel, pad, pool) in enumerate(config.convs, 1):
        conv = BinaryConv(channels, out, kernel, pad=pad)
        if index < len(config.convs):
            body.add_module(f"conv{index}", _conv_sign(conv, MaxPool(None, 3, 2) if pool else None))
        else:
            body.add_module(f"conv{index}", ConvRequant(conv, Requant(_RELU, _norm(conv))))
        channels = out
    body.add_module("flatten", Flatten())
    return GraphNetwork(body, Int8Linear(channels, config.classes, _RELU), _PENALTY)


def resnet(config: ResNetConfig) -> GraphNetwork:
    """Build ResNet-18.

    A block is step, convolution, batch norm, step, convolution, batch norm, add.

    Raises:
        ModelError: the plan's steps do not fit the stages.
    """
    plan = config.plan
    plan.check(config.blocks)
    widths = tuple(config.width << stage for stage in range(len(config.blocks)))
    first, size = stem(config.in_channels, config.width, config.in_size, plan.stage(0))

    def block(name: str, stage: int, channels: int, stride: int) -> nn.Module:
        out, form = widths[stage], plan.stage(stage)
        source = plan.stage(stage - 1) if stride > 1 else form
        branch = Chain(sign=StreamSign(Sign(bipolar_step), [(source, channels)]))
        last = conv = BinaryConv(channels, out, stride=stride)
        if not config.bireal:
            branch.add_module("conv0", _conv_sign(conv))
            last = BinaryConv(out, out)
        branch.add_module("conv", ConvRequant(last, Requant(form, _norm(last))))
        shortcut = nn.Identity() if stride == 1 else downsample(channels, out, source, form)
        return Residual(name, shortcut, branch, (form, form))

    body = Chain(stem=first)
    blocks = tuple(n * 2 for n in config.blocks) if config.bireal else config.blocks
    stages(body, blocks, widths, block)
    side = size >> (len(config.blocks) - 1)
    last = plan.stage(len(widths) - 1)
    return pooled_head(body, widths[-1], last, side, config.classes, _PENALTY)
