# SPDX-License-Identifier: Apache-2.0
"""Hand-over to Vivado: sources, constraints and one script that makes the bitstream."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from flows.bitstream.design import Design, render, stage
from flows.bitstream.ports import Port
from flows.bitstream.ps import processing_system
from flows.errors import ToolError

_SRC = Path("src")  # the shell's files inside the hand-over folder
COMMAND = ("vivado", "-mode", "batch", "-source", "build.tcl")

# Ports of the shell's master that the block design does without: one ID, no locked access.
_LEFT_OUT = ("awid", "arid", "wid", "bid", "rid", "awlock", "arlock")
_RENAMED = {"bus_clk": "aclk", "net_clk": "net_clk", "bus_rst_n": "aresetn", "irq": "irq"}


def write_folder(design: Design, folder: Path) -> None:
    """Writes everything that Vivado needs into a folder of its own.

    Raises:
        ToolError: the shell has a port that the block design cannot connect.
    """
    folder.mkdir(parents=True, exist_ok=True)
    staged = stage(design.shell, folder / _SRC)
    bus, connections = _connect(design.ports())
    ps = processing_system(design.board, design.clock_mhz, design.bus_mhz)
    common = {
        "name": design.name,
        "board": design.board,
        "clock_mhz": " and ".join(f"{mhz:.7g}" for mhz in ps.mhz),
        "ps": ps,
    }
    wrapper = f"{design.name}_ip.v"
    (folder / wrapper).write_text(
        render(
            "vivado/ip.v.j2",
            shell=design.shell.top,
            bus=bus,
            connections=connections,
            **common,
        )
    )
    (folder / "constraints.xdc").write_text(render("vivado/constraints.xdc.j2", **common))
    (folder / "build.tcl").write_text(
        render(
            "vivado/build.tcl.j2",
            sources=[*_listed(staged.sources), wrapper],
            images=_listed(staged.images),
            include_dirs=_listed(staged.include_dirs),
            **common,
        )
    )


def _listed(paths: Iterable[Path]) -> list[str]:
    return [(_SRC / path).as_posix() for path in paths]


def _connect(ports: Mapping[str, Port]) -> tuple[list[Port], list[tuple[str, str]]]:
    """Ports of the two bus interfaces, and what each port of the shell is connected to."""
    bus: list[Port] = []
    connections: list[tuple[str, str]] = []
    for name, port in ports.items():
        prefix, _, signal = name.rpartition("_")
        if name in _RENAMED:
            connections.append((name, _RENAMED[name]))
        elif prefix not in ("s_axi", "m_axi"):
            raise ToolError(
                f"shell: port {name} is no clock, reset, interrupt, s_axi_* or m_axi_* port; "
                "the block design has nothing to connect it to"
            )
        elif prefix == "m_axi" and signal in _LEFT_OUT:
            connections.append((name, f"{port.bits}'d0" if port.is_input else ""))
        else:
            bus.append(port)
            connections.append((name, name))
    return bus, connections


def find_vivado() -> Path | None:
    """Vivado on PATH, or None."""
    found = shutil.which(COMMAND[0])
    return Path(found) if found else None


def run(vivado: Path, folder: Path, jobs: int) -> None:
    """Runs the script of a hand-over folder.

    Raises:
        ToolError: it failed, or timing is not met; the message has the end of the log.
    """
    command = [str(vivado), *COMMAND[1:], "-tclargs", str(jobs)]
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ToolError(
            f"{' '.join(command)} (in {folder}) ended with exit code {done.returncode}.\n{tail}"
        )
