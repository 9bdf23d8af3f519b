# SPDX-License-Identifier: Apache-2.0
"""Binary layers, the sign behind a batch norm in training and deploy form, the logit norm."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (torch's own convention)
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear
from torch import Tensor, nn

from brevitas_models.quantizers import (
    PIXEL_OFFSET,
    PIXEL_STEP,
    BipolarActivation,
    BipolarWeight,
    PixelFixedPoint,
    clipped_sign,
    straight_sign,
)

BN_EPS = 1e-4


class BinaryConv2d(QuantConv2d):
    """3x3 convolution with weights in {-1, +1}, no bias, no padding.

    `forward`: (N, C, H, W) float32 to (N, Cout, H-2, W-2) float32, sums of +-x.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, bias=False, weight_quant=BipolarWeight
        )

    def forward(self, x: Tensor, *args: Any) -> Tensor:
        """Convolve; in training through the fast twin of the weight quantiser."""
        if self.training:
            return F.conv2d(x, straight_sign(self.weight))
        return super().forward(x)


class BinaryLinear(QuantLinear):
    """Dense layer with weights in {-1, +1}, no bias: (N, K) float32 to (N, M) float32."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features, bias=False, weight_quant=BipolarWeight)

    def forward(self, x: Tensor, *args: Any) -> Tensor:
        """Multiply; in training through the fast twin of the weight quantiser."""
        if self.training:
            return F.linear(x, straight_sign(self.weight))
        return super().forward(x)


class BipolarSign(nn.Module):
    """sign(x) in {-1, +1} with sign(0) = +1; any shape."""

    def __init__(self) -> None:
        super().__init__()
        self.quant = QuantIdentity(act_quant=BipolarActivation, return_quant_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sign; in training through the fast twin of the quantiser."""
        return clipped_sign(x) if self.training else self.quant(x)


class PixelInput(nn.Module):
    """uint8 pixels held as float, 0..255, to what the first layer multiplies.

    Args:
        binary: the sign of the centred pixel (pixel >= 128 is +1) instead of its 8-bit code.
    """

    def __init__(self, binary: bool) -> None:
        super().__init__()
        self.binary = binary
        self.sign = (
            BipolarSign()
            if binary
            else QuantIdentity(act_quant=PixelFixedPoint, return_quant_tensor=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in 0..255 to (N, C, H, W) in {-1, +1} or in -1..1-2^-7."""
        return self.sign((x - PIXEL_OFFSET) * PIXEL_STEP)


class BatchNormSign(nn.Module):
    """Batch norm, then sign: the training form of a binary activation.

    Pooling is done between the two. sign is monotone, so max(sign(x)) = sign(max(x)): the values
    are those of pooling behind the sign, but the gradient goes to the pixel that won instead of
    to the first of many equal ones, and the sign runs on a quarter of the pixels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels, eps=BN_EPS)
        self.sign = BipolarSign()

    def forward(self, acc: Tensor, pool: int = 1) -> Tensor:
        """(N, C) or (N, C, H, W) accumulators to {-1, +1}, H and W divided by `pool`."""
        y = F.batch_norm(
            acc,
            self.norm.running_mean,
            self.norm.running_var,
            self.norm.weight,
            self.norm.bias,
            self.norm.training,
            self.norm.momentum if self.norm.momentum is not None else self._average(),
            self.norm.eps,
        )
        return self.sign(F.max_pool2d(y, pool) if pool > 1 else y)

    def _average(self) -> float:
        """Momentum of a plain average over the batches seen since the statistics were reset."""
        if self.norm.training:
            self.norm.num_batches_tracked += 1
        return 1.0 / max(1.0, float(self.norm.num_batches_tracked))


class ThresholdSign(nn.Module):
    """sign((acc - t) * pol): the deploy form of a binary activation.

    Args:
        t: thresholds, shaped to broadcast over the accumulators, never equal to a reachable one.
        pol: +1 or -1 of the same shape.
    """

    def __init__(self, t: Tensor, pol: Tensor) -> None:
        super().__init__()
        self.register_buffer("t", t)
        self.register_buffer("pol", pol)
        self.sign = BipolarSign()

    def forward(self, acc: Tensor) -> Tensor:
        """Accumulators to {-1, +1}, same shape."""
        return self.sign((acc - self.t) * self.pol)


class ScalarNorm(nn.Module):
    """Batch norm of the logits with a single mean, variance, gain and offset.

    One gain for all classes keeps the argmax of the integer accumulators, as long as it is
    positive, so that hardware needs none of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1, eps=BN_EPS)

    def affine(self) -> tuple[Tensor, Tensor]:
        """Gain and offset of the eval form, (1,) float32 each."""
        variance = self.norm.running_var + self.norm.eps
        scale = self.norm.weight / torch.sqrt(variance)
        return scale, self.norm.bias - self.norm.running_mean * scale

    def forward(self, acc: Tensor) -> Tensor:
        """(N, classes) accumulators to (N, classes) float32 logits."""
        if self.norm.training:
            return self.norm(acc.reshape(-1, 1).float()).reshape(acc.shape)
        scale, bias = self.affine()
        return acc * scale + bias
