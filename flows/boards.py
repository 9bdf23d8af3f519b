# SPDX-License-Identifier: Apache-2.0
"""Boards: one TOML file each, shipped under `bitstreams/boards/` or brought by the user."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from flows.errors import UsageError

BOARD_DIR = Path(__file__).resolve().parent.parent / "bitstreams" / "boards"

_Count = Annotated[int, Field(ge=0)]
_STRICT = ConfigDict(frozen=True, extra="forbid")

# Ports of the processing systems that hand-over knows how to switch on, by family of the board.
CONTROL_PORTS = {"xc7": ("M_AXI_GP0", "M_AXI_GP1"), "xcup": ("M_AXI_HPM0_FPD", "M_AXI_HPM1_FPD")}
MEMORY_PORTS = {
    "xc7": tuple(f"S_AXI_HP{n}" for n in range(4)),
    "xcup": tuple(f"S_AXI_HP{n}_FPD" for n in range(4)),
}


class Budget(BaseModel):
    """What the programmable logic of a part holds.

    Attributes:
        lut: 6-input look-up tables.
        ff: Flip-flops.
        bram36: Block memories of 36 Kbit; half of one (RAMB18) counts 0.5.
        dsp: DSP slices.
    """

    model_config = _STRICT

    lut: _Count
    ff: _Count
    bram36: _Count
    dsp: _Count


class Clock(BaseModel):
    """Clock of the programmable logic.

    Attributes:
        default_mhz: Frequency that a build uses unless told otherwise, MHz.
        crystal_mhz: Crystal of the processing system, MHz. No register tells it, and a wrong one
            makes every clock wrong by the same factor.
    """

    model_config = _STRICT

    default_mhz: Annotated[float, Field(gt=0, le=1000)]
    crystal_mhz: Annotated[float, Field(ge=10, le=100)]


class Ports(BaseModel):
    """Ports of the processing system that the shell uses.

    Attributes:
        control: Master that reaches the shell's registers, by its name in the vendor's manual.
        control_base: Bus address of the registers; a window of 64 KiB.
        memory: Slave through which the shell reaches the memory.
        address_bits: Width of memory addresses.
    """

    model_config = _STRICT

    control: str
    control_base: Annotated[int, Field(ge=0x1000_0000, lt=1 << 40, multiple_of=0x1_0000)]
    memory: str
    address_bits: Annotated[int, Field(ge=32, le=49)]


class Image(BaseModel):
    """A PYNQ image that runs on the board.

    Attributes:
        version: Version of PYNQ.
        python: Version of Python in it.
        by: Who makes it.
        confirmed: False where no primary source names the board.
    """

    model_config = _STRICT

    version: str
    python: str
    by: str
    confirmed: bool = True


class Board(BaseModel):
    """A board as its TOML file describes it.

    Attributes:
        name: Name as the vendor writes it, for instance `Pynq-Z2`.
        part: Part with package and speed grade.
        family: Value of Yosys' `synth_xilinx -family`.
        board_parts: Patterns of Vivado's board files, which are used where they are installed.
        unconfirmed: Facts of the file (dotted keys) that no primary source confirms.
        clock: Clock of the programmable logic.
        ports: Ports of the processing system.
        budget: Resources of the part.
        image: PYNQ images, oldest first.
    """

    model_config = _STRICT

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$")]
    part: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")]
    family: Literal["xc7", "xcup"]
    board_parts: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    clock: Clock
    ports: Ports
    budget: Budget
    image: tuple[Image, ...] = ()

    @field_validator("ports")
    @classmethod
    def _ports_of_the_family(cls, ports: Ports, info: ValidationInfo) -> Ports:
        family = info.data.get("family")
        if family is not None:
            for key, known in (("control", CONTROL_PORTS), ("memory", MEMORY_PORTS)):
                if getattr(ports, key) not in known[family]:
                    raise ValueError(f"{key} must be one of {', '.join(known[family])}")
        return ports

    @property
    def slug(self) -> str:
        """Name for folders and files: `Pynq-Z2` gives `pynq_z2`."""
        return _slug(self.name)


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name.lower()).strip("_")


def board_names() -> tuple[str, ...]:
    """Names of the boards that ship with the project, sorted."""
    return tuple(sorted(_read(path).name for path in BOARD_DIR.glob("*.toml")))


def load_board(name_or_path: str | Path) -> Board:
    """Reads a board by its name, or from the user's own TOML file.

    Args:
        name_or_path: Name of a shipped board (case, `-`, `_` and blanks do not matter), or the path
            of a TOML file: anything that ends in `.toml` or holds a path separator.

    Raises:
        UsageError: Unknown board, or a file that cannot be read or that says something not allowed.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text:
        return _read(Path(name_or_path))
    path = BOARD_DIR / f"{_slug(text)}.toml"
    if path.is_file():
        return _read(path)
    raise UsageError(_unknown_board(text))


def _unknown_board(text: str) -> str:
    names = board_names()
    slugs = {_slug(name): name for name in names}
    close = difflib.get_close_matches(_slug(text), slugs, n=1, cutoff=0.6)
    hint = f" Did you mean {slugs[close[0]]}?" if close else ""
    return (
        f"--board: there is no board {text!r}.{hint}\n"
        f"  Boards: {', '.join(names)}.\n"
        f"  Any other board: --board FILE.toml, written after bitstreams/boards/pynq_z2.toml."
    )


def _read(path: Path) -> Board:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"Board file {path}: cannot be read: {reason}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"Board file {path}: not TOML: {error}.") from error
    try:
        return Board.model_validate(values)
    except ValidationError as error:
        raise UsageError(_explain(path, error)) from error


def _explain(path: Path, error: ValidationError) -> str:
    lines = [f"Board file {path}:"]
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            lines.append(f"  {key}: unknown key; allowed: {', '.join(_allowed(fault['loc']))}.")
        elif fault["type"] == "missing":
            lines.append(f"  {key}: missing.")
        else:
            lines.append(f"  {key}: found {fault['input']!r}; {fault['msg']}.")
    lines.append("  bitstreams/boards/pynq_z2.toml is a complete example.")
    return "\n".join(lines)


def _allowed(location: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "clock": Clock,
        "ports": Ports,
        "budget": Budget,
        "image": Image,
    }
    table = tables[str(location[0])] if len(location) > 1 else Board
    return list(table.model_fields)
