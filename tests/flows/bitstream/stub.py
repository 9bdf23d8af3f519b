# SPDX-License-Identifier: Apache-2.0
"""A shell without content, with the ports of a real one: fast to write, copy and look at."""

from pathlib import Path

from flows.bitstream.design import Design
from flows.boards import load_board
from flows.synth import SynthTarget

# Signal: (bits, whether the shell's slave takes it).
_LITE = {
    "awaddr": (16, True), "awvalid": (1, True), "awready": (1, False),
    "wdata": (32, True), "wstrb": (4, True), "wvalid": (1, True), "wready": (1, False),
    "bresp": (2, False), "bvalid": (1, False), "bready": (1, True),
    "araddr": (16, True), "arvalid": (1, True), "arready": (1, False),
    "rdata": (32, False), "rresp": (2, False), "rvalid": (1, False), "rready": (1, True),
}  # fmt: skip
_FULL = {
    "awid": 1, "awlen": 8, "awsize": 3, "awburst": 2, "awlock": 1, "awcache": 4, "awprot": 3,
    "awqos": 4, "wid": 1, "wlast": 1, "bid": -1, "arid": 1, "arlen": 8, "arsize": 3, "arburst": 2,
    "arlock": 1, "arcache": 4, "arprot": 3, "arqos": 4, "rid": -1, "rlast": -1,
}  # fmt: skip


def _declare(name: str, bits: int, is_input: bool) -> str:
    width = f"[{bits - 1}:0] " if bits > 1 else ""
    return f"  {'input ' if is_input else 'output'} logic {width}{name}"


def shell_text(top: str, address_bits: int, two_clocks: bool = False) -> str:
    """The module."""
    ports = [_declare("bus_clk", 1, True), _declare("bus_rst_n", 1, True)]
    ports += [_declare("net_clk", 1, True)] if two_clocks else []
    ports += [_declare(f"s_axi_{name}", *value) for name, value in _LITE.items()]
    for name, (bits, slave_takes) in _LITE.items():
        wide = (
            address_bits if "addr" in name else bits * 2 if name[1:] in ("data", "strb") else bits
        )
        ports.append(_declare(f"m_axi_{name}", wide, not slave_takes))
    ports += [_declare(f"m_axi_{name}", abs(bits), bits < 0) for name, bits in _FULL.items()]
    ports.append(_declare("irq", 1, False))
    return (
        f"// SPDX-License-Identifier: Apache-2.0\nmodule {top} (\n" + ",\n".join(ports) + "\n);\n"
        '  rom #(.FILE("mem/weights.hex")) u_rom ();\nendmodule\n'
    )


def stub_design(
    root: Path, board: str, clock_mhz: float = 100.0, bus_mhz: float | None = None
) -> Design:
    """A design around an empty shell with one memory and one header."""
    chosen = load_board(board)
    (root / "hw").mkdir(parents=True)
    (root / "mem").mkdir()
    text = shell_text("net_shell", chosen.ports.address_bits, bus_mhz is not None)
    (root / "net_shell.sv").write_text(text)
    (root / "hw" / "rom.sv").write_text('module rom #(parameter FILE = "") ();\nendmodule\n')
    (root / "hw" / "unused.sv").write_text("module unused ();\nendmodule\n")
    (root / "hw" / "assert.svh").write_text("\n")
    (root / "mem" / "weights.hex").write_text("0\n")
    shell = SynthTarget(
        name="net",
        top="net_shell",
        root=root,
        sources=(Path("hw/rom.sv"), Path("hw/unused.sv"), Path("net_shell.sv")),
        data_files=(Path("mem/weights.hex"),),
        include_dirs=(Path("hw"),),
    )
    return Design(name="net", shell=shell, board=chosen, clock_mhz=clock_mhz, bus_mhz=bus_mhz)
