# SPDX-License-Identifier: Apache-2.0
"""The register map: what is committed is what the table says, and a broken table is refused."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from flows.errors import UsageError
from flows.shell.registers import OUTPUTS, ROOT, TABLE, load

ROW = '\n[[register]]\nname = "{name}"\noffset = {offset}\naccess = "{access}"\ntext = "x"\n'


@pytest.mark.parametrize("name", OUTPUTS)
def test_committed_file_is_what_the_table_gives(name: str):
    assert (ROOT / name).read_text(encoding="utf-8") == OUTPUTS[name](load()), (
        f"{name} is stale; run: python -m flows.shell.registers"
    )


def test_rows_expand_to_registers():
    offsets = {register.name: register.offset for register in load().registers}
    assert offsets["IN_BASE_HI"] == offsets["IN_BASE_LO"] + 4
    assert offsets["MODEL_HASH3"] == offsets["MODEL_HASH0"] + 12
    assert "MODEL_HASH" not in offsets


def test_all_four_languages_agree(tmp_path: Path):
    """Offsets and masks, read back from each text by something that is not the generator."""
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in OUTPUTS}
    table = {register.name: register.offset for register in load().registers}

    tree = ast.parse(texts["bitstreams/driver/registers.py"], feature_version=(3, 8))
    scope: dict[str, object] = {}
    exec(compile(tree, "registers", "exec"), scope)
    assert scope["OFFSET"] == table

    found = re.findall(
        r"localparam logic \[15:0\] (\w+) = 16'h(\w+);", texts["hw/include/shell_registers.svh"]
    )
    assert {name: int(value, 16) for name, value in found} == table

    rows = re.findall(r"^\| 0x(\w+) \| `(\w+)`", texts["docs/registers.md"], re.MULTILINE)
    assert {name: int(value, 16) for value, name in rows} == table

    lines = [f'  printf("{name} %u\\n", XNORFLOW_{name});' for name in table]
    source = tmp_path / "show.c"
    body = "\n".join(lines)
    source.write_text(
        '#include <stdio.h>\n#include "xnorflow_registers.h"\n'
        f"int main(void) {{\n{body}\n  return 0;\n}}\n"
    )
    compiler = shutil.which("g++")
    assert compiler, "g++ is a prerequisite of the project"
    header = ROOT / "bitstreams" / "driver"
    command = [compiler, "-x", "c++", "-Wall", "-Werror", f"-I{header}", str(source)]
    subprocess.run([*command, "-o", str(tmp_path / "show")], check=True)
    output = subprocess.run([tmp_path / "show"], capture_output=True, text=True, check=True).stdout
    shown = dict(line.split() for line in output.splitlines())
    assert {name: int(value) for name, value in shown.items()} == table


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.format(name="TWIN", offset="0x024", access="ro"), "TWIN.*0x024|0x024.*TWIN"),
        (ROW.format(name="ODD", offset="0x0F2", access="ro"), "ODD.*multiples of 4"),
        (ROW.format(name="FAR", offset="0x10000", access="ro"), "FAR.*below 0x10000"),
        (ROW.format(name="SECRET", offset="0x0F0", access="none"), "SECRET.*allowed: ro"),
        (
            ROW.format(name="F", offset="0x0F0", access="rw")
            + 'fields = [{ name = "A", bits = [3, 0] }, { name = "B", bits = [5, 3] }]\n',
            "F: field B.*overlaps",
        ),
        (
            ROW.format(name="F", offset="0x0F0", access="rw")
            + 'fields = [{ name = "A", bits = [32, 32] }]\n',
            "F: field A.*below 32",
        ),
        (
            ROW.format(name="BIG", offset="0x0F0", access="rw") + "reset = 0x100000000\n",
            "BIG: reset",
        ),
    ],
)
def test_broken_tables_are_refused(tmp_path: Path, row: str, message: str):
    path = tmp_path / "registers.toml"
    path.write_text(TABLE.read_text(encoding="utf-8") + row, encoding="utf-8")
    with pytest.raises(UsageError, match=f"(?s){message}"):
        load(path)
