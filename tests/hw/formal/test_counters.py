# SPDX-License-Identifier: Apache-2.0
"""Netlists of the counters equal arithmetic: by SAT for small ones, by simulation for large ones.

The netlist is what `synth_xilinx` makes; the other side is the form for simulators, which uses
`$countones`. Proofs take Yosys' models of the cells, simulation our own (cells.v). One changed bit
of one truth table, and one crossed carry chain, must be found both ways.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.hw.kernel.support_popcount import (
    PROBE,
    Stimulus,
    Unit,
    check_sums,
    comparing,
    label,
    stimulus,
)
from tests.support.gates import (
    FORMS,
    TOP,
    Form,
    behaves,
    netlist,
    with_crossed_carry,
    with_flipped_bit,
)

HERE = Path(__file__).parent
TAG_W = {"TAG_W": 17}

PROVEN = [
    *((unit, FORMS[0]) for unit in (Unit(n=8), comparing(8), Unit(n=16), comparing(16))),
    (comparing(24), FORMS[0]),
    (comparing(3, bits=3), FORMS[0]),
    (Unit(n=14, constant=1), FORMS[0]),
    (comparing(16, constant=1), FORMS[0]),
    *((comparing(12), form) for form in FORMS[1:]),
    *((comparing(16), form) for form in FORMS[1:]),
]


def proof_label(value: object) -> str:
    return label(value) if isinstance(value, Unit) else getattr(value, "id", str(value))


def small(unit: Unit, rng: np.random.Generator) -> dict[str, int]:
    return stimulus(unit, rng).parameters(unit)


@pytest.mark.parametrize(("unit", "form"), PROVEN, ids=proof_label)
def test_netlist_is_proven(
    unit: Unit, form: Form, tmp_path: Path, rng: np.random.Generator
) -> None:
    parameters = small(unit, rng)
    text = netlist(tmp_path, parameters, form)
    assert ("LUT6_2 " in text) == ("NO_LUT6_2" not in form.defines)
    assert ("CARRY8 " in text) == (form.family == "xcup")
    assert behaves(text, tmp_path, parameters, unit.latency)


FAULTS = {
    "carry_table": lambda text: with_flipped_bit(text, "O5"),
    "sum_table": lambda text: with_flipped_bit(text, "O6"),
    "crossed_carry": lambda text: with_crossed_carry(text, "CARRY4"),
}


@pytest.mark.parametrize("unit", [comparing(8), Unit(n=14, constant=1)], ids=label)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refuted(
    fault: str, unit: Unit, tmp_path: Path, rng: np.random.Generator
) -> None:
    parameters = small(unit, rng)
    text = FAULTS[fault](netlist(tmp_path, parameters, FORMS[0]))
    assert not behaves(text, tmp_path, parameters, unit.latency)


def simulate(unit: Unit, beats: Stimulus, text: str, folder: Path) -> None:
    """Runs the netlist in the place of the module."""
    gates = folder / "popcount_gates.v"
    gates.write_text(text.replace(f"module {TOP}(", "module popcount_gates("))
    sources = [HERE / "gates.vlt", HERE / "cells.v", gates, PROBE]
    check_sums(unit, beats, sources, defines={"POPCOUNT_GATES": "1"})


LARGE = (
    comparing(27, bits=8),
    comparing(576),
    Unit(n=576, constant=1),
    comparing(576, constant=1),
    comparing(1152),
    comparing(4600),
    Unit(n=4608, constant=1),
)
SIMULATED = [
    comparing(64),
    *(pytest.param(unit, marks=pytest.mark.nightly) for unit in LARGE),
]


@pytest.mark.parametrize("unit", SIMULATED, ids=label)
def test_netlist_simulates(unit: Unit, tmp_path: Path, rng: np.random.Generator) -> None:
    beats = stimulus(unit, rng)
    text = netlist(tmp_path, {**beats.parameters(unit), **TAG_W}, FORMS[0])
    simulate(unit, beats, text, tmp_path)


@pytest.mark.parametrize(
    ("fault", "unit"),
    [
        ("sum_table", comparing(64)),
        ("crossed_carry", Unit(n=64, constant=1)),
        *(pytest.param(fault, comparing(576), marks=pytest.mark.nightly) for fault in FAULTS),
    ],
    ids=proof_label,
)
def test_a_fault_fails_in_simulation(
    fault: str, unit: Unit, tmp_path: Path, rng: np.random.Generator
) -> None:
    beats = stimulus(unit, rng)
    text = netlist(tmp_path, {**beats.parameters(unit), **TAG_W}, FORMS[0])
    with pytest.raises(pytest.fail.Exception, match="expected"):
        simulate(unit, beats, FAULTS[fault](text), tmp_path)
