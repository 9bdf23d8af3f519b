# SPDX-License-Identifier: Apache-2.0
"""Turn each batch norm and sign into an integer threshold, by evaluating it on every sum there is.

Float algebra on the batch norm's parameters gets some thresholds wrong, so none is done: the
trained module itself, in eval mode, is run on all reachable accumulator values of its layer, and
the threshold is read off the result. After that nobody evaluates a float batch norm again.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brevitas_models.errors import ModelError
from brevitas_models.layers import (
    BatchNormSign,
    BinaryConv2d,
    BinaryLinear,
    BipolarSign,
    PixelInput,
    ThresholdSign,
)
from brevitas_models.network import BinaryNetwork
from brevitas_models.quantizers import PIXEL_OFFSET, PIXEL_STEP

INPUT_NAME = "input"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTable:
    """What a sign gives for every value that its accumulator can take.

    Attributes:
        name: the layer's exported name.
        acc_min, acc_step: value v of the table is the integer sum acc_min + v * acc_step.
        acc_scale: float value of an integer sum of 1 (2^-7 behind 8-bit pixels, else 1).
        bits: (C, V) bool, True for +1.
    """

    name: str
    acc_min: int
    acc_step: int
    acc_scale: float
    bits: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """(V,) int64 sums, ascending."""
        return self.acc_min + self.acc_step * np.arange(self.bits.shape[1], dtype=np.int64)

    def thresholds(self) -> tuple[np.ndarray, np.ndarray]:
        """Threshold and polarity per channel, so that bit = (sum - t) * pol >= 0.

        Returns:
            t: (C,) float64, half a step away from every reachable sum; outside the range where
                the channel is constant.
            pol: (C,) int8, +1 or -1.

        Raises:
            ModelError: a channel changes more than once.
        """
        changes = self.bits[:, 1:] != self.bits[:, :-1]
        count = changes.sum(1)
        if count.max(initial=0) > 1:
            channel = int(count.argmax())
            raise ModelError(
                f"{self.name}, channel {channel}: its sign changes {count[channel]} times over the"
                " reachable sums; one threshold needs a monotone function; train it again."
            )
        first = np.where(count == 1, changes.argmax(1) + 1, 0)
        first = np.where((count == 0) & ~self.bits[:, 0], self.bits.shape[1], first)
        t = self.acc_min + self.acc_step * (first - 0.5)
        pol = np.where((count == 1) & self.bits[:, 0], -1, 1).astype(np.int8)
        return t, pol


class DeployBlock(nn.Module):
    """A binary layer, its threshold, and max pooling of the signs."""

    def __init__(self, layer: BinaryConv2d | BinaryLinear, sign: ThresholdSign, pool: int) -> None:
        super().__init__()
        self.layer = layer
        self.sign = sign
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) or (N, K) float32 to the same rank in {-1, +1}."""
        if isinstance(self.layer, BinaryLinear) and x.dim() > 2:
            x = x.flatten(1)
        x = self.sign(self.layer(x))
        return F.max_pool2d(x, self.pool) if self.pool > 1 else x


class DeployInput(nn.Module):
    """uint8 pixels as float to the first layer's input, the sign as a threshold."""

    def __init__(self, pixels: PixelInput, sign: ThresholdSign | None) -> None:
        super().__init__()
        self.sign = pixels.sign if sign is None else sign

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in 0..255 to (N, C, H, W) in {-1, +1} or in -1..1-2^-7."""
        return self.sign((x - PIXEL_OFFSET) * PIXEL_STEP)


class DeployNetwork(nn.Module):
    """The frozen network: only integer sums, thresholds, polarities, one scale of the logits."""

    def __init__(
        self,
        pixels: DeployInput,
        blocks: dict[str, DeployBlock],
        last: tuple[str, BinaryLinear],
        scale: Tensor,
        bias: Tensor,
    ) -> None:
        super().__init__()
        self.input = pixels
        self.blocks = nn.ModuleDict(blocks)
        self.last_name, self.last = last
        self.register_buffer("logit_scale", scale)
        self.register_buffer("logit_bias", bias)

    def signs(self) -> dict[str, ThresholdSign]:
        """Every threshold by exported name, in order."""
        found = {INPUT_NAME: self.input.sign} | {n: b.sign for n, b in self.blocks.items()}
        return {name: sign for name, sign in found.items() if isinstance(sign, ThresholdSign)}

    def accumulators(self, x: Tensor) -> Tensor:
        """(N, C, H, W) pixels to (N, classes) integer sums of the last layer."""
        x = self.input(x)
        for block in self.blocks.values():
            x = block(x)
        return self.last(x)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) pixels to (N, classes) logits."""
        return self.accumulators(x) * self.logit_scale + self.logit_bias


@torch.no_grad()
def sign_table(
    name: str, sign: BatchNormSign, layer: BinaryConv2d | BinaryLinear, pixels: bool
) -> SignTable:
    """Run `sign` on every sum that `layer` can give.

    Args:
        pixels: the layer multiplies 8-bit pixels, -128..127 times 2^-7, instead of +-1.
    """
    weights = layer.weight[0].numel()
    bound, step, scale = (128 * weights, 1, PIXEL_STEP) if pixels else (weights, 2, 1.0)
    sums = torch.arange(-bound, bound + 1, step, dtype=torch.float64) * scale
    channels = layer.weight.shape[0]
    # Contiguous and of the layer's own rank: batch norm on strided input rounds differently.
    grid = sums.float()[:, None].expand(-1, channels).contiguous()
    if isinstance(layer, BinaryConv2d):
        grid = grid.T.reshape(1, channels, 1, -1).contiguous()
    out = sign.eval()(grid)
    if isinstance(layer, BinaryConv2d):
        out = out.reshape(channels, -1).T
    return SignTable(
        name=name,
        acc_min=-bound,
        acc_step=step,
        acc_scale=scale,
        bits=np.ascontiguousarray((out > 0).numpy().T),
    )


@torch.no_grad()
def input_table(sign: BipolarSign) -> SignTable:
    """Run the input's sign on all 256 pixel values; the sum is the pixel - 128."""
    sums = torch.arange(-128, 128, dtype=torch.float32) * PIXEL_STEP
    bits = (sign.eval()(sums) > 0).numpy()[None]
    return SignTable(name=INPUT_NAME, acc_min=-128, acc_step=1, acc_scale=PIXEL_STEP, bits=bits)


def _threshold(table: SignTable, rank: int) -> ThresholdSign:
    """Module form of a table for tensors of `rank` dimensions, channels on axis 1."""
    t, pol = table.thresholds()
    shape = (1, -1) + (1,) * (rank - 2)
    real = torch.from_numpy(t * table.acc_scale).float().reshape(shape)
    return ThresholdSign(real, torch.from_numpy(pol).float().reshape(shape))


def _copy(layer: BinaryConv2d | BinaryLinear) -> BinaryConv2d | BinaryLinear:
    """The same layer with its latent weights replaced by their signs."""
    shape = layer.weight.shape
    copy = (
        BinaryConv2d(shape[1], shape[0], shape[2])
        if isinstance(layer, BinaryConv2d)
        else BinaryLinear(shape[1], shape[0])
    )
    with torch.no_grad():
        copy.weight.copy_(torch.where(layer.weight >= 0, 1.0, -1.0))
    return copy


def freeze(model: BinaryNetwork) -> tuple[DeployNetwork, list[SignTable]]:
    """Replace every batch norm and sign by a threshold.

    Args:
        model: a trained network; it is left in eval mode, otherwise unchanged.

    Returns:
        The deploy network, in eval mode, and the truth table of each sign, in order.

    Raises:
        ModelError: a sign is no single step, or the gain of the logits is not positive.
    """
    model.eval()
    tables: list[SignTable] = []
    first: ThresholdSign | None = None
    if model.input.binary:
        tables.append(input_table(model.input.sign))
        first = _threshold(tables[0], 4)
    blocks: dict[str, DeployBlock] = {}
    for index, (name, block) in enumerate(model.blocks.items()):
        pixels = index == 0 and not model.input.binary
        table = sign_table(name, block.sign, block.layer, pixels)
        tables.append(table)
        rank = 4 if isinstance(block.layer, BinaryConv2d) else 2
        blocks[name] = DeployBlock(_copy(block.layer), _threshold(table, rank), block.pool)
    scale, bias = (value.detach().clone() for value in model.norm.affine())
    if not scale > 0:
        raise ModelError(
            f"{model.last_name}: the gain of the logit norm is {float(scale)}; it must be positive"
            " for the argmax of the integer sums to be the class; train the model again."
        )
    last = _copy(model.last)
    deploy = DeployNetwork(
        DeployInput(model.input, first), blocks, (model.last_name, last), scale, bias
    )
    return deploy.eval(), tables
