# SPDX-License-Identifier: Apache-2.0
"""Bit-exact numpy execution of a Network: the golden model between PyTorch and RTL."""

import numpy as np

from flows.dataflow.network import Network


def interpret(network: Network, images: np.ndarray) -> dict[str, np.ndarray]:
    """Runs images through every kernel.

    Args:
        network: what to execute.
        images: (N, H, W, C) uint8.

    Returns:
        Layer name to (N, h, w, c) int64, the frames that leave the layer; bits are 0 or 1.
    """
    first = network.layers[0].kernels[0].input
    shape = (len(images), first.height, first.width, first.channels)
    frames = images.astype(np.int64).reshape(shape)
    outputs = {}
    for layer in network:
        for kernel in layer.kernels:
            frames = kernel.compute(frames)
        outputs[layer.name] = frames
    return outputs
