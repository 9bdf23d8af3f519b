# SPDX-License-Identifier: Apache-2.0
"""Compiles a network's shell into the shared library that `virtual_board.py` loads."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.errors import UsageError
from flows.sim.cache import cached_directory, content_key
from flows.sim.compile import COMPILER_FLAGS, Engine, compile_library
from flows.sim.toolchain import Toolchain, find_toolchain, run_tool, tool_environment
from flows.sim.verilate import VERILATOR_FLAGS

_HERE = Path(__file__).resolve().parent
_WAIVERS = _HERE.parents[1] / "hw" / "lint" / "waivers.vlt"
_LIBRARY = "shell.so"
# Style is the business of lint; a generated top may leave outputs open.
_FLAGS = tuple(flag for flag in VERILATOR_FLAGS if flag != "-Wall")
# Popcounts as machine instructions, as in the network's own simulation; 5 times as fast.
_DEFINES = ("-DXNORFLOW_FAST_SIM=1",)

BOARD = Engine(
    folder=_HERE, headers=("board.h", "memory.h", "ps.h"), shared=(), binding="board.cpp"
)
"""A processing system and a memory around a shell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualBoardBuild:
    """A compiled virtual board.

    Attributes:
        library: shared library with the C ABI of `board.h`.
        cached: whether it was there already.
        seconds: wall seconds of this call.
    """

    library: Path
    cached: bool
    seconds: float


def build_virtual_board(
    *,
    top: str,
    sources: Sequence[Path],
    include: Sequence[Path],
    cache_dir: Path,
    jobs: int,
) -> VirtualBoardBuild:
    """Verilates and compiles a shell, or finds the result of an equal earlier build.

    Args:
        top: generated top module, with `s_axi_*`, `m_axi_*`, `bus_clk` and `bus_rst_n`.
        sources: SystemVerilog files.
        include: folders of included files.
        cache_dir: where built boards are kept.
        jobs: compiler processes at a time.

    Raises:
        ToolError: a tool is missing or failed.
        UsageError: a source file does not exist, or the cache cannot be written.
    """
    started = time.perf_counter()
    tools = find_toolchain()
    for file in sources:
        if not file.is_file():
            raise UsageError(f"{top}: source file {file} does not exist")
    headers = [file for folder in include for file in sorted(folder.glob("*.svh"))]
    versions = (tools.verilator_version, tools.compiler_version, tools.cpu)
    key = content_key(
        [
            *versions,
            repr((_FLAGS, COMPILER_FLAGS, _DEFINES, top)),
            *BOARD.contents(),
            *(part for file in (*sources, *headers) for part in (file.name, file.read_bytes())),
        ]
    )

    def make(work: Path) -> None:
        _build(tools, top, [*map(Path.resolve, sources)], include, work, cache_dir, jobs)

    directory, cached = cached_directory(cache_dir.resolve(), f"board-{key}", make)
    return VirtualBoardBuild(
        library=directory / _LIBRARY, cached=cached, seconds=time.perf_counter() - started
    )


def _build(
    tools: Toolchain,
    top: str,
    sources: Sequence[Path],
    include: Sequence[Path],
    work: Path,
    cache_dir: Path,
    jobs: int,
) -> None:
    generated = work / "generated"
    command = [
        str(tools.verilator),
        *_FLAGS,
        "--Mdir",
        str(generated),
        *(f"-I{folder.resolve()}" for folder in include),
        *_DEFINES,
        "--top-module",
        top,
        str(_WAIVERS),
        *map(str, sources),
    ]
    log = run_tool(command, env=tool_environment(tools.verilator_root))
    (work / "verilator.log").write_text(f"{' '.join(command)}\n{log}")
    ports = (generated / "Vsim.h").read_text()
    macros = {"m_axi_wid": "XNORFLOW_WID", "net_clk": "XNORFLOW_NET_CLK"}
    compile_library(
        tools,
        generated,
        work / _LIBRARY,
        top=top,
        waves=False,
        optimize=3,
        jobs=jobs,
        cache_dir=cache_dir,
        engine=BOARD,
        defines=[macro for port, macro in macros.items() if f"&{port}," in ports],
    )
    shutil.rmtree(generated)
