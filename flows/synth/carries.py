# SPDX-License-Identifier: Apache-2.0
"""Places on carry chains that take no LUT but keep one from being used, off a mapped netlist."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Bit = int | str  # a net's number, or the constants "0", "1", "x"

_CELL_WIDTH = {"CARRY4": 4, "CARRY8": 8}


def positions_without_lut(netlist: Mapping[str, Any], top: str) -> int:
    """Positions of carry chains that are in use without a LUT of their own.

    A position counts whose select input is constant, up to the highest one with an output in use. A
    carry that leaves a chain below the top of its cell counts as one more: the flip-flop of its
    position takes the sum, so the carry goes out through the next position.

    Args:
        netlist: Yosys' JSON, flat.
        top: Module.
    """
    module = netlist["modules"][top]
    readers: Counter[Bit] = Counter()
    for cell in module["cells"].values():
        for name, bits in cell["connections"].items():
            if cell["port_directions"][name] == "input":
                readers.update(bits)
    for port in module["ports"].values():
        if port["direction"] == "output":
            readers.update(port["bits"])
    return sum(
        _without_lut(chain, readers)
        for cell in module["cells"].values()
        if cell["type"] in _CELL_WIDTH
        for chain in _chains(cell)
    )


def _chains(cell: Mapping[str, Any]) -> Iterator[list[tuple[Bit, Bit, Bit]]]:
    """(select, sum, carry) of every position; the halves of a CARRY8 apart where they are."""
    pins = cell["connections"]
    width = _CELL_WIDTH[cell["type"]]
    split = "DUAL" in str(cell["parameters"].get("CARRY_TYPE", ""))
    positions = list(zip(pins["S"], pins["O"], pins["CO"], strict=True))
    step = 4 if split else width
    for at in range(0, width, step):
        yield positions[at : at + step]


def _without_lut(chain: list[tuple[Bit, Bit, Bit]], readers: Mapping[Bit, int]) -> int:
    used = [readers[total] + readers[carry] > 0 for _, total, carry in chain]
    count = 0
    for at, (select, total, carry) in enumerate(chain):
        if isinstance(select, str) and any(used[at:]):
            count += 1
        below_top = at + 1 < len(chain) and not any(used[at + 1 :])
        if below_top and readers[total] and readers[carry]:
            count += 1
    return count
