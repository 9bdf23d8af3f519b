# SPDX-License-Identifier: Apache-2.0
"""swu: tiles equal windows that numpy cuts out of the padded image; cycles equal the header."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.sim.run import RunOptions
from flows.sim.streams import Stall, StallKind, StallPattern
from tests.support.battery import (
    ROOT,
    Row,
    build_module,
    check_rejected,
    check_stream_module,
    lanes,
    rows,
    run_exact,
)

SOURCES = [ROOT / "hw/memory/ram_sdp.sv", ROOT / "hw/kernel/swu.sv"]
FRAMES = 4


@dataclass(frozen=True, kw_only=True)
class Shape:
    C: int
    H: int
    WIDTH: int
    K: int
    M: int
    BITS: int = 1
    STRIDE: int = 1
    PAD: int = 0
    PAD_VALUE: int = 0

    @property
    def rows(self) -> int:
        return self.H + 2 * self.PAD

    @property
    def columns(self) -> int:
        return self.WIDTH + 2 * self.PAD

    @property
    def tile_columns(self) -> int:
        return (self.M - 1) * self.STRIDE + self.K

    @property
    def out_rows(self) -> int:
        return (self.rows - self.K) // self.STRIDE + 1

    @property
    def out_columns(self) -> int:
        return (self.columns - self.K) // self.STRIDE + 1

    def tiles(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n, H, WIDTH, C) -> (n * tiles, K * T * C), straight from the definition."""
        border = ((0, 0), (self.PAD, self.PAD), (self.PAD, self.PAD), (0, 0))
        padded = np.pad(frames, border, constant_values=self.PAD_VALUE)
        tops = range(0, self.out_rows * self.STRIDE, self.STRIDE)
        lefts = range(0, self.out_columns * self.STRIDE, self.M * self.STRIDE)
        return np.stack(
            [
                frame[top : top + self.K, left : left + self.tile_columns].ravel()
                for frame in padded
                for top in tops
                for left in lefts
            ]
        )

    def cycles_per_frame(self, interval: int) -> int:
        """Cycles with a consumer that takes a tile every ``interval`` cycles; Source: swu.sv."""
        shift = self.M * self.STRIDE
        across = (self.out_columns - self.M) * self.STRIDE
        next_row = self.STRIDE * self.columns - across
        next_frame = (self.rows - (self.out_rows - 1) * self.STRIDE) * self.columns - across
        return (
            self.out_rows * (self.out_columns // self.M - 1) * max(shift, interval)
            + (self.out_rows - 1) * max(next_row, interval)
            + max(next_frame, interval)
        )


@rows(
    Row(
        id="plain",
        reason="3x3 as in CNV, odd channels",
        parameters={"C": 5, "H": 6, "WIDTH": 8, "K": 3, "M": 3},
    ),
    Row(
        id="whole_row",
        reason="one tile per row",
        parameters={"C": 2, "H": 5, "WIDTH": 7, "K": 3, "M": 5},
    ),
    Row(
        id="single_tile",
        reason="window as large as the image",
        parameters={"C": 3, "H": 3, "WIDTH": 3, "K": 3, "M": 1},
    ),
    Row(
        id="padded_bytes",
        reason="border of a value, 8-bit pixels",
        parameters={
            **{"C": 3, "BITS": 8, "H": 5, "WIDTH": 4, "K": 3, "PAD": 1},
            **{"M": 2, "PAD_VALUE": 0xA5},
        },
    ),
    Row(
        id="padded_wide",
        reason="PAD 2, border of ones, one pixel per tile",
        parameters={"C": 4, "H": 4, "WIDTH": 5, "K": 5, "PAD": 2, "M": 1, "PAD_VALUE": 1},
    ),
    Row(
        id="stride_2_floor",
        reason="last row and column are not used",
        parameters={"C": 3, "H": 8, "WIDTH": 10, "K": 3, "STRIDE": 2, "M": 2},
    ),
    Row(
        id="stride_2_padded",
        reason="stride and border together",
        parameters={"C": 2, "H": 7, "WIDTH": 8, "K": 3, "STRIDE": 2, "PAD": 1, "M": 4},
    ),
    Row(
        id="pointwise",
        reason="K = 1 has no row memory",
        parameters={"C": 6, "H": 3, "WIDTH": 6, "K": 1, "M": 3},
    ),
    Row(
        id="pointwise_stride_3",
        reason="windows further apart than wide",
        parameters={"C": 2, "H": 5, "WIDTH": 8, "K": 1, "STRIDE": 3, "M": 1},
    ),
    Row(
        id="one_pixel",
        reason="image of one pixel, all else border",
        parameters={"C": 4, "H": 1, "WIDTH": 1, "K": 3, "PAD": 1, "M": 1, "PAD_VALUE": 1},
    ),
    Row(
        id="block_memory",
        reason="rows of more than 64 pixels",
        parameters={"C": 2, "H": 4, "WIDTH": 66, "K": 2, "M": 13},
    ),
)
def test_tiles_and_cycles(row: Row, rng: np.random.Generator, seed: int) -> None:
    shape = Shape(**row.parameters)
    frames = rng.integers(0, 2**shape.BITS, (FRAMES, shape.H, shape.WIDTH, shape.C))
    frames[1] = 2**shape.BITS - 1 - frames[0]  # so every element takes two values
    tiles = shape.tiles(frames)
    pixels = frames.reshape(-1, shape.C)
    assert (pixels.min(0) < pixels.max(0)).all()
    streams = {
        "inputs": {"s_axis": lanes(pixels, bits=shape.BITS)},
        "outputs": {"m_axis": lanes(tiles, bits=shape.BITS)},
    }

    runs = check_stream_module("swu", SOURCES, parameters=row.parameters, seed=seed, **streams)

    per_frame = len(tiles) // FRAMES
    free = runs["none"]
    latency = int(free.output_cycles["m_axis"][0] - free.input_cycles["s_axis"][0])
    border_first = shape.PAD * shape.columns + shape.PAD  # steps before the first pixel
    assert latency == (shape.K - 1) * shape.columns + shape.tile_columns - border_first
    starts = free.output_cycles["m_axis"][::per_frame]
    assert set(np.diff(starts)) == {shape.rows * shape.columns}

    build = build_module("swu", SOURCES, parameters=row.parameters, **streams)
    for interval in (1, shape.M * shape.STRIDE + 1, shape.columns + 3, 2 * shape.rows + 31):
        consumer = Stall(kind=StallKind.BURST, stall_cycles=interval - 1, burst_beats=1)
        pattern = StallPattern(name=f"interval_{interval}", sink=consumer)
        result = run_exact(build, *streams.values(), RunOptions(stalls=pattern))
        starts = result.output_cycles["m_axis"][::per_frame][1:]  # frame 0 waits for the fill
        assert set(np.diff(starts)) == {shape.cycles_per_frame(interval)}, interval


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("STRIDE must be at least 1", {"STRIDE": 0}),
        ("M must divide the output width", {"M": 3}),
        ("PAD_VALUE must fit in BITS", {"PAD": 1, "PAD_VALUE": 2}),
        ("PAD must be less than K", {"PAD": 3}),
        ("K must not exceed the padded image", {"K": 9}),
    ):
        check_rejected("swu", SOURCES, parameters=parameters, match=match)
