# SPDX-License-Identifier: Apache-2.0
"""An integer graph through the compiler and the simulator: every stream, every bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flows import cosim
from flows.dataflow.interpret import interpret
from flows.dataflow.lower_graph import lower_graph
from flows.dataflow.schedule import schedule, size_fifos
from flows.dataflow.solve import fold_graph
from flows.emit.project import emit
from flows.reference import Reference
from flows.streamline.graph import IntegerGraph, evaluate
from flows.streamline.graph_passes import optimise
from tests.support.battery import build_network

IMAGES = 5


def run_graph(graph: IntegerGraph, seed: int, folder: Path, cache: Path) -> None:
    """Numpy against numpy, then RTL against numpy with all streams recorded, under stalls.

    Args:
        graph: before its passes.
        seed: of the images and of the interval that folding aims at.
        folder: for what is emitted.
        cache: of simulators.
    """
    rng = np.random.default_rng(seed)
    image = graph.image
    images = rng.integers(0, 256, (IMAGES, image.height, image.width, image.channels), np.uint8)
    graph = optimise(graph)
    interval = int(rng.integers(1, 6)) * 8 * image.height * image.width
    network = size_fifos(lower_graph(graph, fold_graph(graph, interval), "net"))
    expected, last = evaluate(graph, images), graph.nodes[-1].name
    for name, frames in interpret(network, images).items():
        np.testing.assert_array_equal(frames, expected[name], err_msg=name)
    reference = Reference(
        model="random",
        dataset="random",
        images=images,
        labels=np.full(IMAGES, -1, np.int64),
        logits=expected[last].reshape(IMAGES, -1).astype(np.int32),
        signs=(),
        last_layer=last,
    )
    project = emit(network, folder / "rtl")
    simulator = build_network(project, network, trace=True, cache=cache)
    plan = schedule(network)
    measured = cosim.simulate(
        simulator,
        network,
        project,
        reference,
        cosim.stall_patterns(("none", "random", "burst"), plan.initiation_interval),
        jobs=1,
    )
    assert measured.values_traced > 0
    assert measured.initiation_interval <= plan.initiation_interval
    assert measured.latency == plan.latency
