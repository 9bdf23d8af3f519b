# SPDX-License-Identifier: Apache-2.0
"""The layers of an IntegerGraph that multiply, each with the sign or the requant behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.dataflow.cost import Fold, UnitShape
from flows.streamline.graph import Convolution, Dense, IntegerGraph, Requant, Sign, named
from flows.streamline.reach import Reach, reaches


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unit:
    """A layer that multiplies, with what is done to its sums in the same layer.

    Attributes:
        name: of the stream that leaves.
        layer: what multiplies.
        result: the only reader of its sums, or None: sums leave.
    """

    name: str
    layer: Convolution | Dense
    result: Sign | Requant | None


def units(graph: IntegerGraph) -> dict[str, Unit]:
    """Units by the name of the stream that leaves."""
    readers, nodes = graph.consumers(), named(graph)
    found = {}
    for node in graph.nodes:
        if not isinstance(node, Convolution | Dense):
            continue
        behind = [nodes[name] for name in readers[node.name]]
        result = behind[0] if len(behind) == 1 else None
        if not isinstance(result, Sign | Requant):
            result = None
        name = result.name if result else node.name
        found[name] = Unit(name=name, layer=node, result=result)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphUnit:
    """What folding needs to know of a unit.

    Attributes:
        shape: of the unit, with the inputs of one output.
        groups: of its channels.
        weight_bits: 1, or the width of its weights.
        binary: bits times 1-bit weights.
    """

    shape: UnitShape
    groups: int
    weight_bits: int
    binary: bool


def graph_units(graph: IntegerGraph) -> list[GraphUnit]:
    """All units, in order."""
    reach = reaches(graph)
    return [_graph_unit(unit, reach) for unit in units(graph).values()]


def _graph_unit(unit: Unit, reach: Mapping[str, Reach]) -> GraphUnit:
    layer, x, out = unit.layer, reach[unit.layer.inputs[0]], reach[unit.layer.name]
    kernel, stride, groups = 1, 1, 1
    if isinstance(layer, Convolution):
        kernel, stride, groups = layer.kernel, layer.stride, layer.groups
    shape = UnitShape(
        name=unit.name,
        height=out.height,
        width=out.width,
        channels=layer.weights.shape[-1],
        kernel=kernel,
        stride=stride,
        mh=out.channels,
        in_bits=x.bits,
        convolution=isinstance(layer, Convolution),
        raw=unit.result is None,
    )
    binary = x.is_bits and layer.weight_bits == 1
    return GraphUnit(shape=shape, groups=groups, weight_bits=layer.weight_bits, binary=binary)


def slowest(shapes: Sequence[UnitShape], folding: Mapping[str, Fold]) -> int:
    """Cycles of a frame of the slowest unit."""
    return max(
        shape.height
        * shape.width
        // folding[shape.name].m
        * (shape.mh // folding[shape.name].pe)
        * (shape.n // folding[shape.name].simd)
        for shape in shapes
    )
