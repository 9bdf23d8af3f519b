# SPDX-License-Identifier: Apache-2.0
"""The open flow for Zynq-7000: a top level around PS7, its netlist, the commands for the rest."""

import json
import re
import shutil
from pathlib import Path

from flows.bitstream.design import BITSTREAMS, Design, Staged, render, stage
from flows.bitstream.hwh import hwh_text
from flows.bitstream.netlist import NetlistCheck, check_netlist
from flows.boards import Board
from flows.emit.project import HW
from flows.errors import ToolError
from flows.synth.yosys import MAPPED_APART, execute

_OWN = BITSTREAMS / "openxc7"
_HERE = Path("openxc7")  # what is not the shell's, inside the hand-over folder
# What the top level uses besides the shell.
_LIBRARY = (Path("stream/stream_reg.sv"), Path("shell/axi3_to_lite.sv"))
_PORTS = ("M_AXI_GP0", "S_AXI_HP0")

NEXTPNR = ("nextpnr-xilinx", "nextpnr-himbaechel")
_FREQUENCY = re.compile(r"Max frequency for clock '[^']*': ([0-9.]+) MHz")


def refusal(board: Board, bus_mhz: float | None = None) -> str | None:
    """Why a board cannot take this flow, in one sentence; None when it can."""
    if bus_mhz is not None:
        return "the open top level has one clock, so leave --bus-clock-mhz out"
    if board.family != "xc7":
        return f"{board.name}: no open place and route exists for {board.part}"
    if (board.ports.control, board.ports.memory) != _PORTS:
        return f"{board.name}: the open top level knows {' and '.join(_PORTS)} only"
    return None


def write_folder(design: Design, folder: Path) -> None:
    """Writes sources, synthesis script and commands of the flow into a folder of its own.

    Args:
        design: one for a board that `refusal` has nothing against.
        folder: made where it does not exist.
    """
    # Yosys takes the names in $readmemh from the folder it runs in.
    staged = stage(design.shell, folder)
    sources = list(staged.sources)
    known = {path.name for path in sources}
    own = {_HERE / path.name: path for path in sorted(_OWN.glob("*.sv*")) if path.suffix != ".j2"}
    own |= {"hw" / name: HW / name for name in _LIBRARY if name.name not in known}
    for copy, path in own.items():
        (folder / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / copy)
    sources += [copy for copy in own if copy.suffix == ".sv"]
    top = f"{design.name}_open"
    (folder / f"{top}.sv").write_text(
        render(
            "openxc7/top.sv.j2",
            top=top,
            shell=design.shell.top,
            base=design.board.ports.control_base,
        )
    )
    (folder / "synth.ys").write_text(
        synthesis_script(design.name, [*sources, Path(f"{top}.sv")], staged)
    )
    commands = folder / "build.sh"
    commands.write_text(
        render(
            "openxc7/build.sh.j2",
            name=design.name,
            board=design.board,
            device=re.sub(r"[a-z]+\d*-.*$", "", design.board.part),
            clock_mhz=f"{design.clock_mhz:g}",
        )
    )
    commands.chmod(0o755)
    (folder / f"{design.name}.hwh").write_text(
        hwh_text(design.name, design.board, design.clock_mhz)
    )


def synthesis_script(name: str, sources: list[Path], staged: Staged) -> str:
    """Yosys commands that map the whole design; run inside the folder.

    No pads, no shift registers of more than one LUT, no LUT with two outputs, no DSP slices: see
    `netlist.py` for the reasons.
    """
    top = f"{name}_open"
    includes = " ".join(f"-I{path.as_posix()}" for path in (*staged.include_dirs, _HERE))
    files = " ".join(path.as_posix() for path in sources)
    return "\n".join(
        (
            f"read_verilog -sv -DSYNTHESIS -DXNORFLOW_NO_LUT6_2 {includes} {files}",
            f"hierarchy -top {top}",  # without -check: synth_xilinx brings PS7 and checks
            *(f"setattr -mod -set keep_hierarchy 1 {pattern}" for pattern in MAPPED_APART),
            f"synth_xilinx -family xc7 -top {top} -flatten -noiopad -nosrl -nodsp",
            "setattr -mod -unset keep_hierarchy *",
            "flatten",
            "opt_clean -purge",
            "delete */t:$scopeinfo",
            "check -assert -mapped",
            f"write_json {name}.json",
            "",
        )
    )


def synthesise(name: str, folder: Path) -> NetlistCheck:
    """Maps the design of a hand-over folder and holds the netlist against the flow's rules.

    Raises:
        ToolError: Yosys failed, or the netlist holds what the flow cannot place or route.
    """
    execute(["-q", "-l", "yosys.log", "-s", "synth.ys"], folder, f"{name}, open flow")
    netlist = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    checked = check_netlist(netlist, f"{name}_open")
    if checked.violations:
        first = checked.violations[0]
        raise ToolError(
            f"{name}, open flow: {len(checked.violations)} cells of {name}.json cannot be placed "
            f"or routed; the first is {first.cell} ({first.type}): {first.reason}"
        )
    return checked


def missing_tools() -> tuple[str, ...]:
    """Programs of the flow after synthesis that are not on PATH."""
    missing = [] if any(map(shutil.which, NEXTPNR)) else [" or ".join(NEXTPNR)]
    missing += [name for name in ("fasm2frames", "xc7frames2bit") if not shutil.which(name)]
    return tuple(missing)


def estimated_mhz(log: str) -> float | None:
    """The clock in nextpnr's log, MHz: its last figure is the one after routing. An estimate."""
    found = _FREQUENCY.findall(log)
    return float(found[-1]) if found else None
