# SPDX-License-Identifier: Apache-2.0
"""Shipped networks on the virtual Pynq-Z2: the shipped command, 1,000 images, any batch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.config import DEPLOY_IMAGES, BuildConfig
from flows.delivery import Subject, deliver
from flows.deploy.facts import Vectors
from flows.shell.emit import emit_shell
from tests.support.battery import CACHE
from tests.support.zoo import make_zoo

pytestmark = pytest.mark.nightly


def delivered(model: str, parent: Path, *, untrained: int | None = None, **emission: bool) -> Path:
    """The deploy folder of a network at its default target; weights of the shipped checkpoint."""
    build = parent / f"{model}-pynq_z2"
    build.mkdir(parents=True)
    config = BuildConfig(model=model, board="Pynq-Z2", images=4, untrained=untrained)
    zoo = make_zoo(config, build, **emission)
    assert zoo.source.exported is not None
    whole = zoo.source.exported
    subject = Subject(
        model=config.model,
        version="0.1.0",
        board=zoo.board,
        clock_mhz=100.0,
        network=zoo.network,
        shell=emit_shell(zoo.network, zoo.project, zoo.board, build / "shell"),
        pixel_table=zoo.front.pixel_table,
        vectors=Vectors(
            images=whole.images, labels=whole.labels, logits=whole.logits, dataset=whole.dataset
        ),
        interval_cycles=zoo.schedule.initiation_interval,
        latency_cycles=zoo.schedule.latency,
    )
    return deliver(subject, build, cache_dir=CACHE, jobs=2).folder


@pytest.fixture(scope="module", params=["cnv_w1a1", "tfc_w1a1"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deploy folder of a shipped checkpoint at its default target.

    TFC takes all 8 bytes that the memory port can give in a clock, so that the port sets its pace.
    """
    return delivered(request.param, tmp_path_factory.mktemp("deploy"))


def memory_cycles(folder: Path) -> float:
    """Cycles that the virtual memory takes to give an image: 8 bytes a beat, some beats late."""
    gap_per_256 = 8
    beats = json.loads((folder / "overlay.json").read_text())["input"]["bytes"] / 8
    return beats * 256 / (256 - gap_per_256)


def validate(folder: Path, *options: str) -> dict[str, Any]:
    """Figures of the shipped command."""
    command = [sys.executable, str(folder / "validate.py"), "--platform", "virtual", "--json"]
    command += ["--images", str(DEPLOY_IMAGES), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.mark.parametrize("batch", [1, 7, 256])
def test_thousand_images(folder: Path, batch: int):
    figures = validate(folder, "--batch", str(batch))
    assert (figures["images"], figures["mismatches"]) == (1000, 0)
    expected = json.loads((folder / "overlay.json").read_text())["expected"]
    # The shell costs the way to memory and back once a batch, and nothing between images.
    assert expected["latency_cycles"] < figures["latency_cycles"] < expected["latency_cycles"] + 200
    if batch > 1:
        own = max(expected["interval_cycles"], memory_cycles(folder))
        assert figures["interval_cycles"] == pytest.approx(own, rel=0.01)


@pytest.mark.parametrize("model", ["tfc_w1a1"])
def test_another_seed_is_loaded_into_hardware_that_runs(model: str, tmp_path: Path):
    """Every logit is that of the other network in PyTorch; nothing is built in between."""
    built = delivered(model, tmp_path / "built", runtime=True)
    other = delivered(model, tmp_path / "other", untrained=7, runtime=True)
    own = validate(built)
    loaded = validate(built, "--weights", str(other))
    for figures in (own, loaded):
        assert (figures["images"], figures["mismatches"]) == (1000, 0)
    assert own["top1"] > 90 > loaded["top1"]  # a trained network, and one of random weights
    assert loaded["interval_cycles"] == pytest.approx(own["interval_cycles"], rel=0.01)
