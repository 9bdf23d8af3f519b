# SPDX-License-Identifier: Apache-2.0
"""What the open place and route for 7 series accepts: a check of Yosys' netlist.

Each rule names the reason. A rule that a later release of nextpnr-xilinx made unnecessary is no
fault but a need: the report says which pull request the tool must have. Source: threads of
openXC7/nextpnr-xilinx, and designs that were routed with it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flows.errors import ToolError

Cell = Mapping[str, Any]

_LOGIC = {"INV", "CARRY4", "MUXF7", "MUXF8", "GND", "VCC", *(f"LUT{n}" for n in range(1, 7))}
_FLIP_FLOPS = {"FDRE", "FDSE", "FDCE", "FDPE"}
# Memories with one write and one read address, and shift registers that stay inside one LUT.
_LUT_MEMORY = {"RAM32M", "RAM64M", "RAM32X1D", "RAM64X1D", "RAM128X1D", "SRL16E"}
_BLOCKS = {"RAMB18E1", "RAMB36E1", "DSP48E1"}
_SYSTEM = {"BUFG", "PS7"}
ALLOWED = _LOGIC | _FLIP_FLOPS | _LUT_MEMORY | _BLOCKS | _SYSTEM

# Cells that a 7-series device has and the open flow has not, by the start of their name.
_REASONS = {
    "LUT6_2": "two outputs of one LUT are packed wrongly; define XNORFLOW_NO_LUT6_2",
    "SRLC32E": "its cascade has no place outside one slice; synth_xilinx -nosrl",
    "SRLC16E": "its cascade has no place outside one slice; synth_xilinx -nosrl",
    "RAM32X1S": "LUT memory with a single port is not packed (#20, #195)",
    "RAM64X1S": "LUT memory with a single port is not packed (#20, #195)",
    "RAM128X1S": "LUT memory with a single port is not packed (#20)",
    "RAM256X1S": "LUT memory with a single port is not packed (#20)",
    "MMCM": "clocks come from the processing system (#71)",
    "PLL": "clocks come from the processing system (#71)",
    "BUFH": "its enable is not routed (#177)",
    "FIFO": "built-in FIFOs are not supported",
    "IBUF": "the top level has no pads",
    "OBUF": "the top level has no pads",
    "$": "a cell that Yosys did not map",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A cell that the flow does not accept.

    Attributes:
        cell: its name in the netlist.
        type: the primitive.
        reason: what is wrong, and what to do.
    """

    cell: str
    type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetlistCheck:
    """Result of a check.

    Attributes:
        cells: number of cells of each primitive.
        violations: empty when the netlist is accepted.
        needs: pull requests of nextpnr-xilinx that the netlist depends on, each with its reason.
    """

    cells: dict[str, int]
    violations: tuple[Violation, ...]
    needs: tuple[str, ...]


def check_netlist(netlist: Mapping[str, Any], top: str, *, dsp_free: bool = True) -> NetlistCheck:
    """Holds a flat netlist (Yosys' `write_json`) against the rules.

    Args:
        netlist: the parsed file.
        top: module to look at.
        dsp_free: whether a DSP slice is a violation.

    Raises:
        ToolError: the netlist does not hold the module.
    """
    if top not in netlist["modules"]:
        raise ToolError(f"netlist: no module {top} in it")
    module = netlist["modules"][top]
    cells: Mapping[str, Cell] = module["cells"]
    counts = Counter(cell["type"] for cell in cells.values())
    allowed = ALLOWED - {"DSP48E1"} if dsp_free else ALLOWED
    found = [
        Violation(cell=name, type=cell["type"], reason=reason)
        for name, cell in cells.items()
        for reason in _faults(cell, allowed)
    ]
    found += [
        Violation(
            cell=name, type="port", reason="the top level has no pads; PS7 is its only way out"
        )
        for name in module["ports"]
    ]
    if counts["PS7"] != 1:
        reason = f"{counts['PS7']} processing systems; one, and marked keep, holds the design"
        found.append(Violation(cell=top, type="PS7", reason=reason))
    needs = {need for cell in cells.values() for need in _needs(cell)} | _carry_needs(cells)
    return NetlistCheck(
        cells=dict(sorted(counts.items())), violations=tuple(found), needs=tuple(sorted(needs))
    )


def _faults(cell: Cell, allowed: set[str]) -> Iterator[str]:
    kind = cell["type"]
    if kind not in allowed:
        known = (reason for start, reason in _REASONS.items() if kind.startswith(start))
        default = "no DSP slice is wanted; synth_xilinx -nodsp" if kind == "DSP48E1" else None
        yield default or next(
            known, "not among the primitives that the open flow is known to route"
        )
        return
    rule = _RULES.get(kind)
    if rule:
        yield from rule(cell)


def _driven(cell: Cell, *starts: str) -> list[str]:
    """Ports that begin so and that are connected to more than a constant."""
    return [
        port
        for port, bits in cell["connections"].items()
        if port.startswith(starts) and any(isinstance(bit, int) for bit in bits)
    ]


def _integer(cell: Cell, parameter: str) -> int:
    """A numeric parameter; Yosys writes bit strings."""
    value = cell["parameters"].get(parameter, 0)
    return int(value, 2) if isinstance(value, str) else int(value)


def _memory_faults(cell: Cell) -> Iterator[str]:
    cascade = _driven(cell, "CASCADE")
    extended = [
        key
        for key in ("RAM_EXTENSION_A", "RAM_EXTENSION_B")
        if cell["parameters"].get(key, "NONE").strip() not in ("NONE", "")
    ]
    if cascade or extended:
        yield f"block memories in cascade do not route (#39): {', '.join(cascade + extended)}"
    full = 72 if cell["type"] == "RAMB36E1" else 36
    own = {key: _integer(cell, key) for key in ("READ_WIDTH_A", "WRITE_WIDTH_B")}
    other = {key: _integer(cell, key) for key in ("READ_WIDTH_B", "WRITE_WIDTH_A")}
    if cell["parameters"].get("RAM_MODE", "TDP").strip() == "SDP":
        wrong = [key for key, width in own.items() if width not in (0, full)]
        wrong += [key for key, width in other.items() if width]
        if wrong:
            yield (
                f"simple dual port at a width other than {full}: {', '.join(wrong)}; "
                "its two halves would be configured differently (#112)"
            )
    elif any(width > full // 2 for width in (*own.values(), *other.values())):
        yield f"a port wider than {full // 2} bits without simple dual port"


def _dsp_faults(cell: Cell) -> Iterator[str]:
    cascade = _driven(cell, "ACIN", "BCIN", "PCIN", "CARRYCASCIN", "MULTSIGNIN")
    if cascade:
        yield f"DSP slices in cascade do not route (#64): {', '.join(cascade)}"


def _shift_faults(cell: Cell) -> Iterator[str]:
    if _driven(cell, "Q31", "Q15"):
        yield "the cascade output of a shift register has no place outside one slice; -nosrl"


_RULES: dict[str, Callable[[Cell], Iterator[str]]] = {
    "RAMB18E1": _memory_faults,
    "RAMB36E1": _memory_faults,
    "DSP48E1": _dsp_faults,
    "SRL16E": _shift_faults,
}


def _needs(cell: Cell) -> Iterator[str]:
    if not cell["type"].startswith("RAMB"):
        return
    if cell["parameters"].get("RAM_MODE", "TDP").strip() == "SDP":
        yield "#112 and #150: widths of block memories in simple dual port mode"
    widths = (
        _integer(cell, f"{way}_WIDTH_{port}") for way in ("READ", "WRITE") for port in ("A", "B")
    )
    if cell["type"] == "RAMB36E1" and any(width in (1, 9) for width in widths):
        yield "#95: RAMB36 ports of 1 or 9 bits"


def _carry_needs(cells: Mapping[str, Cell]) -> set[str]:
    """A lane of a carry chain whose sum and carry both leave it."""
    chained = {cell["connections"]["CI"][0] for cell in cells.values() if cell["type"] == "CARRY4"}
    used = Counter(
        bit
        for cell in cells.values()
        for port, bits in cell["connections"].items()
        if cell["port_directions"].get(port) == "input"
        for bit in bits
    )
    for cell in cells.values():
        if cell["type"] == "CARRY4":
            ports = cell["connections"]
            for total, carry in zip(ports.get("O", ()), ports.get("CO", ()), strict=False):
                leaves = used[carry] - (carry in chained)
                if used[total] and leaves:
                    return {"#134 and #164: sum and carry of one lane of a carry chain both used"}
    return set()
