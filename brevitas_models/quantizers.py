# SPDX-License-Identifier: Apache-2.0
"""The quantiser presets that every network here is built from, and their fast training twins.

All scales are constants: a weight or an activation is exactly -1 or +1, a pixel is an integer
times 2^-7. sign(0) = +1 throughout. Real-valued scales (batch norm, logit norm) stand behind
the accumulator and never reach a multiplication of the hardware.
"""

from typing import Any

import torch
from brevitas.core.bit_width import BitWidthImplType
from brevitas.core.quant import QuantType
from brevitas.core.restrict_val import FloatToIntImplType, RestrictValueType
from brevitas.core.scaling import PowerOfTwoIntScaling, ScalingImplType
from brevitas.core.zero_point import ZeroZeroPoint
from brevitas.inject import ExtendedInjector
from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver
from torch import Tensor

PIXEL_OFFSET = 128.0
PIXEL_STEP = 2.0**-7


class _Bipolar(ExtendedInjector):
    """{-1, +1} with constant scale 1."""

    quant_type = QuantType.BINARY
    bit_width_impl_type = BitWidthImplType.CONST
    bit_width = 1
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    scaling_per_output_channel = False
    scaling_init = 1.0
    signed = True
    narrow_range = True


class BipolarWeight(_Bipolar, WeightQuantSolver):
    """Weights in {-1, +1}, scale 1; the gradient passes straight through to the latent weight."""


class BipolarActivation(_Bipolar, ActQuantSolver):
    """Activations in {-1, +1}, scale 1; the gradient passes where |x| <= 1."""

    min_val = -1.0
    max_val = 1.0


class PixelFixedPoint(ActQuantSolver):
    """Signed 8 bits with step 2^-7: codes -128..127, the identity on centred pixels."""

    quant_type = QuantType.INT
    bit_width_impl_type = BitWidthImplType.CONST
    bit_width = 8
    float_to_int_impl_type = FloatToIntImplType.FLOOR
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    scaling_per_output_channel = False
    scaling_init = 1.0
    signed = True
    narrow_range = False
    zero_point_impl = ZeroZeroPoint


class _FixedPoint(ExtendedInjector):
    """Integers times a constant power of two; `scaling_init` = step * 2^(bits - signed)."""

    quant_type = QuantType.INT
    bit_width_impl_type = BitWidthImplType.CONST
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    int_scaling_impl = PowerOfTwoIntScaling
    zero_point_impl = ZeroZeroPoint


class StreamFixedPoint(_FixedPoint, ActQuantSolver):
    """Codes of a stream, rounded by floor; set bit_width, signed and scaling_init."""

    float_to_int_impl_type = FloatToIntImplType.FLOOR
    scaling_per_output_channel = False
    narrow_range = False


class FrozenInt8(_FixedPoint, WeightQuantSolver):
    """Weights that are int8 codes times a power of two already; set scaling_init = step * 2^7."""

    float_to_int_impl_type = FloatToIntImplType.ROUND
    bit_width = 8
    signed = True
    narrow_range = True


class _StraightSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.ge(x, 0).to(x.dtype).mul_(2).sub_(1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return grads[0]


class _ClippedSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.ge(x, 0).to(x.dtype).mul_(2).sub_(1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(grads[0], x, -1.0, 1.0)


def straight_sign(x: Tensor) -> Tensor:
    """Value and gradient of `BipolarWeight`, in three passes over memory instead of a dozen.

    Training on a CPU spends a quarter of its time in the proxies otherwise; the tests hold the
    two to be equal. Any shape, float32 or bfloat16.
    """
    return _StraightSign.apply(x)


def clipped_sign(x: Tensor) -> Tensor:
    """Value and gradient of `BipolarActivation`; see `straight_sign`."""
    return _ClippedSign.apply(x)
