# SPDX-License-Identifier: Apache-2.0
"""The folding in the report: figures, the line about the next better point, the picture."""

import dataclasses
import itertools

import pytest

from flows.report.document import build_document
from flows.report.frontier import frontier_picture
from flows.report.html import next_better, render_html
from tests.flows.report.sample import build_facts, folding_facts


def test_figures_of_the_folding():
    folding = build_document(build_facts())["folding"]
    binary = 32 * 576 + 8 * 576 * 2 + 8 * 1152 + 288 + 128 + 16 * 2 + 4  # without the stem
    assert folding["lanes"] == binary
    assert folding["lut_per_lane"]["value"] == round(15_597 / folding["lanes"], 3)
    assert folding["chosen"]["frames_per_second"]["value"] == round(1e8 / 28_224, 1)
    assert [p["initiation_interval_cycles"]["value"] for p in folding["frontier"]] == [
        2_048,
        8_192,
        65_536,
    ]


def test_next_better_point_names_what_it_costs_and_what_is_missing():
    line = next_better(build_document(build_facts())["folding"])
    assert line == (
        "7,086 frames/s, latency 30,700 cycles for +4,210 LUT, +3,905 FF, -8 BRAM36; "
        "over the budget in LUT"
    )
    last = dataclasses.replace(folding_facts(), better=None)
    assert next_better(build_document(build_facts(folding=last))["folding"]).startswith("none")


def test_faster_is_further_right_and_larger_is_higher():
    picture = frontier_picture(build_document(build_facts()))
    assert picture is not None
    for fast, slow in itertools.pairwise(picture["points"]):
        assert fast["x"] > slow["x"]
        assert fast["y"] < slow["y"]
    for point in [*picture["points"], picture["chosen"]]:
        assert picture["left"] <= point["x"] <= picture["right"]
        assert picture["top"] <= point["y"] <= picture["bottom"]
    rates = [mark["value"] for mark in picture["rates"]]
    assert rates == [2_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0]
    assert picture["limit"] is None  # the board holds more than the curve shows


def test_the_boards_limit_is_drawn_where_the_curve_crosses_it():
    points = folding_facts().frontier
    large = dataclasses.replace(points[0], lut=100_000)
    crossing = dataclasses.replace(folding_facts(), frontier=(large, *points[1:]))
    picture = frontier_picture(build_document(build_facts(folding=crossing)))
    assert picture is not None
    assert picture["points"][0]["y"] < picture["limit"]["y"] < picture["points"][1]["y"]


@pytest.mark.parametrize("present", [True, False])
def test_page_shows_the_folding_only_where_there_is_one(present):
    facts = build_facts() if present else build_facts(folding=None)
    page = render_html(build_document(facts))
    assert ('class="chosen"' in page) == present
    assert ("Speed against size" in page) == present
