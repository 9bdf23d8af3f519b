# SPDX-License-Identifier: Apache-2.0
"""Writes the register map into the driver, which has to be one file.

`python -m flows.deploy.registers` after `python -m flows.shell.registers`.
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "bitstreams" / "driver"
DRIVER = FOLDER / "xnorflow_driver.py"
_BEGIN, _END = "# <registers>", "# </registers>"


def block() -> str:
    """The tables of registers.py: offsets, reset values, fields."""
    text = (FOLDER / "registers.py").read_text(encoding="utf-8")
    return text.split('"""', 2)[2].strip() + "\n"


def embed(text: str) -> str:
    """The driver's text with the present tables between its markers."""
    head, rest = text.split(_BEGIN, 1)
    first, rest = rest.split("\n", 1)
    _, tail = rest.split(_END, 1)
    return f"{head}{_BEGIN}{first}\n{block()}{_END}{tail}"


if __name__ == "__main__":
    DRIVER.write_text(embed(DRIVER.read_text(encoding="utf-8")), encoding="utf-8")
