# SPDX-License-Identifier: Apache-2.0
"""xnor_popcount, popcount_heap: both forms exact for random and corner operands, and in time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flows.dataflow.latency import counter
from flows.sim.run import RunOptions
from flows.sim.streams import SOURCE_GAPS
from tests.hw.kernel.support_mvu import HW
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
    *sorted((HW / "arith").glob("*.sv")),
    HW / "kernel" / "popcount_heap.sv",
    HW / "kernel" / "xnor_popcount.sv",
]
FAST = HERE / "fast_sim.sv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Parameters of a counter, named as in popcount_heap."""

    n: int
    bits: int = 1
    carry: int = 0
    addend: int = 0
    constant: int = 0

    @property
    def largest(self) -> int:
        """Largest count, the carry apart."""
        return self.n * (2**self.bits - 1)

    @property
    def sum_bits(self) -> int:
        """Room for the count, or for the bit above the addend."""
        return self.addend + 1 if self.addend else (self.largest + self.carry).bit_length()


def comparing(n: int, bits: int = 1, constant: int = 0) -> Unit:
    """A counter with a threshold inside."""
    width = (n * (2**bits - 1) + 1).bit_length()
    return Unit(n=n, bits=bits, carry=1, addend=width, constant=constant)


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


def label(unit: Unit) -> str:
    extra = [
        f"{k}{v}"
        for k, v in (("bits", unit.bits), ("carry", unit.carry), ("addend", unit.addend))
        if v != (k == "bits")
    ]
    return "-".join([f"n{unit.n}", *extra, *(["constant"] if unit.constant else [])])


def operands(
    unit: Unit, rng: np.random.Generator, fixed: NDArray | None
) -> tuple[NDArray, NDArray]:
    """Random pairs, all agreeing, none agreeing, one lane different, and all pairs for small n."""
    n, bits = unit.n, unit.bits
    full = 2**bits - 1
    weights = rng.integers(0, 2, (300, n)) if fixed is None else np.tile(fixed, (300, 1))
    values = rng.integers(0, full + 1, (300, n))
    values[0] = weights[0] * full
    values[1] = (1 - weights[1]) * full
    values[2], values[3] = 0, full
    if fixed is None:
        weights[2], weights[3] = 0, 1
    for at in range(4, 40):
        values[at] = weights[at] * full
        values[at, rng.integers(n)] ^= full
    if fixed is None and n * (bits + 1) <= 10:
        codes = np.arange(4**n if bits == 1 else 2 ** (n * (bits + 1)))
        fields = [(codes >> (i * (bits + 1))) for i in range(n)]
        every = np.stack([field & full for field in fields], 1)
        signs = np.stack([(field >> bits) & 1 for field in fields], 1)
        values, weights = np.concatenate([values, every]), np.concatenate([weights, signs])
    return values, weights


def thresholds(unit: Unit, counts: NDArray, rng: np.random.Generator) -> NDArray:
    """Near each count, and now and then at an end of the range: 0, 1, the largest, one more."""
    near = np.clip(counts + rng.integers(-1, 2, len(counts)), 0, unit.largest + 1)
    ends = rng.choice([0, 1, unit.largest, unit.largest + 1], len(counts))
    return np.where(rng.random(len(counts)) < 0.2, ends, near)


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "structural"])
@pytest.mark.parametrize("unit", UNITS, ids=label)
def test_sums(unit: Unit, fast: bool, rng: np.random.Generator) -> None:
    fixed = rng.integers(0, 2, unit.n) if unit.constant else None
    values, weights = operands(unit, rng, fixed)
    full = 2**unit.bits - 1
    counts = np.where(weights == 1, values, full - values).sum(1)
    carries = rng.integers(0, 2, len(counts)) if not unit.addend else np.ones_like(counts)
    limits = thresholds(unit, counts, rng)
    addends = 2**unit.addend - 1 - limits if unit.addend else np.zeros_like(counts)
    sums = counts + carries * unit.carry + addends
    if unit.addend:  # the bit above the addend is the comparison
        np.testing.assert_array_equal(sums >> unit.addend, counts >= limits)
    check(unit, fast, fixed, (values, weights, carries, addends), sums)


def check(
    unit: Unit, fast: bool, fixed: NDArray | None, fields: tuple[NDArray, ...], sums: NDArray
) -> None:
    """Every result once, in order, with its own tag, after exactly the modelled latency."""
    number = np.arange(len(sums)) & 0xFFFF
    values, weights, carries, addends = fields
    entries = [(values, unit.bits), (weights, 1), (carries, 1), (addends, unit.addend)]
    inputs = {"s_axis": joined(*entries, (number, 16))}
    outputs = {"m_axis": joined((sums, unit.sum_bits), (number, 16))}
    word = sum(int(bit) << at for at, bit in enumerate(fixed)) if fixed is not None else 0
    build = build_module(
        "popcount_probe",
        [*([FAST] if fast else []), *UNIT, HERE / "popcount_probe.sv"],
        parameters={
            "N": unit.n,
            "BITS": unit.bits,
            "CARRY": unit.carry,
            "ADDEND_W": unit.addend,
            "SUM_W": unit.sum_bits,
            "CONSTANT": unit.constant,
            "WEIGHTS": word,
        },
        inputs=inputs,
        outputs=outputs,
    )
    for options in (RunOptions(idle_limit=500), RunOptions(idle_limit=500, stalls=SOURCE_GAPS)):
        result = run_exact(build, inputs, outputs, options)
        delays = set(result.output_cycles["m_axis"] - result.input_cycles["s_axis"])
        if not unit.constant:
            kind = {"carry": bool(unit.carry), "addend": unit.addend, "total": unit.sum_bits}
            assert delays == {counter(unit.n, unit.bits, **kind)}
        assert len(delays) == 1


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
