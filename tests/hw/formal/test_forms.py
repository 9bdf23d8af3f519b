# SPDX-License-Identifier: Apache-2.0
"""Modules with several forms, chosen by macros: all forms of a module are the same function.

Cells of a family stand for Yosys' models of them. Whole counters, mapped: test_counters.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flows.dataflow.latency import shared_sums
from flows.emit.project import library
from tests.hw.kernel.support_popcount import Unit, comparing
from tests.support.equal import Equality, is_equal

CELLS = "SYNTHESIS"
PLAIN = "SYNTHESIS XNORFLOW_GENERIC"
CARRY8 = "SYNTHESIS XNORFLOW_CARRY8"
TABLES = {"INIT6": "32'hd1e8_8e17", "INIT5": "32'h2b5c_70f9"}


def chain(identity: str, n: int, width: int, cells: str) -> Equality:
    """Chains of cells against the formula; sabotaged, a chain begins with another one's carry."""
    paired = cells == CARRY8 and width <= 4
    carry, wrong = (
        (".CI(first[2*i])", ".CI(first[2*i+1])") if paired else ("carry_i[n]", "carry_i[0]")
    )
    if n == 1:
        carry, wrong = "assign below = co[", "assign below = o["
    return Equality(
        id=identity,
        module="carry_chain",
        parameters={"N": n, "W": width},
        forms=(PLAIN, cells),
        sabotage=(carry, wrong),
    )


def counter(unit: Unit, sabotage: tuple[str, str]) -> Equality:
    """The arithmetic of simulators against the structure."""
    parameters: dict[str, int | str] = {
        "N": unit.n,
        "CARRY": unit.carry,
        "ADDEND_W": unit.addend,
        "SUM_W": unit.sum_bits,
        "CONSTANT": unit.constant,
    }
    if unit.constant:
        parameters["WEIGHTS"] = f"{unit.n}'b{'01101'.ljust(unit.n, '1')}"
    return Equality(
        id=f"popcount_heap_{'constant' if unit.constant else 'variable'}",
        module="popcount_heap",
        parameters=parameters,
        forms=(f"{PLAIN} XNORFLOW_FAST_SIM", PLAIN),
        sabotage=sabotage,
        latency=unit.latency,
    )


def pair(identity: str, **parameters: int) -> Equality:
    """The sums of a DSP slice, as wide as they are and as wide as they are read."""
    return Equality(
        id=identity,
        module="dsp_pair",
        parameters=parameters,
        forms=(PLAIN, f"{PLAIN} XNORFLOW_FAST_SIM"),
        sabotage=("+ SUM_W'(!plus_q[1]);", "+ SUM_W'(plus_q[1]);"),
        latency=3,
        restart="first_i",
    )


EQUALITIES = (
    Equality(
        id="lut_pair",
        module="lut_pair",
        parameters=TABLES,
        forms=(PLAIN, CELLS),
        sabotage=("{INIT6, INIT5}", "{INIT5, INIT6}"),
    ),
    Equality(
        id="lut_pair_without_lut6_2",
        module="lut_pair",
        parameters=TABLES,
        forms=(PLAIN, "SYNTHESIS XNORFLOW_NO_LUT6_2"),
        sabotage=(".INIT(INIT5)", ".INIT(INIT6)"),
    ),
    chain("carry_chain", 3, 3, CELLS),
    chain("carry_chain_long", 1, 10, CELLS),
    chain("carry_chain_carry8", 3, 3, CARRY8),
    chain("carry_chain_carry8_long", 1, 18, CARRY8),
    counter(comparing(10), (".carry_i((b == 0) ? carry_i && CARRY : 1'b0)", ".carry_i(1'b0)")),
    Equality(
        id="shared_channel",
        module="shared_channel",
        parameters={"FOURS": 5, "FOUR_W": 4, "COUNT_W": 6},
        forms=(f"{PLAIN} XNORFLOW_FAST_SIM", PLAIN),
        sabotage=(".bits_i(chosen)", ".bits_i(~chosen)"),
        latency=shared_sums(20, 2) - 1,
    ),
    pair("dsp_pair"),
    pair("dsp_pair_small", FIELD_W=2, X_W=1),
    counter(comparing(12, constant=1), ("act_i[ORDER[INDEX_W*i+:INDEX_W]]", "act_i[i]")),
)


@pytest.mark.parametrize("equality", EQUALITIES, ids=lambda equality: equality.id)
def test_forms_are_equal(equality: Equality, tmp_path: Path) -> None:
    assert is_equal(equality, tmp_path)


@pytest.mark.parametrize("equality", EQUALITIES, ids=lambda equality: equality.id)
def test_sabotage_is_found(equality: Equality, tmp_path: Path) -> None:
    assert not is_equal(equality, tmp_path, *equality.sabotage)


def forms_of(text: str) -> set[str]:
    """Macros that choose a form, those that the text defines itself apart."""
    asked = set(re.findall(r"`ifn?def (XNORFLOW_\w+)", text))
    return asked - set(re.findall(r"`define (XNORFLOW_\w+)", text))


def test_every_form_is_proven() -> None:
    """A module that asks for a macro has a proof in which the forms differ by it."""
    proven: dict[str, set[str]] = {}
    for equality in EQUALITIES:
        proven.setdefault(equality.module, set()).update(equality.macros)
    asked = {name: forms_of(path.read_text()) for name, path in library().items()}
    assert {
        name: macros for name, macros in asked.items() if macros - proven.get(name, set())
    } == {}
    assert proven.keys() <= {name for name, macros in asked.items() if macros}


def test_a_new_form_is_noticed() -> None:
    assert forms_of("`ifdef XNORFLOW_OTHER\n`define XNORFLOW_OWN\n`ifdef XNORFLOW_OWN") == {
        "XNORFLOW_OTHER"
    }
