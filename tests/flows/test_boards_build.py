# SPDX-License-Identifier: Apache-2.0
"""Builds for every board: RTL, report and hand-over folders, overshoot in one line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import build
from flows.boards import BOARD_DIR, board_names, load_board
from tests.bitstreams.vivado.test_build_tcl import RECORDER
from tests.support.tcl import run_tcl


def _build(out: Path, board: str, *arguments: object):
    return CliRunner().invoke(
        build.app, ["--board", board, "--output-dir", str(out), *map(str, arguments)]
    )


def _folder(out: Path, model: str, board: str) -> Path:
    return out / f"{model}-{load_board(board).slug}"


def _document(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def _handed_over(folder: Path, board: str) -> None:
    names = {path.name for path in (folder / "vivado").iterdir()}
    assert {"build.tcl", "constraints.xdc", "src"} <= names
    done = run_tcl(RECORDER, str(folder / "vivado" / "build.tcl"))
    assert done.returncode == 0, done.stderr
    assert "DONE: " in done.stdout
    has_open_flow = load_board(board).family == "xc7"
    assert (folder / "openxc7" / "build.sh").is_file() == has_open_flow


def test_a_board_of_the_users_own_that_is_too_small(tmp_path: Path):
    """UltraScale+, from a file; the network does not fit, which is said and stops nothing."""
    own = tmp_path / "mine.toml"
    text = (BOARD_DIR / "zcu104.toml").read_text()
    own.write_text(text.replace('"ZCU104"', '"Mine"', 1).replace("lut = 230400", "lut = 50"))
    out = tmp_path / "out"
    arguments = ("--model", "tiny_fc", "--untrained", 1, "--images", 4, "--stalls", "none")
    result = _build(out, str(own), *arguments, "--target-fps", 20_000, "--bitstream", "vivado")
    assert result.exit_code == 0, result.output
    folder = out / "tiny_fc-mine"
    _handed_over(folder, str(own))
    document = _document(folder)
    (line,) = [text for text in document["warnings"] if "holds" in text]
    assert line.startswith("Mine holds 50 LUT, the network needs ")
    assert "choose a smaller --target-fps or a larger board" in line
    assert line in " ".join(result.output.split())
    assert document["bitstream"]["missing"] == ["vivado"]
    assert "No bitstream: vivado not found." in " ".join(result.output.split())


def test_flows_are_refused_before_anything_runs(tmp_path: Path):
    for board, options, words in (
        ("ZCU104", "--bitstream open", "no open place and route exists for xczu7ev-ffvc1156-2-e"),
        ("Pynq-Z2", "--bitstream quartus", "no such flow; flows: none, open, vivado"),
        (
            "Pynq-Z2",
            "--bitstream open --bus-clock-mhz 50",
            "the open top level has one clock, so leave --bus-clock-mhz out",
        ),
        (
            "Pynq-Z2",
            "--bus-clock-mhz 450",
            "too far from the network's 100 MHz; allowed is 25 to 400 MHz",
        ),
    ):
        result = _build(tmp_path / "out", board, *options.split())
        assert result.exit_code == 2
        assert words in " ".join(result.output.split())
        assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all boards, so that they share simulator and synthesis."""
    return tmp_path_factory.mktemp("boards")


# TFC for every board; CNV once for each family, because its synthesis takes minutes.
BUILDS = [*(("tfc_w1a1", board) for board in board_names()), ("cnv_w1a1", "Pynq-Z2"),
          ("cnv_w1a1", "KV260")]  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize(("model", "board"), BUILDS)
def test_every_board(out: Path, model: str, board: str):
    result = _build(out, board, "--model", model, "--images", 20, "--stalls", "none")
    assert result.exit_code == 0, result.output
    folder = _folder(out, model, board)
    _handed_over(folder, board)
    document = _document(folder)
    assert document["board"] == board
    assert document["verification"]["mismatches"]["value"] == 0
    assert not [text for text in document["warnings"] if "the network needs" in text]
    resources = document["resources"]
    for key, budget in resources["budget"].items():
        assert resources[key]["value"] <= budget
