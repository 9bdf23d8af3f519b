# SPDX-License-Identifier: Apache-2.0
"""Writes the hand-over folders of a build, and runs the flow that the user asked for."""

import filecmp
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flows.bitstream import bitfile, openxc7, vivado
from flows.bitstream.design import Design
from flows.bitstream.netlist import NetlistCheck
from flows.bitstream.vivado_reports import Timing, Utilization, read_timing, read_utilization
from flows.boards import Board
from flows.errors import ToolError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Folders that can be moved to a machine with the tools.

    Attributes:
        design: what is in them.
        vivado: folder for Vivado.
        openxc7: folder for the open flow, None where the board cannot take it.
    """

    design: Design
    vivado: Path
    openxc7: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitstream:
    """How far a flow came on this machine.

    Attributes:
        flow: `vivado` or `openxc7`.
        file: the .bit, None where tools are missing.
        missing: what is needed and not found here; empty with a bitstream.
        command: what makes the bitstream, inside the hand-over folder.
        netlist: check of the netlist; open flow only.
        timing: slack after routing; Vivado only.
        utilization: what is occupied after routing; Vivado only.
        estimated_mhz: nextpnr's figure: an estimate, its timing model guarantees nothing.
    """

    flow: str
    command: str
    file: Path | None = None
    missing: tuple[str, ...] = ()
    netlist: NetlistCheck | None = None
    timing: Timing | None = None
    utilization: Utilization | None = None
    estimated_mhz: float | None = None


FLOWS = ("none", "open", "vivado")


def check_flow(flow: str, board: Board, bus_mhz: float | None = None) -> None:
    """Refuses a flow that cannot end well, before anything is built.

    Raises:
        UsageError: there is no such flow, or the board cannot take it.
    """
    if flow not in FLOWS:
        raise UsageError(f"--bitstream {flow}: no such flow; flows: {', '.join(FLOWS)}")
    refusal = openxc7.refusal(board, bus_mhz) if flow == "open" else None
    if refusal:
        raise UsageError(f"--bitstream open: {refusal}; choose --bitstream vivado")


def make(flow: str, handed: HandOver, jobs: int) -> Bitstream | None:
    """Runs a flow of `FLOWS` as far as the tools of this machine allow; None for `none`.

    Raises:
        UsageError: the board cannot take the flow.
        ToolError: a tool failed, timing is not met, or the netlist cannot be routed.
    """
    check_flow(flow, handed.design.board, handed.design.bus_mhz)
    if flow == "none":
        return None
    return make_vivado(handed, jobs) if flow == "vivado" else make_open(handed)


def how_far(made: Bitstream | None, handed: HandOver) -> str:
    """Where a build stands on its way to a bitstream, in a few words."""
    if made is None:
        folders = [handed.vivado, handed.openxc7] if handed.openxc7 else [handed.vivado]
        return f"none asked for; ready to make in {', '.join(path.name for path in folders)}"
    return str(made.file) if made.file else f"not found: {', '.join(made.missing)}"


def hand_over(design: Design, root: Path) -> HandOver:
    """Writes `vivado/` and, where the board can take it, `openxc7/` into a build's folder.

    A folder that holds the same design already stays as it is, with a bitstream made there; one
    that holds another goes with all its results.

    Raises:
        UsageError: a folder cannot be written.
    """
    refusal = openxc7.refusal(design.board, design.bus_mhz)
    folders = {"vivado": root / "vivado", "openxc7": root / "openxc7"}
    try:
        _renew(folders["vivado"], partial(vivado.write_folder, design))
        if refusal is None:
            _renew(folders["openxc7"], partial(openxc7.write_folder, design))
        else:
            shutil.rmtree(folders["openxc7"], ignore_errors=True)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be written ({error.strerror})") from error
    return HandOver(
        design=design,
        vivado=folders["vivado"],
        openxc7=None if refusal else folders["openxc7"],
    )


def _renew(folder: Path, write: Callable[[Path], None]) -> None:
    """Replaces a folder by what `write` makes, unless all of that is in it already."""
    staging = folder.with_name(folder.name + ".part")
    shutil.rmtree(staging, ignore_errors=True)
    write(staging)
    files = [str(path.relative_to(staging)) for path in staging.rglob("*") if path.is_file()]
    same, _, _ = filecmp.cmpfiles(staging, folder, files, shallow=False)
    if len(same) == len(files):
        shutil.rmtree(staging)
        return
    shutil.rmtree(folder, ignore_errors=True)
    staging.rename(folder)


def make_vivado(handed: HandOver, jobs: int) -> Bitstream:
    """Runs Vivado where it is on PATH.

    Raises:
        ToolError: it failed, or timing is not met.
    """
    command = " ".join(vivado.COMMAND)
    tool = vivado.find_vivado()
    if tool is None:
        return Bitstream(flow="vivado", command=command, missing=(vivado.COMMAND[0],))
    vivado.run(tool, handed.vivado, jobs)
    reports = handed.vivado / "reports"
    return Bitstream(
        flow="vivado",
        command=command,
        file=_checked(handed.vivado / f"{handed.design.name}.bit"),
        timing=read_timing(reports / "timing_summary.rpt"),
        utilization=read_utilization(reports / "utilization.rpt"),
    )


def make_open(handed: HandOver) -> Bitstream:
    """Synthesises and checks the netlist; places and routes where the tools are on PATH.

    Raises:
        UsageError: the board cannot take this flow.
        ToolError: a tool failed, or the netlist holds what the flow cannot route.
    """
    check_flow("open", handed.design.board, handed.design.bus_mhz)
    folder = handed.openxc7
    assert folder is not None
    name = handed.design.name
    netlist = openxc7.synthesise(name, folder)
    command = "./build.sh"
    missing = openxc7.missing_tools()
    if missing:
        return Bitstream(flow="openxc7", command=command, missing=missing, netlist=netlist)
    done = subprocess.run(
        [command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ToolError(f"{command} (in {folder}) ended with exit code {done.returncode}.\n{tail}")
    bit = _checked(folder / f"{name}.bit")
    content = bitfile.parse(bit.read_bytes(), bit.name)
    bit.with_suffix(".bin").write_bytes(bitfile.to_bin(content, bit.name))
    log = (folder / "nextpnr.log").read_text(encoding="utf-8", errors="replace")
    return Bitstream(
        flow="openxc7",
        command=command,
        file=bit,
        netlist=netlist,
        estimated_mhz=openxc7.estimated_mhz(log),
    )


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise ToolError(f"{path}: the tools ended well, but it is not there")
    return path
