# SPDX-License-Identifier: Apache-2.0
"""Random networks with forks and joins, lowered, emitted and simulated: every stream, every bit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flows import cosim
from flows.dataflow.interpret import interpret
from flows.dataflow.lower_graph import lower_graph
from flows.dataflow.network import Network
from flows.dataflow.schedule import Schedule, schedule, size_fifos
from flows.dataflow.solve import fold_graph
from flows.emit.project import emit
from flows.reference import Reference
from flows.streamline.graph import IntegerGraph, evaluate
from flows.streamline.graph_passes import optimise
from tests.support.battery import CACHE
from tests.support.random_graphs import random_graph

IMAGES = 5
FEW, MANY = range(10), range(10, 210)


@dataclass(frozen=True, kw_only=True)
class Result:
    network: Network
    schedule: Schedule
    measured: cosim.Measured


def build_and_run(graph: IntegerGraph, seed: int, folder: Path, cache: Path) -> Result:
    """Numpy against numpy, then RTL against numpy with all streams recorded, under stalls."""
    rng = np.random.default_rng(seed)
    image = graph.image
    images = rng.integers(0, 256, (IMAGES, image.height, image.width, image.channels), np.uint8)
    graph = optimise(graph)
    interval = int(rng.integers(1, 6)) * 8 * image.height * image.width
    network = size_fifos(lower_graph(graph, fold_graph(graph, interval), "net"))
    expected = evaluate(graph, images)
    for name, frames in interpret(network, images).items():
        np.testing.assert_array_equal(frames, expected[name], err_msg=name)
    reference = Reference(
        model="random",
        dataset="random",
        images=images,
        labels=np.full(IMAGES, -1, np.int64),
        logits=expected["logits"].reshape(IMAGES, -1).astype(np.int32),
        signs=(),
        last_layer="logits",
    )
    project = emit(network, folder / "rtl")
    simulator = cosim.build_network_simulator(
        project, network, trace=True, waves=False, cache_dir=cache, jobs=1
    )
    plan = schedule(network)
    measured = cosim.simulate(
        simulator,
        network,
        project,
        reference,
        cosim.stall_patterns(("none", "random", "burst"), plan.initiation_interval),
        jobs=1,
    )
    return Result(network=network, schedule=plan, measured=measured)


def check(seed: int, folder: Path, cache: Path = CACHE) -> None:
    """One network; where it fails, the fewest blocks of the same seed that still fail are named."""
    try:
        result = build_and_run(random_graph(seed), seed, folder, cache)
    except Exception as error:
        pytest.fail(f"seed {seed}, shrunk to {_shrunk(seed, folder, cache)} blocks: {error}")
    assert result.measured.values_traced > 0
    assert result.measured.initiation_interval <= result.schedule.initiation_interval
    assert result.measured.latency == result.schedule.latency


def _shrunk(seed: int, folder: Path, cache: Path) -> str:
    for blocks in range(3):
        try:
            build_and_run(random_graph(seed, blocks), seed, folder / f"shrunk{blocks}", cache)
        except Exception as error:
            return f"{blocks} ({type(error).__name__}: {str(error)[:300]})"
    return "all"


@pytest.mark.parametrize("seed", FEW)
def test_random_network(seed, tmp_path):
    check(seed, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", MANY)
def test_many_random_networks(seed, tmp_path):
    check(seed, tmp_path, tmp_path / "cache")


def test_a_fault_is_found_and_its_seed_named(tmp_path, monkeypatch):
    """Negative control: one flipped weight in what is emitted, not in what is expected."""
    from flows.emit import project

    genuine = project.image_text

    def damaged(words):
        changed = words.copy()
        changed[0, 0] ^= 1
        return genuine(changed)

    monkeypatch.setattr(project, "image_text", damaged)
    with pytest.raises(pytest.fail.Exception, match="seed 1, shrunk to 0 "):
        check(1, tmp_path, tmp_path / "cache")
