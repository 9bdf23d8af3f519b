# SPDX-License-Identifier: Apache-2.0
"""Tiny stream modules, written into a test's folder: good ones, and ones with a planted fault."""

from __future__ import annotations

from pathlib import Path

HEAD = """// SPDX-License-Identifier: Apache-2.0
module {name} #(parameter int unsigned W = 8) (
  input  logic         clk_i, rst_ni,
  input  logic [W-1:0] s_axis_tdata,
  input  logic         s_axis_tvalid,
  output logic         s_axis_tready,
  output logic [W-1:0] m_axis_tdata,
  output logic         m_axis_tvalid,
  input  logic         m_axis_tready
);
"""

# A register slice that is right; the faulty ones differ from it in one line.
SLICE = """
  logic valid_q;
  logic [W-1:0] data_q;
  logic [7:0] count_q;
  wire take = s_axis_tvalid && s_axis_tready;
  assign s_axis_tready = !valid_q || m_axis_tready;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata = data_q;
  always_ff @(posedge clk_i) begin
    if (take) data_q <= s_axis_tdata;
    if (!rst_ni) begin
      valid_q <= 1'b0;
      count_q <= '0;
    end else begin
      if (s_axis_tready) valid_q <= s_axis_tvalid;
      if (take) count_q <= count_q + 1'b1;
      if (count_q == 8'hff && take) $display("wrapped");
    end
  end
endmodule
"""


def write(folder: Path, name: str, body: str = SLICE, *edits: tuple[str, str]) -> Path:
    """Writes ``<name>.sv``: the head, and ``body`` with each (old, new) applied."""
    for old, new in edits:
        assert old in body, old
        body = body.replace(old, new)
    path = folder / f"{name}.sv"
    path.write_text(HEAD.format(name=name) + body)
    return path
