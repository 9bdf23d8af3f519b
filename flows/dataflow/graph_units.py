# SPDX-License-Identifier: Apache-2.0
"""The layers of an IntegerGraph that multiply, each with the sign or the requant behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.dataflow.cost import Fold, Form, UnitShape
from flows.dataflow.kernels.requant import signed_bits
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


def graph_units(graph: IntegerGraph) -> list[tuple[UnitShape, Reach]]:
    """Shapes of all units, in order, with what each of them reads."""
    reach = reaches(graph)
    return [(_shape(u, reach), reach[u.layer.inputs[0]]) for u in units(graph).values()]


def _shape(unit: Unit, reach: Mapping[str, Reach]) -> UnitShape:
    layer, x, out = unit.layer, reach[unit.layer.inputs[0]], reach[unit.layer.name]
    kernel, stride, groups, pad = 1, 1, 1, 0
    if isinstance(layer, Convolution):
        kernel, stride, groups, pad = layer.kernel, layer.stride, layer.groups, layer.pad
    factors = 0
    if isinstance(unit.result, Requant):
        factors = sum(signed_bits(part) for part in (*unit.result.mul, *unit.result.add))
    return UnitShape(
        name=unit.name,
        height=out.height,
        width=out.width,
        channels=layer.weights.shape[-1],
        kernel=kernel,
        stride=stride,
        pad=pad,
        mh=out.channels,
        in_bits=x.bits,
        convolution=isinstance(layer, Convolution),
        raw=unit.result is None,
        forms=_forms(unit, x),
        groups=groups,
        weight_bits=1 if x.is_bits and layer.weight_bits == 1 else max(2, layer.weight_bits),
        factor_bits=factors,
    )


def _forms(unit: Unit, x: Reach) -> tuple[Form, ...]:
    """Dense layers take words as they come, where their results are what `mvu_serial` has."""
    bits = x.is_bits and unit.layer.weight_bits == 1
    serial = unit.result is None or (bits and isinstance(unit.result, Sign))
    return ("window", "input") if isinstance(unit.layer, Dense) and serial else ("window",)


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
