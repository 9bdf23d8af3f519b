# SPDX-License-Identifier: Apache-2.0
"""The recorded foldings, with trained weights: simulated exactly, synthesised for UltraScale+."""

from copy import copy
from dataclasses import replace
from pathlib import Path

import pytest

from flows.boards import load_board
from flows.config import BuildConfig
from flows.dataflow.cost import NETWORK_ERROR
from flows.errors import VerificationError
from flows.synth import SynthReport, layer_targets, synthesise
from tests.bench import simulation
from tests.support.battery import CACHE
from tests.support.zoo import FOLDINGS, Zoo, make_zoo

pytestmark = pytest.mark.nightly

TEST_SET = 10_000  # images of CIFAR-10's test set
LEVELS = 5  # LUTs between registers, the portable stand-in for 200 MHz on the slowest part

# Folding, board, and what Yosys may count at most: LUT, BRAM36, DSP.
ON_ULTRASCALE = [
    ("cnv_w1a1-8192", "ZCU104", (14_000, 90, 96)),
    ("cnv_w1a1-8192", "Ultra96-V2", (14_000, 90, 96)),
    ("tfc_w1a1-16", "ZCU104", (9_000, 0, 0)),
    ("tfc_w1a1-16", "Ultra96-V2", (9_000, 0, 0)),
    ("sfc_w1a1-64", "ZCU104", (7_000, 80, 0)),
    ("lfc_w1a1-64", "ZCU104", (80_000, 240, 0)),
]


def _zoo(name: str, board: str, folder: Path) -> Zoo:
    model, _, _ = name.partition("-")
    file = FOLDINGS / f"{name}.json"
    return make_zoo(BuildConfig(model=model, board=board, images=200, folding=file), folder)


def _synthesise(zoo: Zoo, folder: Path) -> tuple[SynthReport, ...]:
    targets = layer_targets(zoo.network, zoo.project)
    return synthesise(targets, zoo.board.family, folder, 1, CACHE / "synth")


@pytest.mark.parametrize(("name", "board", "limits"), ON_ULTRASCALE)
def test_on_ultrascale(name: str, board: str, limits: tuple[int, float, int], tmp_path: Path):
    zoo = _zoo(name, board, tmp_path)
    found = zoo.simulate(zoo.simulator(), "none", "random")
    assert found.images == 200
    assert found.initiation_interval == zoo.schedule.initiation_interval
    assert found.initiation_interval <= int(name.partition("-")[2])
    assert found.latency == zoo.schedule.latency

    reports = _synthesise(zoo, tmp_path / "synth")
    lut, bram36, dsp = limits
    assert sum(report.lut for report in reports) <= lut <= load_board(board).budget.lut
    assert sum(report.bram36 for report in reports) <= bram36 <= load_board(board).budget.bram36
    assert sum(report.dsp for report in reports) <= dsp <= load_board(board).budget.dsp
    expected = zoo.folded.solution.plan.resources
    for kind, error in NETWORK_ERROR.items():
        found = sum(getattr(report, kind) for report in reports)
        assert getattr(expected, kind) == pytest.approx(found, rel=error), kind
    counts = {layer.name for layer in zoo.network if layer.unit}
    for report in reports:
        assert report.family == "xcup"
        assert report.lut_levels <= LEVELS, report.deepest_path
        # Counters use the family's own carry cell. Yosys has CARRY4 for its own adders.
        if not report.dsp:  # a stem in DSP slices adds there
            assert ("CARRY8" in report.cells) == (report.name in counts)


@pytest.fixture(scope="module")
def cnv(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Zoo:
    data = request.config.getoption("--cifar10")
    return simulation.cnv(tmp_path_factory.mktemp("cnv"), TEST_SET, data)


def test_every_image_of_a_test_set_through_cnv(cnv: Zoo):
    """`--cifar10 DIR` names the published data; else variants of the images that ship."""
    images, _ = simulation.whole_set(cnv, 2)
    assert images == TEST_SET


def test_the_fast_form_is_fast(cnv: Zoo):
    """Of processor time, so that other processes do not count; both forms in one run."""
    assert simulation.speed(cnv, fast=True) > 5 * simulation.speed(cnv, fast=False)


def test_one_wrong_logit_among_them_is_found(cnv: Zoo):
    logits = cnv.reference.logits.copy()
    logits[7, 3] += 1
    front = copy(cnv.front)
    front.reference = replace(cnv.reference, logits=logits)
    wrong = replace(cnv, front=front)
    with pytest.raises(VerificationError, match=r"image 7, .*channel 3"):
        simulation.speed(wrong, fast=True)
