# SPDX-License-Identifier: Apache-2.0
"""Operations on multi-bit streams that need no constants: quantise, add, pool.

Floor is the only rounding. In training each runs as a few tensor operations with a
straight-through gradient; in eval mode through Brevitas, which is also what gets exported.
"""

from typing import Any, ClassVar

import torch.nn.functional as F  # noqa: N812  (torch's own convention)
from brevitas.nn import QuantIdentity
from torch import Tensor, nn

from brevitas_models.errors import ModelError
from brevitas_models.estimators import floor_ste
from brevitas_models.formats import Format, meet
from brevitas_models.quantizers import StreamFixedPoint


class StreamQuant(nn.Module):
    """clip(floor(x / step), low, high) * step; any shape.

    Attributes:
        enabled: False lets values pass as they are, for a float twin of the network.
    """

    def __init__(self, form: Format) -> None:
        super().__init__()
        self.form = form
        self.enabled = True
        self.quant = QuantIdentity(
            act_quant=StreamFixedPoint.let(
                bit_width=form.bits,
                signed=form.signed,
                scaling_init=form.step * 2.0 ** (form.bits - int(form.signed)),
            ),
            return_quant_tensor=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Real values to multiples of the step."""
        if not self.enabled:
            return x
        if not self.training:
            return self.quant(x)
        return (floor_ste(x / self.form.step).clamp(self.form.low, self.form.high)) * self.form.step


class StreamModule(nn.Module):
    """A module whose output is a stream of the exported network, compared bit for bit.

    Attributes:
        kind: what the record calls it.
        form: of its elements; None for bits in {-1, +1}.
    """

    kind: ClassVar[str]
    form: Format | None


class Add(StreamModule):
    """Sum of two streams of one format, clipped to it.

    Raises:
        ModelError: the formats differ.
    """

    kind = "add"

    def __init__(self, name: str, shortcut: Format, branch: Format) -> None:
        super().__init__()
        self.form = meet(name, shortcut, branch)
        self.quant = StreamQuant(self.form)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Two tensors of equal shape to one."""
        return self.quant(x + z)


class MaxPool(StreamModule):
    """Largest element of each window, integers or bits; what lies beside the image never wins."""

    kind = "maxpool"

    def __init__(self, form: Format | None, kernel: int, stride: int, pad: int = 0) -> None:
        super().__init__()
        self.form, self.kernel, self.stride, self.pad = form, kernel, stride, pad

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, OH, OW)."""
        return F.max_pool2d(x, self.kernel, self.stride, self.pad)


class AveragePool(StreamModule):
    """2x2 mean, stride 2, floored to 8 bits whatever the stream has.

    The sum of four n-bit codes is shifted right by 2 + max(0, n - 8): eight bits keep the sums of
    the int8 convolution behind it below 2^24.
    """

    kind = "sumpool"

    def __init__(self, form: Format) -> None:
        super().__init__()
        extra = max(0, form.bits - 8)
        self.form = Format(
            bits=form.bits - extra, exponent=form.exponent + extra, signed=form.signed
        )
        self.quant = StreamQuant(self.form)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H / 2, W / 2)."""
        return self.quant(F.avg_pool2d(x, 2))


class GlobalSum(StreamModule):
    """Sum over all pixels, floored to the stream's width by a power of two.

    A mean over 49 pixels is no dyadic number, a sum is an integer; 1 / pixels goes into the
    scale of the logits.
    """

    kind = "sumpool"

    def __init__(self, form: Format, size: int) -> None:
        super().__init__()
        self.pixels = size * size
        self.shift = (self.pixels - 1).bit_length()
        self.form = Format(bits=form.bits, exponent=form.exponent + self.shift, signed=form.signed)
        self.quant = StreamQuant(self.form)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, size, size) to (N, C)."""
        if x.shape[-1] != self.size:
            raise ModelError(
                f"global sum: a map of {x.shape[-1]} pixels a side where {self.size} are expected;"
                " the network takes one image size; build it for this one."
            )
        return self.quant(x.sum((2, 3)))


class Shuffle(nn.Module):
    """Channels change places, so that groups see each other.

    Output channel c * groups + g is input channel g * (C / groups) + c.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        n, c, h, w = x.shape
        grouped = x.reshape(n, self.groups, c // self.groups, h, w)
        return grouped.transpose(1, 2).reshape(n, c, h, w)


class Flatten(nn.Module):
    """(N, C, H, W) to (N, C * H * W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Channel by channel, each row by row."""
        return x.flatten(1)


class Chain(nn.Module):
    """Named modules, one behind the other."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Any) -> Any:
        """Through all of them, in order."""
        for module in self.children():
            x = module(x)
        return x
