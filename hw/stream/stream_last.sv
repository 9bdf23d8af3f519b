// SPDX-License-Identifier: Apache-2.0
// stream_last: marks the last of every BEATS beats with tlast; frames are counted from reset.
// Latency 0, one beat a cycle. Cuts nothing: data, valid and ready pass straight through.
// Cost: none for BEATS = 1, else a counter of $clog2(BEATS) bits.
`include "axis_assert.svh"

module stream_last #(
    parameter int unsigned W = 8,
    parameter int unsigned BEATS = 4
) (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic [W-1:0] s_axis_tdata,
    input  logic s_axis_tvalid,
    output logic s_axis_tready,
    output logic [W-1:0] m_axis_tdata,
    output logic m_axis_tvalid,
    input  logic m_axis_tready,
    output logic m_axis_tlast
);
  if (W < 1) $error("stream_last: W must be at least 1");
  if (BEATS < 1) $error("stream_last: BEATS must be at least 1");

  assign m_axis_tdata  = s_axis_tdata;
  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;

  if (BEATS < 2) begin : gen_every
    // Nothing to count; the clock is part of the common port list.
    logic unused;
    assign unused = clk_i ^ rst_ni;
    assign m_axis_tlast = 1'b1;
  end else begin : gen_count
    localparam int unsigned CNT_W = $clog2(BEATS);
    localparam logic [CNT_W-1:0] LAST = CNT_W'(BEATS - 1);
    logic [CNT_W-1:0] count_q;

    assign m_axis_tlast = count_q == LAST;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) count_q <= '0;
      else if (m_axis_tvalid && m_axis_tready) count_q <= m_axis_tlast ? '0 : count_q + 1'b1;
    end
  end

`ifdef FORMAL
  `include "stream_last_props.svh"
`endif

endmodule
