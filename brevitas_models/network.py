# SPDX-License-Identifier: Apache-2.0
"""The skeleton that all families share: input, blocks of layer and sign, last layer, logit norm."""

import torch
from torch import Tensor, nn

from brevitas_models.layers import (
    BatchNormSign,
    BinaryConv2d,
    BinaryLinear,
    PixelInput,
    ScalarNorm,
)


class Block(nn.Module):
    """A binary layer and its sign, with max pooling or dropout behind."""

    def __init__(
        self, layer: BinaryConv2d | BinaryLinear, pool: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.layer = layer
        self.sign = BatchNormSign(layer.weight.shape[0])
        self.pool = pool
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) or (N, K) float32 to the same rank in {-1, +1}."""
        if isinstance(self.layer, BinaryLinear) and x.dim() > 2:
            x = x.flatten(1)
        return self.dropout(self.sign(self.layer(x), self.pool))


class BinaryNetwork(nn.Module):
    """uint8 pixels as float (N, C, H, W) in 0..255 to logits (N, classes) float32.

    Args:
        blocks: name to block, in order; names are those of the exported layers.
        last: the last layer's name and module; its sums are the integer logits.
        binary_input: sign of the pixels at the input instead of their 8-bit codes.
        input_dropout: dropout on the input while training.
    """

    def __init__(
        self,
        blocks: dict[str, Block],
        last: tuple[str, BinaryLinear],
        binary_input: bool,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input = PixelInput(binary_input)
        self.input_dropout = nn.Dropout(input_dropout)
        self.blocks = nn.ModuleDict(blocks)
        self.last_name = last[0]
        self.last = last[1]
        self.norm = ScalarNorm()
        for layer in self.binary_layers().values():
            nn.init.uniform_(layer.weight, -1.0, 1.0)

    def binary_layers(self) -> dict[str, BinaryConv2d | BinaryLinear]:
        """Every layer with 1-bit weights, by exported name, in order."""
        return {name: block.layer for name, block in self.blocks.items()} | {
            self.last_name: self.last
        }

    def kept(self) -> dict[str, Tensor]:
        """What a checkpoint keeps beside the 1-bit weights: the batch norms, by exported name."""
        norms = {name: block.sign.norm for name, block in self.blocks.items()}
        norms["logits"] = self.norm.norm
        return {
            f"{name}.norm.{field}": getattr(norm, field)
            for name, norm in norms.items()
            for field in ("weight", "bias", "running_mean", "running_var")
        }

    def accumulators(self, x: Tensor) -> Tensor:
        """(N, C, H, W) pixels to (N, classes) sums of the last layer, integers in float32."""
        x = self.input_dropout(self.input(x))
        for block in self.blocks.values():
            x = block(x)
        return self.last(x)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) pixels to (N, classes) logits."""
        return self.norm(self.accumulators(x))

    @torch.no_grad()
    def clip_latent(self) -> None:
        """Keep the latent weights in [-1, 1], where their sign can still change."""
        for layer in self.binary_layers().values():
            layer.weight.clamp_(-1.0, 1.0)
