# SPDX-License-Identifier: Apache-2.0
"""The recorded foldings of CNV, built whole: what a frame costs, and that every logit is right."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import build

FOLDINGS = Path(__file__).resolve().parents[2] / "flows" / "foldings"

# Cycles per image, and at most: LUT, LUT per binary lane, BRAM36 and latency in cycles. The frames
# of FINN's 32,768 cycles in 21,135 LUT, four, eight and sixteen times. "lut": without DSP slices.
POINTS = {
    "8192": (14_000, 1.5, 90, 1.5 * 8192),
    "8192-lut": (14_000, 1.5, 90, 1.5 * 8192),
    "4096": (21_135, 1.3, 90, 1.75 * 4096),
    "2048": (40_000, 1.2, 120, 2.0 * 2048),
}
LEVELS = 5


@pytest.fixture(scope="module", params=POINTS)
def point(request, tmp_path_factory):
    """Name and report of a whole build."""
    out = tmp_path_factory.mktemp(f"cnv{request.param}")
    arguments = ["--board", "Pynq-Z2", "--model", "cnv_w1a1", "--output-dir", str(out)]
    folding = FOLDINGS / f"cnv_w1a1-{request.param}.json"
    result = CliRunner().invoke(
        build.app, [*arguments, "--folding", str(folding), "--images", "48"]
    )
    assert result.exit_code == 0, result.output
    return request.param, json.loads((out / "cnv_w1a1-pynq_z2" / "report.json").read_text())


@pytest.mark.nightly
def test_cost_pace_and_latency(point):
    name, report = point
    lut, per_lane, bram36, latency = POINTS[name]
    interval = int(name.partition("-")[0])
    performance, resources = report["performance"], report["resources"]
    pace = performance["initiation_interval_cycles"]["value"]
    assert pace <= interval
    assert pace == performance["estimated_initiation_interval_cycles"]["value"]
    assert performance["latency_cycles"]["value"] <= latency
    assert resources["lut"]["value"] <= lut
    assert resources["bram36"]["value"] <= bram36
    assert (resources["dsp"]["value"] > 0) == (name in ("8192", "4096"))
    assert resources["lut_levels"]["value"] <= LEVELS
    assert report["folding"]["lut_per_lane"]["value"] <= per_lane


@pytest.mark.nightly
def test_every_logit_under_every_pattern(point):
    _, report = point
    verification = report["verification"]
    assert verification["mismatches"]["value"] == 0
    assert verification["threshold_mismatches"]["value"] == 0
    assert verification["logits_compared"]["value"] == 48 * 10 * len(verification["stall_patterns"])
