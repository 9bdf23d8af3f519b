# SPDX-License-Identifier: Apache-2.0
"""conv_xnor: exact under all traffic, at full rate, with the latency of its header."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.sim.run import RunOptions
from flows.sim.streams import FREE_RUNNING, RANDOM
from tests.hw.kernel.support_mvu import (
    HW,
    Layer,
    build_kernel,
    check_ends_of_range,
    check_faults_are_found,
    check_rate,
    check_traffic,
    layer_row,
    make_case,
    on_counts,
    pixels,
    reachable_thresholds,
    reference,
    sources,
    write_thresholds,
    write_weights,
)
from tests.support.battery import (
    check_lint,
    check_rejected,
    check_stream_module,
    lanes,
    rows,
    run_exact,
)

TOP = "conv_xnor"

TABLE = (
    layer_row("whole_sum", "one step per sum: no accumulator", c=8, mh=8),
    layer_row("folded", "SF > 1: accumulator starts from minus the threshold", c=8, mh=4, simd=24),
    layer_row("odd_fold", "SF and SIMD odd", c=5, mh=3, simd=9),
    layer_row("one_lane", "SIMD = 1", c=1, mh=2, simd=1),
    layer_row("neighbours", "M windows share columns", c=4, mh=6, m=3),
    layer_row("neighbours_stride", "windows two columns apart", c=3, mh=5, m=2, stride=2),
    layer_row("neighbours_folded", "M and SF together", c=4, mh=4, m=2, simd=12),
    layer_row("rows_stride", "rows of the kernel, one a step", c=3, mh=4, m=2, stride=2, simd=9),
    layer_row("pointwise", "K = 1", c=16, k=1, mh=8),
    layer_row(
        "pointwise_stride", "K < STRIDE: columns that no window uses", c=7, k=1, m=2, mh=3, stride=2
    ),
    layer_row("many_pixels", "M > NF: the output paces the kernel", c=2, m=5, mh=2),
    layer_row("one_channel", "MH = 1", c=3, mh=1),
    layer_row("channels_parallel", "PE > 1", c=4, mh=8, pe=4),
    layer_row("all_parallel", "PE = MH and M > 1", c=4, mh=4, pe=4, m=2),
    layer_row("channels_folded", "PE > 1 and SF > 1", c=4, mh=6, pe=2, simd=18),
    layer_row("raw", "signed accumulators, even K*K*C", c=4, mh=4, threshold=False, acc_w=9),
    layer_row(
        "raw_odd",
        "signed accumulators, odd K*K*C, least width",
        c=7,
        mh=3,
        threshold=False,
        acc_w=7,
    ),
    layer_row(
        "raw_folded", "accumulated over steps", c=5, mh=4, pe=2, simd=15, threshold=False, acc_w=8
    ),
    layer_row("raw_neighbours", "wide results of M pixels", c=2, mh=4, m=2, threshold=False),
    layer_row("shallow_fifo", "fewer places than the pipeline is long", c=8, mh=8, fifo_depth=2),
    layer_row("large", "more lanes than one word of any simulator", c=64, mh=4, m=2),
)


STRUCTURAL = ("odd_fold", "neighbours_stride", "channels_folded")
NOT_AT_RATE = ("many_pixels", "all_parallel", "shallow_fifo")  # output- or FIFO-bound


@rows(*TABLE)
def test_traffic(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_traffic(TOP, row.parameters["layer"], tmp_path, rng, fast=True)


@rows(*(row for row in TABLE if row.id in STRUCTURAL))
def test_traffic_structural(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_traffic(TOP, row.parameters["layer"], tmp_path, rng, fast=False)


@rows(*(row for row in TABLE if row.id not in NOT_AT_RATE))
def test_rate_and_latency(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_rate(TOP, row.parameters["layer"], tmp_path, rng)


def test_output_paces_many_pixels(tmp_path: Path, rng: np.random.Generator) -> None:
    layer = Layer(c=2, m=5, mh=2)
    case = make_case(layer, tmp_path, rng, tiles=40)
    options = RunOptions(cwd=tmp_path, idle_limit=2000)
    result = run_exact(build_kernel(TOP, case), case.inputs, case.outputs, options)
    assert set(np.diff(result.output_cycles["m_axis"])) == {1}


@pytest.mark.parametrize(("simd", "missing"), [(144, 0), (144, 1), (72, 0), (72, 1)])
def test_places_that_full_rate_needs(
    simd: int, missing: int, tmp_path: Path, rng: np.random.Generator
) -> None:
    """FIFO_DEPTH * SF >= UNIT + 2 is enough, and one place fewer is not."""
    layer = Layer(c=16, mh=8, simd=simd)
    needed = -(-(layer.unit_latency + 2) // layer.sf)
    layer = replace(layer, fifo_depth=needed - missing)
    case = make_case(layer, tmp_path, rng, tiles=20)
    options = RunOptions(cwd=tmp_path, idle_limit=2000)
    result = run_exact(build_kernel(TOP, case), case.inputs, case.outputs, options)
    at_rate = set(np.diff(result.input_cycles["s_axis"])) == {layer.nf * layer.sf}
    assert at_rate == (missing == 0)


@pytest.mark.parametrize("simd", [36, 9])
def test_ends_of_range(simd: int, tmp_path: Path, rng: np.random.Generator) -> None:
    check_ends_of_range(TOP, Layer(c=4, mh=8, simd=simd, pe=2), tmp_path, rng)


@pytest.mark.parametrize("simd", [36, 12])
def test_faults_are_found(simd: int, tmp_path: Path, rng: np.random.Generator) -> None:
    check_faults_are_found(TOP, Layer(c=4, mh=4, simd=simd, m=2), tmp_path, rng)


@pytest.mark.parametrize(
    ("stride", "m", "simd"), [(1, 1, 36), (1, 2, 36), (1, 3, 12), (2, 3, 36), (2, 1, 9)]
)
def test_behind_swu(
    stride: int, m: int, simd: int, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Pixels in, pixels out, three frames: swu gives the tiles that conv_xnor expects."""
    height, width = 7, 3 * m * stride + 3 - stride
    layer = Layer(c=4, stride=stride, m=m, mh=6, simd=simd)
    images = rng.integers(0, 2, (3, height, width, layer.c))
    weights = rng.integers(0, 2, (layer.mh, 3, 3, layer.c))
    tiles = [
        image[y : y + 3, x * stride : x * stride + layer.columns]
        for image in images
        for y in range(0, height - 2, stride)
        for x in range(0, (width - 3) // stride + 1, m)
    ]
    sums = reference(layer, np.stack(tiles), weights)
    thresholds = reachable_thresholds(layer, sums, rng)
    write_weights(tmp_path / "weights.mem", layer, weights)
    write_thresholds(tmp_path / "thresholds.mem", layer, on_counts(layer, thresholds, weights))
    check_stream_module(
        "conv_with_swu",
        [
            *sources(TOP),
            HW / "memory" / "ram_sdp.sv",
            HW / "kernel" / "swu.sv",
            Path(__file__).with_name("conv_with_swu.sv"),
        ],
        parameters={
            "C": layer.c,
            "H": height,
            "WIDTH": width,
            "STRIDE": stride,
            "M": m,
            "MH": layer.mh,
            "SIMD": simd,
            "WEIGHT_FILE": "weights.mem",
            "THRESHOLD_FILE": "thresholds.mem",
        },
        inputs={"s_axis": lanes(images.reshape(-1, layer.c), bits=1)},
        outputs={"m_axis": pixels(layer, (sums >= thresholds).astype(np.int64))},
        cwd=tmp_path,
        traffic=(FREE_RUNNING, RANDOM),
    )


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"PE": 3}, "PE must divide MH"),
        ({"SIMD": 7}, r"SIMD must divide K\*K\*C"),
        ({"FIFO_DEPTH": 1}, "FIFO_DEPTH must be"),
        ({"ACC_W": 10, "THRESHOLD": 0}, "ACC_W must hold"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, dict) else "",
)
def test_refuses(parameters: dict[str, int], match: str) -> None:
    check_rejected(TOP, sources(TOP), parameters=parameters, match=f"conv_xnor: {match}")


@pytest.mark.parametrize("name", ["C", "K", "STRIDE", "M", "PE"])
def test_refuses_zero(name: str) -> None:
    """Zero breaks elaboration in more than one place; the first message may be another one."""
    check_rejected(TOP, sources(TOP), parameters={name: 0}, match="%Error")


@pytest.mark.parametrize("fast", [True, False])
def test_lint(fast: bool) -> None:
    for parameters in (
        {},
        {"C": 3, "MH": 4, "SIMD": 9, "PE": 2, "M": 2, "STRIDE": 2},
        {"C": 5, "MH": 3, "K": 1, "THRESHOLD": 0, "ACC_W": 4, "ROM_BLOCK": 0},
    ):
        check_lint(TOP, sources(TOP, fast=fast), parameters=parameters)
