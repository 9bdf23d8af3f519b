# SPDX-License-Identifier: Apache-2.0
"""Streams of a design under simulation, and the traffic that is put on them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPort:
    """An AXI-Stream port of the top module.

    Attributes:
        name: prefix of the port's signals, for instance ``s_axis`` or ``s_axis_weight``.
        width: bits of ``tdata``.
        last: whether the port has ``tlast``.
    """

    name: str
    width: int
    last: bool = False

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"stream {self.name}: width is {self.width}, must be at least 1 bit")

    @property
    def nbytes(self) -> int:
        """Bytes of one beat, little-endian."""
        return (self.width + 7) // 8


class StallKind(enum.IntEnum):
    """How one end of a stream hesitates; the numbers are those of ``harness.cpp``."""

    NONE = 0
    RANDOM = 1
    BURST = 2
    AFTER_VALID = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Stall behaviour of one source or sink.

    Attributes:
        kind: ``NONE``; ``RANDOM``: each cycle with ``probability``; ``BURST``: ``stall_cycles`` of
            silence, then ``burst_beats`` transfers, and again; ``AFTER_VALID`` (sinks): ready rises
            only after valid was seen, which hangs a source whose valid waits for ready.
        probability: of a stalled cycle, 0 <= p < 1.
        stall_cycles: cycles.
        burst_beats: transfers.
    """

    kind: StallKind = StallKind.NONE
    probability: float = 0.5
    stall_cycles: int = 100
    burst_beats: int = 32

    def __post_init__(self) -> None:
        if not 0 <= self.probability < 1:
            raise ValueError(f"stall probability is {self.probability}, must be in [0, 1)")
        if self.stall_cycles < 0 or self.burst_beats < 1:
            raise ValueError("a burst needs stall_cycles >= 0 and burst_beats >= 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class StallPattern:
    """What all sources and all sinks do in one run; ``name`` goes into reports and messages."""

    name: str
    source: Stall = field(default_factory=Stall)
    sink: Stall = field(default_factory=Stall)


_RANDOM = Stall(kind=StallKind.RANDOM)
_BURST = Stall(kind=StallKind.BURST)

FREE_RUNNING = StallPattern(name="none")
SOURCE_GAPS = StallPattern(name="source_gaps", source=_RANDOM)
SINK_STALLS = StallPattern(name="sink_stalls", sink=_RANDOM)
RANDOM = StallPattern(name="random", source=_RANDOM, sink=_RANDOM)
BURST = StallPattern(name="burst", source=_BURST, sink=_BURST)
SINK_BURST = StallPattern(name="sink_burst", sink=Stall(kind=StallKind.BURST, stall_cycles=1000))
AFTER_VALID = StallPattern(name="after_valid", sink=Stall(kind=StallKind.AFTER_VALID))

STALL_PATTERNS = {
    pattern.name: pattern
    for pattern in (
        FREE_RUNNING,
        SOURCE_GAPS,
        SINK_STALLS,
        RANDOM,
        BURST,
        SINK_BURST,
        AFTER_VALID,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPoint:
    """A reset in the middle of a run: all streams start again from their first beat afterwards.

    Attributes:
        after_beats: input transfers (all inputs together) before the reset.
        delay: cycles between the last of them and the reset.
    """

    after_beats: int
    delay: int = 0
