# SPDX-License-Identifier: Apache-2.0
"""Bit-exact numpy execution of a Network: the golden model between PyTorch and RTL."""

import numpy as np

from flows.dataflow.kernels import Join
from flows.dataflow.network import IMAGE, Network


def interpret(network: Network, images: np.ndarray) -> dict[str, np.ndarray]:
    """Runs images through every kernel.

    Args:
        network: what to execute.
        images: (N, H, W, C) uint8.

    Returns:
        Layer name to (N, h, w, c) int64, the frames that leave the layer; bits are 0 or 1.
    """
    outputs = {IMAGE: images.astype(np.int64)}
    for layer in network:
        sources = iter([outputs[name] for name in layer.inputs])
        frames = next(sources)
        if IMAGE in layer.inputs:
            first = layer.kernels[0].input
            frames = frames.reshape(len(images), first.height, first.width, first.channels)
        for kernel in layer.kernels:
            if isinstance(kernel, Join):
                frames = kernel.join(frames, next(sources))
            else:
                frames = kernel.compute(frames)
        outputs[layer.name] = frames
    del outputs[IMAGE]
    return outputs
