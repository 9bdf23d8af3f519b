# SPDX-License-Identifier: Apache-2.0
"""Every budget of `hw/budgets.toml`, synthesised again: no figure may differ, by not one LUT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flows.dataflow.cost import LUT_LEVELS
from flows.synth import SynthReport
from flows.synth.yosys import tool_version
from tests.hw import budgets

POINTS = budgets.read_points()


def _parameter(point: budgets.Point) -> object:
    marks = pytest.mark.nightly if point.nightly else ()
    return pytest.param(point, id=f"{point.module}-{point.label}", marks=marks)


@pytest.mark.parametrize("point", [_parameter(point) for point in POINTS])
def test_costs_what_its_budget_says(point: budgets.Point) -> None:
    found = budgets.measure([point])[0]
    assert found == point.cost, (
        f"{budgets.FILE.name}, {point.module}, {point.label}: it costs now\n"
        f"{budgets.line(found)}\n"
        f"If that is meant: .venv/bin/python -m tests.hw.budgets --write {point.module}"
    )


def test_every_module_has_a_budget() -> None:
    """Or a reason why it has none."""
    measured, missing = {point.module for point in POINTS}, budgets.without_budget()
    assert measured | missing.keys() == budgets.MODULES.keys()
    assert not measured & missing.keys()
    assert all(missing.values())


def test_no_module_has_more_luts_between_registers_than_a_layer_may() -> None:
    """But those that say why."""
    deep = {point.module for point in POINTS if point.cost.get("levels", 0) > LUT_LEVELS}
    reasons = budgets.deeper()
    assert deep == reasons.keys()
    assert all(reasons.values())


def test_points_differ() -> None:
    named = [(point.module, point.label) for point in POINTS]
    assert len(set(named)) == len(named)


def test_the_figures_are_those_of_the_pinned_tool() -> None:
    assert budgets.stated_tool() == tool_version()


def test_the_catalogue_states_the_budgets() -> None:
    text = budgets.CATALOGUE.read_text(encoding="utf-8")
    assert budgets.catalogue_text(text, POINTS) == text, (
        "hw/README.md: a cost is not that of budgets.toml; "
        "run .venv/bin/python -m tests.hw.budgets --write"
    )


def test_the_catalogue_has_a_place_for_each_cost() -> None:
    rows = [line.split("|") for line in budgets.CATALOGUE.read_text("utf-8").splitlines()]
    complete = {row[1].strip(" `") for row in rows if len(row) == budgets.COLUMNS + 2}
    assert {point.module for point in POINTS} <= complete


def test_a_changed_module_costs_something_else(tmp_path: Path) -> None:
    """Negative control: a register slice that is one bit wider than its budget."""
    point = next(p for p in POINTS if p.module == "stream_reg")
    wider = replace(point, parameters={"W": point.parameters["W"] + 1})
    assert budgets.measure([wider])[0] != point.cost


def test_amounts_of_a_report() -> None:
    report = SynthReport(
        name="x",
        top="x",
        family="xc7",
        tool="t",
        lut=30,
        lutram=12,
        srl=4,
        ff=7,
        bram36=0.5,
        uram=0,
        dsp=0,
        carry=3,
        lut_levels=2,
        deepest_path=(),
        cells={},
        seconds=0.0,
    )
    cost = budgets.measured(report)
    assert budgets.line(cost) == (
        "cost = { lut = 18, lutram = 8, srl = 4, ff = 7, bram36 = 0.5, levels = 2 }"
    )
    assert budgets.in_words(cost) == "18 LUT, 8 LUTRAM, 4 SRL, 7 FF, 0.5 RAMB36"
    assert budgets.line({}) == "cost = {}"
