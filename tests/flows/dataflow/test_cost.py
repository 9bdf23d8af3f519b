# SPDX-License-Identifier: Apache-2.0
"""The cost formulas against the synthesised layers that they were fitted to."""

import json

import pytest

from flows.dataflow import cost
from flows.dataflow.cost import COST_FILE, LARGEST_ERROR, Fold, UnitShape, unit_cost
from flows.synth import synthesise
from tests.support.battery import CACHE
from tools import fit_cost

DOCUMENT = json.loads(COST_FILE.read_text())
POINTS = DOCUMENT["points"]


def _estimate(point):
    shape = UnitShape(**point["shape"] | {"forms": tuple(point["shape"]["forms"])})
    return unit_cost(shape, Fold(**point["fold"])).resources


@pytest.mark.parametrize("point", POINTS, ids=[point["name"] for point in POINTS])
def test_estimates_are_within_the_stated_band(point):
    found = _estimate(point)
    for kind in ("lut", "ff"):
        error = getattr(found, kind) / point[kind] - 1
        assert abs(error) <= LARGEST_ERROR[kind], f"{kind}: {error:+.1%}"


@pytest.mark.parametrize("point", POINTS, ids=[point["name"] for point in POINTS])
def test_dsp_is_exact_and_block_ram_never_promised_too_low(point):
    found = _estimate(point)
    assert found.dsp == point["dsp"]
    assert point["bram36"] <= found.bram36 <= point["bram36"] + 2


def test_every_form_of_hardware_has_points():
    assert {point["fold"]["form"] for point in POINTS} == {"window", "input", "dsp"}
    used = {name for point in POINTS for name in cost.features(*_of(point))}
    assert used | {"comparators", "comparator"} == set(DOCUMENT["coefficients"])


def _of(point):
    shape = UnitShape(**point["shape"] | {"forms": tuple(point["shape"]["forms"])})
    return shape, Fold(**point["fold"])


def test_a_wrong_coefficient_leaves_the_band(monkeypatch):
    lane = DOCUMENT["coefficients"]["lane"]
    wrong = DOCUMENT["coefficients"] | {"lane": {"lut": 1.3 * lane["lut"], "ff": lane["ff"]}}
    monkeypatch.setattr(cost, "COEFFICIENTS", wrong)
    errors = [_estimate(point).lut / point["lut"] - 1 for point in POINTS]
    assert max(errors) > LARGEST_ERROR["lut"]


def test_the_fit_repeats():
    rows = [point | {"features": cost.features(*_of(point))} for point in POINTS]
    for name, found in fit_cost.fit(rows).items():
        assert found == pytest.approx(DOCUMENT["coefficients"][name], abs=1e-3)


def test_a_point_synthesised_now_is_within_the_band(tmp_path, monkeypatch):
    """The hardware of today, not only that of the fit; `python -m tools.fit_cost` repeats all."""
    monkeypatch.setattr(fit_cost, "WORK", tmp_path)
    smallest = min(POINTS, key=lambda point: point["lut"])
    targets = [fit_cost.target(*point) for point in fit_cost.points()]
    (one,) = [target for target in targets if target.name == smallest["name"]]
    (report,) = synthesise([one], "xc7", tmp_path / "synth", 1, CACHE / "synth")
    found = _estimate(smallest)
    assert abs(found.lut / report.lut - 1) <= LARGEST_ERROR["lut"]
    assert abs(found.ff / report.ff - 1) <= LARGEST_ERROR["ff"]
    assert found.dsp == report.dsp
