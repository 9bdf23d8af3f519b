# SPDX-License-Identifier: Apache-2.0
"""Simulations in several processes equal one in this process, and their failures come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.errors import ToolError, VerificationError
from flows.sim.parallel import Job, run_parallel
from flows.sim.run import RunOptions
from flows.sim.streams import BURST, FREE_RUNNING, RANDOM
from flows.sim.toolchain import run_tool
from flows.sim.verilate import SimulatorBuild
from tests.flows.sim.designs import SLICE, write
from tests.support.battery import build_module, lanes


@pytest.fixture
def jobs(rng: np.random.Generator) -> list[Job]:
    data = lanes(rng.integers(0, 255, 90), bits=8).data
    return [
        Job(
            name=f"chunk {k} {pattern.name}",
            input_beats={"s_axis": data[30 * k : 30 * (k + 1)]},
            expect={"m_axis": 30},
            options=RunOptions(stalls=pattern, seed=k + 1, idle_limit=1000),
        )
        for pattern in (FREE_RUNNING, RANDOM, BURST)
        for k in range(3)
    ]


def _build(path: Path, name: str, *edits: tuple[str, str]) -> SimulatorBuild:
    source = write(path, name, SLICE, *edits)
    data = lanes(np.zeros(1, int), bits=8)
    return build_module(name, [source], inputs={"s_axis": data}, outputs={"m_axis": data})


def test_parallel_equals_serial(jobs: list[Job], tmp_path: Path) -> None:
    build = _build(tmp_path, "slice_parallel")
    serial = run_parallel(build, jobs, workers=1)
    seen: list[str] = []
    parallel = run_parallel(build, jobs, workers=3, done=lambda job, _: seen.append(job.name))
    assert sorted(seen) == sorted(job.name for job in jobs)
    for job, one, other in zip(jobs, serial, parallel, strict=True):
        assert one.pattern == other.pattern == job.options.stalls.name
        assert np.array_equal(one.outputs["m_axis"], job.input_beats["s_axis"])
        assert np.array_equal(one.outputs["m_axis"], other.outputs["m_axis"])
        assert np.array_equal(one.output_cycles["m_axis"], other.output_cycles["m_axis"])


@pytest.mark.parametrize("workers", [1, 2])
def test_an_rtl_failure_comes_back_with_its_message(
    workers: int, jobs: list[Job], tmp_path: Path
) -> None:
    fault = ("if (take) count_q", 'if (count_q == 9) $error("it broke");\n      if (take) count_q')
    build = _build(tmp_path, "slice_error", fault)
    with pytest.raises(VerificationError, match=r"chunk \d \w+: slice_error[\s\S]*it broke"):
        run_parallel(build, jobs, workers=workers)


def test_a_crash_is_no_hang(jobs: list[Job], tmp_path: Path) -> None:
    """A process that dies of a signal is reported with it; here the C++ library is damaged."""
    build = _build(tmp_path, "slice_crash")
    broken = tmp_path / "broken.c"
    names = (
        "add_tap",
        "start",
        "advance",
        "counters",
        "counter",
        "tap",
        "tap_state",
        "log",
        "destroy",
    )
    broken.write_text(
        "#include <stdlib.h>\n#include <stdio.h>\n"
        + "".join(f"void xnorflow_{name}(void) {{}}\n" for name in names)
        + 'void xnorflow_create(void) { fputs("last words\\n", stderr); abort(); }\n'
    )
    library = tmp_path / "broken.so"
    run_tool(["g++", "-shared", "-fPIC", "-x", "c", str(broken), "-o", str(library)])
    fields = {name: getattr(build, name) for name in SimulatorBuild.__dataclass_fields__}
    crash = SimulatorBuild(**{**fields, "library": library})
    with pytest.raises(ToolError, match=r"ended with signal SIGABRT\n[\s\S]*last words"):
        run_parallel(crash, jobs, workers=2)
