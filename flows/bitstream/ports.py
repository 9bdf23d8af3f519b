# SPDX-License-Identifier: Apache-2.0
"""Ports of a module, read from its text: what stands around a shell is written from them."""

import re
from dataclasses import dataclass

from flows.errors import ToolError

_HEADER = r"\bmodule\s+{}\b[^;]*?\(([^;]*)\)\s*;"
_PORT = re.compile(
    r"\b(input|output)\s+(?:(?:wire|reg|logic)\s+)?(?:\[\s*(\d+)\s*:\s*0\s*\]\s*)?(\w+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a generated module.

    Attributes:
        name: its name.
        is_input: direction.
        bits: width.
    """

    name: str
    is_input: bool
    bits: int


def read_ports(text: str, module: str) -> dict[str, Port]:
    """Ports of a module whose widths are plain numbers, in their order.

    Raises:
        ToolError: the text does not define the module.
    """
    code = re.sub(r"//[^\n]*|/\*.*?\*/|\(\*.*?\*\)", "", text, flags=re.DOTALL)
    header = re.search(_HEADER.format(re.escape(module)), code, re.DOTALL)
    if header is None:
        raise ToolError(f"{module}: its text does not hold a module of this name")
    return {
        name: Port(name=name, is_input=way == "input", bits=int(high or 0) + 1)
        for way, high, name in _PORT.findall(header[1])
    }
