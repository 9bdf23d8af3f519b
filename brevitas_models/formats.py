# SPDX-License-Identifier: Apache-2.0
"""What the elements of a stream can be: integers of some bits with one power-of-two step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from brevitas_models.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """n-bit codes; real value = code * 2^exponent.

    Attributes:
        bits: width, 2..16.
        exponent: of the step; -4 is a step of 1/16.
        signed: two's complement instead of 0..2^bits - 1.
    """

    bits: int = 8
    exponent: int = -4
    signed: bool = True

    def __post_init__(self) -> None:
        """Refuse widths that no stream has."""
        if not 2 <= self.bits <= 16:
            raise ModelError(
                f"stream format: {self.bits} bits; 2 to 16 are allowed; 8 are enough for every"
                " network measured so far."
            )

    @property
    def low(self) -> int:
        """Smallest code."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest code."""
        return (1 << (self.bits - 1 if self.signed else self.bits)) - 1

    @property
    def step(self) -> float:
        """Real value of code 1."""
        return 2.0**self.exponent

    @property
    def magnitude(self) -> int:
        """Largest absolute code."""
        return max(-self.low, self.high)

    def __str__(self) -> str:
        return f"{'signed' if self.signed else 'unsigned'} {self.bits} bits, step 2^{self.exponent}"


PIXELS = Format(bits=8, exponent=-7)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The integers that reach a sign or a requant, and what integer 1 is worth.

    Attributes:
        channels: how many channels are alike.
        low, high, spacing: the integers are low, low + spacing, ... high, or some of them.
        steps: (channels,) float64 real value of integer 1, powers of two.
    """

    channels: int
    low: int
    high: int
    spacing: int
    steps: Tensor

    @property
    def count(self) -> int:
        """How many integers there are."""
        return (self.high - self.low) // self.spacing + 1

    @property
    def magnitude(self) -> int:
        """Largest absolute integer."""
        return max(abs(self.low), abs(self.high))


def source_of(form: Format, channels: int) -> Source:
    """Every code of a stream of `channels` channels."""
    steps = torch.full((channels,), form.step, dtype=torch.float64)
    return Source(channels=channels, low=form.low, high=form.high, spacing=1, steps=steps)


def meet(name: str, shortcut: Format, branch: Format) -> Format:
    """Format of a sum of two streams, which both must have.

    Raises:
        ModelError: their steps, widths or signs differ; says which and what to do.
    """
    if shortcut == branch:
        return shortcut
    if shortcut.exponent != branch.exponent:
        mend = (
            f"give the branch's requant exponent={shortcut.exponent}, or bring the shortcut to"
            f" exponent={branch.exponent} through a 1x1 convolution with a requant"
        )
    else:
        mend = "give the requants of both sides the same bits and signed"
    raise ModelError(
        f"{name}: the shortcut is {shortcut}, the branch {branch}; integers can be added only"
        f" where both sides have one format; {mend}."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """One residual stream for a whole network: its width, and one step per stage.

    Attributes:
        bits: of every element.
        exponents: of the step, one per stage; a stage changes it in its first block, where the
            shortcut passes a 1x1 convolution with a requant of its own.
    """

    bits: int = 8
    exponents: tuple[int, ...] = (-4, -4, -4, -4)

    def stage(self, index: int) -> Format:
        """Format of the stream in stage `index`, from 0."""
        return Format(bits=self.bits, exponent=self.exponents[index])

    def check(self, stages: Sequence[object]) -> None:
        """Refuse a plan that has another number of steps than the network has stages."""
        if len(self.exponents) != len(stages):
            raise ModelError(
                f"stream plan: {len(self.exponents)} exponents for {len(stages)} stages; each"
                " stage has one; give as many exponents as stages."
            )
