# SPDX-License-Identifier: Apache-2.0
"""CNV: the VGG-like network of FINN for 32x32 colour images, 1-bit weights and activations."""

from dataclasses import dataclass

from brevitas_models.errors import ModelError
from brevitas_models.layers import BinaryConv2d, BinaryLinear
from brevitas_models.network import BinaryNetwork, Block


@dataclass(frozen=True, slots=True, kw_only=True)
class CnvConfig:
    """3x3 convolutions without padding, then dense layers.

    Attributes:
        convs: output channels and the max pooling behind, per convolution.
        dense: outputs of each hidden dense layer.
        in_channels, in_size: the image, square.
    """

    in_channels: int = 3
    in_size: int = 32
    convs: tuple[tuple[int, int], ...] = (
        (64, 1),
        (64, 2),
        (128, 1),
        (128, 2),
        (256, 1),
        (256, 1),
    )
    dense: tuple[int, ...] = (512, 512)
    classes: int = 10

    @property
    def features(self) -> int:
        """Values that reach the first dense layer."""
        size = self.in_size
        for index, (_, pool) in enumerate(self.convs):
            size = (size - 2) // pool
            if size < 1:
                raise ModelError(
                    f"CnvConfig: nothing is left of the {self.in_size}-pixel image"
                    f" behind conv{index}; a 3x3 convolution takes 2 pixels and"
                    " a pool divides by its size; use a larger in_size or fewer convolutions."
                )
        return self.convs[-1][0] * size * size


def cnv(config: CnvConfig) -> BinaryNetwork:
    """Build the network, latent weights uniform in [-1, 1].

    Source: topology of CNV in "FINN: A Framework for Fast, Scalable Binarized Neural Network
    Inference" (FPGA 2017), with the 8-bit input of the Brevitas BNN-PYNQ models.
    """
    blocks: dict[str, Block] = {}
    channels = config.in_channels
    for index, (out_channels, pool) in enumerate(config.convs):
        blocks[f"conv{index}"] = Block(BinaryConv2d(channels, out_channels), pool)
        channels = out_channels
    width = config.features
    for index, outputs in enumerate(config.dense):
        blocks[f"fc{index}"] = Block(BinaryLinear(width, outputs))
        width = outputs
    last = (f"fc{len(config.dense)}", BinaryLinear(width, config.classes))
    return BinaryNetwork(blocks, last, binary_input=False)
