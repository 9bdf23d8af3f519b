# SPDX-License-Identifier: Apache-2.0
"""dsp_pair is one DSP slice and nothing else, and the slice that synthesis makes of it is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.emit.project import closure
from flows.sim.run import RunOptions
from flows.sim.streams import FREE_RUNNING, RANDOM
from flows.synth import SynthTarget, synthesise
from flows.synth.yosys import Family, execute
from tests.hw.kernel.support_mvu import HW, make_case, parameters
from tests.hw.kernel.test_mvu_dsp import DspLayer
from tests.support.battery import build_module, check_rejected, run_exact

PAIR = HW / "kernel" / "dsp_pair.sv"


@pytest.mark.parametrize("family", ["xc7", "xcup"])
def test_is_one_slice(family: Family, tmp_path: Path) -> None:
    """Weights, multiplier, sum and registers: no LUT, no carry, no flip-flop beside the slice."""
    target = SynthTarget(
        name="dsp_pair",
        top="dsp_pair",
        root=PAIR.parent,
        sources=(Path(PAIR.name),),
    )
    report = synthesise([target], family, tmp_path / "work", 1, tmp_path / "cache")[0]
    assert dict(report.cells) == {"DSP48E1": 1}


def _netlist(folder: Path, layer: DspLayer, *edit: str) -> list[Path]:
    """`mvu_dsp` mapped to 7 series cells, these replaced by Yosys' models of them.

    Yosys leaves pins open that no register of a slice uses, resets among them: they are low.
    """
    values = {
        key: f'"{value}"' if isinstance(value, str) else int(value)
        for key, value in parameters("mvu_dsp", layer).items()
    }
    listed = " ".join(f"-set {key} {value}" for key, value in values.items())
    top = HW / "kernel" / "mvu_dsp.sv"
    files = [top, *closure([top.read_text()]), HW / "include" / "axis_assert.svh"]
    for path in files:
        text = path.read_text()
        (folder / path.name).write_text(text.replace(*edit) if edit and path == PAIR else text)
    names = " ".join(path.name for path in files if path.suffix == ".sv")
    script = [
        f"read_verilog -sv -DSYNTHESIS -defer {names}",
        f"chparam {listed} mvu_dsp",
        "synth_xilinx -family xc7 -top mvu_dsp -flatten -noiopad -noclkbuf",
        "setattr -mod -unset keep_hierarchy *",
        "flatten",
        "select -assert-any t:DSP48E1",
        "design -stash mapped",
        "design -copy-from mapped -as netlist mvu_dsp",
        "read_verilog +/xilinx/cells_sim.v",
        "hierarchy -top netlist",
        "proc",
        "flatten",
        "setundef -undriven -zero",
        "opt_clean -purge",
        "write_verilog -noattr netlist.v",
    ]
    (folder / "netlist.ys").write_text("\n".join(script))
    execute(["-q", "-l", "yosys.log", "-s", "netlist.ys"], folder, "netlist")
    # The generated text is not held to our rules of style.
    (folder / "netlist.vlt").write_text("`verilator_config\nlint_off\n")
    return [folder / "netlist.vlt", folder / "netlist.v"]


@pytest.mark.parametrize(
    "layer",
    [DspLayer(mh=5, pe=5, m=3), DspLayer(mh=2, pe=2, threshold=False, acc_w=14)],
    ids=["activations", "sums"],
)
def test_netlist_is_exact(layer: DspLayer, tmp_path: Path, rng: np.random.Generator) -> None:
    case = make_case(layer, tmp_path, rng)
    netlist = _netlist(tmp_path, layer)
    build = build_module("netlist", netlist, inputs=case.inputs, outputs=case.outputs)
    for pattern in (FREE_RUNNING, RANDOM):
        run_exact(build, case.inputs, case.outputs, RunOptions(stalls=pattern, idle_limit=2000))


def test_a_wrong_slice_is_found(tmp_path: Path, rng: np.random.Generator) -> None:
    """Negative control, a fault that was there: in `~A_W'(x)`, Yosys 0.70 drops the inversion."""
    layer = DspLayer(mh=2, pe=2)
    case = make_case(layer, tmp_path, rng)
    edit = (
        "{{(A_W - FIELD_W - 1) {1'b1}}, 1'b0, {FIELD_W{1'b1}}}",
        "~A_W'({1'b1, {FIELD_W{1'b0}}})",
    )
    assert edit[0] in PAIR.read_text()
    netlist = _netlist(tmp_path, layer, *edit)
    build = build_module("netlist", netlist, inputs=case.inputs, outputs=case.outputs)
    with pytest.raises(pytest.fail.Exception, match="expected"):
        run_exact(build, case.inputs, case.outputs, RunOptions(idle_limit=2000))


@pytest.mark.parametrize(
    ("values", "match"),
    [({"FIELD_W": 23}, "FIELD_W must be 2 to 22"), ({"X_W": 18}, "X_W must be")],
)
def test_refuses(values: dict[str, int], match: str) -> None:
    check_rejected("dsp_pair", [PAIR], parameters=values, match=match)
