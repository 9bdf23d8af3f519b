# SPDX-License-Identifier: Apache-2.0
"""mvu_int: unsigned inputs times +-1 weights, exact under all traffic and at full rate."""

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
from tests.support.battery import Row, check_lint, check_rejected, rows

TOP = "mvu_int"


def int_row(name: str, reason: str, **fields: Any) -> Row:
    return layer_row(name, reason, **{"bipolar": False, "in_bits": 8, "c": 3, **fields})


TABLE = (
    int_row("stem", "the first layer of CNV, fewer channels", mh=8),
    int_row("stem_neighbours", "two pixels share the start words", m=2, mh=6),
    int_row("folded", "SF > 1", mh=4, simd=9),
    int_row("one_lane", "SIMD = 1", c=1, mh=2, simd=1),
    int_row("parallel", "PE > 1 and SF > 1", m=2, mh=4, pe=2, simd=9),
    int_row("stride", "strided stem", c=2, m=2, mh=3, stride=2),
    int_row("raw", "signed sums, least width", mh=4, threshold=False, acc_w=14),
    int_row("raw_folded", "signed sums over steps", m=2, mh=4, simd=3, threshold=False),
    int_row("one_bit", "unsigned bits are not +-1", in_bits=1, c=4, mh=4),
    int_row("two_bits", "narrow elements", in_bits=2, c=4, mh=4, simd=12),
    int_row("pointwise", "K = 1, one input", c=1, k=1, mh=2, in_bits=5),
    int_row("shared", "one step is all channels: sums are shared, weights constant", mh=6, pe=6),
    int_row("shared_few", "fewer elements than are added at once", c=2, k=1, mh=3, pe=3, in_bits=3),
    int_row("dense", "first layer of a fully connected network", c=49, k=1, mh=6, pe=2, simd=7),
)


@rows(*TABLE)
def test_traffic(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_traffic(TOP, row.parameters["layer"], tmp_path, rng, fast=True)


@rows(
    *(
        row
        for row in TABLE
        if row.id in ("stem_neighbours", "parallel", "raw_folded", "shared", "shared_few")
    )
)
def test_traffic_structural(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_traffic(TOP, row.parameters["layer"], tmp_path, rng, fast=False)


@rows(*TABLE)
def test_rate_and_latency(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_rate(TOP, row.parameters["layer"], tmp_path, rng)


@pytest.mark.parametrize("simd", [27, 9])
def test_ends_of_range(simd: int, tmp_path: Path, rng: np.random.Generator) -> None:
    layer = Layer(bipolar=False, in_bits=8, c=3, mh=4, simd=simd, acc_w=14)
    check_ends_of_range(TOP, layer, tmp_path, rng)


@pytest.mark.parametrize("simd", [27, 3])
def test_faults_are_found(simd: int, tmp_path: Path, rng: np.random.Generator) -> None:
    layer = Layer(bipolar=False, in_bits=8, c=3, mh=4, simd=simd)
    check_faults_are_found(TOP, layer, tmp_path, rng)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"IN_BITS": 9}, "IN_BITS must be"),
        ({"PE": 3}, "PE must divide MH"),
        ({"SIMD": 7}, r"SIMD must divide K\*K\*C"),
        ({"ACC_W": 13}, "ACC_W must hold"),
        ({"FIFO_DEPTH": 1}, "FIFO_DEPTH must be"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, dict) else "",
)
def test_refuses(parameters: dict[str, int], match: str) -> None:
    check_rejected(TOP, sources(TOP), parameters=parameters, match=f"mvu_int: {match}")


@pytest.mark.parametrize("name", ["C", "M", "IN_BITS", "PE"])
def test_refuses_zero(name: str) -> None:
    """Zero breaks elaboration in more than one place; the first message may be another one."""
    check_rejected(TOP, sources(TOP), parameters={name: 0}, match="%Error")


def test_lint() -> None:
    for parameters in (
        {},
        {"M": 2, "SIMD": 9, "PE": 2},
        {"MH": 5, "PE": 5, "C": 2},
        {"IN_BITS": 4, "THRESHOLD": 0, "ACC_W": 10, "MH": 3, "SIMD": 1, "STRIDE": 2, "M": 3},
    ):
        check_lint(TOP, sources(TOP, fast=False), parameters=parameters)
