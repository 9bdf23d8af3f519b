# SPDX-License-Identifier: Apache-2.0
"""FTBNN-18: the blocks of Bi-Real-18 with two trained slopes and convolutions in groups.

    stem    3x3 (7x7 / 2, max pool 3x3 / 2)   2 width
    stage1  4 blocks                          2 width
    stage2  4 blocks, first / 2               4 width
    stage3  4 blocks, first / 2               8 width
    stage4  4 blocks, first / 2               16 width
    head    global sum, int8 dense            classes

A block is sign, channel shuffle, binary 3x3 convolution in 4 groups, batch norm, slopes, add. Four
groups with twice the channels have as many weights and products as one group; 1x1 convolutions of
the shortcuts are grouped as well. Source: Su et al., "FTBNN: Rethinking Non-linearity for 1-bit
CNNs and Going Beyond" (arXiv 2010.09294). No code and no layer table is published. Its abstract
confirms a non-linear module and groups; assumed are the order of the block, the module (slopes for
negative and for other values, both trained, per channel), number and place of the groups.
"""

from dataclasses import dataclass, field

from torch import nn

from brevitas_models.convs import BinaryConv2d
from brevitas_models.errors import ModelError
from brevitas_models.estimators import approx_sign
from brevitas_models.formats import StreamPlan
from brevitas_models.graph import GraphNetwork
from brevitas_models.residual import Residual, downsample, pooled_head, stages, stem
from brevitas_models.signs import Sign
from brevitas_models.streams import Chain, Shuffle
from brevitas_models.units import StreamSign, binary_requant


@dataclass(frozen=True, slots=True, kw_only=True)
class FtbnnConfig:
    """One network.

    Attributes:
        blocks: per stage.
        width: channels of the first stage; each stage doubles them.
        groups: of every convolution between stem and head; 1 leaves Bi-Real with slopes.
        in_channels, in_size: the image, square.
        plan: width of the residual stream and its step per stage.
    """

    blocks: tuple[int, ...] = (4, 4, 4, 4)
    width: int = 128
    groups: int = 4
    in_channels: int = 3
    in_size: int = 32
    classes: int = 10
    plan: StreamPlan = field(default_factory=StreamPlan)

    def build(self) -> GraphNetwork:
        """Return the network with fresh weights."""
        return ftbnn(self)


def ftbnn(config: FtbnnConfig) -> GraphNetwork:
    """Build the network.

    Raises:
        ModelError: the plan's steps do not fit the stages, or the groups the channels.
    """
    plan, groups = config.plan, config.groups
    plan.check(config.blocks)
    if config.width % groups:
        raise ModelError(
            f"FtbnnConfig: {config.width} channels in {groups} groups; each group needs the same"
            " number; use a width that is a multiple of groups."
        )
    widths = tuple(config.width << stage for stage in range(len(config.blocks)))
    first, size = stem(config.in_channels, config.width, config.in_size, plan.stage(0))

    def block(name: str, stage: int, channels: int, stride: int) -> nn.Module:
        out, form = widths[stage], plan.stage(stage)
        source = plan.stage(stage - 1) if stride > 1 else form
        shortcut = nn.Identity() if stride == 1 else downsample(channels, out, source, form, groups)
        conv = BinaryConv2d(channels, out, stride=stride, groups=groups)
        branch = Chain(
            sign=StreamSign(Sign(approx_sign), [(source, channels)]),
            shuffle=Shuffle(groups),
            conv=binary_requant(conv, form, slopes=True),
        )
        return Residual(name, shortcut, branch, (form, form))

    body = Chain(stem=first)
    stages(body, config.blocks, widths, block)
    side = size >> (len(config.blocks) - 1)
    return pooled_head(body, widths[-1], plan.stage(len(widths) - 1), side, config.classes)
