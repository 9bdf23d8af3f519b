# SPDX-License-Identifier: Apache-2.0
"""Quantised batch norm: from sums to codes of a stream by integer multiplier, offset and shift.

    code = clip(floor((sum * M + B) / 2^s), low, high)        M, B per channel, s per layer

Training begins with the float batch norm and quantises what it gives. `fix()` then fixes the
statistics and s; from there the forward pass is the formula above, with straight-through rounding
of M and B, so that gamma and beta still learn what hardware computes. Half a code stands inside
B, so that floor, the only rounding, rounds to nearest; ties go up.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own convention)
from torch import Tensor, nn

from brevitas_models.convs import EXACT
from brevitas_models.errors import ModelError
from brevitas_models.estimators import floor_ste, round_ste
from brevitas_models.formats import Format, Source
from brevitas_models.signs import freeze_sign
from brevitas_models.streams import StreamModule, StreamQuant

NARROW_MUL_BITS = 12
WIDE_MUL_BITS = 16
_WIDE_SHIFT = 34
_WIDE_ADD_BITS = 47  # offsets fit the 48-bit adder of a DSP slice

Affine = tuple[Tensor, Tensor] | None


class Requant(nn.Module):
    """Batch norm and quantisation of sums, with one slope or two.

    Args:
        form: of the codes; unsigned is a ReLU, signed 8 bits with step 2^-7 a Hardtanh.
        norm: the batch norm, with its channels.
        wide: sums of int8 products or of many bits: M of 16 bits instead of 12.
        slopes: two trained slopes per channel, for negative and for other values.
    """

    def __init__(
        self, form: Format, norm: nn.BatchNorm2d, *, wide: bool = False, slopes: bool = False
    ) -> None:
        super().__init__()
        self.form = form
        self.norm = norm
        self.wide = wide
        self.quant = StreamQuant(form)
        channels = norm.num_features
        self.slopes = (
            nn.Parameter(torch.tensor([[0.25], [1.0]]).repeat(1, channels)) if slopes else None
        )
        self.register_buffer("shift", torch.tensor(0))  # 0: the batch norm is still in float
        self._shift = 0

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._shift = int(self.shift)

    @property
    def fixed(self) -> bool:
        """Whether the forward pass is the integer formula."""
        return self._shift > 0

    def forward(self, acc: Tensor, steps: Tensor | None, affine: Affine = None) -> Tensor:
        """(N, C, H, W) sums to codes times the step.

        Args:
            steps: (C,) real value of an integer sum of 1; None before `fix`.
            affine: the layer's gain and offset, (C,) each, or None.
        """
        if self.fixed and self.quant.enabled:
            return self._integer(acc, steps, affine)
        if affine is not None:
            acc = acc * affine[0].reshape(1, -1, 1, 1) + affine[1].reshape(1, -1, 1, 1)
        y = self.norm(acc)
        if self.slopes is not None:
            low, high = (p.reshape(1, -1, 1, 1) for p in self.slopes)
            y = torch.where(y >= 0, y * high, y * low)
        if not self.quant.enabled:
            return y if self.form.signed else F.relu(y)
        return self.quant(y + self.form.step / 2)

    def _gains(self, steps: Tensor, affine: Affine) -> tuple[Tensor, Tensor, Tensor]:
        """Per side and channel in float64: gain and offset in codes, and the centre in sums.

        code = (sum - centre) * gain + offset, so that a gain that is cut still maps the mean
        to where it belongs.
        """
        norm = self.norm
        gamma, beta = norm.weight.double(), norm.bias.double()
        scale = gamma / torch.sqrt(norm.running_var.double() + norm.eps)
        gain, offset = (None, None) if affine is None else (v.double() for v in affine)
        unit = steps.double() if gain is None else steps.double() * gain
        mean = norm.running_mean.double()
        centre = (mean if offset is None else mean - offset) / unit
        sides = 1.0 if self.slopes is None else self.slopes.double()
        gains = sides * (scale * unit)[None] / self.form.step
        return gains, sides * beta[None] / self.form.step, centre

    @property
    def mul_bits(self) -> int:
        """Width of M beside its sign."""
        return WIDE_MUL_BITS if self.wide else NARROW_MUL_BITS

    def integers(self, steps: Tensor, affine: Affine, shift: int) -> tuple[Tensor, Tensor]:
        """M and B as float64 integers, (sides, C) each, with straight-through gradients.

        Source: the derivation of integer batch norm in float64, rounding half inside B.
        """
        gains, offsets, centre = self._gains(steps, affine)
        limit = float(2**self.mul_bits - 1)
        mul = round_ste(gains * 2.0**shift).clamp(-limit, limit)
        add = round_ste(offsets * 2.0**shift - mul * centre) + 2.0 ** (shift - 1)
        return mul, add

    def _integer(self, acc: Tensor, steps: Tensor, affine: Affine) -> Tensor:
        """The formula; exact in eval mode, where it runs in float64."""
        kind = torch.float32 if self.training else torch.float64
        mul, add = self.integers(steps, affine, self._shift)
        scale = 2.0**-self._shift
        mul = (mul * scale / steps.double()).to(kind)[:, None, :, None, None]
        add = (add * scale).to(kind)[:, None, :, None, None]
        x = acc.to(kind)
        if self.slopes is None:
            u = x * mul[0] + add[0]
        else:
            u = torch.where(self._positive(acc, affine), x * mul[1] + add[1], x * mul[0] + add[0])
        codes = floor_ste(u).clamp(self.form.low, self.form.high)
        return (codes * self.form.step).float()

    def _positive(self, acc: Tensor, affine: Affine) -> Tensor:
        """Which side of the two slopes each sum is on, by the float batch norm."""
        if affine is not None:
            acc = acc * affine[0].reshape(1, -1, 1, 1) + affine[1].reshape(1, -1, 1, 1)
        norm = self.norm
        fields = (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        return F.batch_norm(acc.float(), *fields, False, 0.0, norm.eps) >= 0

    @torch.no_grad()
    def fix(self, name: str, steps: Tensor, affine: Affine, magnitude: int) -> None:
        """Choose s for the statistics as they are and switch to the integer formula.

        Args:
            magnitude: largest absolute sum, for the rule that keeps float32 exact.

        Raises:
            ModelError: the stream's step is too fine for the width of M.
        """
        # A channel whose sums vary by less than one unit is dead: its huge gain may be cut.
        unit = steps.double() if affine is None else steps.double() * affine[0].double()
        alive = self.norm.running_var.double() >= unit.square()
        gains = self._gains(steps, affine)[0].abs()[:, alive]
        largest = max(float(gains.max()) if gains.numel() else 0.0, 2.0**-_WIDE_SHIFT)
        shift = math.floor(math.log2((2**self.mul_bits - 1) / largest))
        shift = min(shift, _WIDE_SHIFT if self.wide else 24 - self.form.bits)
        while not self.wide and shift > 1 and not self._strict(steps, affine, shift, magnitude):
            shift -= 1
        if shift < 1:
            raise ModelError(
                f"{name}: a shift of {shift} bits for {self.form}; at least 1 is needed for"
                f" multipliers of {self.mul_bits} bits; use a coarser step or fewer bits."
            )
        self._shift = shift
        self.shift.fill_(shift)

    def _strict(self, steps: Tensor, affine: Affine, shift: int, magnitude: int) -> bool:
        """Whether every sum * M + B stays exact in float32, in any order of evaluation."""
        mul, add = self.integers(steps, affine, shift)
        return float(magnitude * mul.abs().max() + add.abs().max()) < EXACT

    @torch.no_grad()
    def frozen(
        self, name: str, steps: Tensor, affine: Affine, sources: list[Source]
    ) -> "IntegerRequant":
        """The exported form; `fix` must have been called."""
        mul, add = self.integers(steps, affine, self._shift)
        if float(add.abs().max()) >= 1 << _WIDE_ADD_BITS:
            raise ModelError(
                f"{name}: an offset of {float(add.abs().max()):.0f}; {_WIDE_ADD_BITS} bits and a"
                " sign are allowed; its batch norm has a mean far outside of what can be summed,"
                " train it again."
            )
        sign = None if self.slopes is None else freeze_sign(name, self.norm, sources, affine)
        return IntegerRequant(mul.long(), add.long(), self._shift, self.form, sources, sign).eval()


class IntegerRequant(StreamModule):
    """The frozen requant. In float64 where products can pass 2^24, else in float32.

    Attributes:
        mul, add: (sides, C) int64; shift: s.
        threshold, falling: (C,) where there are two sides, else None; side 1 holds where
            (sum >= threshold) != falling.
        sources: the integers that can reach it, channels in order.
    """

    kind = "requant"

    def __init__(
        self,
        mul: Tensor,
        add: Tensor,
        shift: int,
        form: Format,
        sources: list[Source],
        sign: StreamModule | None = None,
    ) -> None:
        super().__init__()
        self.mul, self.add, self.shift = mul.numpy(), add.numpy(), shift
        self.form, self.sources = form, tuple(sources)
        self.threshold = self.falling = None
        magnitude = max(s.magnitude for s in sources)
        self.wide = int(magnitude * mul.abs().max() + add.abs().max()) >= EXACT
        kind = torch.float64 if self.wide else torch.float32
        unit = 2.0**-shift * (1.0 if self.wide else form.step)
        steps = torch.cat([s.steps for s in sources])
        for side in range(len(mul)):
            factor, offset = mul[side].double() * unit / steps, add[side].double() * unit
            self.register_buffer(f"mul{side}", factor.to(kind).reshape(1, -1, 1, 1))
            self.register_buffer(f"add{side}", offset.to(kind).reshape(1, -1, 1, 1))
        if sign is not None:
            self.threshold, self.falling = sign.threshold, sign.falling
            self.register_buffer("t", sign.t)
            self.register_buffer("pol", sign.pol)
        self.quant = None if self.wide else StreamQuant(form)

    def forward(self, acc: Tensor) -> Tensor:
        """(N, C, H, W) sums to codes times the step, float32."""
        x = acc.double() if self.wide else acc
        u = x * self.mul0 + self.add0
        if self.threshold is not None:
            side = (acc - self.t) * self.pol >= 0
            u = torch.where(side, x * self.mul1 + self.add1, u)
        if self.quant is not None:
            return self.quant(u)
        return (torch.floor(u).clamp(self.form.low, self.form.high) * self.form.step).float()
