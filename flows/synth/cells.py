# SPDX-License-Identifier: Apache-2.0
"""What each Xilinx cell occupies, in the units that a board's budget counts.

Source: UG474 (7 series CLB, table of distributed RAM configurations) and UG574 (UltraScale CLB).
A LUT used as memory is one LUT, so a RAM32M takes four of them and an SRL one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.errors import ToolError

_LOGIC_LUT = {"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "LUT5": 1, "LUT6": 1, "LUT6_2": 1}
# An inverter that no LUT and no pin absorbed.
_LOGIC_LUT |= {"INV": 1}

_SHIFT_LUT = {"SRL16E": 1, "SRLC16E": 1, "SRLC32E": 1}

_MEMORY_LUT = _SHIFT_LUT | {
    "RAM32X1S": 1,
    "RAM32X1D": 2,
    "RAM32M": 4,
    "RAM32M16": 8,
    "RAM32X16DR8": 8,
    "RAM64X1S": 1,
    "RAM64X1D": 2,
    "RAM64M": 4,
    "RAM64M8": 8,
    "RAM64X8SW": 8,
    "RAM128X1S": 2,
    "RAM128X1D": 4,
    "RAM256X1S": 4,
    "RAM256X1D": 8,
    "RAM512X1S": 8,
}

_FLIP_FLOP = {
    name: 1
    for stem in ("FDRE", "FDSE", "FDCE", "FDPE")
    for name in (stem, f"{stem}_1")
} | {"LDCE": 1, "LDPE": 1}  # fmt: skip

_BRAM36 = {"RAMB18E1": 0.5, "RAMB18E2": 0.5, "RAMB36E1": 1.0, "RAMB36E2": 1.0}
_URAM = {"URAM288": 1}
_DSP = {"DSP48E1": 1, "DSP48E2": 1}
_CARRY = {"CARRY4": 1, "CARRY8": 1}

# Wires of the slice, constants, clock buffers, the processing system: nothing that a budget counts.
_FREE = {"MUXF7", "MUXF8", "MUXF9", "GND", "VCC", "BUFG", "PS7"}

_KNOWN = set().union(
    _LOGIC_LUT, _MEMORY_LUT, _FLIP_FLOP, _BRAM36, _URAM, _DSP, _CARRY, _FREE
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTotals:
    """Sums over a netlist.

    Attributes:
        lut: LUTs occupied, as logic or as memory.
        lutram: LUTs among them that serve as memory or shift register.
        srl: LUTs among those that serve as shift register.
        ff: Flip-flops and latches.
        bram36: Block memories of 36 Kbit; a RAMB18 counts 0.5.
        uram: UltraRAM blocks.
        dsp: DSP slices.
        carry: Carry chain cells (CARRY4 or CARRY8).
    """

    lut: int
    lutram: int
    srl: int
    ff: int
    bram36: float
    uram: int
    dsp: int
    carry: int


def count(cells: Mapping[str, int], where: str) -> CellTotals:
    """Adds up what a netlist occupies.

    Args:
        cells: Cell type to number of instances.
        where: Name for the error message.

    Raises:
        ToolError: A cell type that is not in the tables above, so the sum would be wrong.
    """
    unknown = sorted(set(cells) - _KNOWN)
    if unknown:
        listed = ", ".join(f"{cells[name]} x {name}" for name in unknown)
        raise ToolError(
            f"{where}: the netlist holds cells whose cost is not known: {listed}.\n"
            f"  Counted are LUTs, LUT memories, flip-flops, block RAM, DSPs and carry chains.\n"
            f"  Check for a module without a source, or add the cell to flows/synth/cells.py."
        )

    def total(table: Mapping[str, int]) -> int:
        return sum(number * table.get(name, 0) for name, number in cells.items())

    return CellTotals(
        lut=total(_LOGIC_LUT) + total(_MEMORY_LUT),
        lutram=total(_MEMORY_LUT),
        srl=total(_SHIFT_LUT),
        ff=total(_FLIP_FLOP),
        bram36=sum(number * _BRAM36.get(name, 0.0) for name, number in cells.items()),
        uram=total(_URAM),
        dsp=total(_DSP),
        carry=total(_CARRY),
    )
