# SPDX-License-Identifier: Apache-2.0
"""rom_load: a rom until words are loaded, which come in 32-bit parts and for one memory only."""

from pathlib import Path

import numpy as np

from flows.sim.run import RunOptions
from tests.support.battery import (
    FREE_RUNNING,
    RANDOM,
    ROOT,
    Row,
    build_module,
    check_rejected,
    lanes,
    rows,
    run_exact,
)

ROM = ROOT / "hw/memory/rom_load.sv"
SOURCES = [ROM, Path(__file__).with_name("rom_load_stream.sv")]


def read(address: int) -> int:
    return address


def loads(memory: int, word: int, value: int, width: int) -> list[int]:
    """Commands that write one word of a memory."""
    parts = -(-width // 32)
    places = 1 << (parts - 1).bit_length()
    return [
        1 << 64 | memory << 52 | (word * places + n) << 32 | (value >> 32 * n & 0xFFFF_FFFF)
        for n in range(parts)
    ]


@rows(
    Row(id="lut", reason="less than a part", parameters={"W": 13, "DEPTH": 11, "BLOCK": 0}),
    Row(id="block", reason="three parts of four", parameters={"W": 75, "DEPTH": 64, "BLOCK": 1}),
    Row(id="exact", reason="whole parts", parameters={"W": 64, "DEPTH": 5, "BLOCK": 0}),
    Row(id="single", reason="one word", parameters={"W": 1, "DEPTH": 1, "BLOCK": 0}),
)
def test_reads_what_was_loaded_last(row: Row, rng: np.random.Generator, tmp_path: Path) -> None:
    width, depth = row.parameters["W"], row.parameters["DEPTH"]

    def word() -> int:
        return int.from_bytes(rng.bytes(16), "little") % (1 << width)

    model = [word() for _ in range(depth)]
    text = "".join(f"{value:0{(width + 3) // 4}x}\n" for value in model)
    (tmp_path / "words.hex").write_text(text)
    commands, expected = [], []

    def check(count: int) -> None:
        for address in rng.integers(0, depth, count):
            commands.append(read(int(address)))
            expected.append(model[address])

    check(2 * depth)
    for turn in range(30):
        address, value = int(rng.integers(depth)), word()
        commands += loads(5, address, value, width)
        model[address] = value
        commands += loads(4 + 2 * (turn % 2), address, word(), width)  # another memory's
        commands += loads(6, 0, 0, 32) * 2  # the word needs two cycles
        check(6)

    inputs = {"s_axis": lanes(_bits(commands, 65), bits=1)}
    outputs = {"m_axis": lanes(_bits(expected, width), bits=1)}
    parameters = {**row.parameters, "FILE": "words.hex"}
    build = build_module(
        "rom_load_stream", SOURCES, inputs=inputs, outputs=outputs, parameters=parameters
    )
    for pattern in (FREE_RUNNING, RANDOM):
        run_exact(build, inputs, outputs, RunOptions(cwd=tmp_path, stalls=pattern))


def _bits(values: list[int], width: int) -> np.ndarray:
    return np.array([[value >> n & 1 for n in range(width)] for value in values], np.uint8)


def test_rejects_parameters() -> None:
    for parameters, match in (
        ({"W": 0}, "W must be at least 1"),
        ({"MEMORY": 4096}, "MEMORY must be below 4096"),
        ({"W": 64, "DEPTH": 600_000}, "more than 20 bits"),
    ):
        check_rejected("rom_load", [ROM], parameters=parameters, match=match)
