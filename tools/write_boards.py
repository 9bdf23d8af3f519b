# SPDX-License-Identifier: Apache-2.0
"""Writes docs/boards.md from the files in bitstreams/boards: `python tools/write_boards.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from flows.boards import Board, board_names, load_board  # noqa: E402

TARGET = ROOT / "docs" / "boards.md"

INTRODUCTION = """\
# Boards

Written by `tools/write_boards.py` from `bitstreams/boards/*.toml`; each fact has its source beside
it there. `make build BOARD=NAME` takes a name of this table, in any spelling. This project tried
none of the ways to a bitstream on a board.

A board that is not here: copy the file of a similar one, change it, and give its path,
`make build BOARD=path/to/mine.toml`. Everything works the same way with it. A missing or unknown
key is refused with the list of what is allowed.
"""

ENDING = """
## What the columns say

- **LUT to DSP**: what the fabric holds. A network that needs more is still built and verified; one
  line says what is exceeded and by how much.
- **clock**: of bus and network unless `--clock-mhz`, and for the bus `--bus-clock-mhz`, say
  otherwise. It is no part of a bitstream:
  the driver sets it and reads it back, from the crystal given here. No register tells the crystal,
  and PYNQ's own code assumes 50 MHz on every Zynq-7000.
- **ports**: registers and memory, as the processing system names them.
- **open flow**: place and route without vendor tools exists for Zynq-7000; the top level
  instantiates the processing system itself. Others showed register access through `M_AXI_GP0` on
  silicon with this flow; no report of `S_AXI_HP0` was found.
- **PYNQ images**: known to carry the board; in brackets what the community makes, or what is
  plausible only.
- **board files**: patterns by which Vivado's board files are found. Without them the script builds
  for the bare part.
"""


def _images(board: Board) -> str:
    """Versions; in brackets what no primary source confirms."""
    shown = [
        f"{image.version}" if image.confirmed else f"({image.version}, {image.by})"
        for image in board.image
    ]
    return ", ".join(shown) or "none known"


def _number(value: float) -> str:
    return f"{value:,.6g}" if value < 1000 else f"{value:,.0f}"


def text() -> str:
    """Content of the page."""
    boards = [load_board(name) for name in board_names()]
    lines = [INTRODUCTION]
    lines += ["| board | part | LUT | FF | BRAM36 | DSP |", "| --- | --- |" + " ---: |" * 4]
    for board in boards:
        budget = board.budget
        cells = [
            _number(getattr(budget, key)) + ("*" if f"budget.{key}" in board.unconfirmed else "")
            for key in ("lut", "ff", "bram36", "dsp")
        ]
        lines.append(f"| {board.name} | `{board.part}` | {' | '.join(cells)} |")
    lines += ["", "\\* not confirmed by a primary source; the report of a build repeats it.", ""]
    lines += [
        "| board | clock, MHz | crystal, MHz | ports | registers at | open flow | PYNQ images "
        "| board files |",
        "| --- | ---: | ---: | --- | --- | --- | --- | --- |",
    ]
    for board in boards:
        ports = board.ports
        lines.append(
            f"| {board.name} | {board.clock.default_mhz:g} | {board.clock.crystal_mhz:.8g} "
            f"| {ports.control}, {ports.memory} | `0x{ports.control_base:X}` "
            f"| {'yes' if board.family == 'xc7' else 'no'} | {_images(board)} "
            f"| {', '.join(f'`{pattern}`' for pattern in board.board_parts)} |"
        )
    return "\n".join(lines) + "\n" + ENDING


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
