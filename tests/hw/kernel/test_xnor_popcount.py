# SPDX-License-Identifier: Apache-2.0
"""xnor_popcount, popcount_heap: both forms exact for random and corner operands, and in time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hw.kernel.support_popcount import (
    FILES,
    HERE,
    HW,
    PROBE,
    Unit,
    check_sums,
    comparing,
    label,
    stimulus,
)
from tests.support.battery import check_lint, check_rejected

UNIT = [*FILES, HW / "kernel" / "xnor_popcount.sv"]
FAST = HERE / "fast_sim.sv"

SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 27, 64, 576, 1152)
PLANES = ((1, 8), (2, 3), (9, 2), (27, 8))
UNITS = [
    *(Unit(n=n) for n in SIZES),
    *(Unit(n=n, bits=bits) for n, bits in PLANES),
    *(Unit(n=n, carry=1) for n in (1, 7, 63)),
    *(comparing(n) for n in (1, 2, 3, 8, 27, 64, 576)),
    *(comparing(n, bits) for n, bits in PLANES),
    *(Unit(n=n, constant=1) for n in (1, 2, 6, 7, 8, 27, 64, 576)),
    *(comparing(n, constant=1) for n in (1, 4, 8, 64)),
]
# Compiling them takes long; one of 576 lanes stays.
SLOW = (Unit(n=1152), Unit(n=576, constant=1), Unit(n=576))


@pytest.mark.parametrize("unit", UNITS, ids=label)
def test_sums(unit: Unit, rng: np.random.Generator) -> None:
    check_sums(unit, stimulus(unit, rng), [FAST, *FILES, PROBE])


@pytest.mark.parametrize(
    "unit",
    [pytest.param(u, marks=pytest.mark.nightly if u in SLOW else ()) for u in UNITS],
    ids=label,
)
def test_sums_of_what_is_synthesised(unit: Unit, rng: np.random.Generator) -> None:
    check_sums(unit, stimulus(unit, rng), [*FILES, PROBE])


@pytest.mark.parametrize(
    ("top", "parameters", "match"),
    [
        ("xnor_popcount", {"N": 0}, "xnor_popcount: N must be"),
        ("xnor_popcount", {"N": 4609}, "xnor_popcount: N must be"),
        ("xnor_popcount", {"TAG_W": 0}, "xnor_popcount: TAG_W must be"),
        ("popcount_heap", {"BITS": 9}, "popcount_heap: BITS must be"),
        ("popcount_heap", {"BITS": 2, "CONSTANT": 1}, "popcount_heap: CONSTANT weights"),
        ("popcount_heap", {"SUM_W": 7, "ADDEND_W": 8}, "popcount_heap: ADDEND_W must be"),
    ],
)
def test_refuses(top: str, parameters: dict[str, int], match: str) -> None:
    check_rejected(top, UNIT, parameters=parameters, match=match)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 27, 288, 4608])
def test_lint(n: int) -> None:
    check_lint("xnor_popcount", UNIT, parameters={"N": n})
    check_lint("xnor_popcount", [FAST, *UNIT], parameters={"N": n})
