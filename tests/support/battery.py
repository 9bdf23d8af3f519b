# SPDX-License-Identifier: Apache-2.0
"""The traffic battery: what every stream module must survive, in one call.

    check_stream_module(
        "stream_reg", [HW / "stream/stream_reg.sv"],
        parameters={"W": 8},
        inputs={"s_axis": lanes(values, bits=8)},
        outputs={"m_axis": lanes(values, bits=8)},
    )

One build serves all traffic rows. Builds are kept by content under build/.cache/tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flows import cosim
from flows.dataflow.network import Network
from flows.emit.project import RtlProject
from flows.errors import ToolError
from flows.sim.compare import pack_beats, unpack_beats
from flows.sim.result import SimResult
from flows.sim.run import RunOptions, run
from flows.sim.streams import (
    AFTER_VALID,
    BURST,
    FREE_RUNNING,
    RANDOM,
    SINK_STALLS,
    SOURCE_GAPS,
    ResetPoint,
    StallPattern,
    StreamPort,
)
from flows.sim.verilate import SimulatorBuild, build_simulator, elaborate

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / ".cache" / "tests"

TRAFFIC = (FREE_RUNNING, SOURCE_GAPS, SINK_STALLS, RANDOM, BURST, AFTER_VALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """All beats of one stream, and how to read one of them in a message.

    Attributes:
        data: (n, nbytes) uint8, little-endian.
        width: bits of ``tdata``.
        bits: bits of one lane, only for messages.
        signed: lanes are two's complement, only for messages.
        frame: beats of a frame where the port has ``tlast``; 0: the port has none.
    """

    data: NDArray[np.uint8]
    width: int
    bits: int = 1
    signed: bool = False
    frame: int = 0

    def __len__(self) -> int:
        return len(self.data)


def lanes(values: NDArray[Any], *, bits: int, signed: bool = False, frame: int = 0) -> Beats:
    """Beats of (n, lanes) integers or bits, lane 0 least significant; (n,) means one lane."""
    table = values.reshape(len(values), -1)
    data = pack_beats(table, bits)
    return Beats(data=data, width=table.shape[1] * bits, bits=bits, signed=signed, frame=frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a parameter table: ``id`` names the test, ``reason`` says what it is for."""

    id: str
    reason: str
    parameters: dict[str, Any]


def rows(*table: Row) -> pytest.MarkDecorator:
    """Parametrizes a test with ``row`` over a parameter table."""
    return pytest.mark.parametrize("row", table, ids=[row.id for row in table])


def build_module(
    top: str,
    sources: Sequence[Path],
    *,
    inputs: Mapping[str, Beats],
    outputs: Mapping[str, Beats],
    parameters: Mapping[str, Any] | None = None,
    **options: Any,
) -> SimulatorBuild:
    """Builds a module whose ports follow from the beats that go through them."""
    return build_simulator(
        top=top,
        sources=sources,
        parameters=parameters or {},
        inputs=_ports(inputs),
        outputs=_ports(outputs),
        cache_dir=CACHE,
        **{"optimize": 1, **options},
    )


def build_network(
    project: RtlProject, network: Network, *, trace: bool, fast: bool = True, cache: Path = CACHE
) -> SimulatorBuild:
    """Builds a small network: compiling it takes longer than simulating it."""
    return cosim.build_network_simulator(
        project, network, trace=trace, waves=False, cache_dir=cache, jobs=1, fast=fast, optimize=1
    )


def check_stream_module(
    top: str,
    sources: Sequence[Path],
    *,
    inputs: Mapping[str, Beats],
    outputs: Mapping[str, Beats],
    parameters: Mapping[str, Any] | None = None,
    cwd: Path | None = None,
    seed: int = 1,
    traffic: Sequence[StallPattern] = TRAFFIC,
    defines: Mapping[str, str] | None = None,
    idle_limit: int = 20_000,
    grace: int = 500,
) -> dict[str, SimResult]:
    """Runs all traffic rows and two with resets in mid-frame; each must give the exact beats.

    Also checked in every row, by the harness: valid and payload hold until the transfer, valid
    is low after reset, no surplus beat in ``grace`` cycles, and every input beat is taken.

    Args:
        top: module under test.
        sources: SystemVerilog files, the module's and those of what it instantiates.
        inputs: per input stream the stimulus.
        outputs: per output stream the expected beats.
        parameters: of the module.
        cwd: directory that ``$readmemh`` paths are relative to.
        seed: of the stalls and of the power-up state.
        traffic: stall patterns.
        defines: preprocessor definitions.
        idle_limit: cycles without a transfer that count as a deadlock; more than any bubble.
        grace: cycles to wait for surplus beats; more than the module's latency.

    Returns:
        Per row its result; key ``reset`` for the last one.
    """
    build = build_module(
        top, sources, inputs=inputs, outputs=outputs, parameters=parameters, defines=defines
    )
    results = {}
    common = {"cwd": cwd, "idle_limit": idle_limit, "grace": grace}
    for number, pattern in enumerate(traffic):
        options = RunOptions(stalls=pattern, seed=seed + number, **common)
        results[pattern.name] = run_exact(build, inputs, outputs, options)
    for row, pattern in (("reset", FREE_RUNNING), ("reset_random", RANDOM)):
        options = RunOptions(stalls=pattern, seed=seed, resets=_resets(inputs), **common)
        results[row] = run_exact(build, inputs, outputs, options, row=row)
    return results


def _resets(inputs: Mapping[str, Beats]) -> tuple[ResetPoint, ...]:
    """Resets after the first beat, early, in the middle and near the end, at odd distances."""
    total = sum(len(beats) for beats in inputs.values())
    points = ((1, 0), (1, 3), (total // 3, 1), (total // 2 + 1, 7), (total - 1, 2))
    return tuple(ResetPoint(after_beats=max(1, at), delay=delay) for at, delay in points)


def run_exact(
    build: SimulatorBuild,
    inputs: Mapping[str, Beats],
    outputs: Mapping[str, Beats],
    options: RunOptions | None = None,
    *,
    row: str = "",
) -> SimResult:
    """One run; fails with stream, beat, lane and cycle of the first difference."""
    options = options or RunOptions(idle_limit=20_000)
    framed = {name: beats.frame for name, beats in (*inputs.items(), *outputs.items())}
    frames = {name: count for name, count in framed.items() if count}
    options = _with_frames(options, frames)
    result = run(
        build,
        {name: beats.data for name, beats in inputs.items()},
        expect={name: len(beats) for name, beats in outputs.items()},
        options=options,
    )
    for name, beats in outputs.items():
        _compare(
            f"{build.top}, traffic {row or result.pattern}, stream {name}", name, beats, result
        )
    return result


def check_throughput(
    top: str,
    sources: Sequence[Path],
    *,
    inputs: Mapping[str, Beats],
    outputs: Mapping[str, Beats],
    bound: int,
    parameters: Mapping[str, Any] | None = None,
    cwd: Path | None = None,
    idle_limit: int = 20_000,
) -> SimResult:
    """Free-running: at most ``bound`` cycles from the first input to the last output transfer.

    For N frames of initiation interval II the bound is ``N * II + latency``.
    """
    build = build_module(top, sources, inputs=inputs, outputs=outputs, parameters=parameters)
    result = run_exact(build, inputs, outputs, RunOptions(cwd=cwd, idle_limit=idle_limit))
    first = min(int(cycles[0]) for cycles in result.input_cycles.values())
    last = max(int(cycles[-1]) for cycles in result.output_cycles.values())
    assert last - first <= bound, f"{top}: took {last - first} cycles, the bound is {bound}"
    return result


def check_rejected(
    top: str, sources: Sequence[Path], *, parameters: Mapping[str, Any], match: str
) -> None:
    """Elaboration with these parameters must fail, with a message that matches ``match``."""
    with pytest.raises(ToolError) as caught:
        elaborate(top=top, sources=sources, parameters=parameters)
    message = str(caught.value)
    assert re.search(match, message), f"{top}: refused, but not with {match!r}:\n{message}"


def check_lint(
    top: str, sources: Sequence[Path], *, parameters: Mapping[str, Any] | None = None
) -> None:
    """``-Wall`` must be silent."""
    log = elaborate(top=top, sources=sources, parameters=parameters or {})
    assert "%Warning" not in log, log


def _ports(streams: Mapping[str, Beats]) -> list[StreamPort]:
    return [StreamPort(name=n, width=b.width, last=b.frame > 0) for n, b in streams.items()]


def _with_frames(options: RunOptions, frames: dict[str, int]) -> RunOptions:
    fields = {name: getattr(options, name) for name in RunOptions.__dataclass_fields__}
    return RunOptions(**{**fields, "frame_beats": {**frames, **options.frame_beats}})


def _compare(where: str, name: str, expected: Beats, result: SimResult) -> None:
    got = result.outputs[name]
    wrong = np.flatnonzero((got != expected.data).any(axis=1))
    if not len(wrong):
        return
    beat = int(wrong[0])
    count = expected.width // expected.bits
    pair = np.stack([expected.data[beat], got[beat]])
    want, have = unpack_beats(pair, lanes=count, bits=expected.bits, signed=expected.signed)
    lane = int(np.flatnonzero(want != have)[0])
    pytest.fail(
        f"{where}: beat {beat} of {len(got)}, lane {lane} of {count}, "
        f"cycle {result.output_cycles[name][beat]}: expected {want[lane]}, got {have[lane]} "
        f"({len(wrong)} beats differ)"
    )
