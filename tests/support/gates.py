# SPDX-License-Identifier: Apache-2.0
"""Netlists of the counters: mapped to a family's cells, proven against arithmetic, simulated."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.errors import ToolError
from flows.synth.yosys import Family, execute, mapping
from tests.support.battery import ROOT

HW = ROOT / "hw"
TOP = "popcount_heap"


@dataclass(frozen=True, kw_only=True)
class Form:
    """What the counters are mapped to: value of ``-family``, and macros that choose cells."""

    id: str
    family: Family
    defines: str = ""


FORMS = (
    Form(id="xc7", family="xc7"),
    Form(id="xc7_without_lut6_2", family="xc7", defines="-DXNORFLOW_NO_LUT6_2"),
    Form(id="xcup", family="xcup", defines="-DXNORFLOW_CARRY8"),
)


def _run(folder: Path, lines: list[str]) -> str:
    """Runs Yosys on copies of the library's files and returns its log."""
    for path in [*(HW / "arith").glob("*.sv"), HW / "kernel" / f"{TOP}.sv"]:
        shutil.copy(path, folder)
    for path in (HW / "include").glob("*.svh"):
        shutil.copy(path, folder)
    (folder / "run.ys").write_text("\n".join(lines))
    log = folder / "yosys.log"
    log.unlink(missing_ok=True)
    execute(["-q", "-l", log.name, "-s", "run.ys"], folder, TOP)
    return log.read_text()


def _read(defines: str, parameters: Mapping[str, int]) -> list[str]:
    names = " ".join(path.name for path in sorted((HW / "arith").glob("*.sv")))
    values = " ".join(
        f"-chparam {name} {value if name != 'WEIGHTS' else _word(value, parameters['N'])}"
        for name, value in parameters.items()
    )
    return [
        f"read_verilog -sv -DSYNTHESIS {defines} -I. {names} {TOP}.sv",
        f"hierarchy -top {TOP} {values}",
    ]


def _word(value: int, width: int) -> str:
    return f"{width}'b{value:0{width}b}"


def netlist(folder: Path, parameters: Mapping[str, int], form: Form) -> str:
    """Verilog of the mapped counter."""
    lines = _read(form.defines, parameters)
    lines += [
        *mapping(TOP, form.family),
        "delete */t:$scopeinfo",
        "check -assert -mapped",
        "write_verilog -noattr netlist.v",
    ]
    _run(folder, lines)
    return (folder / "netlist.v").read_text()


def _models(text: str, folder: Path) -> list[str]:
    """Commands that read a netlist with the cells' simulation models inside it."""
    (folder / "gates.v").write_text(text)
    return [
        "read_verilog gates.v",
        "read_verilog +/xilinx/cells_sim.v",
        f"prep -flatten -top {TOP}",
    ]


def behaves(text: str, folder: Path, parameters: Mapping[str, int], latency: int) -> bool:
    """Whether a netlist gives what the arithmetic form gives, for all operands, by SAT.

    A counter has no feedback, so what it says ``latency`` cycles after an operand depends on that
    operand alone (and its addend, in its time): equality in one such cycle is equality for ever.
    """
    lines = [
        *_models(text, folder),
        f"rename {TOP} gate",
        "design -stash gates",
        *_read("-DXNORFLOW_FAST_SIM", parameters),
        f"prep -flatten -top {TOP}",
        f"rename {TOP} gold",
        "design -copy-from gates gate",
        "miter -equiv -flatten -make_outputs gold gate miter",
        "prep -top miter",
        f"sat -prove trigger 0 -seq {latency + 1} -prove-skip {latency} miter",
    ]
    log = _run(folder, lines)
    proven = "SAT proof finished - no model found: SUCCESS!" in log
    if not proven and "SAT proof finished - model found: FAIL!" not in log:
        raise ToolError(f"{TOP}: no verdict\n{log[-2000:]}")
    return proven


def with_flipped_bit(text: str, table: str) -> str:
    """The netlist with one bit changed in a table, O5 or O6, of the first LUT6_2 with five signals.

    The carry chain looks at O5 only where O6 is 0, so that is where O5 is changed; and in the upper
    half of the table, because the fifth signal of the first LUT may be a carry that is always 1.
    """
    pattern = re.compile(r"LUT6_2 #\(\s*\.INIT\(64'h([0-9a-f]+)\)\s*\) (?:[^;]*);")
    constant = re.compile(r"\.I[0-4]\(1'h[01]\)")
    found = next((m for m in pattern.finditer(text) if not constant.search(m[0])), None)
    assert found, "no LUT6_2 with five signals in the netlist"
    tables = int(found[1], 16)
    place = next(at for at in range(16, 32) if not tables >> (32 + at) & 1)
    flipped = tables ^ (1 << (place + (32 if table == "O6" else 0)))
    return text[: found.start(1)] + f"{flipped:x}" + text[found.end(1) :]


def with_crossed_carry(text: str, cell: str) -> str:
    """The netlist with the two lowest positions of its first carry chain exchanged."""
    found = re.search(rf"{cell} [^;]*\.S\(\{{(?:.*, )?(\S+ ?), (\S+ ?) \}}\)", text)
    assert found, f"no {cell} in the netlist"
    above, lowest = found[1], found[2]
    assert above != lowest
    return text[: found.start(1)] + f"{lowest}, {above}" + text[found.end(2) :]
