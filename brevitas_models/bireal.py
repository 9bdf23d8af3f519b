# SPDX-License-Identifier: Apache-2.0
"""Bi-Real-18 and -34: every binary convolution has a shortcut of its own around it.

    stem    3x3 (7x7 / 2, max pool 3x3 / 2)   width
    stage1  4 (6) blocks                      width
    stage2  4 (8) blocks, first / 2           2 width
    stage3  4 (12) blocks, first / 2          4 width
    stage4  4 (6) blocks, first / 2           8 width
    head    global sum, int8 dense            classes

A block is sign, binary 3x3 convolution, batch norm, add. Where it has stride 2, its shortcut is
2x2 average, int8 1x1 convolution, batch norm. Weights take the magnitude-aware gradient, signs
the piecewise quadratic one. Source: Liu et al., "Bi-Real Net" (ECCV 2018), with the order of the
authors' published PyTorch code. Differences, all for hardware: padding of -1 instead of 0, a
residual stream of n bits, 8-bit pixels, downsample and head.
"""

from dataclasses import dataclass, field

from torch import nn

from brevitas_models.convs import BinaryConv2d
from brevitas_models.estimators import approx_sign
from brevitas_models.formats import StreamPlan
from brevitas_models.graph import GraphNetwork
from brevitas_models.residual import Residual, downsample, pooled_head, stages, stem
from brevitas_models.signs import Sign
from brevitas_models.streams import Chain
from brevitas_models.units import StreamSign, binary_requant

BLOCKS = {18: (4, 4, 4, 4), 34: (6, 8, 12, 6)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BiRealConfig:
    """One network.

    Attributes:
        blocks: per stage.
        width: channels of the first stage; each stage doubles them.
        in_channels, in_size: the image, square.
        plan: width of the residual stream and its step per stage.
    """

    blocks: tuple[int, ...] = BLOCKS[18]
    width: int = 64
    in_channels: int = 3
    in_size: int = 32
    classes: int = 10
    plan: StreamPlan = field(default_factory=StreamPlan)

    def build(self) -> GraphNetwork:
        """Return the network with fresh weights."""
        return bireal(self)


def bireal(config: BiRealConfig) -> GraphNetwork:
    """Build the network.

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
        shortcut = nn.Identity() if stride == 1 else downsample(channels, out, source, form)
        branch = Chain(
            sign=StreamSign(Sign(approx_sign), [(source, channels)]),
            conv=binary_requant(BinaryConv2d(channels, out, stride=stride), form),
        )
        return Residual(name, shortcut, branch, (form, form))

    body = Chain(stem=first)
    stages(body, config.blocks, widths, block)
    side = size >> (len(config.blocks) - 1)
    return pooled_head(body, widths[-1], plan.stage(len(widths) - 1), side, config.classes)
