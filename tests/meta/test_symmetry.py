# SPDX-License-Identifier: Apache-2.0
"""A hardware module stands at the same places everywhere: RTL, test, catalogue row."""

import re
from pathlib import Path

import pytest

from tests.meta import tree

# Modules that only serve another one and are tested through it.
TESTED_THROUGH = {
    "mvu_core": "conv_xnor",
    "mvu_lanes": "conv_xnor",
    "mvu_windows": "conv_xnor",
    "mvu_words": "conv_xnor",
    "shared_channel": "mvu_int",
    "shared_sums": "mvu_int",
    "popcount_heap": "xnor_popcount",
    "heap_add": "xnor_popcount",
    "popcount_ripple": "xnor_popcount",
    "gpc_607_5": "xnor_popcount",
    "gpc_7_3": "xnor_popcount",
    "gpc_luts": "xnor_popcount",
    "gpc_3_2": "xnor_popcount",
    "add_ternary": "xnor_popcount",
    "lut_pair": "xnor_popcount",
    "carry_chain": "xnor_popcount",
    "shell_control": "shell",
    "shell_counters": "shell",
    "shell_dma": "shell",
}

MODULES = [
    path
    for path in tree.with_suffix(".sv")
    if path.parts[0] == "hw" and path.parts[1] in {"arith", "kernel", "shell", "stream"}
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_file_holds_the_module_of_its_name(path: Path):
    assert re.findall(r"^\s*module\s+(\w+)", tree.text(path), re.MULTILINE) == [path.stem]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_has_a_test(path: Path):
    tests = {p.stem for p in tree.with_suffix(".py") if p.parts[:2] == ("tests", "hw")}
    name = TESTED_THROUGH.get(path.stem, path.stem)
    named_in = [
        p
        for p in tree.with_suffix(".py")
        if p.parts[:2] == ("tests", "hw") and p.stem.startswith("test_") and name in tree.text(p)
    ]
    assert f"test_{name}" in tests or named_in, f"{path}: tests/hw holds no test of {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_has_a_catalogue_row(path: Path):
    catalogue = tree.text(Path("hw/README.md"))
    assert re.search(rf"^\|\s*`?{path.stem}`?\s*\|", catalogue, re.MULTILINE), (
        f"hw/README.md: no table row begins with `{path.stem}`"
    )


def test_catalogue_names_no_module_that_is_gone():
    names = {path.stem for path in tree.with_suffix(".sv") if path.parts[0] == "hw"}
    rows = re.findall(r"^\|\s*`(\w+)`\s*\|", tree.text(Path("hw/README.md")), re.MULTILINE)
    assert set(rows) <= names


def test_exceptions_are_still_needed():
    assert TESTED_THROUGH.keys() <= {path.stem for path in MODULES}
