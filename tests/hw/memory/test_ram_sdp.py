# SPDX-License-Identifier: Apache-2.0
"""ram_sdp: reads what was written last, while other words are written in the same cycle."""

from pathlib import Path

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

RAM = ROOT / "hw/memory/ram_sdp.sv"
SOURCES = [RAM, Path(__file__).with_name("ram_sdp_stream.sv")]


@rows(
    Row(id="lut", reason="not a power of two", parameters={"W": 5, "DEPTH": 11, "BLOCK": 0}),
    Row(id="block", reason="wide words", parameters={"W": 70, "DEPTH": 32, "BLOCK": 1}),
    Row(id="smallest", reason="two words", parameters={"W": 1, "DEPTH": 2, "BLOCK": 0}),
)
def test_reads_what_was_written(row: Row, rng: np.random.Generator, seed: int) -> None:
    width, depth = row.parameters["W"], row.parameters["DEPTH"]
    address_bits = (depth - 1).bit_length()
    memory = np.zeros((depth, width), np.int64)
    commands, reads = [], []
    for step in range(400 + depth):
        filling = step < depth  # every word is written once before the first read
        write, read = filling or rng.random() < 0.6, not filling and rng.random() < 0.7
        target = step if filling else int(rng.integers(depth))
        source = int((target + rng.integers(1, depth)) % depth)  # never the word being written
        data = rng.integers(0, 2, width)
        if read:
            reads.append(memory[source].copy())
        if write:
            memory[target] = data
        addresses = [
            address >> bit & 1 for address in (source, target) for bit in range(address_bits)
        ]
        commands.append([*data, *addresses, int(read), int(write)])

    check_stream_module(
        "ram_sdp_stream",
        SOURCES,
        parameters=row.parameters,
        inputs={"s_axis": lanes(np.array(commands), bits=1)},
        outputs={"m_axis": lanes(np.array(reads), bits=1)},
        seed=seed,
    )


def test_rejects_parameters() -> None:
    check_rejected("ram_sdp", [RAM], parameters={"W": 0}, match="W must be at least 1")
    check_rejected("ram_sdp", [RAM], parameters={"DEPTH": 0}, match="DEPTH must be at least 1")
