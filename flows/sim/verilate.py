# SPDX-License-Identifier: Apache-2.0
"""Builds a simulator: Verilator makes C++ of the design, g++ makes a shared library of it."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.errors import ToolError, UsageError
from flows.sim.cache import cached_directory, content_key
from flows.sim.compile import COMPILER_FLAGS, TRAFFIC, compile_library
from flows.sim.streams import StreamPort
from flows.sim.toolchain import Toolchain, find_toolchain, run_tool, tool_environment

_HERE = Path(__file__).resolve().parent
_HW = _HERE.parents[1] / "hw"
_MAX_STREAMS = 64  # of each direction; the size of a fixed array in harness.cpp
_LIBRARY = "simulator.so"
_IDLE = "load_i"  # loads memories at run time; zero, as here, it loads none

VERILATOR_FLAGS = (
    "--cc",
    "-O3",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "--assert",
    "-Wall",
    "--prefix",
    "Vsim",
    "--output-split",
    "10000",
)
Parameter = int | bool | str | Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorBuild:
    """A compiled simulator.

    Attributes:
        library: shared library with the C ABI of ``harness.cpp``.
        top: top module.
        inputs: streams that the harness drives.
        outputs: streams that the harness records.
        taps: internal streams of the top module that are recorded.
        waves: whether a run can write a VCD file.
        key: content hash of everything that went in.
        cached: whether the library was there already.
        build_seconds: wall seconds spent in this call.
    """

    library: Path
    top: str
    inputs: tuple[StreamPort, ...]
    outputs: tuple[StreamPort, ...]
    taps: tuple[str, ...]
    waves: bool
    key: str
    cached: bool
    build_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """The arguments of a build, made absolute and comparable."""

    top: str
    sources: tuple[Path, ...]
    parameters: tuple[str, ...]
    defines: tuple[str, ...]
    include: tuple[Path, ...]
    waivers: tuple[Path, ...]
    inputs: tuple[StreamPort, ...]
    outputs: tuple[StreamPort, ...]
    taps: tuple[str, ...]
    waves: bool
    optimize: int
    jobs: int


def build_simulator(
    *,
    top: str,
    sources: Sequence[Path],
    parameters: Mapping[str, Parameter] | None = None,
    inputs: Sequence[StreamPort],
    outputs: Sequence[StreamPort],
    taps: Sequence[str] = (),
    waves: bool = False,
    cache_dir: Path,
    defines: Mapping[str, str] | None = None,
    optimize: int = 3,
    jobs: int | None = None,
) -> SimulatorBuild:
    """Verilates and compiles ``top``, or finds the result of an equal earlier build.

    Args:
        top: module with ``clk_i``, ``rst_ni`` and AXI-Stream ports.
        sources: SystemVerilog files; ``hw/include`` is searched for included ones.
        parameters: overrides of the top module's parameters; strings and paths become strings.
        inputs: streams that enter the design.
        outputs: streams that leave it.
        taps: prefixes of streams inside the top module (``<tap>_tdata/_tvalid/_tready``).
        waves: adds VCD tracing, several times slower.
        cache_dir: where built simulators are kept.
        defines: preprocessor definitions for the SystemVerilog.
        optimize: level for the C++ compiler; 1 for small designs, where compiling dominates.
        jobs: compiler processes at a time; default: one per processor.

    Raises:
        ToolError: a tool is missing or failed, or the ports differ from what was named.
        UsageError: a source file does not exist, or the cache cannot be written.
    """
    started = time.perf_counter()
    request = _request(
        top=top,
        sources=sources,
        parameters=parameters or {},
        inputs=inputs,
        outputs=outputs,
        taps=taps,
        waves=waves,
        defines=defines or {},
        optimize=optimize,
        jobs=jobs or os.cpu_count() or 1,
    )
    tools = find_toolchain()
    key = _key(request, tools)

    def make(work: Path) -> None:
        _build(request, tools, work, cache_dir)

    directory, cached = cached_directory(cache_dir.resolve(), key, make)
    return SimulatorBuild(
        library=directory / _LIBRARY,
        top=top,
        inputs=request.inputs,
        outputs=request.outputs,
        taps=request.taps,
        waves=waves,
        key=key,
        cached=cached,
        build_seconds=time.perf_counter() - started,
    )


def elaborate(
    *,
    top: str,
    sources: Sequence[Path],
    parameters: Mapping[str, Parameter] | None = None,
    defines: Mapping[str, str] | None = None,
) -> str:
    """Lints ``top`` with ``-Wall`` under the given parameters and returns what Verilator printed.

    Raises:
        ToolError: a warning, or an error such as a refused parameter; the message holds the text.
        UsageError: a source file does not exist.
    """
    request = _request(
        top=top,
        sources=sources,
        parameters=parameters or {},
        inputs=(),
        outputs=(),
        taps=(),
        waves=False,
        defines=defines or {},
        optimize=1,
        jobs=1,
    )
    tools = find_toolchain()
    command = [str(tools.verilator), "--lint-only", "-Wall", *_design_arguments(request)]
    return run_tool(command, env=tool_environment(tools.verilator_root))


def _request(
    *,
    top: str,
    sources: Sequence[Path],
    parameters: Mapping[str, Parameter],
    inputs: Sequence[StreamPort],
    outputs: Sequence[StreamPort],
    taps: Sequence[str],
    waves: bool,
    defines: Mapping[str, str],
    optimize: int,
    jobs: int,
) -> _Request:
    if max(len(inputs), len(outputs)) > _MAX_STREAMS:
        raise UsageError(f"{top}: at most {_MAX_STREAMS} streams in each direction")
    files = tuple(dict.fromkeys(Path(source).resolve() for source in sources))
    for file in files:
        if not file.is_file():
            raise UsageError(f"{top}: source file {file} does not exist")
    waivers = _HW / "lint" / "waivers.vlt"
    return _Request(
        top=top,
        sources=files,
        parameters=tuple(f"-G{name}={_literal(value)}" for name, value in parameters.items()),
        defines=tuple(f"-D{name}={value}" for name, value in defines.items()),
        include=(_HW / "include",) if (_HW / "include").is_dir() else (),
        waivers=(waivers,) if waivers.is_file() else (),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        taps=tuple(taps),
        waves=waves,
        optimize=optimize,
        jobs=jobs,
    )


def _literal(value: Parameter) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        # Verilator reads a bare number as a signed 32-bit literal; wider ones need their size.
        return str(value) if -(2**31) <= value < 2**31 else f"{value.bit_length() + 1}'d{value}"
    return f'"{value}"'


def _design_arguments(request: _Request) -> list[str]:
    """The part of the command line that describes the design."""
    return [
        *(f"-I{folder}" for folder in request.include),
        *request.defines,
        "--top-module",
        request.top,
        *request.parameters,
        *(str(file) for file in request.waivers),
        *(str(file) for file in request.sources),
    ]


def _key(request: _Request, tools: Toolchain) -> str:
    headers = [file for folder in request.include for file in sorted(folder.rglob("*"))]
    files = [*request.sources, *request.waivers, *(f for f in headers if f.is_file())]
    return content_key(
        [
            tools.verilator_version,
            tools.compiler_version,
            tools.cpu,
            repr((VERILATOR_FLAGS, COMPILER_FLAGS, request.optimize, request.waves)),
            repr((request.top, request.parameters, request.defines)),
            repr((request.inputs, request.outputs, request.taps)),
            *TRAFFIC.contents(),
            *(part for file in files for part in (file.name, file.read_bytes())),
        ]
    )


def _build(request: _Request, tools: Toolchain, work: Path, cache_dir: Path) -> None:
    """Fills ``work`` with the library and the log; intermediate files are removed."""
    generated = work / "generated"
    config = work / "public.vlt"
    config.write_text(_public_signals(request))
    command = [
        str(tools.verilator),
        *VERILATOR_FLAGS,
        *(("--trace-vcd",) if request.waves else ()),
        "--Mdir",
        str(generated),
        str(config),
        *_design_arguments(request),
    ]
    log = run_tool(command, env=tool_environment(tools.verilator_root))
    (work / "verilator.log").write_text(f"{' '.join(command)}\n{log}")
    header = (generated / "Vsim.h").read_text()
    _check_ports(request, header)
    idle = f"IDLE({_IDLE})\n" if re.search(rf"VL_IN\w*\(&{_IDLE},", header) else ""
    (generated / "streams.inc").write_text(_stream_table(request) + idle)
    compile_library(
        tools,
        generated,
        work / _LIBRARY,
        top=request.top,
        waves=request.waves,
        optimize=request.optimize,
        jobs=request.jobs,
        cache_dir=cache_dir,
    )
    shutil.rmtree(generated)


def _public_signals(request: _Request) -> str:
    """Verilator configuration that keeps the signals which are read by name at run time."""
    lines = ["`verilator_config"]
    lines.append('public_flat_rd -module "stream_fifo" -var "high_water_q"')
    for tap in request.taps:
        for suffix in ("tdata", "tvalid", "tready"):
            lines.append(f'public_flat_rd -module "{request.top}" -var "{tap}_{suffix}"')
    return "\n".join(lines) + "\n"


def _check_ports(request: _Request, header: str) -> None:
    """Compares the streams that the caller named with the ports that the design has.

    Raises:
        ToolError: a port is missing, or its width differs.
    """
    found = {
        name: int(high) - int(low) + 1
        for name, high, low in re.findall(r"VL_(?:IN|OUT)\w*\(&(\w+),(\d+),(\d+)", header)
    }
    wanted = {"clk_i": 1, "rst_ni": 1}
    for port in (*request.inputs, *request.outputs):
        wanted[f"{port.name}_tdata"] = port.width
        wanted[f"{port.name}_tvalid"] = wanted[f"{port.name}_tready"] = 1
        if port.last:
            wanted[f"{port.name}_tlast"] = 1
    for name, width in wanted.items():
        if found.get(name) != width:
            has = f"{found[name]} bits" if name in found else "no such port"
            raise ToolError(
                f"{request.top}: port {name} was announced with {width} bits, "
                f"the design has {has}; "
                f"its ports are {', '.join(f'{n}[{w}]' for n, w in sorted(found.items()))}"
            )
    driven = {f"{p.name}_t{s}" for p in request.inputs for s in ("data", "valid", "last")}
    driven |= {f"{p.name}_tready" for p in request.outputs} | {"clk_i", "rst_ni", _IDLE}
    floating = set(re.findall(r"VL_IN\w*\(&(\w+)", header)) - driven
    if floating:
        raise ToolError(f"{request.top}: nothing drives the input {', '.join(sorted(floating))}")


def _stream_table(request: _Request) -> str:
    def line(direction: str, port: StreamPort) -> str:
        last = "HAS_LAST" if port.last else "NO_LAST"
        return f"STREAM({direction}, {port.name}, {port.width}, {last})"

    rows = [line("inputs", port) for port in request.inputs]
    rows += [line("outputs", port) for port in request.outputs]
    return "\n".join(rows) + "\n"
