# SPDX-License-Identifier: Apache-2.0
"""Resources of the layers of a network before synthesis, by the formulas of `cost`."""

from collections.abc import Sequence

from flows.dataflow.cost import Folding, Resources, UnitShape, fifo_cost, pool_cost, unit_cost
from flows.dataflow.kernels import MaxPool
from flows.dataflow.network import Layer, Network


def layer_estimate(layer: Layer, shapes: Sequence[UnitShape], folding: Folding) -> Resources:
    """A layer with its FIFOs."""
    pairs = zip(layer.edges, layer.fifo_depths, strict=True)
    found = sum((fifo_cost(edge.beat_bits, depth) for edge, depth in pairs), Resources())
    for shape in shapes:
        if shape.name == layer.name:
            found += unit_cost(shape, folding[layer.name]).resources
    for kernel in layer.kernels:
        if isinstance(kernel, MaxPool):
            found += pool_cost(kernel.stream.channels, kernel.stream.width)
    return found


def network_estimate(
    network: Network, shapes: Sequence[UnitShape], folding: Folding
) -> dict[str, Resources]:
    """Layer name to resources."""
    return {layer.name: layer_estimate(layer, shapes, folding) for layer in network}
