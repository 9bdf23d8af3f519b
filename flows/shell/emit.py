# SPDX-License-Identifier: Apache-2.0
"""Writes the shell folder: a network in its shell, one module with flat AXI ports; all files."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.boards import Board
from flows.dataflow.network import Network
from flows.emit.project import HW, RtlProject, closure
from flows.errors import UnsupportedModelError, UsageError

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,
)
_ELEMENTS = (8, 16, 32)
# Ports of the shell that lead nowhere: what loads memories, where none can be; what AXI4 lacks.
_LOAD = {"load_valid": 1, "load_memory": 12, "load_word_addr": 20, "load_data": 32}
_ONLY_AXI3 = {"m_axi_awlock": 2, "m_axi_arlock": 2, "m_axi_wid": 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellProject:
    """An emitted shell folder.

    Attributes:
        root: the folder; a name in `$readmemh` is relative to it.
        top: name of the top module.
        sources: SystemVerilog files, leaves first, relative to root.
        data_files: memory images of the network, relative to root.
        include_dirs: folders with headers, relative to root.
        model_hash: 32 hexadecimal digits, as in the registers MODEL_HASH0 to 3.
        element_bits: bits of an element of a result in memory: 8, 16 or 32.
        in_bytes: bytes of an image in memory.
        out_bytes: bytes of a result in memory, a multiple of 8.
    """

    root: Path
    top: str
    sources: tuple[Path, ...]
    data_files: tuple[Path, ...]
    include_dirs: tuple[Path, ...]
    model_hash: str
    element_bits: int
    in_bytes: int
    out_bytes: int


def emit_shell(
    network: Network, project: RtlProject, board: Board, root: Path, *, cdc: bool = False
) -> ShellProject:
    """Writes the network in its shell, with copies of all files that it needs, into a fresh folder.

    Args:
        network: the network.
        project: its emitted RTL.
        board: decides on AXI3 (Zynq-7000) or AXI4 and on the width of addresses.
        root: the folder; it appears whole or not at all.
        cdc: the network has a clock of its own, `net_clk`.

    Raises:
        UnsupportedModelError: input beats are not whole bytes, or an element of the output has
            more than 32 bits.
        UsageError: the folder cannot be written.
    """
    values = _values(network, project, board, cdc)
    text = _TEMPLATES.get_template("shell.sv.j2").render(values)
    staging = root.with_name(root.name + ".part")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        sources = _write(text, str(values["top"]), project, staging)
        if root.exists():
            shutil.rmtree(root)
        staging.rename(root)
    except OSError as error:
        raise UsageError(f"{root}: cannot be written ({error.strerror})") from error
    return ShellProject(
        root=root,
        top=str(values["top"]),
        sources=sources,
        data_files=project.images,
        include_dirs=(Path("hw"),),
        model_hash=str(values["model_hash"]),
        element_bits=_element_bits(network),
        in_bytes=network.input_beats * network.input_bits // 8,
        out_bytes=_out_bytes(network),
    )


def _element_bits(network: Network) -> int:
    """The narrowest memory type that holds an element of the output."""
    bits = network.output.bits
    for width in _ELEMENTS:
        if bits <= width:
            return width
    raise UnsupportedModelError(
        f"{network.name}: an element of the output has {bits} bits; the shell writes elements of "
        f"at most {_ELEMENTS[-1]} bits."
    )


def _out_bytes(network: Network) -> int:
    output = network.output
    elements = output.channels * output.beats
    return -(-elements * _element_bits(network) // 64) * 8


def _values(network: Network, project: RtlProject, board: Board, cdc: bool) -> dict[str, object]:
    if network.input_bits % 8:
        raise UnsupportedModelError(
            f"{network.name}: an input beat has {network.input_bits} bits; the shell reads whole "
            "bytes from memory. Use 8-bit input."
        )
    axi3 = board.family == "xc7"
    output = network.output
    manifest = (project.root / "manifest.json").read_bytes()
    return {
        "top": f"{project.top}_shell",
        "network": project.top,
        "board": board.name,
        "ports": _ports(board.ports.address_bits, axi3, cdc),
        "unused": ({} if project.loaded else _LOAD) | ({} if axi3 else _ONLY_AXI3),
        "runtime": bool(project.loaded),
        "net_clk": "net_clk" if cdc else "bus_clk",
        "in_w": network.input_bits,
        "in_beats": network.input_beats,
        "in_bytes": network.input_beats * network.input_bits // 8,
        "out_n": output.channels,
        "out_w": output.bits,
        "out_beats": output.beats,
        "out_bytes": _out_bytes(network),
        "out_signed": output.signed,
        "elem_w": _element_bits(network),
        "addr_w": board.ports.address_bits,
        "axi3": axi3,
        "cdc": cdc,
        "model_hash": hashlib.sha256(manifest).hexdigest()[:32],
    }


def _ports(addr_w: int, axi3: bool, cdc: bool) -> list[tuple[str, int, str]]:
    """Direction, width and name of every port of the top module."""
    ports = [("input", 1, "bus_clk"), ("input", 1, "bus_rst_n"), ("output", 1, "irq")]
    ports += [("input", 1, "net_clk")] if cdc else []
    slave = {
        "aw": {"addr": 16},
        "w": {"data": 32, "strb": 4},
        "b": {"resp": 2},
        "ar": {"addr": 16},
        "r": {"data": 32, "resp": 2},
    }
    address = {"id": 6, "addr": addr_w, "len": 8, "size": 3, "burst": 2}
    address |= ({"lock": 2} if axi3 else {}) | {"cache": 4, "prot": 3, "qos": 4}
    master = {
        "aw": address,
        "w": ({"id": 6} if axi3 else {}) | {"data": 64, "strb": 8, "last": 1},
        "b": {"id": 6, "resp": 2},
        "ar": address,
        "r": {"id": 6, "data": 64, "resp": 2, "last": 1},
    }
    for prefix, channels, asks in (("s_axi_", slave, "input"), ("m_axi_", master, "output")):
        answers = "output" if asks == "input" else "input"
        for channel, signals in channels.items():
            forward, back = (answers, asks) if channel in {"b", "r"} else (asks, answers)
            ports += [(forward, bits, prefix + channel + name) for name, bits in signals.items()]
            ports += [(forward, 1, f"{prefix}{channel}valid"), (back, 1, f"{prefix}{channel}ready")]
    return ports


def _write(text: str, top: str, project: RtlProject, folder: Path) -> tuple[Path, ...]:
    """Copies the network's folder, adds library modules and the top; returns all sources."""
    shutil.copytree(project.root, folder)
    own = [path for path in closure([text]) if Path("hw") / path.name not in project.sources]
    for path in own:
        shutil.copyfile(path, folder / "hw" / path.name)
    for header in sorted((HW / "include").glob("*.svh")):
        shutil.copyfile(header, folder / "hw" / header.name)
    (folder / f"{top}.sv").write_text(text, encoding="utf-8")
    sources = (*(Path("hw") / path.name for path in own), *project.sources, Path(f"{top}.sv"))
    listing = ["+incdir+hw", *map(str, sources)]
    (folder / f"{top}.f").write_text("\n".join(listing) + "\n", encoding="utf-8")
    return sources
