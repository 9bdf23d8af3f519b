# SPDX-License-Identifier: Apache-2.0
"""mvu_dsp: two channels in a DSP slice, exact under all traffic and at full rate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.sim.run import RunOptions
from tests.hw.kernel.support_mvu import (
    HW,
    Ints,
    Layer,
    build_kernel,
    check_ends_of_range,
    check_faults_are_found,
    check_rate,
    check_traffic,
    make_case,
    parameters,
    pixels,
    reference,
    sources,
    write_thresholds,
    write_weights,
)
from tests.support.battery import (
    Row,
    build_module,
    check_lint,
    check_rejected,
    lanes,
    rows,
    run_exact,
)

TOP = "mvu_dsp"


@dataclass(frozen=True, slots=True, kw_only=True)
class DspLayer(Layer):
    """All channels and one input at a time; thresholds are stored as starts of the sums."""

    in_bits: int = 8
    bipolar: bool = False
    simd: int = 1
    c: int = 3

    @property
    def start_bits(self) -> int:
        return (2 * self.largest).bit_length() + 1

    def excess(self, weights: Ints) -> Ints:
        return np.zeros(self.mh, np.int64)  # slices multiply: sums are sums

    def starts(self, counted: Ints) -> Ints:
        return 2 ** (self.start_bits - 1) - counted

    @property
    def latency(self) -> int:
        direct = self.mw >= self.m + 7
        return self.mw + (7 if direct else 8)


def dsp_row(name: str, reason: str, mh: int, **fields: Any) -> Row:
    layer = DspLayer(mh=mh, pe=mh, **fields)
    return Row(id=name, reason=reason, parameters={"layer": layer})


TABLE = (
    dsp_row("stem", "the first layer of CNV, fewer channels", 8, m=3),
    dsp_row("stem_six", "as many pixels as the fast stem has", 6, m=6),
    dsp_row("odd", "the last channel has a slice of its own", 5, m=2),
    dsp_row("one_channel", "half a slice", 1),
    dsp_row("stride", "windows two columns apart", 4, c=2, m=2, stride=2),
    dsp_row("apart", "windows further apart than wide", 4, c=11, k=1, m=2, stride=3),
    dsp_row("wide", "K = 5: more than four groups of rows", 4, k=5, m=2),
    dsp_row("one_colour", "as few steps as the register without FIFO admits", 4, c=1, m=2),
    dsp_row("fifo", "results closer than they leave the register", 4, c=1, m=4),
    dsp_row("pointwise", "a tile for each step or two", 2, c=2, k=1),
    dsp_row("dense", "first layer of a fully connected network", 6, c=49, k=1),
    dsp_row("one_bit", "unsigned bits are not +-1", 4, in_bits=1, c=4),
    dsp_row("five_bits", "narrower fields", 4, in_bits=5, m=2),
    dsp_row("raw", "signed sums, least width", 4, threshold=False, acc_w=14),
    dsp_row("raw_wide", "signed sums, extended; odd channels", 3, m=2, threshold=False, acc_w=20),
)


@rows(*TABLE)
def test_traffic(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_traffic(TOP, row.parameters["layer"], tmp_path, rng, fast=True)


@rows(*TABLE)
def test_rate_and_latency(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check_rate(TOP, row.parameters["layer"], tmp_path, rng)


@pytest.mark.parametrize("seed", range(6))
def test_random_shapes(seed: int, tmp_path: Path) -> None:
    """Shapes that nobody chose, with both forms of the output."""
    rng = np.random.default_rng(seed)
    mh = int(rng.integers(1, 9))
    layer = DspLayer(
        c=int(rng.integers(1, 5)),
        k=int(rng.integers(1, 5)),
        stride=int(rng.integers(1, 4)),
        m=int(rng.integers(1, 5)),
        mh=mh,
        pe=mh,
        in_bits=int(rng.integers(2, 9)),
        threshold=bool(rng.integers(0, 2)),
    )
    check_traffic(TOP, layer, tmp_path, rng, fast=True)


@pytest.mark.parametrize("k", [1, 3])
def test_ends_of_range(k: int, tmp_path: Path, rng: np.random.Generator) -> None:
    """Always on, on at one end only, always off: the neighbour in the slice sees nothing of it."""
    check_ends_of_range(TOP, DspLayer(k=k, c=12 // k, mh=8, pe=8), tmp_path, rng)


def test_neighbours_at_opposite_ends(tmp_path: Path, rng: np.random.Generator) -> None:
    """Pixels of 0 and 255 only, weights all +1 and all -1 in every order within a slice.

    Sums reach both ends of their field while the neighbour's reach the other one; thresholds
    lie on, above and below them.
    """
    layer = DspLayer(mh=16, pe=16, m=2)
    case = make_case(layer, tmp_path, rng)
    weights = case.weights.copy()
    for channel, sign in enumerate((0, 0, 0, 1, 1, 0, 1, 1) * 2):
        weights[channel] = sign
    tiles = 255 * rng.integers(0, 2, case.tiles.shape)
    tiles[0], tiles[1] = 0, 255
    ends = np.array([layer.largest, -layer.largest, layer.largest + 1, 1 - layer.largest])
    stored = ends[rng.integers(0, 4, layer.mh)]
    write_weights(tmp_path / "weights.mem", layer, weights)
    write_thresholds(tmp_path / "thresholds.mem", layer, stored)
    results = (reference(layer, tiles, weights) >= stored).astype(np.int64)
    assert 0 < results.mean() < 1
    run_exact(
        build_kernel(TOP, case),
        {"s_axis": lanes(tiles.reshape(len(tiles), -1), bits=8)},
        {"m_axis": pixels(layer, results)},
        RunOptions(cwd=tmp_path, idle_limit=2000),
    )


@pytest.mark.parametrize("mh", [4, 5])
def test_faults_are_found(mh: int, tmp_path: Path, rng: np.random.Generator) -> None:
    check_faults_are_found(TOP, DspLayer(mh=mh, pe=mh), tmp_path, rng)


def test_narrow_fields_would_be_found(tmp_path: Path, rng: np.random.Generator) -> None:
    """Negative control: with a field one bit narrower, sums that go to its ends come out wrong."""
    layer = DspLayer(mh=2, pe=2, threshold=False, acc_w=14)
    case = make_case(layer, tmp_path, rng)
    text = (HW / "kernel" / "mvu_dsp.sv").read_text()
    narrow = tmp_path / "mvu_dsp.sv"
    narrow.write_text(text.replace("+ 32'd1) + 1;", "+ 32'd1);", 1))
    assert narrow.read_text() != text
    weights = np.stack([case.weights[0] * 0, case.weights[1] * 0 + 1])
    write_weights(tmp_path / "weights.mem", layer, weights)
    inputs = {"s_axis": case.inputs["s_axis"]}
    outputs = {"m_axis": pixels(layer, reference(layer, case.tiles, weights))}
    files = [narrow if path.stem == TOP else path for path in sources(TOP)]
    build = build_module(
        TOP, files, parameters=parameters(TOP, layer), inputs=inputs, outputs=outputs
    )
    with pytest.raises(pytest.fail.Exception, match="expected"):
        run_exact(build, inputs, outputs, RunOptions(cwd=tmp_path, idle_limit=2000))


STEM = """
module stem #(parameter int unsigned M = 3, parameter int unsigned MH = 2) (
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic [23:0]   s_axis_tdata,
  input  logic          s_axis_tvalid,
  output logic          s_axis_tready,
  output logic [MH-1:0] m_axis_tdata,
  output logic          m_axis_tvalid,
  input  logic          m_axis_tready
);
  logic [3*(M+2)*24-1:0] tile;
  logic                  tile_valid;
  logic                  tile_ready;
  swu #(.C(3), .BITS(8), .H(32), .WIDTH(32), .K(3), .M(M)) u_swu (
    .m_axis_tdata(tile), .m_axis_tvalid(tile_valid), .m_axis_tready(tile_ready), .*);
  mvu_dsp #(.M(M), .MH(MH), .WEIGHT_FILE("weights.mem"), .THRESHOLD_FILE("thresholds.mem")) u_mvu (
    .s_axis_tdata(tile), .s_axis_tvalid(tile_valid), .s_axis_tready(tile_ready),
    .load_i(65'd0), .*);
endmodule
"""


@pytest.mark.parametrize(("m", "cycles"), [(3, 8142), (6, 4095)])
def test_interval_of_the_whole_stem(m: int, cycles: int, tmp_path: Path) -> None:
    """The stem of CNV with its `swu`: 27 cycles a tile without a bubble, which is 8,100 and 4,050
    a frame; then the rows of the next frame's first tile are 42 and 45 cycles late.
    """
    rng = np.random.default_rng(m)
    layer = DspLayer(mh=2, pe=2, m=m)
    frames = rng.integers(0, 256, (3, 32, 32, 3))
    view = np.lib.stride_tricks.sliding_window_view(frames, (3, layer.columns), axis=(1, 2))
    tiles = view[:, :, ::m].transpose(0, 1, 2, 4, 5, 3).reshape(-1, 3, layer.columns, 3)
    weights = rng.integers(0, 2, (2, 3, 3, 3))
    sums = reference(layer, tiles, weights)
    stored = np.median(sums, axis=(0, 1)).astype(np.int64)
    write_weights(tmp_path / "weights.mem", layer, weights)
    write_thresholds(tmp_path / "thresholds.mem", layer, stored)
    (tmp_path / "stem.sv").write_text(STEM)
    inputs = {"s_axis": lanes(frames.reshape(-1, 3), bits=8)}
    outputs = {"m_axis": pixels(layer, (sums >= stored).astype(np.int64))}
    files = [*sources(TOP), HW / "memory" / "ram_sdp.sv", HW / "kernel" / "swu.sv"]
    build = build_module(
        "stem",
        [*files, tmp_path / "stem.sv"],
        parameters={"M": m},
        inputs=inputs,
        outputs=outputs,
    )
    result = run_exact(build, inputs, outputs, RunOptions(cwd=tmp_path, idle_limit=2000))
    given = result.output_cycles["m_axis"][::m].reshape(3, -1)
    assert set(np.diff(given, axis=1).ravel()) == {27}
    assert set(np.diff(given[:, 0])) == {cycles}


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"IN_BITS": 9}, "IN_BITS must be"),
        ({"C": 500}, "two sums share a slice"),
        ({"THRESHOLD": 0, "ACC_W": 13}, "ACC_W must hold"),
    ],
    ids=["in_bits", "large", "acc_w"],
)
def test_refuses(values: dict[str, int], match: str) -> None:
    check_rejected(TOP, sources(TOP), parameters=values, match=match)


def test_lint() -> None:
    layer = DspLayer(mh=5, pe=5, m=2)
    check_lint(TOP, sources(TOP), parameters=parameters(TOP, layer))
