# SPDX-License-Identifier: Apache-2.0
"""Resources of the layers of a network before synthesis, by the formulas of `cost`."""

from collections.abc import Sequence

from flows.dataflow.cost import (
    Folding,
    Resources,
    UnitShape,
    converter_cost,
    fifo_cost,
    pool_cost,
)
from flows.dataflow.cost_graph import kernel_cost, unit_cost
from flows.dataflow.kernels import MaxPool, MvuXnor, WidthConverter
from flows.dataflow.network import Layer, Network


def joint_estimate(layer: Layer) -> Resources:
    """What a layer needs because of its neighbours: width converters and FIFOs."""
    pairs = zip(layer.edges, layer.fifo_depths, strict=True)
    found = sum((fifo_cost(edge.beat_bits, depth) for edge, depth in pairs), Resources())
    for kernel in layer.kernels:
        if isinstance(kernel, WidthConverter):
            found += converter_cost(kernel.in_bits, kernel.out_bits)
    return found


def layer_estimate(layer: Layer, shapes: Sequence[UnitShape], folding: Folding) -> Resources:
    """A whole layer."""
    found = joint_estimate(layer)
    in_words = any(isinstance(kernel, MvuXnor) and not kernel.gather for kernel in layer.kernels)
    for shape in shapes:
        if shape.name == layer.name:
            found += unit_cost(shape, folding[layer.name], in_words=in_words).resources
    for kernel in layer.kernels:
        if isinstance(kernel, MaxPool) and kernel.stream.bits == 1:
            found += pool_cost(kernel.stream.channels, kernel.stream.width)
        else:
            found += kernel_cost(kernel)
    return found


def network_estimate(
    network: Network, shapes: Sequence[UnitShape], folding: Folding
) -> dict[str, Resources]:
    """Layer name to resources."""
    return {layer.name: layer_estimate(layer, shapes, folding) for layer in network}
