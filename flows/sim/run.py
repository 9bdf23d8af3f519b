# SPDX-License-Identifier: Apache-2.0
"""Runs a built simulator on numpy arrays."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from flows.errors import ToolError, UsageError, VerificationError
from flows.sim import diagnose
from flows.sim.abi import CConfig, CReport, CStall, CStream, Status, load
from flows.sim.deadlock import Link, StreamState
from flows.sim.result import Beats, SimResult, Trace
from flows.sim.streams import (
    FREE_RUNNING,
    ResetPoint,
    Stall,
    StallPattern,
    StreamPort,
)
from flows.sim.verilate import SimulatorBuild

_SLICE_CYCLES = 1_000_000  # between two looks at progress and at the keyboard
_CREATE_LOCK = threading.Lock()  # the working directory belongs to the whole process


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run goes, beside its data.

    Attributes:
        stalls: traffic at both ends.
        seed: of the stalls and of the random power-up state.
        cwd: directory that ``$readmemh`` paths are relative to.
        frame_beats: per stream with ``tlast``: beats of one frame.
        resets: resets in the middle of the run, each of which starts all streams again.
        reset_cycles: length of a reset.
        idle_limit: cycles without a transfer at any port after which the design counts as blocked.
        grace: cycles after the last expected beat in which no further beat may come.
        max_cycles: hard limit; 0 means none.
        waves: VCD file to write; needs a build with waves.
        links: which modules the tapped streams join; lets a deadlock name those that wait.
    """

    stalls: StallPattern = FREE_RUNNING
    seed: int = 1
    cwd: Path | None = None
    frame_beats: Mapping[str, int] = field(default_factory=dict)
    resets: tuple[ResetPoint, ...] = ()
    reset_cycles: int = 8
    idle_limit: int = 200_000
    grace: int = 1_000
    max_cycles: int = 0
    waves: Path | None = None
    links: tuple[Link, ...] = ()


def run(
    build: SimulatorBuild,
    input_beats: Mapping[str, Beats],
    *,
    expect: Mapping[str, int],
    options: RunOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SimResult:
    """Feeds all input beats and collects the expected number of output beats.

    Args:
        build: simulator.
        input_beats: per input stream (n, nbytes) uint8, little-endian, unused high bits zero.
        expect: per output stream the number of beats.
        options: traffic, seed, limits.
        progress: called about every second with (output beats so far, output beats expected).

    Raises:
        VerificationError: the stream contract is broken, beats are missing or surplus, the design
            blocks, or an assertion of the RTL fails.
        UsageError: data does not fit the ports.
        ToolError: the simulator cannot be loaded, or it could not read its memory images.
    """
    options = options or RunOptions()
    session = _Session(build, input_beats, expect, options)
    try:
        return session.run(progress)
    finally:
        session.close()


class _Session:
    """Buffers and handle of one run; the buffers must outlive the C++ side."""

    def __init__(
        self,
        build: SimulatorBuild,
        input_beats: Mapping[str, Beats],
        expect: Mapping[str, int],
        options: RunOptions,
    ) -> None:
        self.build = build
        self.options = options
        self.sent = {p.name: _beats_of(p, input_beats) for p in build.inputs}
        _refuse_unknown(build.top, build.inputs, input_beats)
        _refuse_unknown(build.top, build.outputs, expect)
        self.got = {
            p.name: np.zeros((expect.get(p.name, 0), p.nbytes), np.uint8) for p in build.outputs
        }
        self.cycles = {
            name: np.full(len(beats), -1, np.int64)
            for name, beats in (self.sent | self.got).items()
        }
        self.c_in = self._streams(build.inputs, self.sent, options.stalls.source, 1)
        self.c_out = self._streams(build.outputs, self.got, options.stalls.sink, 1001)
        self.report = CReport()
        self.api = load(build.library)
        self.handle = self._create()

    def _streams(
        self,
        ports: Sequence[StreamPort],
        beats: Mapping[str, Beats],
        stall: Stall,
        salt: int,
    ) -> ctypes.Array[CStream]:
        streams = (CStream * max(len(ports), 1))()
        for index, port in enumerate(ports):
            streams[index] = CStream(
                data=beats[port.name].ctypes.data,
                beats=len(beats[port.name]),
                cycles=self.cycles[port.name].ctypes.data,
                frame_beats=self.options.frame_beats.get(port.name, 0) if port.last else 0,
                stall=CStall(
                    kind=int(stall.kind),
                    probability=int(stall.probability * 2**32),
                    stall_cycles=stall.stall_cycles,
                    burst_beats=stall.burst_beats,
                    seed=self.options.seed * 7919 + salt + index,
                ),
            )
        return streams

    def _create(self) -> int:
        waves = self.options.waves
        if waves is not None and not self.build.waves:
            raise UsageError(
                f"{self.build.top}: waves were asked of a simulator built without them"
            )
        path = str(waves.resolve()).encode() if waves is not None else b""
        cwd = self.options.cwd
        if cwd is not None and not cwd.is_dir():
            raise UsageError(f"{self.build.top}: working directory {cwd} does not exist")
        with _CREATE_LOCK, contextlib.chdir(cwd) if cwd is not None else contextlib.nullcontext():
            handle = self.api.create(self.options.seed, path)
        if not handle:
            raise ToolError(f"{self.build.top}: the design could not start\n{self._log()}")
        try:
            self._prepare(handle)
        except ToolError:
            self.api.destroy(handle)
            raise
        return int(handle)

    def _prepare(self, handle: int) -> None:
        """Connects the taps, and refuses a design that complained while it started."""
        for tap in self.build.taps:
            if not self.api.add_tap(handle, tap.encode()):
                raise ToolError(f"{self.build.top}: there is no internal stream {tap}_t*")
        log = self._log()
        if any(word in log for word in ("%Error", "warning: ", "stop: ")):
            raise ToolError(f"{self.build.top}: the design could not start\n{log}")

    def _log(self) -> str:
        return bytes(self.api.log()).decode(errors="replace").strip()

    def run(self, progress: Callable[[int, int], None] | None) -> SimResult:
        options = self.options
        after = np.array([r.after_beats for r in options.resets] or [0], np.int64)
        delay = np.array([r.delay for r in options.resets] or [0], np.int64)
        stalls = (options.stalls.source, options.stalls.sink)
        config = CConfig(
            idle_limit=options.idle_limit + max(stall.stall_cycles for stall in stalls),
            grace=options.grace,
            max_cycles=options.max_cycles,
            reset_cycles=options.reset_cycles,
            resets=len(options.resets),
            reset_after=after.ctypes.data,
            reset_delay=delay.ctypes.data,
        )
        expected = sum(len(beats) for beats in self.got.values())
        started = time.perf_counter()
        self.api.start(self.handle, ctypes.byref(config), self.c_in, self.c_out)
        while self.report.status == Status.RUNNING:
            self.api.advance(self.handle, _SLICE_CYCLES, ctypes.byref(self.report))
            if progress is not None:
                progress(sum(stream.moved for stream in self.c_out), expected)
        wall = time.perf_counter() - started
        if self.report.status != Status.DONE:
            raise VerificationError(self._explain())
        return self._result(wall)

    def _explain(self) -> str:
        return diagnose.explain(
            build=self.build,
            pattern=self.options.stalls.name,
            seed=self.options.seed,
            report=self.report,
            inputs=list(self.c_in),
            outputs=list(self.c_out),
            taps={name: self._tap_state(index) for index, name in enumerate(self.build.taps)},
            links=self.options.links,
            log=self._log(),
        )

    def _result(self, wall: float) -> SimResult:
        return SimResult(
            pattern=self.options.stalls.name,
            outputs=self.got,
            output_cycles={p.name: self.cycles[p.name] for p in self.build.outputs},
            input_cycles={p.name: self.cycles[p.name] for p in self.build.inputs},
            cycles=self.report.cycle,
            total_cycles=self.report.total,
            wall_seconds=wall,
            high_water=self._counters(),
            taps={name: self._tap(index) for index, name in enumerate(self.build.taps)},
            log=self._log(),
        )

    def _counters(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for index in range(self.api.counters(self.handle)):
            value = ctypes.c_uint64()
            path = self.api.counter(self.handle, index, ctypes.byref(value))
            found[path.decode()] = value.value
        return found

    def _tap_state(self, index: int) -> StreamState:
        bits = self.api.tap_state(self.handle, index)
        moved = self._tap(index).cycles
        since = int(moved[-1]) + 1 if len(moved) else 0
        return StreamState(valid=bool(bits & 1), ready=bool(bits >> 1), since=since)

    def _tap(self, index: int) -> Trace:
        nbytes, data, cycles = ctypes.c_int64(), ctypes.c_void_p(), ctypes.c_void_p()
        count = self.api.tap(
            self.handle, index, ctypes.byref(nbytes), ctypes.byref(data), ctypes.byref(cycles)
        )
        return Trace(
            beats=np.frombuffer(_copy(data, count * nbytes.value), np.uint8).reshape(
                count, nbytes.value
            ),
            cycles=np.frombuffer(_copy(cycles, count * 8), np.int64),
        )

    def close(self) -> None:
        self.api.destroy(self.handle)


def _copy(pointer: ctypes.c_void_p, size: int) -> bytes:
    return ctypes.string_at(pointer.value, size) if pointer.value and size else b""


def _refuse_unknown(top: str, ports: Sequence[StreamPort], given: Mapping[str, object]) -> None:
    names = [port.name for port in ports]
    for name in given:
        if name not in names:
            raise UsageError(f"{top}: there is no stream {name}; there are {', '.join(names)}")


def _beats_of(port: StreamPort, given: Mapping[str, Beats]) -> Beats:
    """Checks shape, type and unused bits of the beats of one input stream."""
    beats = given.get(port.name, np.zeros((0, port.nbytes), np.uint8))
    if beats.dtype != np.uint8 or beats.ndim != 2 or beats.shape[1] != port.nbytes:
        raise UsageError(
            f"stream {port.name}: beats are {beats.dtype} {beats.shape}, "
            f"needed is uint8 (n, {port.nbytes}) for {port.width} bits"
        )
    spare = 8 * port.nbytes - port.width
    if spare and len(beats) and int(beats[:, -1].max()) >> (8 - spare):
        raise UsageError(f"stream {port.name}: bits above the width of {port.width} are not zero")
    return np.ascontiguousarray(beats)
