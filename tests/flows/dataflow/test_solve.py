# SPDX-License-Identifier: Apache-2.0
"""The solver against all foldings of small networks, and on the networks of the zoo."""

import itertools
import time
from functools import cache

import numpy as np
import pytest

from flows.boards import load_board
from flows.dataflow.cost import Resources, unit_cost
from flows.dataflow.estimate import joint_estimate
from flows.dataflow.fold import foldings, price
from flows.dataflow.lower import lower, unit_shapes
from flows.dataflow.schedule import own_interval, schedule, size_fifos
from flows.dataflow.solve import Candidates, Wish, assess, capacity, frontier, solve
from flows.dataflow.solve.search import Goal, search
from flows.dataflow.walk import walk_layer
from flows.errors import FoldingError
from tests.support.chains import chain_of, conv, dense, zoo_chain

PYNQ = capacity(load_board("Pynq-Z2"))
UNITS = {"lut": "LUT", "ff": "FF", "bram36": "BRAM36", "dsp": "DSP"}


@cache
def zoo(name):
    return Candidates(zoo_chain(name))


def _small_chain(rng):
    """Two or three layers with few divisors, so that all their foldings can be tried."""
    sides = int(rng.integers(2, 4))
    out = int(rng.integers(2, 4))
    shape = (sides + 1, sides + 1, 1)
    layers = [conv(rng, "conv0", 1, out, k=2, in_bits=8)]
    size = sides * sides * out
    if rng.integers(2):
        layers.append(conv(rng, "conv1", out, 2, k=sides))
        size = 2
    layers.append(dense(rng, "fc0", size, int(rng.integers(2, 4))))
    return chain_of(rng, shape, layers)


def _all_networks(chain):
    """(price, resources, interval, latency) of every legal folding of a network."""
    shapes = unit_shapes(chain)
    costs = [[(f, unit_cost(s, f).resources) for f in foldings(s)] for s in shapes]
    timings = {}
    for row in itertools.product(*costs):
        key = tuple((f.pe, f.simd, f.m, f.form) for f, _ in row)
        if key not in timings:
            timings[key] = _timing(
                chain, {s.name: f for s, (f, _) in zip(shapes, row, strict=True)}
            )
        if timings[key] is not None:
            joints, interval, latency = timings[key]
            resources = sum((r for _, r in row), joints)
            yield price(resources), resources, interval, latency


def _timing(chain, folding):
    try:
        network = lower(chain, folding, "net")
    except FoldingError:
        return None  # widths of neighbours that do not divide
    times = np.arange(network.input_beats)
    for layer in network:
        times = walk_layer(layer, times).left
    joints = sum((joint_estimate(layer) for layer in network), Resources())
    return joints, max(own_interval(layer) for layer in network), int(times[-1])


@pytest.mark.parametrize("number", range(6))
def test_nothing_beats_what_the_search_finds(number, rng):
    """Whatever the rate, the worth of latency and the budget: the best of all foldings."""
    chain = _small_chain(rng)
    networks = list(_all_networks(chain))
    candidates = Candidates(chain)
    intervals = sorted({interval for _, _, interval, _ in networks})
    spread = [resources for _, resources, _, _ in networks]
    for _ in range(25):
        limit = int(rng.choice(intervals))
        worth = float(rng.choice([0.0, 0.3, 3.0, 50.0]))
        budget = spread[rng.integers(len(spread))] if rng.integers(2) else None
        possible = [
            cost + worth * latency
            for cost, resources, interval, latency in networks
            if interval <= limit and not (budget and resources.over(budget))
        ]
        choice = search(candidates, Goal(interval=limit, cycle_price=worth, budget=budget))
        if not possible:
            assert choice is None
            continue
        assert choice is not None
        assert choice.interval <= limit
        assert budget is None or not choice.resources.over(budget + Resources(lut=1e-3, ff=1e-3))
        found = choice.price + worth * choice.latency
        assert found >= min(possible) - 1e-6
        if choice.exhaustive:
            assert found == pytest.approx(min(possible), abs=1e-6)


def test_small_networks_are_searched_exhaustively(rng):
    choice = search(Candidates(_small_chain(rng)), Goal(interval=1000, cycle_price=0.5))
    assert choice is not None
    assert choice.exhaustive


TARGETS = [("cnv", 8192), ("cnv", 4096), ("cnv", 2048), ("tfc", 16), ("sfc", 64), ("lfc", 64)]


@pytest.mark.parametrize(("name", "interval"), TARGETS)
def test_a_target_is_met_in_seconds(name, interval):
    began = time.process_time()
    plan = solve(Candidates(zoo_chain(name)), Wish(interval=interval))
    assert time.process_time() - began < 10
    assert plan.schedule.initiation_interval <= interval
    assert plan.schedule.bottleneck == plan.binding


def test_the_plan_is_that_of_the_network_that_is_built():
    candidates = zoo("tfc")
    plan = solve(candidates, Wish(interval=64))
    network = size_fifos(lower(candidates.chain, plan.folding, "net"))
    assert schedule(network) == plan.schedule
    assert assess(candidates, plan.folding, Wish(interval=64)).resources == plan.resources


@pytest.mark.parametrize(
    ("name", "objective", "share"),
    [
        ("tfc", "fps", 0.4),
        ("tfc", "latency", 0.7),
        ("cnv", "fps", 0.7),
        pytest.param("cnv", "fps", 0.4, marks=pytest.mark.nightly),
        pytest.param("cnv", "latency", 0.4, marks=pytest.mark.nightly),
        pytest.param("cnv", "latency", 0.7, marks=pytest.mark.nightly),
    ],
)
def test_the_budget_is_never_exceeded(name, objective, share):
    budget = PYNQ.scaled(share)
    plan = solve(zoo(name), Wish(objective=objective, budget=budget))
    assert plan.fits
    assert plan.resources.over(budget) == ()


def test_a_larger_budget_is_never_slower_and_its_binding_resource_is_named():
    candidates = zoo("cnv")
    budgets = [PYNQ.scaled(share) for share in (0.3, 0.5, 0.7)]
    plans = [solve(candidates, Wish(objective="fps", budget=budget)) for budget in budgets]
    intervals = [plan.schedule.initiation_interval for plan in plans]
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[0] > intervals[-1]
    for plan, budget in zip(plans, budgets, strict=True):
        assert plan.better is not None
        assert plan.better.interval < plan.schedule.initiation_interval
        assert plan.better.over
        assert _relieved(candidates, plan, budget) == plan.binding.split(" or ")


def _relieved(candidates, plan, budget):
    """Resources of which more, and of no other, would make the network 5 % faster."""
    faster = int(0.95 * plan.schedule.initiation_interval)
    found = []
    for name, unit in UNITS.items():
        lifted = dict(budget.items())
        lifted["lut"] *= 0.98  # the rest is left to FIFOs
        goal = Goal(interval=faster, cycle_price=0.0, budget=Resources(**(lifted | {name: 1e9})))
        if search(candidates, goal) is not None:
            found.append(unit)
    return found


def test_less_latency_than_the_cheapest_within_the_same_budget():
    candidates, budget = zoo("cnv"), PYNQ.scaled(0.7)
    cheap = solve(candidates, Wish(interval=8192, budget=budget))
    quick = solve(candidates, Wish(objective="latency", interval=8192, budget=budget))
    assert quick.schedule.latency < cheap.schedule.latency
    assert quick.schedule.initiation_interval <= 8192


def test_dense_tails_are_folded_for_latency():
    """The cheapest layers that keep the interval would take it all, one after the other."""
    plan = solve(zoo("cnv"), Wish(interval=8192))
    for name in ("fc0", "fc1", "fc2"):
        assert plan.schedule.intervals[name] <= 8192 / 8


def test_an_impossible_target_says_what_the_best_is():
    with pytest.raises(FoldingError, match=r"conv0: no legal .* 1,023 cycles.*fastest takes 1,024"):
        solve(zoo("cnv"), Wish(interval=1023))


def test_a_budget_that_is_too_small_says_what_would_fit():
    with pytest.raises(
        FoldingError, match=r"needs [\d,]+ LUT \(budget 15,960\).*fits takes [\d,]+"
    ):
        solve(zoo("cnv"), Wish(interval=4096, budget=PYNQ.scaled(0.3)))
    with pytest.raises(FoldingError, match=r"budget 532.*no folding of this network fits"):
        solve(zoo("cnv"), Wish(objective="fps", budget=PYNQ.scaled(0.01)))


def test_a_budget_that_is_only_preferred_is_overdrawn_where_it_must():
    wish = Wish(interval=4096, budget=PYNQ.scaled(0.2), strict=False)
    plan = solve(zoo("cnv"), wish)
    assert not plan.fits
    assert plan.schedule.initiation_interval <= 4096


def test_the_frontier_falls():
    points = frontier(zoo("cnv"))
    assert len(points) > 12
    for fast, slow in itertools.pairwise(points):
        assert fast.interval < slow.interval
        assert price(fast.resources) >= price(slow.resources)


def test_a_stem_that_the_network_does_not_have():
    with pytest.raises(FoldingError, match=r"--stem dsp: no layer"):
        Candidates(zoo_chain("tfc"), "dsp")
