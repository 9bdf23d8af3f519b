# SPDX-License-Identifier: Apache-2.0
"""Buffers of networks with forks and joins: full to the beat, and what happens without them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flows import cosim
from flows.dataflow.lower_graph import lower_graph
from flows.dataflow.network import Network
from flows.dataflow.schedule import schedule, size_fifos
from flows.dataflow.solve.graph import fold_graph
from flows.dataflow.walk import walk_layer
from flows.emit.project import RtlProject, emit
from flows.errors import VerificationError
from flows.sim.result import SimResult
from flows.sim.run import run
from flows.sim.streams import FREE_RUNNING, Stall, StallKind, StallPattern
from flows.streamline.graph_passes import optimise
from tests.support.battery import build_network
from tests.support.random_graphs import random_graph

FRAMES = 8


@dataclass(frozen=True, kw_only=True)
class Emitted:
    network: Network
    project: RtlProject
    images: np.ndarray

    def simulate(self, pattern: StallPattern, *, trace: bool) -> SimResult:
        simulator = build_network(self.project, self.network, trace=trace)
        job = cosim.network_job(self.network, self.project, self.images, pattern, 0)
        return run(simulator, job.input_beats, expect=job.expect, options=job.options)


def sized(seed: int) -> Network:
    """A random network with the FIFOs of its schedule."""
    graph = optimise(random_graph(seed))
    interval = 16 * graph.image.height * graph.image.width
    return size_fifos(lower_graph(graph, fold_graph(graph, interval), "net"))


def emitted(network: Network, folder: Path, rng: np.random.Generator) -> Emitted:
    frame = network.input_frame
    shape = (FRAMES, frame.height, frame.width, frame.channels)
    images = rng.integers(0, 256, shape, np.uint8)
    return Emitted(network=network, project=emit(network, folder / "rtl"), images=images)


def periodic(network: Network) -> StallPattern:
    """A source that starts a frame every interval, which is what the schedule assumes."""
    interval, beats = schedule(network).initiation_interval, network.input_beats
    ideal = np.add.outer(interval * np.arange(4), np.arange(beats)).ravel()
    taken = walk_layer(network.layers[0], ideal).taken[0]
    busy = int(taken[-1] - taken[-beats]) + 1
    stall = Stall(kind=StallKind.BURST, stall_cycles=interval - busy, burst_beats=beats)
    return StallPattern(name="periodic", source=stall, sink=Stall())


# Residual, dense and grouped blocks, one behind the other. Seed 3 has, between two layers that work
# through a beat channel by channel, FIFOs for single beats: there the output register is busy.
@pytest.mark.parametrize("seed", [3, 7, 8])
def test_every_fifo_fills_to_the_beat_that_the_schedule_names(seed, tmp_path, rng):
    """Exact: not a bound. With room to spare, so that no FIFO is what stops it."""
    network = sized(seed)
    joined = [edge.name for edge in network.edges if edge.port and edge.name in network.fifo_depths]
    assert joined
    roomy = {name: 4 * depth for name, depth in network.fifo_depths.items()}
    case = emitted(network.with_fifo_depths(roomy), tmp_path, rng)
    result = case.simulate(periodic(network), trace=False)
    starts = result.input_cycles["s_axis"][:: network.input_beats]
    assert set(np.diff(starts)) == {schedule(network).initiation_interval}
    seen = cosim.high_water(case.network, case.project, [result])
    expected = schedule(case.network).high_water
    assert seen == {name: expected[name] for name in roomy}
    assert max(seen[name] for name in joined) > 2


def test_a_shortcut_without_its_buffer_is_explained_as_a_circle(tmp_path, rng):
    """The addition waits for the long way, this for its window, the fork for the addition."""
    network = sized(7)
    needed = network.fifo_depths["add5.a"]
    short = emitted(network.with_fifo_depths(network.fifo_depths | {"add5.a": 2}), tmp_path, rng)
    assert schedule(network).occupancy["add5.a"] > 2 and needed > 2
    with pytest.raises(VerificationError, match="these wait for each other") as caught:
        short.simulate(FREE_RUNNING, trace=True)
    waits = re.findall(r"^    (\w+) waits for (\w+), which", str(caught.value), re.MULTILINE)
    assert "add5" in dict(waits)
    after = dict(waits)
    assert {after[who] for who in after} == set(after)  # round and round
    assert any(name.startswith("fork") for name in after)
