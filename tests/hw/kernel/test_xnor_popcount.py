# SPDX-License-Identifier: Apache-2.0
"""xnor_popcount, popcount_heap: both forms exact for random and corner operands, and in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flows.sim.run import RunOptions
from flows.sim.streams import SOURCE_GAPS
from tests.hw.kernel.support_mvu import HW, popcount_latency
from tests.support.battery import (
    Beats,
    build_module,
    check_lint,
    check_rejected,
    lanes,
    run_exact,
)

HERE = Path(__file__).parent
UNIT = [
    HW / "kernel" / f"{name}.sv"
    for name in ("popcount_lanes", "popcount_six", "popcount_heap", "xnor_popcount")
]
FAST = HERE / "fast_sim.sv"

SIZES = [(n, 1) for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 27, 64, 576, 1152)]
PLANES = [(1, 8), (2, 3), (9, 2), (27, 8)]


def operands(n: int, bits: int, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Random pairs, all agreeing, none agreeing, one lane different, and all pairs for small n."""
    full = 2**bits - 1
    weights = rng.integers(0, 2, (300, n))
    values = rng.integers(0, full + 1, (300, n))
    values[0] = weights[0] * full
    values[1] = (1 - weights[1]) * full
    values[2], weights[2] = 0, 0
    values[3], weights[3] = full, 1
    for at in range(4, 40):
        values[at] = weights[at] * full
        values[at, rng.integers(n)] ^= full
    if n * (bits + 1) <= 10:
        codes = np.arange(4**n if bits == 1 else 2 ** (n * (bits + 1)))
        fields = [(codes >> (i * (bits + 1))) for i in range(n)]
        every = np.stack([field & full for field in fields], 1)
        signs = np.stack([(field >> bits) & 1 for field in fields], 1)
        values, weights = np.concatenate([values, every]), np.concatenate([weights, signs])
    return values, weights


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "structural"])
@pytest.mark.parametrize(("n", "bits"), SIZES + PLANES)
def test_counts(n: int, bits: int, fast: bool, rng: np.random.Generator) -> None:
    values, weights = operands(n, bits, rng)
    full = 2**bits - 1
    counts = np.where(weights == 1, values, full - values).sum(1)
    number = np.arange(len(values)) & 0xFFFF
    check(n, bits, bits, fast, values, weights, counts, number)


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "structural"])
@pytest.mark.parametrize("n", [2, 27])
def test_aligned_latency(n: int, fast: bool, rng: np.random.Generator) -> None:
    """EXTRA_FOR delays a one-plane counter to the latency of an eight-plane one."""
    values, weights = operands(n, 1, rng)
    counts = (values == weights).sum(1)
    check(n, 1, 8, fast, values, weights, counts, np.arange(len(values)) & 0xFFFF)


def check(
    n: int,
    bits: int,
    extra_for: int,
    fast: bool,
    values: NDArray,
    weights: NDArray,
    counts: NDArray,
    number: NDArray,
) -> None:
    """Every result once, in order, with its own tag, after exactly the modelled latency."""
    width = (n * (2**bits - 1)).bit_length()
    inputs = {"s_axis": joined((values, bits), (weights, 1), (number, 16))}
    outputs = {"m_axis": joined((counts, width), (number, 16))}
    build = build_module(
        "popcount_probe",
        [*([FAST] if fast else []), *UNIT, HERE / "popcount_probe.sv"],
        parameters={"N": n, "BITS": bits, "EXTRA_FOR": extra_for},
        inputs=inputs,
        outputs=outputs,
    )
    for options in (RunOptions(idle_limit=500), RunOptions(idle_limit=500, stalls=SOURCE_GAPS)):
        result = run_exact(build, inputs, outputs, options)
        delays = result.output_cycles["m_axis"] - result.input_cycles["s_axis"]
        assert set(delays) == {popcount_latency(n, extra_for)}


def joined(*fields: tuple[NDArray, int]) -> Beats:
    """Beats of several fields of (beats, lanes) integers and their widths, the first one lowest."""
    bits = [
        (table.reshape(len(table), -1, 1) >> np.arange(width) & 1).reshape(len(table), -1)
        for table, width in fields
    ]
    return lanes(np.concatenate(bits, 1), bits=1)


@pytest.mark.parametrize(
    ("top", "parameters", "match"),
    [
        ("xnor_popcount", {"N": 0}, "xnor_popcount: N must be"),
        ("xnor_popcount", {"N": 4609}, "xnor_popcount: N must be"),
        ("xnor_popcount", {"TAG_W": 0}, "xnor_popcount: TAG_W must be"),
        ("popcount_heap", {"BITS": 9}, "popcount_heap: BITS must be"),
        ("popcount_heap", {"BITS": 2, "EXTRA_FOR": 1}, "popcount_heap: EXTRA_FOR must be"),
    ],
)
def test_refuses(top: str, parameters: dict[str, int], match: str) -> None:
    check_rejected(top, UNIT, parameters=parameters, match=match)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 27, 288, 4608])
def test_lint(n: int) -> None:
    check_lint("xnor_popcount", UNIT, parameters={"N": n})
    check_lint("xnor_popcount", [FAST, *UNIT], parameters={"N": n})
