# SPDX-License-Identifier: Apache-2.0
"""Turns the engine's report of a failed run into a message: where, what, who waits for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flows.sim.abi import CReport, CStream, Fault, Status
from flows.sim.deadlock import Link, StreamState, explain_waiting
from flows.sim.streams import StreamPort
from flows.sim.verilate import SimulatorBuild

_RULES = {
    Fault.VALID_DROPPED: "valid fell before the beat was taken",
    Fault.PAYLOAD_CHANGED: "the payload changed before the beat was taken",
    Fault.VALID_AFTER_RESET: "valid is high in the first cycle after reset",
    Fault.SURPLUS: "a surplus beat: valid rose after the last expected beat",
    Fault.LAST_WRONG: "tlast is wrong",
}


def explain(
    *,
    build: SimulatorBuild,
    pattern: str,
    seed: int,
    report: CReport,
    inputs: Sequence[CStream],
    outputs: Sequence[CStream],
    taps: Mapping[str, StreamState],
    links: Sequence[Link],
    log: str,
) -> str:
    """Message of a run that did not end well.

    In a trace build a deadlock lists the internal streams too, and names the modules that wait for
    each other where `links` says which streams join them.
    """
    where = f"{build.top}, stall pattern {pattern}, seed {seed}, cycle {report.cycle}"
    status = Status(report.status)
    if status is Status.RTL_ERROR:
        return f"{where}: the RTL stopped the simulation\n{log}"
    if status is Status.PROTOCOL:
        names = build.taps if report.is_tap else [port.name for port in build.outputs]
        rule = _RULES[Fault(report.fault)]
        return f"{where}: stream {names[report.stream]}, beat {report.beat}: {rule}"
    sources = [_source_line(p, s) for p, s in zip(build.inputs, inputs, strict=False)]
    sinks = [_sink_line(p, s) for p, s in zip(build.outputs, outputs, strict=False)]
    inside = [_tap_line(name, state) for name, state in taps.items()]
    known = [link for link in links if link.name in taps]
    circle = [explain_waiting(known, taps)] if known else []
    state = "\n".join([*sources, *inside, *sinks, *circle])
    if status is Status.CYCLE_LIMIT:
        return f"{where}: the limit of cycles is reached\n{state}"
    refused = [p.name for p, s in zip(build.inputs, inputs, strict=False) if s.moved < s.beats]
    missing = [p.name for p, s in zip(build.outputs, outputs, strict=False) if s.moved < s.beats]
    if refused:
        what = f"deadlock: {', '.join(refused)} is offered data that the design does not take"
    else:
        what = f"beats are lost: all input was taken, {', '.join(missing)} does not deliver"
    return f"{where}: {what}\n{state}"


def _source_line(port: StreamPort, stream: CStream) -> str:
    return f"  in  {port.name}: {stream.moved} of {stream.beats} beats taken, {_handshake(stream)}"


def _sink_line(port: StreamPort, stream: CStream) -> str:
    return (
        f"  out {port.name}: {stream.moved} of {stream.beats} beats delivered, {_handshake(stream)}"
    )


def _tap_line(name: str, state: StreamState) -> str:
    why = ""
    if state.valid != state.ready:
        why = ", blocked: its consumer waits" if state.valid else ", starved: its producer waits"
    return (
        f"  tap {name}: valid {state.valid:d} ready {state.ready:d}{why}, "
        f"no transfer since cycle {state.since}"
    )


def _handshake(stream: CStream) -> str:
    blocked = ", blocked" if stream.valid and not stream.ready else ""
    return f"valid {stream.valid} ready {stream.ready}{blocked}"
