# SPDX-License-Identifier: Apache-2.0
"""TFC, SFC and LFC: fully connected networks for 28x28 images, everything 1 bit."""

from dataclasses import dataclass

from brevitas_models.layers import BinaryLinear
from brevitas_models.network import BinaryNetwork, Block


@dataclass(frozen=True, slots=True, kw_only=True)
class FcConfig:
    """Dense layers on the signs of the pixels.

    Attributes:
        hidden: outputs of each hidden layer.
        in_channels, in_size: the image, square; it is flattened.
        dropout: share of activations that training drops, at the input and behind each sign.
    """

    hidden: tuple[int, ...]
    in_channels: int = 1
    in_size: int = 28
    classes: int = 10
    dropout: float = 0.2

    @property
    def features(self) -> int:
        """Values that reach the first layer."""
        return self.in_channels * self.in_size**2


TFC = FcConfig(hidden=(64, 64, 64))
SFC = FcConfig(hidden=(256, 256, 256))
LFC = FcConfig(hidden=(1024, 1024, 1024))


def fc(config: FcConfig) -> BinaryNetwork:
    """Build the network, latent weights uniform in [-1, 1].

    Source: topologies of TFC, SFC and LFC in "FINN: A Framework for Fast, Scalable Binarized
    Neural Network Inference" (FPGA 2017) and of the Brevitas BNN-PYNQ models.
    """
    blocks: dict[str, Block] = {}
    width = config.features
    for index, outputs in enumerate(config.hidden):
        blocks[f"fc{index}"] = Block(BinaryLinear(width, outputs), dropout=config.dropout)
        width = outputs
    last = (f"fc{len(config.hidden)}", BinaryLinear(width, config.classes))
    return BinaryNetwork(blocks, last, binary_input=True, input_dropout=config.dropout)
