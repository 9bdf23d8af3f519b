# SPDX-License-Identifier: Apache-2.0
"""What the residual families share: stems, the 8-bit downsample, the pooled head."""

from collections.abc import Callable

from torch import Tensor, nn

from brevitas_models.convs import Int8Conv2d, Int8Linear
from brevitas_models.formats import Format
from brevitas_models.graph import GraphNetwork
from brevitas_models.streams import Add, AveragePool, Chain, GlobalSum, MaxPool
from brevitas_models.units import int8_requant

SMALL_IMAGE = 64  # images up to this size have the 3x3 stem and no max pooling
PIXEL_POWER = 0.33  # mean square of centred pixels
STREAM_POWER = 2.0  # of a residual stream, roughly


def stem(in_channels: int, width: int, in_size: int, form: Format) -> tuple[Chain, int]:
    """First convolution: 3x3 for small images, else 7x7 with stride 2 and a 3x3 max pool.

    Batch norm behind it takes the place of the data set's mean and deviation.

    Returns:
        The modules and the side of the map that they give.
    """
    if in_size <= SMALL_IMAGE:
        conv = Int8Conv2d(in_channels, width, 3, pad=1)
        return Chain(conv=int8_requant(conv, form, PIXEL_POWER)), in_size
    conv = Int8Conv2d(in_channels, width, 7, stride=2, pad=3)
    pool = MaxPool(form, 3, 2, 1)
    size = (in_size - 1) // 2 + 1
    return Chain(conv=int8_requant(conv, form, PIXEL_POWER), pool=pool), (size - 1) // 2 + 1


def downsample(channels: int, out: int, source: Format, form: Format, groups: int = 1) -> Chain:
    """Shortcut of a block with stride 2: 2x2 average, int8 1x1 convolution, batch norm.

    The requant behind it brings any step to any other, so a stage may have a step of its own.
    """
    pool = AveragePool(source)
    conv = Int8Conv2d(channels, out, 1, groups=groups, form=pool.form)
    return Chain(pool=pool, conv=int8_requant(conv, form, STREAM_POWER))


class Residual(nn.Module):
    """shortcut + branch, two integer streams of one format.

    Args:
        name: of the block, for messages.
        forms: of the shortcut and of the branch.

    Raises:
        ModelError: the two have different steps or widths.
    """

    def __init__(
        self, name: str, shortcut: nn.Module, branch: nn.Module, forms: tuple[Format, Format]
    ) -> None:
        super().__init__()
        self.shortcut = shortcut
        self.branch = branch
        self.add = Add(name, *forms)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) stream to the next one."""
        return self.add(self.shortcut(x), self.branch(x))


def pooled_head(
    body: Chain, channels: int, form: Format, size: int, classes: int, penalty: float = 0.0
) -> GraphNetwork:
    """Global sum, floored to the stream's width, and the int8 dense layer."""
    pool = GlobalSum(form, size)
    body.add_module("pool", pool)
    head = Int8Linear(channels, classes, pool.form, scale=1.0 / pool.pixels)
    return GraphNetwork(body, head, penalty)


BlockMaker = Callable[[str, int, int, int], nn.Module]


def stages(body: Chain, blocks: tuple[int, ...], widths: tuple[int, ...], make: BlockMaker) -> None:
    """Append stages to `body`: `make(name, stage, channels, stride)` for each block.

    The first block of every stage but the first has stride 2 and reads the width before it.
    """
    for stage, (count, width) in enumerate(zip(blocks, widths, strict=True)):
        channels = widths[max(0, stage - 1)]
        chain = Chain()
        for index in range(count):
            stride = 2 if stage and not index else 1
            name = f"stage{stage + 1}.block{index}"
            chain.add_module(f"block{index}", make(name, stage, channels, stride))
            channels = width
        body.add_module(f"stage{stage + 1}", chain)
