# SPDX-License-Identifier: Apache-2.0
"""The driver's copy of the register map is the map."""

import tomllib

from flows.deploy.registers import DRIVER, block, embed
from tests.bitstreams.driver.test_language import ROOT


def test_the_driver_holds_the_present_tables():
    text = DRIVER.read_text()
    assert embed(text) == text, "run: python -m flows.deploy.registers"


def test_a_stale_copy_would_be_found():
    text = DRIVER.read_text()
    stale = text.replace('"STATUS": 0x024', '"STATUS": 0x028')
    assert stale != text
    assert embed(stale) == text


def test_tables_are_those_of_the_register_map():
    tables: dict[str, dict[str, object]] = {}
    exec(block(), tables)
    rows = tomllib.loads((ROOT / "hw" / "shell" / "registers.toml").read_text())["register"]
    for row in rows:
        assert tables["OFFSET"][row["name"]] == row["offset"]
        for field in row.get("fields", ()):
            assert tables["FIELDS"][f"{row['name']}.{field['name']}"] == tuple(field["bits"])
