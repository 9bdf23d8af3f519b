# SPDX-License-Identifier: Apache-2.0
"""What a simulation leaves behind, and the figures that are read off it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Beats = NDArray[np.uint8]
Cycles = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Every transfer of an internal stream.

    Attributes:
        beats: (n, nbytes) uint8, little-endian.
        cycles: (n,) int64, cycle of each transfer.
    """

    beats: Beats
    cycles: Cycles


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Steady-state initiation interval, in cycles per frame.

    Attributes:
        cycles: mean over the steady state; exact where ``minimum == maximum``.
        minimum: smallest distance of two successive frames.
        maximum: largest distance of two successive frames.
        frames: how many distances were taken.
    """

    cycles: float
    minimum: int
    maximum: int
    frames: int

    @property
    def constant(self) -> bool:
        """Whether every frame of the steady state took the same number of cycles."""
        return self.minimum == self.maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class SimResult:
    """One simulation run that ended as expected; cycle 0 is the first one after reset.

    Attributes:
        pattern: name of the stall pattern.
        outputs: per output stream (n, nbytes) uint8.
        output_cycles: per output stream (n,) int64, cycle of each transfer.
        input_cycles: per input stream (n,) int64, cycle of each transfer.
        cycles: simulated after the (last) reset, the grace period included.
        wall_seconds: of the simulation alone.
        total_cycles: everything that was evaluated, resets and interrupted frames included.
        high_water: largest occupancy per FIFO instance path.
        taps: recorded internal streams.
        log: what the RTL printed.
    """

    pattern: str
    outputs: dict[str, Beats]
    output_cycles: dict[str, Cycles]
    input_cycles: dict[str, Cycles]
    cycles: int
    total_cycles: int
    wall_seconds: float
    high_water: dict[str, int]
    taps: dict[str, Trace]
    log: str

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles per wall second."""
        return self.total_cycles / max(self.wall_seconds, 1e-9)

    def latency(self, source: str, sink: str, *, sink_frame_beats: int) -> int:
        """Cycles from the first input beat to the last output beat of the first frame."""
        return int(self.output_cycles[sink][sink_frame_beats - 1] - self.input_cycles[source][0])

    def interval(self, sink: str, *, sink_frame_beats: int) -> Interval:
        """Distance of the last beats of successive frames, once the pipeline is full.

        The first half of the frames fills the pipeline; frames that end after the last input
        beat was taken drain it. Both are left out where enough frames remain.

        Raises:
            ValueError: fewer than two frames were simulated.
        """
        ends = self.output_cycles[sink][sink_frame_beats - 1 :: sink_frame_beats]
        if len(ends) < 2:
            raise ValueError(f"an interval needs two frames, {len(ends)} were simulated")
        gaps = np.diff(ends)
        first = len(gaps) // 2
        fed = max((int(c[-1]) for c in self.input_cycles.values() if len(c)), default=0)
        last = max(int(np.searchsorted(ends, fed, side="right")) - 1, first + 1)
        steady = gaps[first:last]
        return Interval(
            cycles=float(steady.mean()),
            minimum=int(steady.min()),
            maximum=int(steady.max()),
            frames=len(steady),
        )
