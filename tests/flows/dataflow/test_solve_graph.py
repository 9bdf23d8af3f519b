# SPDX-License-Identifier: Apache-2.0
"""The solver on networks with forks and joins: intervals, budgets, folding files."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf

import pytest

from flows.boards import load_board
from flows.config import BuildConfig
from flows.dataflow.cost import RESOURCES, Resources
from flows.dataflow.estimate import joint_estimate
from flows.dataflow.folding_file import folding_json, read_folding
from flows.dataflow.schedule import own_interval, schedule, size_fifos
from flows.dataflow.solve import (
    GraphCandidates,
    Wish,
    assess,
    fold,
    fold_graph,
    frontier,
    solve,
)
from flows.dataflow.solve.search import Choice, Goal, search
from flows.errors import FoldingError
from flows.streamline.graph_passes import optimise
from tests.support.random_graphs import random_graph

SEEDS = range(20)


def candidates(seed: int) -> GraphCandidates:
    return GraphCandidates(optimise(random_graph(seed)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_of_a_unit_is_that_of_its_modules(seed, rng):
    """Every unit with a folding at random, walked beat by beat."""
    found = candidates(seed)
    for _ in range(4):
        chosen = [row[int(rng.integers(len(row)))] for row in found.options]
        folding = {n: o.fold for n, o in zip(found.names, chosen, strict=True)}
        layers = {layer.name: layer for layer in found.lower(folding)}
        for name, option in zip(found.names, chosen, strict=True):
            assert own_interval(layers[name]) == option.interval, (name, option.fold)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wanted_interval_is_met_by_the_cheapest_units(seed, rng):
    found = candidates(seed)
    wanted = int(rng.choice(found.intervals))
    plan = solve(found, Wish(interval=wanted))
    assert plan.schedule.initiation_interval <= wanted
    assert plan.exhaustive
    for name, row in zip(found.names, found.options, strict=True):
        least = min(o.price for o in row if o.interval <= wanted)
        (own,) = [o for o in row if o.fold == plan.folding[name]]
        assert own.price == least


@pytest.mark.parametrize("seed", SEEDS)
def test_a_budget_holds_and_nothing_shorter_is_found_in_it(seed, rng):
    found = candidates(seed)
    middle = found.intervals[len(found.intervals) // 2]
    plain = solve(found, Wish(interval=middle))
    share = Resources(**{name: 1.3 * value + 1 for name, value in plain.resources.items()})
    plan = solve(found, Wish(objective="fps", budget=share))
    assert plan.fits
    assert plan.schedule.initiation_interval <= plain.schedule.initiation_interval
    assert plan.better is None or plan.better.interval < plan.schedule.initiation_interval


@pytest.mark.parametrize("seed", range(0, 20, 4))
def test_what_binds_is_what_more_of_would_do(seed):
    """FIFOs included: with no limit on a resource that is named, a shorter interval fits."""
    found = candidates(seed)
    middle = solve(found, Wish(interval=found.intervals[len(found.intervals) // 2]))
    budget = middle.resources.scaled(1.02)
    plan = solve(found, Wish(objective="fps", budget=budget))
    assert plan.better is None or plan.better.over
    limit = int(0.95 * plan.schedule.initiation_interval)
    names = {"LUT": "lut", "FF": "ff", "BRAM36": "bram36", "DSP": "dsp"}
    for shown, name in names.items():
        lifted = solve(found, Wish(objective="fps", budget=replace(budget, **{name: inf})))
        quicker = lifted.schedule.initiation_interval <= limit
        if shown in plan.binding.split(" or "):
            assert quicker, plan.binding


@pytest.mark.parametrize("plenty", [1e9, inf], ids=["much", "no_limit"])
def test_a_resource_that_runs_out_is_replaced_by_others(plenty):
    """Weights leave block RAM for LUTs where there is none, and LUTs for block RAM."""

    def cheapest(found: GraphCandidates) -> Choice:
        choice = search(found, Goal(interval=found.intervals[-1], cycle_price=0.0))
        assert choice is not None
        return choice

    found = next(c for c in map(candidates, range(40)) if cheapest(c).resources.bram36)
    wanted, plain = found.intervals[-1], cheapest(found)

    def within(**limits: float) -> Choice | None:
        budget = Resources(**(dict.fromkeys(RESOURCES, plenty) | limits))
        return search(found, Goal(interval=wanted, cycle_price=0.0, budget=budget))

    without = within(bram36=0.0)
    assert without is not None
    assert without.resources.bram36 == 0
    smaller = within(lut=plain.resources.lut - 5)
    assert smaller is not None
    assert smaller.resources.lut <= plain.resources.lut - 5
    assert smaller.resources.bram36 > plain.resources.bram36
    assert within(lut=10.0) is None


def test_the_frontier_falls():
    found = candidates(3)
    points = frontier(found)
    assert len(points) > 2
    plan = solve(found, Wish(interval=points[1].interval))
    layers = size_fifos(found.lower(plan.folding))
    joints = sum((joint_estimate(layer) for layer in layers), Resources())
    assert plan.resources.lut == pytest.approx(points[1].resources.lut + joints.lut)
    assert [p.interval for p in points] == sorted(p.interval for p in points)
    assert points[0].resources.lut > points[-1].resources.lut


def test_too_fast_is_refused_with_what_is_possible():
    found = candidates(1)
    least = max(found.fastest.values())
    with pytest.raises(FoldingError, match=f"the fastest takes {least:,}"):
        fold_graph(found.graph, least - 1)
    assert schedule(found.lower(fold_graph(found.graph, least))).initiation_interval == least


def test_a_folding_file_gives_the_same_network(tmp_path):
    found = candidates(2)
    folding = fold_graph(found.graph, found.intervals[len(found.intervals) // 3])
    path = tmp_path / "folding.json"
    path.write_text(json.dumps(folding_json(folding)))
    read = read_folding(path, found.shapes)
    assert read.folding == folding
    plan = assess(found, read.folding, Wish())
    network = size_fifos(found.lower(folding))
    assert plan.schedule.initiation_interval == schedule(network).initiation_interval


def test_a_folding_file_that_splits_a_group_is_refused(tmp_path):
    found = next(c for c in map(candidates, range(40)) if _grouped(c))
    shape = next(s for s in found.shapes if s.groups > 1)
    content = folding_json(fold_graph(found.graph, found.intervals[-1]))
    content[shape.name]["PE"] = 1
    path = tmp_path / "folding.json"
    path.write_text(json.dumps(content))
    with pytest.raises(FoldingError, match=f"{shape.name}.*PE.*groups"):
        read_folding(path, found.shapes)


def _grouped(found: GraphCandidates) -> bool:
    return any(shape.groups > 1 for shape in found.shapes)


def test_the_most_that_a_board_holds_is_found_beside_the_wish():
    found, board = candidates(3), load_board("Pynq-Z2")
    solution = fold(BuildConfig(model="net", board=board.name), board, 100.0, found)
    assert solution.most is not None
    assert solution.most.fits
    assert solution.most.schedule.initiation_interval <= solution.plan.schedule.initiation_interval
    tiny = board.model_copy(update={"budget": board.budget.model_copy(update={"lut": 100})})
    nothing = fold(BuildConfig(model="net", board=board.name), tiny, 100.0, found)
    assert nothing.most is None
    assert not nothing.plan.fits
