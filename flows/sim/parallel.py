# SPDX-License-Identifier: Apache-2.0
"""Several simulations side by side, each in a process of its own.

A process and not a thread, because the working directory ($readmemh) and a crash belong to a
process. A plain child and not a pool, because a pool whose worker dies loses the message.
"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows import errors
from flows.errors import FlowError, ToolError
from flows.sim.result import Beats, SimResult
from flows.sim.run import RunOptions, run
from flows.sim.verilate import SimulatorBuild

_ROOT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.02
_STDERR_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One simulation: a chunk of the images under one stall pattern.

    Attributes:
        name: for messages and for progress.
        input_beats: per input stream (n, nbytes) uint8.
        expect: per output stream the number of beats.
        options: traffic, seed, working directory, limits.
    """

    name: str
    input_beats: Mapping[str, Beats]
    expect: Mapping[str, int]
    options: RunOptions


@dataclass(frozen=True, slots=True)
class _Child:
    index: int
    process: subprocess.Popen[bytes]
    folder: Path


def run_parallel(
    build: SimulatorBuild,
    jobs: Sequence[Job],
    *,
    workers: int,
    done: Callable[[Job, SimResult], None] | None = None,
) -> list[SimResult]:
    """Runs all jobs, at most ``workers`` at a time; results are in the order of the jobs.

    The first failure ends the other processes and is raised here, whatever it was.

    Args:
        build: simulator.
        jobs: what to simulate.
        workers: processes at a time; 1 runs in this process.
        done: called here as each job ends.

    Raises:
        VerificationError, UsageError, ToolError: as ``run``, with the job's name in front;
            ToolError also when a process dies, with its signal and what it wrote last.
    """
    if workers <= 1 or len(jobs) == 1:
        return [_run_here(build, job, done) for job in jobs]
    results: dict[int, SimResult] = {}
    waiting = list(enumerate(jobs))
    running: list[_Child] = []
    with tempfile.TemporaryDirectory(prefix="xnorflow-sim-") as scratch:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    index, job = waiting.pop(0)
                    running.append(_start(build, job, index, Path(scratch) / str(index)))
                finished = [child for child in running if child.process.poll() is not None]
                for child in finished:
                    running.remove(child)
                    results[child.index] = _collect(child, jobs[child.index])
                    if done is not None:
                        done(jobs[child.index], results[child.index])
                if not finished:
                    time.sleep(_POLL_SECONDS)
        finally:
            for child in running:
                child.process.kill()
            for child in running:
                child.process.wait()
    return [results[index] for index in range(len(jobs))]


def _run_here(
    build: SimulatorBuild, job: Job, done: Callable[[Job, SimResult], None] | None
) -> SimResult:
    try:
        result = run(build, job.input_beats, expect=job.expect, options=job.options)
    except FlowError as error:
        raise type(error)(f"{job.name}: {error}") from error
    if done is not None:
        done(job, result)
    return result


def _start(build: SimulatorBuild, job: Job, index: int, folder: Path) -> _Child:
    folder.mkdir()
    (folder / "job.pickle").write_bytes(pickle.dumps((build, job)))
    command = [sys.executable, "-m", "flows.sim.worker", str(folder)]
    with (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr
        )
    return _Child(index, process, folder)


def _collect(child: _Child, job: Job) -> SimResult:
    """Reads the answer of a process that ended; the files come from our own scratch directory."""
    answer = child.folder / "answer.pickle"
    if not answer.is_file():
        code = child.process.returncode
        died = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        tail = (child.folder / "stderr").read_text(errors="replace")[-_STDERR_CHARACTERS:]
        raise ToolError(f"{job.name}: the simulation process ended with {died}\n{tail.strip()}")
    kind, payload = pickle.loads(answer.read_bytes())
    if isinstance(payload, SimResult):
        return payload
    raise getattr(errors, kind, ToolError)(f"{job.name}: {payload}")
