# SPDX-License-Identifier: Apache-2.0
"""Two forms of a module, chosen by macros: equal for all inputs, by SAT in Yosys."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from flows.emit.project import HW, closure
from flows.errors import ToolError
from flows.synth.yosys import execute


@dataclass(frozen=True, kw_only=True)
class Equality:
    """A module at a size, and the macros of two of its forms, separated by spaces.

    ``sabotage`` replaces the first text by the second, in the module of the second form.
    ``latency``: cycles from the inputs to the outputs, without feedback; 0: combinational.
    ``restart``: input that takes a sum from the inputs, whatever was in it. Then both forms are
    equal, and the cycle after shows that equal sums stay equal, and so for ever.
    """

    id: str
    module: str
    parameters: dict[str, int | str]
    forms: tuple[str, str]
    sabotage: tuple[str, str]
    latency: int = 0
    restart: str = ""

    @property
    def macros(self) -> set[str]:
        """Macros in which the forms differ."""
        first, second = (set(form.split()) for form in self.forms)
        return first ^ second


def _read(equality: Equality, form: str, folder: str, names: list[str]) -> list[str]:
    values = " ".join(f"-chparam {name} {value}" for name, value in equality.parameters.items())
    macros = " ".join(f"-D{macro}" for macro in form.split())
    return [
        f"read_verilog -sv {macros} -I{folder} {' '.join(f'{folder}/{name}' for name in names)}",
        "read_verilog +/xilinx/cells_sim.v",
        f"hierarchy -check -top {equality.module} {values}",
        "setattr -mod -unset keep_hierarchy *",
        f"rename -top {folder}",
        f"prep -flatten -top {folder}",
        f"design -stash {folder}",
    ]


def is_equal(equality: Equality, folder: Path, *edit: str) -> bool:
    """Whether both forms give the same outputs, whatever the inputs.

    Args:
        equality: The forms.
        folder: Empty; gets the sources and the log.
        edit: A text of the second form's module, and what replaces it.
    """
    top = next(HW.glob(f"*/{equality.module}.sv"))
    files = [*closure([top.read_text()]), top, *(HW / "include").glob("*.svh")]
    for side in ("first", "second"):
        (folder / side).mkdir()
        for path in files:
            shutil.copy(path, folder / side)
    if edit:
        copy = folder / "second" / top.name
        text = copy.read_text()
        assert edit[0] in text, f"{equality.module}: nothing to replace: {edit[0]!r}"
        copy.write_text(text.replace(*edit))
    names = [path.name for path in files if path.suffix == ".sv"]
    wait, skip = "", equality.latency
    if equality.restart:
        skip += 1
        wait = f"-seq {skip + 2} -prove-skip {skip} -set-at {skip} in_{equality.restart} 1"
    elif skip:
        wait = f"-seq {skip + 1} -prove-skip {skip}"
    lines = [
        *_read(equality, equality.forms[0], "first", names),
        *_read(equality, equality.forms[1], "second", names),
        "design -copy-from first first",
        "design -copy-from second second",
        "miter -equiv -flatten -make_outputs first second miter",
        "prep -top miter",
        f"sat -prove trigger 0 {wait} miter",
    ]
    (folder / "run.ys").write_text("\n".join(lines))
    execute(["-q", "-l", "yosys.log", "-s", "run.ys"], folder, equality.id)
    log = (folder / "yosys.log").read_text()
    if "SAT proof finished - no model found: SUCCESS!" in log:
        return True
    if "SAT proof finished - model found: FAIL!" in log:
        return False
    raise ToolError(f"{equality.id}: no verdict\n{log[-2000:]}")
