# SPDX-License-Identifier: Apache-2.0
"""The static schedule: when every beat moves, from which intervals, latency and FIFO depths follow.

Each layer is walked beat by beat as its modules work (headers in hw/): nothing is fitted. The
source is throttled to the slowest layer's interval. A FIFO that holds what this periodic schedule
needs never slows the network: a self-timed run is at least as fast as any periodic one that the
same capacities admit (marked graphs are monotonic).
"""

from dataclasses import dataclass

import numpy as np

from flows.dataflow import latency
from flows.dataflow.network import IMAGE, Layer, Network
from flows.dataflow.walk import ALWAYS, Times, held_up, walk_layer

_FRAMES = 4  # walked; the last two are in the steady state


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What the static schedule says of a network.

    Attributes:
        initiation_interval: cycles between frames in the steady state.
        latency: cycles from an image's first beat in to its last beat out, alone in the network.
        intervals: layer name to the interval that the layer alone sustains, in cycles.
        occupancy: edge name to the beats that a FIFO there must hold; the image never waits.
        high_water: edge name to the most beats that are inside after any cycle. One less than
            `occupancy` where a beat always leaves as the next one comes: a full FIFO takes none in
            that cycle.
    """

    initiation_interval: int
    latency: int
    intervals: dict[str, int]
    occupancy: dict[str, int]
    high_water: dict[str, int]

    @property
    def bottleneck(self) -> str:
        """The layer that sets the interval."""
        return max(self.intervals, key=lambda name: self.intervals[name])


def own_interval(layer: Layer) -> int:
    """The interval of a layer that never waits for its input, in cycles."""
    arrivals = [np.full(edge.beats * _FRAMES, ALWAYS) for edge in layer.edges]
    taken = walk_layer(layer, *arrivals).taken
    return max(
        int(times[-1] - times[-1 - edge.beats])
        for times, edge in zip(taken, layer.edges, strict=True)
    )


def _waiting(pushed: Times, taken: Times) -> tuple[int, int]:
    """Beats between two stages at worst: with and without those that leave in the same cycle."""
    count = np.arange(1, len(pushed) + 1)
    before = count - np.searchsorted(taken, pushed, side="left")
    after = count - np.searchsorted(taken, pushed, side="right")
    return int(before.max()), int(after.max())


def _pass(network: Network, source: Times) -> tuple[Times, dict[str, tuple[int, int]]]:
    """Walks frames through all layers; returns output times, and what waits on each edge."""
    left = {IMAGE: source}
    made: dict[str, Layer] = {}
    waiting = {}
    for layer in network:
        pushed = [left[name] for name in layer.inputs]
        late = [latency.FIFO if depth else 0 for depth in layer.fifo_depths]
        walk = walk_layer(layer, *(times + fifo for times, fifo in zip(pushed, late, strict=True)))
        edges = zip(layer.edges, layer.fifo_depths, pushed, walk.taken, strict=True)
        for edge, depth, times, taken in edges:
            if edge.producer == IMAGE:
                waiting[edge.name] = (0, 0)
                continue
            need, most = _waiting(times, taken)
            if not depth and held_up(made[edge.producer], times, taken):
                need = max(need, 2)
            waiting[edge.name] = (need, most)
        left[layer.name] = walk.left
        made[layer.name] = layer
    return left[network.layers[-1].name], waiting


def schedule(network: Network) -> Schedule:
    """Walks the network with the FIFOs that it has.

    Args:
        network: a folded network.

    Returns:
        Intervals and latency, exact as long as no FIFO is smaller than `occupancy`.
    """
    intervals = {layer.name: own_interval(layer) for layer in network}
    interval = max(max(intervals.values()), network.input_beats)
    beats = network.input_beats
    source = np.add.outer(interval * np.arange(_FRAMES), np.arange(beats)).ravel()
    _, waiting = _pass(network, source)
    alone, _ = _pass(network, np.arange(beats))
    return Schedule(
        initiation_interval=interval,
        latency=int(alone[-1]),
        intervals=intervals,
        occupancy={name: need for name, (need, _) in waiting.items()},
        high_water={name: most for name, (_, most) in waiting.items()},
    )


def size_fifos(network: Network) -> Network:
    """Gives each layer the FIFO that the schedule asks for; none where one beat waits at most.

    One beat can wait in the output register of the layer before, as long as that layer does not
    need the register for the next one. Depths are powers of two.
    """
    inner = [edge.name for edge in network.edges if edge.producer != IMAGE]
    depths = dict.fromkeys(inner, 0)
    found = schedule(network.with_fifo_depths(dict.fromkeys(inner, 1 << 20))).occupancy
    while short := {name for name, depth in depths.items() if found[name] > max(depth, 1)}:
        # Without the FIFOs that are not needed, beats move a cycle earlier.
        depths |= {name: 1 << (found[name] - 1).bit_length() for name in short}
        found = schedule(network.with_fifo_depths(depths)).occupancy
    return network.with_fifo_depths(depths)
