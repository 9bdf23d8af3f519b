# SPDX-License-Identifier: Apache-2.0
"""The recorded foldings hold what they are named for, and the solver finds as good ones."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from flows.boards import load_board
from flows.config import Stem
from flows.dataflow.cost import LUT_LEVELS, Resources, weight_levels
from flows.dataflow.folding_file import read_folding
from flows.dataflow.solve import Candidates, Plan, Wish, assess, capacity, solve
from tests.support.chains import zoo_chain

FOLDINGS = Path(__file__).resolve().parents[3] / "flows" / "foldings"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What a recorded folding needs at most, on the board that it was chosen for.

    Attributes:
        lut, bram36: estimated.
        latency: of an image alone, in intervals.
        objective: of the solver that finds such a folding within this budget; where few LUTs are
            left, latency must be it, because "cost" only weighs it against them.
        stem: hardware of the first layer.
    """

    board: str
    lut: int
    bram36: float
    latency: float
    objective: Literal["cost", "latency"] = "cost"
    stem: Stem = "auto"


# By the name of the file: network, and the cycles per image that were asked for.
LIMITS = {
    "cnv_w1a1-8192": Limit(board="Pynq-Z2", lut=14_000, bram36=90, latency=1.5),
    "cnv_w1a1-8192-lut": Limit(board="Pynq-Z2", lut=14_000, bram36=90, latency=1.62, stem="lut"),
    "cnv_w1a1-4096": Limit(board="Pynq-Z2", lut=21_135, bram36=90, latency=1.75),
    "cnv_w1a1-2048": Limit(
        board="Pynq-Z2", lut=40_000, bram36=120, latency=2.0, objective="latency"
    ),
    "tfc_w1a1-16": Limit(board="ZCU104", lut=10_000, bram36=0, latency=7),
    "sfc_w1a1-64": Limit(board="ZCU104", lut=7_000, bram36=80, latency=3.1),
    "lfc_w1a1-64": Limit(board="ZCU104", lut=80_000, bram36=240, latency=3),
}


@cache
def candidates(name: str) -> Candidates:
    return Candidates(zoo_chain(name.partition("_")[0]), LIMITS[name].stem)


def interval(name: str) -> int:
    return int(name.split("-")[1])


def whole_board(name: str) -> Resources:
    return capacity(load_board(LIMITS[name].board))


def _holds(plan: Plan, name: str) -> None:
    limit = LIMITS[name]
    pace = plan.schedule.initiation_interval
    assert pace <= interval(name)
    assert plan.resources.lut <= limit.lut
    assert plan.resources.bram36 <= limit.bram36
    assert plan.schedule.latency <= limit.latency * pace


@pytest.mark.parametrize("name", LIMITS)
def test_a_recorded_folding_holds_its_limits(name):
    read = read_folding(FOLDINGS / f"{name}.json", candidates(name).shapes)
    assert read.ignored == ()
    wish = Wish(interval=interval(name), budget=whole_board(name))
    _holds(assess(candidates(name), read.folding, wish), name)


@pytest.mark.parametrize(
    "name", [name for name, limit in LIMITS.items() if limit.objective == "cost"]
)
def test_the_solver_finds_such_a_folding_without_that_budget(name):
    wish = Wish(interval=interval(name), budget=whole_board(name))
    plan = solve(candidates(name), wish)
    _holds(plan, name)
    if name.startswith("cnv"):
        recorded = read_folding(FOLDINGS / f"{name}.json", candidates(name).shapes)
        assert plan.folding == recorded.folding


@pytest.mark.parametrize("name", LIMITS)
def test_the_solver_keeps_to_the_limits_as_a_budget(name):
    limit, board = LIMITS[name], whole_board(name)
    budget = Resources(lut=limit.lut, ff=board.ff, bram36=limit.bram36, dsp=board.dsp)
    wish = Wish(objective=limit.objective, interval=interval(name), budget=budget)
    _holds(solve(candidates(name), wish), name)


def test_all_recorded_foldings_are_held_to_limits():
    assert {path.stem for path in FOLDINGS.glob("*.json")} == set(LIMITS)


@pytest.mark.parametrize("name", LIMITS)
def test_weights_reach_the_counters_in_few_luts(name):
    read = read_folding(FOLDINGS / f"{name}.json", candidates(name).shapes)
    levels = {
        shape.name: weight_levels(shape, read.folding[shape.name])
        for shape in candidates(name).shapes
    }
    assert max(levels.values()) <= LUT_LEVELS, levels
