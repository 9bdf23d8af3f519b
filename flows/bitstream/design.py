# SPDX-License-Identifier: Apache-2.0
"""What is handed to a vendor's or an open place-and-route flow: a shell with its network."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.bitstream.ports import Port, read_ports
from flows.boards import Board
from flows.errors import ToolError
from flows.shell.emit import ShellProject
from flows.synth import SynthTarget
from flows.synth.synthesise import needed_files

BITSTREAMS = Path(__file__).resolve().parents[2] / "bitstreams"

_TEMPLATES = Environment(
    loader=FileSystemLoader(BITSTREAMS),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A generated shell, on its way to a board.

    Attributes:
        name: name of the network; bitstreams are called after it.
        shell: the shell's module and files. A name in `$readmemh` is relative to its root.
        board: the board.
        clock_mhz: wanted clock of the network, and of the bus where that has no other.
        bus_mhz: wanted clock of the bus, which is then clock 0 and the network's clock 1; None.
    """

    name: str
    shell: SynthTarget
    board: Board
    clock_mhz: float
    bus_mhz: float | None = None

    def ports(self) -> dict[str, Port]:
        """Ports of the shell.

        Raises:
            ToolError: no file holds the shell's module.
        """
        for path in reversed(self.shell.sources):
            text = (self.shell.root / path).read_text(encoding="utf-8")
            if f"module {self.shell.top}" in text:
                return read_ports(text, self.shell.top)
        raise ToolError(f"{self.shell.top}: none of the {len(self.shell.sources)} sources holds it")


def shell_design(
    name: str, shell: ShellProject, board: Board, clock_mhz: float, bus_mhz: float | None = None
) -> Design:
    """An emitted shell as a design for a board."""
    target = SynthTarget(
        name=name,
        top=shell.top,
        root=shell.root,
        sources=shell.sources,
        data_files=shell.data_files,
        include_dirs=shell.include_dirs,
    )
    return Design(name=name, shell=target, board=board, clock_mhz=clock_mhz, bus_mhz=bus_mhz)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """Files of a design inside a hand-over folder, relative to it, as they were to the shell's.

    Attributes:
        sources: SystemVerilog, without what the design does not need.
        images: memory images.
        headers: included files.
    """

    sources: tuple[Path, ...]
    images: tuple[Path, ...]
    headers: tuple[Path, ...]

    @property
    def include_dirs(self) -> tuple[Path, ...]:
        """Folders of the headers."""
        return tuple(dict.fromkeys(path.parent for path in self.headers))


def stage(shell: SynthTarget, folder: Path) -> Staged:
    """Copies what a shell needs, so that the folder can be moved to another machine."""
    sources, others = needed_files(shell)
    for path in (*sources, *others):
        copy = folder / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shell.root / path, copy)
    return Staged(
        sources=sources,
        images=tuple(path for path in others if path in shell.data_files),
        headers=tuple(path for path in others if path not in shell.data_files),
    )


def render(template: str, **values: object) -> str:
    """A template below `bitstreams/` as text."""
    return _TEMPLATES.get_template(template).render(values)
