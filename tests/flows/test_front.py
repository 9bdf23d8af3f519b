# SPDX-License-Identifier: Apache-2.0
"""The half of a build that is for networks with forks, without PyTorch and without simulation."""

from __future__ import annotations

import json

import pytest

from flows.boards import load_board
from flows.config import BuildConfig
from flows.dataflow.folding_file import folding_json
from flows.dataflow.schedule import schedule
from flows.emit.project import emit
from flows.errors import FoldingError, UsageError
from flows.front import GraphFront
from tests.support.graph_tables import tabulated
from tests.support.random_graphs import random_graph

BOARD = load_board("ZCU104")
CLOCK = 100.0


@pytest.fixture(scope="module")
def front() -> GraphFront:
    graph = random_graph(7)
    return GraphFront(graph, tabulated(graph, 2))


def config(**fields) -> BuildConfig:
    return BuildConfig(model="net", board=BOARD.name, **fields)


def test_a_rate_is_met_and_all_is_compared(front, tmp_path):
    folded = front.fold(config(target_fps=50_000), BOARD, CLOCK)
    network = front.lower(folded, "net")
    assert schedule(network).initiation_interval <= CLOCK * 1e6 / 50_000
    units, values = front.verify(network, emit(network, tmp_path))
    assert units.values > 0 and units.requants + units.sampled > 0
    assert values == 2 * sum(layer.output.beats * layer.output.channels for layer in network)


def test_most_frames_within_a_share_of_the_board(front):
    rates = []
    for share in (0.02, 0.1):
        wish = config(objective="fps", budget=share)
        plan = front.fold(wish, BOARD, CLOCK).solution.plan
        assert plan.resources.lut <= share * BOARD.budget.lut
        rates.append(plan.schedule.initiation_interval)
    assert rates[0] > rates[1]
    with pytest.raises(FoldingError, match="no folding of this network fits"):
        front.fold(config(objective="fps", budget=0.001), BOARD, CLOCK)


def test_a_folding_file_is_taken_as_it_is(front, tmp_path):
    first = front.fold(config(target_fps=20_000), BOARD, CLOCK)
    path = tmp_path / "folding.json"
    path.write_text(json.dumps(folding_json(first.folding)))
    assert front.fold(config(folding=path), BOARD, CLOCK).folding == first.folding


@pytest.mark.parametrize("fields", [{"objective": "latency"}, {"stem": "dsp"}])
def test_what_is_not_for_graphs_is_refused(front, fields):
    with pytest.raises(UsageError, match=r"not for networks with forks; --target-fps.*are"):
        front.fold(config(**fields), BOARD, CLOCK)
