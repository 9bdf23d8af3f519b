# SPDX-License-Identifier: Apache-2.0
"""Who waits for whom when nothing moves: a deadlock is a circle of modules that wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.dataflow.network import Network
from flows.emit.verilog import forks


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A stream between two modules.

    Attributes:
        name: of its wires, without `_tvalid` and so on.
        producer, consumer: modules at its ends.
    """

    name: str
    producer: str
    consumer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """A stream in the cycle in which the simulation gave up.

    Attributes:
        valid, ready: its handshake.
        since: first cycle after its last transfer.
    """

    valid: bool
    ready: bool
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One module waits for another.

    Attributes:
        who, for_whom: the modules.
        link: the stream between them.
        state: of that stream.
    """

    who: str
    for_whom: str
    link: Link
    state: StreamState

    def __str__(self) -> str:
        why = "does not take its beat" if self.who == self.link.producer else "sends no beat"
        return (
            f"{self.who} waits for {self.for_whom}, which {why} (stream {self.link.name}: valid "
            f"{self.state.valid:d} ready {self.state.ready:d} since cycle {self.state.since})"
        )


def network_links(network: Network) -> tuple[Link, ...]:
    """The streams of a network's top module, except for its own input and output."""
    branches, wires = forks(network)
    ends = [(fork.source, fork.name) for fork in branches]
    ends += [(wires[edge.name], edge.consumer) for edge in network.edges]
    made = {layer.name: layer.name for layer in network}
    made |= {wire: fork.name for fork in branches for wire in (fork.a, fork.b)}
    readers = dict(ends)
    return tuple(
        Link(name=wire, producer=made[wire], consumer=readers[wire])
        for wire in made
        if wire in readers
    )


def waits(links: Sequence[Link], states: Mapping[str, StreamState]) -> list[Wait]:
    """Every wait: a producer whose beat is not taken, a consumer to which none is sent."""
    found = []
    for link in links:
        state = states[link.name]
        if state.valid and state.ready:
            continue
        who, whom = link.producer, link.consumer
        if not state.valid:
            who, whom = whom, who
        found.append(Wait(who=who, for_whom=whom, link=link, state=state))
    return found


def circle(found: Sequence[Wait]) -> tuple[Wait, ...]:
    """Waits that close a circle, in order; empty where there is none."""
    by_who: dict[str, list[Wait]] = {}
    for wait in found:
        by_who.setdefault(wait.who, []).append(wait)
    done: set[str] = set()
    for start in by_who:
        trail: list[Wait] = []
        if _follow(start, by_who, trail, done):
            names = [wait.who for wait in trail]
            return tuple(trail[names.index(trail[-1].for_whom) :])
    return ()


def _follow(who: str, by_who: Mapping[str, list[Wait]], trail: list[Wait], done: set[str]) -> bool:
    """Depth first along the waits until one leads back into the trail."""
    if who in done:
        return False
    for wait in by_who.get(who, ()):
        trail.append(wait)
        if any(wait.for_whom == earlier.who for earlier in trail):
            return True
        if _follow(wait.for_whom, by_who, trail, done):
            return True
        trail.pop()
    done.add(who)
    return False


def explain_waiting(links: Sequence[Link], states: Mapping[str, StreamState]) -> str:
    """The circle in words; where there is none, the modules at which all waiting ends."""
    found = waits(links, states)
    around = circle(found)
    if around:
        lines = [f"    {wait}" for wait in around]
        return "\n".join(["  these wait for each other, round and round:", *lines])
    ends = sorted({wait.for_whom for wait in found} - {wait.who for wait in found})
    if not ends:
        return "  no module waits for another"
    return f"  no circle; all wait for {', '.join(ends)}, which waits for none of the others"
