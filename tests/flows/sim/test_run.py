# SPDX-License-Identifier: Apache-2.0
"""Streams of every width, frames, taps, waves, memory images, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.errors import ToolError, UsageError, VerificationError
from flows.sim.abi import load
from flows.sim.run import RunOptions, run
from flows.sim.streams import RANDOM, STALL_PATTERNS, ResetPoint, StreamPort
from flows.sim.verilate import build_simulator
from tests.flows.sim.designs import SLICE, write
from tests.support.battery import (
    CACHE,
    ROOT,
    Beats,
    build_module,
    check_stream_module,
    lanes,
    run_exact,
)

FIFO = ROOT / "hw/stream/stream_fifo.sv"

JOIN = """// SPDX-License-Identifier: Apache-2.0
module join_frames #(parameter int unsigned W = 8) (
  input  logic         clk_i, rst_ni,
  input  logic [W-1:0] s_axis_a_tdata, s_axis_b_tdata,
  input  logic         s_axis_a_tvalid, s_axis_b_tvalid, s_axis_a_tlast,
  output logic         s_axis_a_tready, s_axis_b_tready,
  output logic [W-1:0] m_axis_sum_tdata, m_axis_copy_tdata,
  output logic         m_axis_sum_tvalid, m_axis_copy_tvalid, m_axis_sum_tlast,
  input  logic         m_axis_sum_tready, m_axis_copy_tready
);
  logic sum_valid_q, copy_valid_q, last_q;
  logic [W-1:0] sum_q, copy_q;
  wire free = (!sum_valid_q || m_axis_sum_tready) && (!copy_valid_q || m_axis_copy_tready);
  wire take = free && s_axis_a_tvalid && s_axis_b_tvalid;
  assign s_axis_a_tready = take;
  assign s_axis_b_tready = take;
  assign m_axis_sum_tvalid = sum_valid_q;
  assign m_axis_copy_tvalid = copy_valid_q;
  assign m_axis_sum_tlast = last_q;
  assign m_axis_sum_tdata = sum_q;
  assign m_axis_copy_tdata = copy_q;
  always_ff @(posedge clk_i) begin
    if (take) begin
      sum_q  <= s_axis_a_tdata + s_axis_b_tdata;
      copy_q <= s_axis_a_tdata;
      last_q <= s_axis_a_tlast;
    end
    if (!rst_ni) begin
      sum_valid_q  <= 1'b0;
      copy_valid_q <= 1'b0;
    end else begin
      sum_valid_q  <= take || (sum_valid_q && !m_axis_sum_tready);
      copy_valid_q <= take || (copy_valid_q && !m_axis_copy_tready);
    end
  end
endmodule
"""

CHAIN = """
  logic [W-1:0] mid_tdata;
  logic mid_tvalid, mid_tready;
  stream_fifo #(.W(W), .DEPTH(4)) u_a (.clk_i, .rst_ni, .s_axis_tdata, .s_axis_tvalid,
    .s_axis_tready, .m_axis_tdata(mid_tdata), .m_axis_tvalid(mid_tvalid),
    .m_axis_tready(mid_tready));
  stream_fifo #(.W(W), .DEPTH(8)) u_b (.clk_i, .rst_ni, .s_axis_tdata(mid_tdata ^ W'(1)),
    .s_axis_tvalid(mid_tvalid), .s_axis_tready(mid_tready), .m_axis_tdata, .m_axis_tvalid,
    .m_axis_tready);
endmodule
"""

ROM = """
  logic [7:0] mem [4];
  initial $readmemh(FILE, mem);
  assign s_axis_tready = m_axis_tready;
  assign m_axis_tvalid = s_axis_tvalid && rst_ni;
  assign m_axis_tdata = mem[s_axis_tdata[1:0]];
  wire unused_ok = &{clk_i, s_axis_tdata};
endmodule
"""


@pytest.mark.parametrize("width", [1, 7, 8, 33, 64, 65, 1000])
def test_every_width_arrives_whole(width: int, rng: np.random.Generator) -> None:
    data = lanes(rng.integers(0, 2, (64, width)), bits=1)
    streams = {"inputs": {"s_axis": data}, "outputs": {"m_axis": data}}
    build = build_module("stream_fifo", [FIFO], parameters={"W": width, "DEPTH": 3}, **streams)
    run_exact(build, **streams, options=RunOptions(stalls=RANDOM, idle_limit=1000))


def test_several_streams_and_frames(tmp_path: Path, rng: np.random.Generator) -> None:
    source = tmp_path / "join_frames.sv"
    source.write_text(JOIN)
    a, b = rng.integers(0, 256, (2, 60))
    first = lanes(a, bits=8)
    check_stream_module(
        "join_frames",
        [source],
        inputs={"s_axis_a": lanes(a, bits=8, frame=5), "s_axis_b": lanes(b, bits=8)},
        outputs={"m_axis_sum": lanes((a + b) % 256, bits=8, frame=5), "m_axis_copy": first},
    )
    wrong = tmp_path / "bad" / "join_frames.sv"
    wrong.parent.mkdir()
    wrong.write_text(
        JOIN.replace("last_q <= s_axis_a_tlast", "last_q <= s_axis_a_tlast && !rst_ni")
    )
    inputs = {"s_axis_a": lanes(a, bits=8, frame=5), "s_axis_b": lanes(b, bits=8)}
    outputs = {"m_axis_sum": lanes((a + b) % 256, bits=8, frame=5), "m_axis_copy": first}
    build = build_module("join_frames", [wrong], inputs=inputs, outputs=outputs)
    with pytest.raises(VerificationError, match="m_axis_sum, beat 4: tlast is wrong"):
        run_exact(build, inputs, outputs)


def test_a_starved_join_names_the_blocked_stream(tmp_path: Path, rng: np.random.Generator) -> None:
    source = tmp_path / "join_frames.sv"
    source.write_text(JOIN)
    a = rng.integers(0, 256, 20)
    inputs = {"s_axis_a": lanes(a, bits=8, frame=5), "s_axis_b": lanes(a[:12], bits=8)}
    outputs = {"m_axis_sum": lanes(2 * a % 256, bits=8, frame=5), "m_axis_copy": lanes(a, bits=8)}
    build = build_module("join_frames", [source], inputs=inputs, outputs=outputs)
    with pytest.raises(VerificationError, match="deadlock: s_axis_a is offered") as caught:
        run_exact(build, inputs, outputs)
    assert "in  s_axis_a: 12 of 20 beats taken, valid 1 ready 0, blocked" in str(caught.value)
    assert "in  s_axis_b: 12 of 12 beats taken, valid 0" in str(caught.value)


@pytest.mark.parametrize("pattern", STALL_PATTERNS.values(), ids=STALL_PATTERNS)
def test_taps_and_high_water(pattern, tmp_path: Path, rng: np.random.Generator) -> None:
    source = write(tmp_path, "chain", CHAIN)
    values = rng.integers(0, 2, (200, 70))
    data = lanes(values, bits=1)
    flipped = data.data.copy()
    flipped[:, 0] ^= 1
    streams = {
        "inputs": {"s_axis": data},
        "outputs": {"m_axis": Beats(data=flipped, width=70)},
    }
    build = build_module("chain", [source, FIFO], parameters={"W": 70}, taps=["mid"], **streams)
    options = RunOptions(stalls=pattern, idle_limit=1000, resets=(ResetPoint(after_beats=9),))
    result = run_exact(build, **streams, options=options)
    trace = result.taps["mid"]
    assert np.array_equal(trace.beats, data.data)
    assert (trace.cycles > result.input_cycles["s_axis"]).all()
    assert (trace.cycles < result.output_cycles["m_axis"]).all()
    assert set(result.high_water) == {"chain.u_a", "chain.u_b"}
    if pattern.name == "sink_burst":
        assert result.high_water == {"chain.u_a": 4, "chain.u_b": 8}


def test_an_unknown_tap_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    source = write(tmp_path, "slice_tap")
    data = lanes(rng.integers(0, 256, 5), bits=8)
    with pytest.raises(ToolError, match="other"):
        build = build_module(
            "slice_tap",
            [source],
            taps=["other"],
            inputs={"s_axis": data},
            outputs={"m_axis": data},
        )
        run_exact(build, {"s_axis": data}, {"m_axis": data})


def test_a_deadlock_in_a_trace_build_shows_where(tmp_path: Path) -> None:
    """Between the FIFOs stands a gate that never opens."""
    shut = CHAIN.replace(
        ".s_axis_tvalid(mid_tvalid), .s_axis_tready(mid_tready)",
        ".s_axis_tvalid(mid_tvalid && shut_q), .s_axis_tready(open)",
    ).replace(
        "  logic mid_tvalid, mid_tready;",
        "  logic mid_tvalid, mid_tready, open, shut_q;\n  assign mid_tready = open && shut_q;\n"
        "  always_ff @(posedge clk_i) shut_q <= rst_ni && shut_q;",
    )
    source = write(tmp_path, "shut", shut)
    data = lanes(np.arange(30), bits=8)
    streams = {"inputs": {"s_axis": data}, "outputs": {"m_axis": data}}
    build = build_module("shut", [source, FIFO], taps=["mid"], **streams)
    with pytest.raises(VerificationError, match="deadlock: s_axis") as caught:
        run_exact(build, **streams, options=RunOptions(idle_limit=1000))
    text = str(caught.value)
    assert "in  s_axis: 4 of 30 beats taken, valid 1 ready 0, blocked" in text
    assert "tap mid: valid 1 ready 0, blocked: its consumer waits" in text
    assert "out m_axis: 0 of 30 beats delivered, valid 0 ready 1" in text


def test_a_damaged_library_is_a_tool_error(tmp_path: Path) -> None:
    library = tmp_path / "simulator.so"
    library.write_bytes(b"\x7fELF")
    with pytest.raises(ToolError, match="cannot be loaded"):
        load(library)


def test_latency_and_interval(tmp_path: Path, rng: np.random.Generator) -> None:
    source = write(tmp_path, "slice_ii")
    data = lanes(rng.integers(0, 256, 400), bits=8)
    streams = {"inputs": {"s_axis": data}, "outputs": {"m_axis": data}}
    result = run_exact(build_module("slice_ii", [source], **streams), **streams)
    assert result.latency("s_axis", "m_axis", sink_frame_beats=10) == 10
    interval = result.interval("m_axis", sink_frame_beats=10)
    assert (interval.cycles, interval.constant) == (10.0, True)
    with pytest.raises(ValueError, match="needs two frames"):
        result.interval("m_axis", sink_frame_beats=400)


def test_waves_are_written(tmp_path: Path, rng: np.random.Generator) -> None:
    source = write(tmp_path, "slice_waves")
    data = lanes(rng.integers(0, 256, 20), bits=8)
    streams = {"inputs": {"s_axis": data}, "outputs": {"m_axis": data}}
    build = build_module("slice_waves", [source], waves=True, **streams)
    file = tmp_path / "slice.vcd"
    run_exact(build, **streams, options=RunOptions(waves=file))
    text = file.read_text()
    assert "valid_q" in text
    assert "#200" in text
    plain = build_module("slice_waves", [source], **streams)
    with pytest.raises(UsageError, match="built without"):
        run_exact(plain, **streams, options=RunOptions(waves=file))


def test_memory_images_are_relative_to_cwd(tmp_path: Path) -> None:
    source = write(tmp_path, "rom", ROM)
    parameter = "parameter int unsigned W = 8"
    source.write_text(source.read_text().replace(parameter, parameter + ', parameter FILE = ""'))
    address = np.array([0, 1, 2, 3, 1])
    good = tmp_path / "good"
    good.mkdir()
    (good / "image.hex").write_text("11\n22\n33\n44\n")
    inputs = {"s_axis": lanes(address, bits=8)}
    outputs = {"m_axis": lanes(17 * (address + 1), bits=8)}
    build = build_module(
        "rom", [source], parameters={"FILE": "image.hex"}, inputs=inputs, outputs=outputs
    )
    here = Path.cwd()
    run_exact(build, inputs, outputs, RunOptions(cwd=good))
    assert Path.cwd() == here
    with pytest.raises(ToolError, match=r"image.hex.*file not found"):
        run_exact(build, inputs, outputs, RunOptions(cwd=tmp_path))
    (good / "image.hex").write_text("11\nqq\n")
    with pytest.raises(ToolError, match="syntax error"):
        run_exact(build, inputs, outputs, RunOptions(cwd=good))


def test_data_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, "narrow")
    build = build_simulator(
        top="narrow",
        sources=[source],
        parameters={"W": 6},
        inputs=[StreamPort(name="s_axis", width=6)],
        outputs=[StreamPort(name="m_axis", width=6)],
        cache_dir=CACHE,
        optimize=1,
    )
    good = np.zeros((3, 1), np.uint8)
    with pytest.raises(UsageError, match="bits above the width of 6"):
        run(build, {"s_axis": good + 64}, expect={"m_axis": 3})
    with pytest.raises(UsageError, match=r"needed is uint8 \(n, 1\)"):
        run(build, {"s_axis": np.zeros((3, 2), np.uint8)}, expect={"m_axis": 3})
    with pytest.raises(UsageError, match="no stream s_axis_x"):
        run(build, {"s_axis_x": good}, expect={"m_axis": 3})


def test_ports_that_differ_are_named(tmp_path: Path) -> None:
    source = write(tmp_path, "ports", SLICE)
    data = lanes(np.zeros((2, 9), int), bits=1)
    with pytest.raises(ToolError, match=r"s_axis_tdata was announced with 9 bits, .* has 8 bits"):
        build_module("ports", [source], inputs={"s_axis": data}, outputs={"m_axis": data})
    with pytest.raises(ToolError, match="nothing drives the input s_axis_tdata, s_axis_tvalid"):
        build_module(
            "ports", [source], inputs={}, outputs={"m_axis": lanes(np.zeros(2, int), bits=8)}
        )
