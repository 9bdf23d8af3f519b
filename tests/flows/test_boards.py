# SPDX-License-Identifier: Apache-2.0
"""Boards: every shipped file loads, and every wrong one is explained."""

import runpy
from pathlib import Path

import pytest

from flows.boards import BOARD_DIR, board_names, load_board
from flows.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]

GOOD = """
name = "My Board"
part = "xc7z010clg400-1"
family = "xc7"
[clock]
default_mhz = 50.0
crystal_mhz = 33.333333
[ports]
control = "M_AXI_GP0"
control_base = 0x40000000
memory = "S_AXI_HP0"
address_bits = 32
[budget]
lut = 17600
ff = 35200
bram36 = 60
dsp = 80
"""


def test_shipped_boards_are_those_named():
    assert set(board_names()) == {
        "AUP-ZU3",
        "Arty-Z7-20",
        "KV260",
        "Pynq-Z1",
        "Pynq-Z2",
        "Ultra96-V2",
        "ZCU102",
        "ZCU104",
        "ZedBoard",
        "Zybo-Z7-20",
    }


@pytest.mark.parametrize("path", sorted(BOARD_DIR.glob("*.toml")), ids=lambda p: p.stem)
def test_file_is_named_as_its_board(path: Path):
    board = load_board(path)
    assert board.slug == path.stem
    assert board.part.startswith("xc7z" if board.family == "xc7" else ("xczu", "xck26"))


@pytest.mark.parametrize("name", ["Pynq-Z2", "pynq-z2", "PYNQ_Z2", "pynq z2"])
def test_name_in_any_spelling(name: str):
    board = load_board(name)
    assert (board.name, board.slug) == ("Pynq-Z2", "pynq_z2")
    assert board.budget.lut == 53_200
    assert board.clock.default_mhz == 100.0


def test_unknown_name_gets_list_and_suggestion():
    with pytest.raises(UsageError) as caught:
        load_board("Pynq-Z3")
    message = str(caught.value)
    assert "Did you mean Pynq-Z" in message
    assert "ZCU104" in message
    with pytest.raises(UsageError) as caught:
        load_board("")
    assert "Did you mean" not in str(caught.value)


def test_board_of_the_user(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_board(str(path)).slug == "my_board"
    assert load_board(path).budget.dsp == 80


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("lut = 17600", "luts = 17600", "budget.luts: unknown key; allowed: lut, ff, bram36, dsp"),
        ("dsp = 80", "", "budget.dsp: missing"),
        ("lut = 17600", "lut = -1", "budget.lut: found -1"),
        ("crystal_mhz = 33.333333", "", "clock.crystal_mhz: missing"),
        ("S_AXI_HP0", "S_AXI_HP0_FPD", "memory must be one of S_AXI_HP0, S_AXI_HP1"),
        ("0x40000000", "0x40000400", "ports.control_base: found 1073742848"),
        (
            "dsp = 80",
            "dsp = 80\n[[image]]\nname = 1",
            "image.0.name: unknown key; allowed",
        ),
        ('family = "xc7"', 'family = "ice40"', "family: found 'ice40'"),
        ("default_mhz = 50.0", "default_mhz = 0", "clock.default_mhz: found 0"),
        ('name = "My Board"', 'name = "../up"', "name: found '../up'"),
        ('name = "My Board"', "name = ", "not TOML"),
        ('name = "My Board"', 'name = "My Board"\nvolts = 3', "volts: unknown key; allowed: name"),
    ],
)
def test_wrong_file_is_explained(tmp_path: Path, before: str, after: str, expected: str):
    path = tmp_path / "wrong.toml"
    path.write_text(GOOD.replace(before, after, 1))
    with pytest.raises(UsageError) as caught:
        load_board(path)
    assert expected in str(caught.value)
    assert "wrong.toml" in str(caught.value)


def test_missing_and_binary_file(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_board(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_board(tmp_path / "binary.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        load_board(tmp_path)


def test_page_is_that_of_the_files():
    """`python tools/write_boards.py` writes it."""
    page = runpy.run_path(str(ROOT / "tools" / "write_boards.py"))["text"]()
    assert (ROOT / "docs" / "boards.md").read_text() == page
