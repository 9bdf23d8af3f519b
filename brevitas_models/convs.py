# SPDX-License-Identifier: Apache-2.0
"""The layers of the graph networks that multiply: 1-bit and int8 convolutions, the int8 head.

Each knows which integers it can give (`source`), what the batch norm behind it sees of them
(`affine`), and how to become the layer that is exported (`frozen`). Scales stand behind the sum.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own convention)
from brevitas.nn import QuantConv2d, QuantLinear
from torch import Tensor, nn

from brevitas_models.errors import ModelError
from brevitas_models.estimators import magnitude_aware_sign, round_ste, ste_sign
from brevitas_models.formats import PIXELS, Format, Source
from brevitas_models.quantizers import BipolarWeight, FrozenInt8

EXACT = 1 << 24  # sums of integers below it are exact in float32, in any order
_NARROW = 127


class _MinusOnePad(torch.autograd.Function):
    """Padding with -1 that exports as one Pad with constant inputs, not as eight nodes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, pad: int) -> Tensor:
        return F.pad(x, (pad,) * 4, value=-1.0)

    @staticmethod
    def symbolic(g: Any, x: Any, pad: int) -> Any:
        pads = g.op("Constant", value_t=torch.tensor([0, 0, pad, pad] * 2))
        value = g.op("Constant", value_t=torch.tensor(-1.0))
        return g.op("Pad", x, pads, value, mode_s="constant")


class BinaryConv2d(QuantConv2d):
    """Convolution with weights in {-1, +1} on inputs in {-1, +1}, padded with -1, no bias.

    Args:
        estimator: (O, I, K, K) latent weights to their signs, with a gradient.

    Attributes:
        real: the latent weights themselves are multiplied, in the first of two training steps.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        pad: int | None = None,
        groups: int = 1,
        estimator: Callable[[Tensor], Tensor] = magnitude_aware_sign,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            groups=groups,
            bias=False,
            weight_quant=BipolarWeight,
        )
        self.pad = kernel // 2 if pad is None else pad
        self.estimator = estimator
        self.real = False

    def forward(self, x: Tensor, *args: Any) -> Tensor:
        """(N, C, H, W) in {-1, +1} to (N, O, OH, OW) integer sums."""
        if self.training or self.real:
            x = F.pad(x, (self.pad,) * 4, value=-1.0)
            weight = self.weight if self.real else self.estimator(self.weight)
            return F.conv2d(x, weight, stride=self.stride, groups=self.groups)
        return super().forward(_MinusOnePad.apply(x, self.pad) if self.pad else x)

    @property
    def taps(self) -> int:
        """Products in one sum."""
        return self.weight[0].numel()

    def source(self) -> Source:
        """Sums of `taps` times +-1."""
        channels, taps = self.weight.shape[0], self.taps
        steps = torch.ones(channels, dtype=torch.float64)
        return Source(channels=channels, low=-taps, high=taps, spacing=2, steps=steps)

    def steps(self) -> Tensor:
        """(O,) float32 real value of an integer sum of 1."""
        return torch.ones(self.weight.shape[0], device=self.weight.device)

    def affine(self) -> tuple[Tensor, Tensor] | None:
        """Gain and offset that lead from the sums to what the batch norm sees; None for 1 and 0."""
        return None

    def latent(self) -> nn.Parameter:
        """The latent weights, which training keeps in [-1, 1]."""
        return self.weight

    @torch.no_grad()
    def frozen(self) -> "BinaryConv2d":
        """The same layer with its latent weights replaced by their signs."""
        copy = BinaryConv2d(
            self.in_channels,
            self.out_channels,
            self.kernel_size[0],
            stride=self.stride[0],
            pad=self.pad,
            groups=self.groups,
        )
        copy.weight.copy_(torch.where(self.weight >= 0, 1.0, -1.0))
        return copy.eval()


class TrainedBinaryConv2d(BinaryConv2d):
    """Binary convolution with trained scales: activations {0, a}, weights {-alpha, +alpha}.

    With b = 2h - 1 for a step h in {0, 1}, sum(h * w) = (sum(b * w) + sum(w)) / 2, and zero
    padding of h is -1 padding of b; so the layer multiplies b like any other, and
    a * alpha * sum(h * w) is what stands in front of the batch norm. Both scales are kept
    positive by softplus. One a and one alpha per layer, and a sign with a clipped
    straight-through gradient for the weights: neither is confirmed by the paper's abstract.
    Source: Xu & Cheung (BMVC 2019).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **({"estimator": ste_sign} | kwargs))
        one = torch.tensor(1.0).expm1().log()  # softplus gives 1
        self.activation_scale = nn.Parameter(one.clone())
        self.weight_scale = nn.Parameter(one.clone())

    def alpha(self) -> Tensor:
        """Scale of the weights, scalar, positive."""
        return F.softplus(self.weight_scale)

    def affine(self) -> tuple[Tensor, Tensor]:
        """a * alpha / 2, and the same times the sum of each output channel's weights, (O,)."""
        gain = F.softplus(self.activation_scale) * self.alpha() / 2
        signs = ste_sign(self.weight).flatten(1).sum(1)
        return gain.expand_as(signs), gain * signs


def int8_steps(weight: Tensor, limit: int, per_channel: bool = True) -> Tensor:
    """Smallest power-of-two steps that hold (O, ...) weights in int8.

    Args:
        limit: the sum of |code| stays at or below it, for each output channel; a channel that
            would pass it gets a coarser step.
        per_channel: one step per output channel instead of one for all.

    Returns:
        (O,) float32.
    """
    flat = weight.detach().float().flatten(1)
    largest = flat.abs().amax(1) if per_channel else flat.abs().amax().expand(len(flat))
    # As the library's fixed-point quantiser: a largest weight of 127.5 to 128 steps is clipped.
    steps = torch.exp2(torch.ceil(torch.log2(largest.clamp_min(1e-20) / (_NARROW + 1))))
    for _ in range(2):  # once for the sum, once more if rounding has lifted it again
        over = (int8_codes(flat, steps).abs().sum(1) / limit).clamp_min(1.0)
        over = over if per_channel else over.amax().expand(len(flat))
        steps = steps * torch.exp2(torch.ceil(torch.log2(over)))
    return steps


def int8_codes(weight: Tensor, steps: Tensor) -> Tensor:
    """(O, ...) weights to integers in -127..127, as floats with the gradient of weight / step."""
    steps = steps.reshape(-1, *(1,) * (weight.dim() - 1))
    return round_ste(weight / steps).clamp(-_NARROW, _NARROW)


class Int8Conv2d(nn.Conv2d):
    """Convolution with int8 weights on n-bit inputs, zero-padded, no bias.

    Args:
        form: of the inputs; pixels if not given.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        pad: int = 0,
        groups: int = 1,
        form: Format = PIXELS,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, pad, groups=groups, bias=False)
        self.form = form
        self.enabled = True

    def weight_steps(self) -> Tensor:
        """(O,) float32 power-of-two steps of the weights."""
        return int8_steps(self.weight, (EXACT - 1) // self.form.magnitude)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, O, OH, OW), integers times `steps()`."""
        weight = self.weight
        if self.enabled:
            steps = self.weight_steps()
            weight = int8_codes(weight, steps) * steps.reshape(-1, 1, 1, 1)
        return F.conv2d(x, weight, None, self.stride, self.padding, 1, self.groups)

    def steps(self) -> Tensor:
        """(O,) float32 real value of an integer sum of 1."""
        return self.weight_steps() * self.form.step

    @torch.no_grad()
    def source(self) -> Source:
        """Sums of int8 weights times input codes, bounded by the weights as they are."""
        steps = self.weight_steps()
        sums = int8_codes(self.weight, steps).abs().flatten(1).sum(1)
        bound = int(sums.max()) * self.form.magnitude
        if bound >= EXACT:
            raise ModelError(
                f"int8 convolution: sums reach {bound}; float32 is exact below {EXACT};"
                " this is a fault of int8_steps()."
            )
        low = 0 if not self.form.signed and bool((self.weight >= 0).all()) else -bound
        return Source(
            channels=len(steps), low=low, high=bound, spacing=1, steps=self.steps().double()
        )

    def affine(self) -> None:
        """The batch norm behind sees the sums as they are."""
        return

    @torch.no_grad()
    def frozen(self) -> QuantConv2d:
        """The exported form: weights on their grid, steps as constants."""
        steps = self.weight_steps().reshape(-1, 1, 1, 1)
        copy = QuantConv2d(
            self.in_channels,
            self.out_channels,
            self.kernel_size[0],
            stride=self.stride[0],
            padding=self.padding[0],
            groups=self.groups,
            bias=False,
            weight_quant=FrozenInt8.let(scaling_init=steps * 128, scaling_per_output_channel=True),
        )
        copy.weight.copy_(int8_codes(self.weight, steps.flatten()) * steps)
        return copy.eval()


class Int8Linear(nn.Linear):
    """Last layer: int8 weights with one step for all classes, bias on the sums' grid.

    One step keeps the argmax of the integers. `scale`, a constant without hardware, leads from
    the sums to the logits.

    Args:
        form: of the inputs.
        scale: logits = sums * scale; 1 / pixels behind a global sum.
    """

    def __init__(self, in_features: int, classes: int, form: Format, scale: float = 1.0) -> None:
        super().__init__(in_features, classes)
        self.form = form
        self.scale = scale
        self.enabled = True

    def weight_steps(self) -> Tensor:
        """(O,) float32, all equal."""
        return int8_steps(self.weight, 1 << 62, per_channel=False)

    def grid(self) -> Tensor:
        """Real value of an integer sum of 1: scalar, a power of two."""
        return self.weight_steps()[0] * self.form.step

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) to (N, classes), integers times `grid()`.

        In float64: exact beyond 2^24, and left alone by autocast.
        """
        if not self.enabled:
            return F.linear(x, self.weight, self.bias / self.scale)
        steps = self.weight_steps()
        weight = int8_codes(self.weight, steps) * steps[:, None]
        bias = round_ste(self.bias / (self.scale * self.grid())) * self.grid()
        return F.linear(x.double(), weight.double(), bias.double())

    @torch.no_grad()
    def frozen(self) -> "FrozenHead":
        """The exported form."""
        return FrozenHead(self)


class FrozenHead(nn.Module):
    """Dense layer of int8 codes; in float64 where its sums can pass 2^24.

    Attributes:
        wide: whether they can.
        grid: real value of an integer sum of 1.
    """

    def __init__(self, head: Int8Linear) -> None:
        super().__init__()
        steps = head.weight_steps()
        codes = int8_codes(head.weight, steps)
        self.grid = float(head.grid())
        self.scale = head.scale
        bias = torch.round(head.bias / (head.scale * self.grid))
        bound = float((codes.abs().sum(1) * head.form.magnitude + bias.abs()).max())
        self.wide = bound >= EXACT
        weight = FrozenInt8.let(
            scaling_init=float(steps[0]) * 128, scaling_per_output_channel=False
        )
        self.dense = QuantLinear(head.in_features, head.out_features, False, weight_quant=weight)
        self.dense.weight.copy_(codes * steps[:, None])
        self.register_buffer("bias", (bias * self.grid).to(torch.float64 if self.wide else None))
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) to (N, classes), integers times `grid`."""
        weight = self.dense.quant_weight().value
        if self.wide:
            x, weight = x.double(), weight.double()
        return x @ weight.T + self.bias
