# SPDX-License-Identifier: Apache-2.0
"""Integer graphs and lowered networks against a reference: what differs is found and named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.dataflow.lower_graph import lower_graph
from flows.dataflow.solve import fold_graph
from flows.errors import VerificationError
from flows.exact_graph import check_network, check_streams, check_units
from flows.graph_reference import GraphReference
from flows.streamline.graph_passes import optimise
from tests.support.graph_tables import tabulated
from tests.support.random_graphs import random_graph

SEEDS = range(6)


def changed(reference: GraphReference, index: int, **fields) -> GraphReference:
    """One stream of a reference with other fields."""
    streams = list(reference.streams)
    streams[index] = replace(streams[index], **fields)
    return replace(reference, streams=tuple(streams))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_stream_and_every_table_is_compared(seed):
    graph = random_graph(seed)
    reference = tabulated(graph, 3)
    units = check_units(graph, reference)
    tried = sum(probe.outputs.size for s in reference.streams for probe in s.probes)
    assert units.complete + units.sampled == tried
    values = sum(s.values.size for s in reference.streams) + reference.logits.size
    assert check_streams(graph, reference) == values
    passed = optimise(graph)
    network = lower_graph(passed, fold_graph(passed, 4000), "net")
    frame = sum(layer.output.beats * layer.output.channels for layer in network)
    assert check_network(network, passed, reference) == 3 * frame


@pytest.mark.parametrize("seed", SEEDS)
def test_one_value_of_one_stream_is_found(seed):
    graph = random_graph(seed)
    reference = tabulated(graph, 3)
    passed = optimise(graph)
    network = lower_graph(passed, fold_graph(passed, 4000), "net")
    made = {layer.name for layer in network}
    for index, stream in enumerate(reference.streams):
        values = stream.values.copy()
        values[2, 0, 0, 1] = not values[2, 0, 0, 1] if stream.kind == "sign" else 9999
        wrong = changed(reference, index, values=values)
        where = f"^{stream.name}: image 2, row 0, column 0, channel 1: expected"
        with pytest.raises(VerificationError, match=where):
            check_streams(graph, wrong)
        if stream.name in made:
            with pytest.raises(VerificationError, match=where):
                check_network(network, passed, wrong)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_value_of_one_table_is_found(seed):
    graph = random_graph(seed)
    reference = tabulated(graph, 1)
    for index, stream in enumerate(reference.streams):
        for probe in stream.probes:
            outputs = probe.outputs.copy()
            outputs[1, -1] = not outputs[1, -1] if stream.kind == "sign" else outputs[1, -1] + 1
            wrong = changed(reference, index, probes=(replace(probe, outputs=outputs),))
            found = f"^{stream.name}, channel 1: for the integer {probe.inputs[-1]} "
            with pytest.raises(VerificationError, match=found):
                check_units(graph, wrong)


def test_a_stream_that_was_lost_is_named():
    graph = random_graph(1)
    reference = tabulated(graph, 1)
    with pytest.raises(VerificationError, match="elsewhere: a stream of the trained network"):
        check_streams(graph, changed(reference, 0, name="elsewhere"))
