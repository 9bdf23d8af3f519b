# SPDX-License-Identifier: Apache-2.0
"""Signs and steps with the gradients that the papers of the seed families put in their place.

Every function is a forward value and a formula for the derivative, nothing else; any shape,
float32 or bfloat16. sign(0) = +1 and step(0) = 1 throughout. Hardware sees the values only.
"""

from typing import Any

import torch
from torch import Tensor


def _signs(x: Tensor) -> Tensor:
    return torch.ge(x, 0).to(x.dtype).mul_(2).sub_(1)


class _SteSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, clip: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.clip = clip
        return _signs(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grads[0] * (x.abs() <= ctx.clip), None


def ste_sign(x: Tensor, clip: float = 1.0) -> Tensor:
    """sign(x); the gradient passes unchanged where |x| <= clip.

    Sources: clip 1 is BinaryNet's; 1.3 and, for ResNetE, 1.25 are those of the published
    BinaryDenseNet runs.
    """
    return _SteSign.apply(x, clip)


class _ApproxSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _signs(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grads[0] * (2 - 2 * x.abs()).clamp_min_(0)


def approx_sign(x: Tensor) -> Tensor:
    """sign(x); derivative 2 + 2x on [-1, 0), 2 - 2x on [0, 1), else 0.

    Source: Bi-Real Net (ECCV 2018), the piecewise quadratic approximation of sign.
    """
    return _ApproxSign.apply(x)


class _UnitStep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.ge(x, 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        size = x.abs()
        # 2 - 4|x| falls to 0.4 exactly at |x| = 0.4, so the larger of the two is the formula.
        return grads[0] * (2 - 4 * size).clamp_min_(0.4) * (size <= 1)


def unit_step(x: Tensor) -> Tensor:
    """1 where x >= 0, else 0; derivative 2 - 4|x| up to 0.4, then 0.4 up to |x| = 1, then 0.

    Source: Xu & Cheung, "Accurate and Compact Convolutional Neural Networks with Trained
    Binarization" (BMVC 2019).
    """
    return _UnitStep.apply(x)


def bipolar_step(x: Tensor) -> Tensor:
    """2 * unit_step(x) - 1: the same step on the hardware's two values, with twice the slope."""
    return unit_step(x) * 2 - 1


class _MagnitudeAwareSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return _signs(weight)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (weight,) = ctx.saved_tensors
        size = weight.abs()
        mean = size.flatten(1).mean(1).reshape(-1, *(1,) * (weight.dim() - 1))
        return grads[0] * mean * (size <= 1)


def magnitude_aware_sign(weight: Tensor) -> Tensor:
    """sign of (O, ...) weights; gradient times the output channel's mean |w|, where |w| <= 1.

    The scale mean |w| itself changes no value behind a batch norm, so it stays out of the
    forward and hardware needs no trace of it. Source: Bi-Real Net (ECCV 2018), section 3.3.
    """
    return _MagnitudeAwareSign.apply(weight)


def mean_magnitude_sign(weight: Tensor, live: bool = False) -> Tensor:
    """mean |w| * sign(w) per output channel of (O, ...) weights; gradient where |w| <= 1.

    For layers without a batch norm behind. Source: XNOR-Net (ECCV 2016).

    Args:
        live: the gradient also flows through the mean; else the scale is a constant.
    """
    mean = weight.abs().flatten(1).mean(1).reshape(-1, *(1,) * (weight.dim() - 1))
    return (mean if live else mean.detach()) * ste_sign(weight)


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rounding: str) -> Tensor:
        return x.floor() if rounding == "floor" else x.round()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0], None


def floor_ste(x: Tensor) -> Tensor:
    """floor(x) with the gradient of x."""
    return _Straight.apply(x, "floor")


def round_ste(x: Tensor) -> Tensor:
    """round(x), ties to even, with the gradient of x."""
    return _Straight.apply(x, "round")
