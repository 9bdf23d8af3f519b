# SPDX-License-Identifier: Apache-2.0
"""Counters under test: their parameters, operands, and the results that numpy expects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.dataflow.latency import counter
from flows.sim.run import RunOptions
from flows.sim.streams import SOURCE_GAPS
from tests.support.battery import ROOT, Beats, build_module, lanes, run_exact

HW = ROOT / "hw"
HERE = Path(__file__).parent
FILES = [*sorted((HW / "arith").glob("*.sv")), HW / "kernel" / "popcount_heap.sv"]
PROBE = HERE / "popcount_probe.sv"


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

    @property
    def latency(self) -> int:
        """Cycles, by the compiler's model."""
        kind = {"carry": bool(self.carry), "constant": bool(self.constant)}
        return counter(self.n, self.bits, addend=self.addend, total=self.sum_bits, **kind)


def comparing(n: int, bits: int = 1, constant: int = 0) -> Unit:
    """A counter with a threshold inside."""
    width = (n * (2**bits - 1) + 1).bit_length()
    return Unit(n=n, bits=bits, carry=1, addend=width, constant=constant)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """Beats for popcount_probe, and the constant weights as a number."""

    inputs: dict[str, Beats]
    outputs: dict[str, Beats]
    word: int

    def parameters(self, unit: Unit) -> dict[str, Any]:
        """Of the unit, or of the probe around it."""
        return {
            "N": unit.n,
            "BITS": unit.bits,
            "CARRY": unit.carry,
            "ADDEND_W": unit.addend,
            "SUM_W": unit.sum_bits,
            "CONSTANT": unit.constant,
            "WEIGHTS": self.word,
        }


def stimulus(unit: Unit, rng: np.random.Generator) -> Stimulus:
    """Random and corner operands; a comparing unit gets thresholds near the counts."""
    fixed = rng.integers(0, 2, unit.n) if unit.constant else None
    values, weights = operands(unit, rng, fixed)
    counts = np.where(weights == 1, values, 2**unit.bits - 1 - values).sum(1)
    carries = rng.integers(0, 2, len(counts)) if not unit.addend else np.ones_like(counts)
    limits = thresholds(unit, counts, rng)
    addends = 2**unit.addend - 1 - limits if unit.addend else np.zeros_like(counts)
    sums = counts + carries * unit.carry + addends
    if unit.addend:  # the bit above the addend is the comparison
        np.testing.assert_array_equal(sums >> unit.addend, counts >= limits)
        assert 0 < (counts >= limits).mean() < 1
    number = np.arange(len(sums)) & 0xFFFF
    fields = [(values, unit.bits), (weights, 1), (carries, 1), (addends, unit.addend)]
    return Stimulus(
        inputs={"s_axis": joined(*fields, (number, 16))},
        outputs={"m_axis": joined((sums, unit.sum_bits), (number, 16))},
        word=sum(int(bit) << at for at, bit in enumerate(fixed)) if fixed is not None else 0,
    )


def check_sums(unit: Unit, beats: Stimulus, sources: list[Path], **options: Any) -> None:
    """Every result once, in order, with its own tag, after exactly the modelled latency."""
    build = build_module(
        "popcount_probe",
        sources,
        parameters=beats.parameters(unit),
        inputs=beats.inputs,
        outputs=beats.outputs,
        **options,
    )
    for run in (RunOptions(idle_limit=500), RunOptions(idle_limit=500, stalls=SOURCE_GAPS)):
        result = run_exact(build, beats.inputs, beats.outputs, run)
        delays = set(result.output_cycles["m_axis"] - result.input_cycles["s_axis"])
        assert delays == {unit.latency}


def joined(*fields: tuple[NDArray, int]) -> Beats:
    """Beats of several fields of (beats, lanes) integers and their widths, the first one lowest."""
    bits = [
        (table.reshape(len(table), -1, 1) >> np.arange(width) & 1).reshape(len(table), -1)
        for table, width in fields
    ]
    return lanes(np.concatenate(bits, 1), bits=1)
