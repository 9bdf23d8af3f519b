# SPDX-License-Identifier: Apache-2.0
"""rom: the words of the file, one cycle after their addresses, held while the enable is low."""

from pathlib import Path

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

ROM = ROOT / "hw/memory/rom.sv"
SOURCES = [ROM, Path(__file__).with_name("rom_stream.sv")]


@rows(
    Row(id="lut", reason="not a power of two", parameters={"W": 13, "DEPTH": 11, "BLOCK": 0}),
    Row(id="block", reason="wide words", parameters={"W": 75, "DEPTH": 64, "BLOCK": 1}),
    Row(id="single", reason="one word", parameters={"W": 1, "DEPTH": 1, "BLOCK": 0}),
)
def test_reads_the_file(row: Row, rng: np.random.Generator, seed: int, tmp_path: Path) -> None:
    width, depth = row.parameters["W"], row.parameters["DEPTH"]
    words = rng.integers(0, 2, (depth, width))
    lines = [f"{int(''.join(map(str, word[::-1])), 2):0{(width + 3) // 4}x}\n" for word in words]
    (tmp_path / "words.hex").write_text("".join(lines))
    addresses = rng.integers(0, depth, 300)

    runs = check_stream_module(
        "rom_stream",
        SOURCES,
        parameters={**row.parameters, "FILE": "words.hex"},
        inputs={"s_axis": lanes(addresses, bits=max(1, (depth - 1).bit_length()))},
        outputs={"m_axis": lanes(words[addresses], bits=1)},
        cwd=tmp_path,
        seed=seed,
    )

    delays = runs["none"].output_cycles["m_axis"] - runs["none"].input_cycles["s_axis"]
    assert (delays == 1).all()


def test_rejects_parameters() -> None:
    check_rejected("rom", [ROM], parameters={"W": 0}, match="W must be at least 1")
    check_rejected("rom", [ROM], parameters={"DEPTH": 0}, match="DEPTH must be at least 1")
