# SPDX-License-Identifier: Apache-2.0
"""mvu_xnor: fully connected layers, exact against numpy under all traffic and at full rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hw.kernel.support_mvu import (
    Layer,
    check_ends_of_range,
    check_faults_are_found,
    check_rate,
    check_traffic,
    layer_row,
    sources,
)
from tests.support.battery import check_lint, check_rejected, rows

TOP = "mvu_xnor"

TABLE = (
    layer_row("whole_sum", "one step per sum", c=64, k=1, mh=16),
    layer_row("folded", "SIMD < MW", c=60, k=1, mh=8, simd=12),
    layer_row("parallel", "PE > 1 and SIMD < MW", c=64, k=1, mh=8, pe=4, simd=16),
    layer_row("unrolled", "one step per vector", c=24, k=1, mh=10, pe=10),
    layer_row("unrolled_folded", "NF = 1, SF > 1", c=24, k=1, mh=6, pe=6, simd=8),
    layer_row(
        "logits",
        "last layer: raw sums, all channels at once",
        c=64,
        k=1,
        mh=10,
        pe=10,
        simd=8,
        threshold=False,
        acc_w=8,
    ),
    layer_row(
        "logits_odd", "raw sums, odd MW, serial", c=49, k=1, mh=10, simd=7, threshold=False, acc_w=7
    ),
    layer_row("narrow", "two inputs, one output", c=2, k=1, mh=1),
    layer_row(
        "first_mnist", "the widest input of the shipped networks", c=784, k=1, mh=4, pe=2, simd=392
    ),
)


@rows(*TABLE)
def test_traffic(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_traffic(TOP, row.parameters["layer"], tmp_path, rng, fast=True)


def test_traffic_structural(tmp_path: Path, rng: np.random.Generator) -> None:
    check_traffic(TOP, Layer(c=60, k=1, mh=6, pe=3, simd=20), tmp_path, rng, fast=False)


@rows(*TABLE)
def test_rate_and_latency(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_rate(TOP, row.parameters["layer"], tmp_path, rng)


def test_ends_of_range(tmp_path: Path, rng: np.random.Generator) -> None:
    check_ends_of_range(TOP, Layer(c=31, k=1, mh=4), tmp_path, rng)


def test_faults_are_found(tmp_path: Path, rng: np.random.Generator) -> None:
    check_faults_are_found(TOP, Layer(c=20, k=1, mh=8, pe=2, simd=10), tmp_path, rng)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"PE": 3}, "PE must divide MH"),
        ({"SIMD": 7}, "SIMD must divide MW"),
        ({"FIFO_DEPTH": 1}, "FIFO_DEPTH must be"),
        ({"ACC_W": 9, "THRESHOLD": 0}, "ACC_W must hold"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, dict) else "",
)
def test_refuses(parameters: dict[str, int], match: str) -> None:
    check_rejected(TOP, sources(TOP), parameters=parameters, match=f"mvu_xnor: {match}")


@pytest.mark.parametrize("name", ["MW", "PE"])
def test_refuses_zero(name: str) -> None:
    """Zero breaks elaboration in more than one place; the first message may be another one."""
    check_rejected(TOP, sources(TOP), parameters={name: 0}, match="%Error")


@pytest.mark.nightly
def test_lint() -> None:
    for parameters in ({}, {"MW": 30, "MH": 4, "SIMD": 10, "PE": 2}, {"THRESHOLD": 0, "PE": 64}):
        check_lint(TOP, sources(TOP, fast=False), parameters=parameters)
