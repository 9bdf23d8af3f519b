# SPDX-License-Identifier: Apache-2.0
"""LUT levels between registers, read off a mapped netlist (Yosys' JSON)."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flows.errors import ToolError

Bit = int | str  # a net's number, or the constants "0", "1", "x"
Cell = Mapping[str, Any]

_LUT_INPUTS = {"LUT1": 1, "LUT2": 2, "LUT3": 3, "LUT4": 4, "LUT5": 5, "LUT6": 6, "INV": 1}
_REGISTERED = ("FD", "RAMB", "DSP48", "URAM", "LD")
_CLOCKED_PINS = ("WCLK", "CLK", "WE", "CE", "D", "DI", "DIA", "DIB", "DIC", "DID", "DIE", "DIF",
                 "DIG", "DIH")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepestPath:
    """The path with the most LUTs between two registers, or a register and a port.

    Attributes:
        levels: LUTs on the path; carry cells and wide multiplexers are not counted.
        nets: Names of the nets along it that the source knows, from its start to the register (by
            the name of its output) or port that it ends in.
    """

    levels: int
    nets: tuple[str, ...]


def deepest_path(netlist: Mapping[str, Any], top: str) -> DeepestPath:
    """Longest combinational path of a flat netlist, counted in LUTs.

    Two outputs of one LUT6_2 are two functions: an input counts for an output only where the truth
    table lets that output depend on it, given the inputs that are constant.

    Raises:
        ToolError: The netlist holds a combinational loop.
    """
    module = netlist["modules"][top]
    sources: dict[Bit, set[tuple[Bit, int]]] = defaultdict(set)  # output: (input, LUTs between)
    for cell in module["cells"].values():
        for start, end, luts in _arcs(cell):
            sources[end].add((start, luts))
    names = _net_names(module)
    depth, parent = _longest(sources, top, names)
    if not depth:
        return DeepestPath(levels=0, nets=())
    end = max(depth, key=lambda bit: depth[bit])
    path = [end]
    while path[-1] in parent:
        path.append(parent[path[-1]])
    start, *inner = reversed(path)
    named = [names[bit] for bit in inner[:-1] if bit in names and not names[bit].startswith("$")]
    ends = (names.get(start, f"net {start}"), *named, _end_name(module, end, names))
    return DeepestPath(levels=depth[end], nets=ends)


def _end_name(module: Mapping[str, Any], end: Bit, names: Mapping[Bit, str]) -> str:
    """The register that a path ends in, by the name of its output, or else the net itself."""
    for cell in module["cells"].values():
        if cell["type"].startswith(_REGISTERED):
            directions = cell["port_directions"]
            pins = cell["connections"].items()
            if any(end in bits for name, bits in pins if directions[name] == "input"):
                outputs = [b for name, bits in pins if directions[name] == "output" for b in bits]
                return next((names[bit] for bit in outputs if bit in names), str(cell["type"]))
    return names.get(end, f"net {end}")


def _longest(
    sources: Mapping[Bit, set[tuple[Bit, int]]], top: str, names: Mapping[Bit, str]
) -> tuple[dict[Bit, int], dict[Bit, Bit]]:
    """Longest distance to each net, and the net before it, in topological order."""
    waiting = {end: len(arcs) for end, arcs in sources.items()}
    users: dict[Bit, list[tuple[Bit, int]]] = defaultdict(list)
    for end, arcs in sources.items():
        for start, luts in arcs:
            users[start].append((end, luts))
    depth: dict[Bit, int] = {}
    parent: dict[Bit, Bit] = {}
    ready = [bit for bit in users if bit not in waiting]
    while ready:
        start = ready.pop()
        for end, luts in users[start]:
            reached = depth.get(start, 0) + luts
            if end not in parent or reached > depth[end]:
                depth[end] = reached
                parent[end] = start
            waiting[end] -= 1
            if not waiting[end]:
                ready.append(end)
    looped = [end for end, left in waiting.items() if left]
    if looped:
        listed = ", ".join(names.get(bit, f"net {bit}") for bit in looped[:6])
        raise ToolError(f"{top}: combinational loop in or before {len(looped)} nets: {listed}.")
    return depth, parent


def _net_names(module: Mapping[str, Any]) -> dict[Bit, str]:
    """The best name of each net: from the source rather than generated, outermost."""
    names: dict[Bit, tuple[bool, int, str]] = {}
    for name, net in module["netnames"].items():
        for index, bit in enumerate(net["bits"]):
            shown = f"{name}[{index}]" if len(net["bits"]) > 1 else name
            rank = (bool(net["hide_name"]), name.count("."), shown)
            names[bit] = min(rank, names.get(bit, rank))
    return {bit: rank[2] for bit, rank in names.items()}


def _arcs(cell: Cell) -> Iterator[tuple[Bit, Bit, int]]:
    """Combinational arcs of a cell: input net, output net, LUTs between them."""
    kind: str = cell["type"]
    pins: Mapping[str, list[Bit]] = cell["connections"]
    if kind in _LUT_INPUTS:
        (output,) = pins["O"]
        inputs = [pins[name][0] for name in pins if name != "O"]
        yield from ((bit, output, 1) for bit in inputs if not isinstance(bit, str))
    elif kind == "LUT6_2":
        yield from _lut6_2_arcs(cell)
    elif kind in ("CARRY4", "CARRY8"):
        yield from _carry_arcs(pins)
    elif kind.startswith(_REGISTERED):
        return
    else:
        luts = 0 if kind.startswith(("MUXF", "BUF")) else 1
        yield from _generic_arcs(cell, luts)


def _generic_arcs(cell: Cell, luts: int) -> Iterator[tuple[Bit, Bit, int]]:
    """LUT memories (asynchronous read: address to output), multiplexers, buffers."""
    directions = cell["port_directions"]
    pins = cell["connections"]
    memory = luts == 1
    inputs = [
        bit
        for name, bits in pins.items()
        if directions[name] == "input" and not (memory and name in _CLOCKED_PINS)
        for bit in bits
        if not isinstance(bit, str)
    ]
    outputs = [b for name, bits in pins.items() if directions[name] == "output" for b in bits]
    yield from ((start, end, luts) for start, end in itertools.product(inputs, outputs))


def _lut6_2_arcs(cell: Cell) -> Iterator[tuple[Bit, Bit, int]]:
    pins = cell["connections"]
    inputs = [pins.get(f"I{index}", ["0"])[0] for index in range(6)]
    constants = tuple(bit if isinstance(bit, str) else None for bit in inputs)
    init = int(cell["parameters"]["INIT"].replace("x", "0"), 2)
    for output, width in (("O6", 6), ("O5", 5)):
        for end in pins.get(output, []):
            for index in _support(init, width, constants[:width]):
                yield inputs[index], end, 1


@lru_cache(maxsize=4096)
def _support(init: int, width: int, constants: tuple[str | None, ...]) -> tuple[int, ...]:
    """Inputs that a truth table depends on, where some inputs are constant."""
    free = [index for index in range(width) if constants[index] is None]
    base = sum(1 << index for index in range(width) if constants[index] == "1")

    def value(address: int) -> int:
        return init >> address & 1

    needed = []
    for index in free:
        others = [1 << other for other in free if other != index]
        for chosen in itertools.product((0, 1), repeat=len(others)):
            address = base + sum(bit for bit, on in zip(others, chosen, strict=True) if on)
            if value(address) != value(address | 1 << index):
                needed.append(index)
                break
    return tuple(needed)


def _carry_arcs(pins: Mapping[str, list[Bit]]) -> Iterator[tuple[Bit, Bit, int]]:
    """CARRY4 and CARRY8: sum i sees S[0..i] and DI[0..i-1], carry i sees S[0..i] and DI[0..i]."""
    into = [bit for name in ("CI", "CYINIT", "CI_TOP") for bit in pins.get(name, [])]
    sums, carries = pins.get("O", []), pins.get("CO", [])
    for index in range(max(len(sums), len(carries))):
        seen = into + pins["S"][: index + 1] + pins["DI"][:index]
        ends = sums[index : index + 1]
        for start, end in itertools.product(seen, ends):
            if not isinstance(start, str):
                yield start, end, 0
        for start, end in itertools.product([*seen, pins["DI"][index]], carries[index : index + 1]):
            if not isinstance(start, str):
                yield start, end, 0
