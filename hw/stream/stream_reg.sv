// SPDX-License-Identifier: Apache-2.0
// Register slice: two places, so that valid, data and ready are all cut and one beat passes per cycle.
// Latency 1 cycle, initiation interval 1. Keeps up to 2 beats.
`include "axis_assert.svh"

module stream_reg #(
  parameter int unsigned W = 8
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [W-1:0] s_axis_tdata,
  input  logic         s_axis_tvalid,
  output logic         s_axis_tready,
  output logic [W-1:0] m_axis_tdata,
  output logic         m_axis_tvalid,
  input  logic         m_axis_tready
);

  if (W < 1) $error("stream_reg: W must be at least 1");

  // The skid place is taken only while the output stalls, and ready is its emptiness.
  logic         valid_q;
  logic         skid_valid_q;
  logic [W-1:0] data_q;
  logic [W-1:0] skid_q;

  assign s_axis_tready = !skid_valid_q;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q      <= 1'b0;
      skid_valid_q <= 1'b0;
    end else if (!valid_q || m_axis_tready) begin
      valid_q      <= skid_valid_q || s_axis_tvalid;
      skid_valid_q <= 1'b0;
    end else if (s_axis_tvalid) begin
      skid_valid_q <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!skid_valid_q) skid_q <= s_axis_tdata;
    if (!valid_q || m_axis_tready) data_q <= skid_valid_q ? skid_q : s_axis_tdata;
  end

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, W)
  `AXIS_ASSERT(check_skid_needs_output, valid_q || !skid_valid_q)

`ifdef FORMAL
  `include "stream_reg_props.svh"
`endif

endmodule
