# SPDX-License-Identifier: Apache-2.0
"""Costs of the counters: synthesised again, equal to counter_costs.toml, and within the budgets.

python -m tests.hw.test_counter_costs [form n]    measures, and prints lines for the table
"""

from __future__ import annotations

import json
import sys
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest

from flows.emit.project import HW, closure
from flows.synth import SynthTarget, synthesise
from flows.synth.carries import positions_without_lut

TABLE = Path(__file__).with_name("counter_costs.toml")
SMALL = 64  # measured with every change; larger ones nightly
LEVELS = 5
# LUT per bit at 576 bits, positions without a LUT included.
BUDGET = {"variable": 0.95, "threshold": 0.95, "constant": 0.70}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A counter of ``n`` bits and what it takes."""

    form: str
    n: int
    lut: int
    positions: int
    ff: int
    levels: int


COSTS = [Cost(**point) for point in tomllib.loads(TABLE.read_text()).get("cost", [])]


def _probe(form: str, n: int) -> str:
    """A module around the counter that uses what a unit would use of it."""
    threshold = form == "threshold"
    addend = (n + 1).bit_length() if threshold else 1
    total = addend + 1 if threshold else n.bit_length()
    bits = np.random.default_rng(n).integers(0, 2, n)
    word = "".join(map(str, bits))
    values = {
        "threshold": f".CARRY(1'b1), .ADDEND_W({addend}), .SUM_W({total})",
        "constant": f".CONSTANT(1'b1), .WEIGHTS({n}'b{word})",
    }
    parameters = f".N({n}), {values[form]}" if form in values else f".N({n})"
    result = f"sum[{total - 1}]" if threshold else "sum"
    return f"""module probe (
  input logic clk_i, rst_ni, tag_i,
  input logic [{n - 1}:0] act_i, weight_i,
  input logic [{addend - 1}:0] addend_i,
  output logic addend_tag_o, tag_o,
  output logic [{0 if threshold else total - 1}:0] result_o
);
  logic [{total - 1}:0] sum;
  assign result_o = {result};
  popcount_heap #({parameters}) u_probe (
    .clk_i, .rst_ni, .act_i, .weight_i, .carry_i(1'b1), .tag_i, .addend_i, .addend_tag_o,
    .sum_o(sum), .tag_o
  );
endmodule
"""


def measure(form: str, n: int, folder: Path) -> Cost:
    """Synthesises a counter."""
    text = _probe(form, n)
    root = folder / "rtl"
    root.mkdir(parents=True)
    (root / "probe.sv").write_text(text)
    names = []
    for path in [*closure([text]), *sorted((HW / "include").glob("*.svh"))]:
        (root / path.name).write_bytes(path.read_bytes())
        names.append(Path(path.name))
    target = SynthTarget(
        name="probe",
        top="probe",
        root=root,
        sources=(*(name for name in names if name.suffix == ".sv"), Path("probe.sv")),
        include_dirs=(Path(),),
    )
    report = synthesise([target], "xc7", folder / "work", 1, folder / "cache")[0]
    (netlist,) = folder.rglob("netlist.json")
    positions = positions_without_lut(json.loads(netlist.read_text()), "probe")
    return Cost(
        form=form,
        n=n,
        lut=report.lut,
        positions=positions,
        ff=report.ff,
        levels=report.lut_levels,
    )


@pytest.mark.parametrize(
    "cost",
    [pytest.param(cost, marks=[pytest.mark.nightly] if cost.n > SMALL else []) for cost in COSTS],
    ids=lambda cost: f"{cost.form}-{cost.n}",
)
def test_cost_is_the_stated_one(cost: Cost, tmp_path: Path) -> None:
    assert measure(cost.form, cost.n, tmp_path) == cost


@pytest.mark.parametrize("cost", [c for c in COSTS if c.n == 576], ids=lambda cost: cost.form)
def test_counters_are_within_their_budget(cost: Cost) -> None:
    """What the table states, which the test above measures."""
    assert cost.lut + cost.positions <= BUDGET[cost.form] * cost.n


def test_every_form_is_measured_at_that_size() -> None:
    assert {cost.form for cost in COSTS if cost.n == 576} == BUDGET.keys()


def test_no_path_is_longer_than_the_levels_allowed() -> None:
    assert max(cost.levels for cost in COSTS) <= LEVELS


def main(arguments: list[str]) -> None:
    """Prints records of the table: of one point, or of all that it has."""
    points = [(arguments[0], int(arguments[1]))] if arguments else [(c.form, c.n) for c in COSTS]
    for form, n in points:
        with tempfile.TemporaryDirectory() as folder:
            cost = measure(form, n, Path(folder))
        fields = ", ".join(
            f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
            for name, value in asdict(cost).items()
        )
        sys.stdout.write(f"  {{ {fields} }},\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
