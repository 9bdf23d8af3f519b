# SPDX-License-Identifier: Apache-2.0
"""The static schedule: when every beat moves, from which intervals, latency and FIFO depths follow.

Each layer is walked beat by beat as its modules work (headers in hw/): nothing is fitted. The
source is throttled to the slowest layer's interval. A FIFO that holds what this periodic schedule
needs never slows the network: a self-timed run is at least as fast as any periodic one that the
same capacities admit (marked graphs are monotonic).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flows.dataflow import latency
from flows.dataflow.kernels import (
    Kernel,
    MatrixUnit,
    MaxPool,
    MvuSerial,
    MvuXnor,
    SlidingWindow,
    Threshold,
    WidthConverter,
)
from flows.dataflow.network import Layer, Network

_FRAMES = 4  # walked; the last two are in the steady state
_SATURATED = -(10**9)  # arrival time of a beat that is always there


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What the static schedule says of a network.

    Attributes:
        initiation_interval: cycles between frames in the steady state.
        latency: cycles from an image's first beat in to its last beat out, alone in the network.
        intervals: layer name to the interval that the layer alone sustains, in cycles.
        occupancy: layer name to the beats that wait at its input at worst.
    """

    initiation_interval: int
    latency: int
    intervals: dict[str, int]
    occupancy: dict[str, int]

    @property
    def bottleneck(self) -> str:
        """The layer that sets the interval."""
        return max(self.intervals, key=lambda name: self.intervals[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """Times of a stage: when it takes each input beat, when each output beat leaves."""

    taken: list[int]
    left: list[int]


def _walk_convolution(swu: SlidingWindow, unit: MatrixUnit, arrival: Sequence[int]) -> _Walk:
    """Pixels shift into the tile register; a full tile waits there until the unit takes it."""
    height, width = swu.output.height, swu.output.width
    border, inner = swu.pad, swu.stream
    hold = unit.nf * unit.sf
    late = latency.unit(unit)
    step = unit.m * unit.stride
    rows = {y * unit.stride + unit.kernel - 1 for y in range(unit.height)}
    columns = {t * step + unit.tile_columns - 1 for t in range(unit.width // unit.m)}
    taken: list[int] = []
    left: list[int] = []
    shift, start, beat = _SATURATED, _SATURATED, 0
    frames = len(arrival) // inner.beats
    for _ in range(frames):
        for y in range(height):
            row_real = border <= y < border + inner.height
            for x in range(width):
                shift += 1
                if row_real and border <= x < border + inner.width:
                    shift = max(shift, arrival[beat])
                    taken.append(shift)
                    beat += 1
                if y in rows and x in columns:
                    start = max(shift + latency.WINDOW, start + hold)
                    shift = start - 1  # the next pixel shifts in when the tile is taken
                    done = start + hold + late
                    left.extend(range(done, done + unit.m))
    return _Walk(taken=taken, left=left)


def _walk_dense(unit: MatrixUnit, arrival: Sequence[int]) -> _Walk:
    hold, late = unit.nf * unit.sf, latency.unit(unit)
    taken: list[int] = []
    start = _SATURATED
    for time in arrival:
        start = max(time, start + hold)
        taken.append(start)
    if isinstance(unit, MvuXnor) and not unit.gather:
        # A word leaves as soon as its sums are complete; gathering costs one cycle more.
        steps = unit.sf * np.arange(1, unit.nf + 1) + late - 1
        return _Walk(taken=taken, left=[int(t + s) for t in taken for s in steps])
    return _Walk(taken=taken, left=[t + hold + late for t in taken])


def _walk_serial(unit: MvuSerial, arrival: Sequence[int]) -> _Walk:
    """Each word is held for NF steps; after the last one a result word leaves every cycle."""
    late = latency.unit(unit)
    taken: list[int] = []
    start = _SATURATED
    for time in arrival:
        start = max(time, start + unit.nf)
        taken.append(start)
    last = taken[unit.sf - 1 :: unit.sf]
    return _Walk(taken=taken, left=[t + late + nf for t in last for nf in range(unit.nf)])


def _every(arrival: Sequence[int], cycles: int) -> list[int]:
    taken: list[int] = []
    time = _SATURATED
    for beat in arrival:
        time = max(time + cycles, beat)
        taken.append(time)
    return taken


def _walk_pool(pool: MaxPool, arrival: Sequence[int]) -> _Walk:
    k, width, out = pool.kernel, pool.stream.width, pool.output
    taken = _every(arrival, 1)
    left = [
        time + latency.POOL
        for beat, time in enumerate(taken)
        if _closes(beat % pool.stream.beats, width, k, out.height, out.width)
    ]
    return _Walk(taken=taken, left=left)


def _closes(beat: int, width: int, k: int, rows: int, columns: int) -> bool:
    y, x = divmod(beat, width)
    return y % k == k - 1 and x % k == k - 1 and y // k < rows and x // k < columns


def _walk_threshold(kernel: Threshold, arrival: Sequence[int]) -> _Walk:
    taken = _every(arrival, 1)
    return _Walk(taken=taken, left=[t + latency.THRESHOLD for t in taken])


def _walk_converter(kernel: WidthConverter, hold: int, arrival: Sequence[int]) -> _Walk:
    """The narrow side moves a word a cycle, if the consumer is there: it holds a beat for `hold`.

    `left` are the times from which a beat stands at the output.
    """
    taken: list[int] = []
    left: list[int] = []
    moved = start = _SATURATED  # the last narrow beat in; the last beat that the consumer took
    wider = max(1, kernel.output_bits // kernel.input_bits)
    narrower = max(1, kernel.input_bits // kernel.output_bits)
    for index, time in enumerate(arrival):
        moved = max(time, moved + 1)
        if index % wider == 0:
            moved = max(moved, start)  # the register is free when its last beat is taken
        taken.append(moved)
        if index % wider == wider - 1:
            for _ in range(narrower):
                left.append(max(moved, start) + latency.CONVERTER)
                start = max(left[-1], start + hold)
    return _Walk(taken=taken, left=left)


def _hold(kernels: Sequence[Kernel]) -> int:
    """Cycles for which the next kernel holds an input beat."""
    if not kernels or not isinstance(kernels[0], MatrixUnit):
        return 1
    unit = kernels[0]
    return unit.nf if isinstance(unit, MvuSerial) else unit.nf * unit.sf


def _walk_layer(layer: Layer, arrival: Sequence[int]) -> _Walk:
    taken: list[int] | None = None
    times: Sequence[int] = arrival
    kernels = list(layer.kernels)
    while kernels:
        kernel = kernels.pop(0)
        if isinstance(kernel, SlidingWindow):
            unit = kernels.pop(0)
            assert isinstance(unit, MatrixUnit)
            walk = _walk_convolution(kernel, unit, times)
        elif isinstance(kernel, MvuSerial):
            walk = _walk_serial(kernel, times)
        elif isinstance(kernel, MatrixUnit):
            walk = _walk_dense(kernel, times)
        elif isinstance(kernel, MaxPool):
            walk = _walk_pool(kernel, times)
        elif isinstance(kernel, Threshold):
            walk = _walk_threshold(kernel, times)
        else:
            assert isinstance(kernel, WidthConverter)
            walk = _walk_converter(kernel, _hold(kernels), times)
        taken = walk.taken if taken is None else taken
        times = walk.left
    assert taken is not None
    return _Walk(taken=taken, left=list(times))


def _input_beats(layer: Layer) -> int:
    first = layer.kernels[0]
    return first.input.beats * first.input.beat_bits // first.input_bits


def _own_interval(layer: Layer) -> int:
    """The interval of a layer that never waits for its input."""
    beats = _input_beats(layer)
    taken = _walk_layer(layer, [_SATURATED] * (beats * _FRAMES)).taken
    return taken[-1] - taken[-1 - beats]


def _waiting(pushed: Sequence[int], taken: Sequence[int]) -> int:
    """Most beats that wait between two stages (pushed, not yet taken) in any cycle."""
    worst = head = 0
    for count, time in enumerate(pushed, 1):
        while head < len(taken) and taken[head] < time:
            head += 1
        worst = max(worst, count - head)
    return worst


def _pass(network: Network, source: Sequence[int]) -> tuple[list[int], dict[str, int]]:
    """Walks frames through all layers; returns output times and occupancies."""
    times = list(source)
    occupancy = {}
    for index, layer in enumerate(network):
        late = latency.FIFO if layer.fifo_depth else 0
        arrival = [time + late for time in times]
        walk = _walk_layer(layer, arrival)
        occupancy[layer.name] = 0 if index == 0 else _waiting(times, walk.taken)
        times = walk.left
    return times, occupancy


def schedule(network: Network) -> Schedule:
    """Walks the network with the FIFOs that it has.

    Args:
        network: a folded network.

    Returns:
        Intervals and latency, exact for chains as long as no FIFO is smaller than `occupancy`.
    """
    intervals = {layer.name: _own_interval(layer) for layer in network}
    interval = max(max(intervals.values()), network.input_beats)
    beats = network.input_beats
    source = [f * interval + i for f in range(_FRAMES) for i in range(beats)]
    _, occupancy = _pass(network, source)
    alone, _ = _pass(network, range(beats))
    return Schedule(
        initiation_interval=interval,
        latency=alone[-1],
        intervals=intervals,
        occupancy=occupancy,
    )


def size_fifos(network: Network) -> Network:
    """Gives each layer the FIFO that the schedule asks for; none where one beat waits at most.

    One beat can wait in the output register of the layer before. Depths are powers of two.
    """
    deep = network.with_fifo_depths({layer.name: 1 << 20 for layer in network.layers[1:]})
    occupancy = schedule(deep).occupancy
    depths = {
        name: 1 << (beats - 1).bit_length() if beats > 1 else 0 for name, beats in occupancy.items()
    }
    return network.with_fifo_depths(depths)
