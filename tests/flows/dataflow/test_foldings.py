# SPDX-License-Identifier: Apache-2.0
"""The recorded foldings hold what they are named for, and the solver finds as good ones."""

from pathlib import Path

import pytest

from flows.boards import load_board
from flows.dataflow.cost import Resources
from flows.dataflow.folding_file import read_folding
from flows.dataflow.solve import Candidates, Wish, assess, capacity, solve
from tests.support.chains import zoo_chain

FOLDINGS = Path(__file__).resolve().parents[3] / "flows" / "foldings"
PYNQ = capacity(load_board("Pynq-Z2"))

# Cycles per image, LUT, BRAM36 and intervals of latency, at most.
LIMITS = {8192: (14_000, 90, 1.5), 4096: (21_135, 90, 1.75)}


@pytest.fixture(scope="module")
def candidates():
    return Candidates(zoo_chain("cnv"))


def _holds(plan, interval):
    lut, bram36, latency = LIMITS[interval]
    pace = plan.schedule.initiation_interval
    assert pace <= interval
    assert plan.resources.lut <= lut
    assert plan.resources.bram36 <= bram36
    assert plan.schedule.latency <= latency * pace


@pytest.mark.parametrize("interval", LIMITS)
def test_a_recorded_folding_holds_its_limits(candidates, interval):
    path = FOLDINGS / f"cnv_w1a1-{interval}.json"
    read = read_folding(path, candidates.shapes)
    assert read.ignored == ()
    _holds(assess(candidates, read.folding, Wish(interval=interval, budget=PYNQ)), interval)


def test_the_solver_finds_such_a_folding_by_itself(candidates):
    _holds(solve(candidates, Wish(interval=8192, budget=PYNQ)), 8192)


@pytest.mark.parametrize("interval", LIMITS)
def test_the_solver_keeps_to_the_limits_as_a_budget(candidates, interval):
    lut, bram36, _ = LIMITS[interval]
    budget = Resources(lut=lut, ff=PYNQ.ff, bram36=bram36, dsp=PYNQ.dsp)
    _holds(solve(candidates, Wish(interval=interval, budget=budget)), interval)


def test_all_recorded_foldings_are_held_to_limits():
    assert {path.stem for path in FOLDINGS.glob("*.json")} == {f"cnv_w1a1-{i}" for i in LIMITS}
