# SPDX-License-Identifier: Apache-2.0
"""A layer and what turns its sums into a stream: the parts that freezing replaces.

Every unit has the same forward pass before and after `freeze`; only what it is made of changes.
`fix` switches requants to integers with fixed statistics (training continues); `frozen` gives the
exported form, in which no batch norm is left.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from brevitas_models.convs import BinaryConv2d, Int8Conv2d
from brevitas_models.formats import Format, Source, source_of
from brevitas_models.requant import IntegerRequant, Requant
from brevitas_models.signs import Sign, batch_norm, freeze_sign
from brevitas_models.streams import Chain, MaxPool

Conv = BinaryConv2d | Int8Conv2d


class Unit(nn.Module):
    """Something that freezing replaces.

    Attributes:
        stream: path, below the unit's own, of the module in the exported form that gives its
            stream.
    """

    stream: ClassVar[str] = ""

    def evaluate(self, acc: Tensor) -> Tensor:
        """(N, C, H, W) integers times their steps to what the stream is for them."""
        raise NotImplementedError

    def fix(self, name: str) -> None:
        """Switch requants to integers; nothing to do where there is none."""

    def frozen(self, name: str) -> nn.Module:
        """The exported form, in eval mode."""
        raise NotImplementedError


class StreamSign(Unit):
    """Sign of a stream with one format, or of several side by side.

    Args:
        forms: format and number of channels, in the order of the channels.
    """

    def __init__(self, sign: Sign, forms: Sequence[tuple[Format, int]]) -> None:
        super().__init__()
        self.sign = sign
        self.forms = tuple(forms)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to {-1, +1}."""
        return self.sign(x)

    evaluate = forward

    def frozen(self, name: str) -> nn.Module:
        """A threshold per channel."""
        sources = [source_of(form, channels) for form, channels in self.forms]
        return freeze_sign(name, self.sign.norm, sources)


class ConvSign(Unit):
    """Convolution, batch norm, max pooling where there is one, sign.

    Training pools in front of the sign, where the gradient goes to the pixel that won; the
    exported form pools bits, which gives the same, as sign is monotone.
    """

    stream = "sign"

    def __init__(self, conv: Conv, sign: Sign, pool: MaxPool | None = None) -> None:
        super().__init__()
        self.conv = conv
        self.sign = sign
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to {-1, +1}."""
        y = self.sign.normalise(self.conv(x), self.conv.affine())
        return self.sign.binarise(y if self.pool is None else self.pool(y))

    def evaluate(self, acc: Tensor) -> Tensor:
        """Signs of sums, before pooling."""
        return self.sign(acc, self.conv.affine())

    def frozen(self, name: str) -> nn.Module:
        """Convolution, threshold per channel, pooling of bits."""
        sign = freeze_sign(name, self.sign.norm, [self.conv.source()], self.conv.affine())
        pool = {} if self.pool is None else {"pool": self.pool}
        return Chain(conv=self.conv.frozen(), sign=sign, **pool).eval()


class ConvRequant(Unit):
    """Convolution, then batch norm to codes of a stream."""

    stream = "requant"

    def __init__(self, conv: Conv, requant: Requant) -> None:
        super().__init__()
        self.conv = conv
        self.requant = requant

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to codes times the step."""
        return self.evaluate(self.conv(x))

    def evaluate(self, acc: Tensor) -> Tensor:
        """Codes of sums."""
        steps = self.conv.steps() if self.requant.fixed else None
        return self.requant(acc, steps, self.conv.affine())

    def fix(self, name: str) -> None:
        """Statistics and shift from here on as they are."""
        magnitude = self.conv.source().magnitude
        self.requant.fix(name, self.conv.steps(), self.conv.affine(), magnitude)

    def frozen(self, name: str) -> nn.Module:
        """Convolution and integer requant."""
        sources = [self.conv.source()]
        requant = self.requant.frozen(name, self.conv.steps(), self.conv.affine(), sources)
        return Chain(conv=self.conv.frozen(), requant=requant).eval()


class StreamRequant(Unit):
    """Batch norm of streams side by side, each with its own step, to one format."""

    def __init__(self, requant: Requant, forms: Sequence[tuple[Format, int]]) -> None:
        super().__init__()
        self.requant = requant
        self.forms = tuple(forms)
        steps = torch.cat([torch.full((channels,), form.step) for form, channels in forms])
        self.register_buffer("steps", steps, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to codes times the step."""
        return self.requant(x, self.steps)

    evaluate = forward

    def _sources(self) -> list[Source]:
        return [source_of(form, channels) for form, channels in self.forms]

    def fix(self, name: str) -> None:
        """Statistics and shift from here on as they are."""
        magnitude = max(source.magnitude for source in self._sources())
        self.requant.fix(name, self.steps, None, magnitude)

    def frozen(self, name: str) -> nn.Module:
        """Integer requant."""
        return self.requant.frozen(name, self.steps, None, self._sources())


class PopcountConv(Unit):
    """Binary convolution that gives (sum + K) / 2: how many of its K products are +1.

    An exact integer, so nothing is rounded; written as a requant with M = 1, B = K, s = 1.
    """

    stream = "requant"

    def __init__(self, conv: BinaryConv2d) -> None:
        super().__init__()
        self.conv = conv
        self.form = Format(bits=conv.taps.bit_length(), exponent=0, signed=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in {-1, +1} to (N, O, H, W) integers 0..K."""
        return self.evaluate(self.conv(x))

    def evaluate(self, acc: Tensor) -> Tensor:
        """Counts of sums."""
        return (acc.float() + self.conv.taps) * 0.5

    def frozen(self, name: str) -> nn.Module:
        """Convolution and a requant that is the identity but for the coding."""
        ones = torch.ones(1, self.conv.out_channels, dtype=torch.int64)
        requant = IntegerRequant(ones, ones * self.conv.taps, 1, self.form, [self.conv.source()])
        return Chain(conv=self.conv.frozen(), requant=requant).eval()


def binary_requant(conv: BinaryConv2d, form: Format, slopes: bool = False) -> ConvRequant:
    """Binary convolution onto a stream."""
    norm = batch_norm(conv.out_channels, 0.0, float(conv.taps))
    return ConvRequant(conv, Requant(form, norm, slopes=slopes))


def int8_requant(conv: Int8Conv2d, form: Format, power: float) -> ConvRequant:
    """int8 convolution onto a stream.

    Args:
        power: mean square of the inputs to expect with random weights.
    """
    variance = power * conv.weight.detach().square().flatten(1).sum(1)
    return ConvRequant(conv, Requant(form, batch_norm(conv.out_channels, 0.0, variance), wide=True))
