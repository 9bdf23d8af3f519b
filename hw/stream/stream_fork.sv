// SPDX-License-Identifier: Apache-2.0
// Copies a stream to two: each output takes a beat as soon as it can, the input leaves when both have taken it.
// Latency 0, one beat a cycle where both outputs take one. An output that is one beat behind holds the input, not
// the other output's beat; what may run further ahead needs a stream_fifo behind the fork.
// Cuts nothing: valid of an output never depends on a ready, and ready never on a valid. Keeps no beat, two bits.
`include "axis_assert.svh"

module stream_fork #(
  parameter int unsigned W = 8
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [W-1:0] s_axis_tdata,
  input  logic         s_axis_tvalid,
  output logic         s_axis_tready,
  output logic [W-1:0] m_axis_a_tdata,
  output logic         m_axis_a_tvalid,
  input  logic         m_axis_a_tready,
  output logic [W-1:0] m_axis_b_tdata,
  output logic         m_axis_b_tvalid,
  input  logic         m_axis_b_tready
);

  if (W < 1) $error("stream_fork: W must be at least 1");

  // An output has taken the beat that still stands at the input.
  logic a_done_q;
  logic b_done_q;

  assign m_axis_a_tdata  = s_axis_tdata;
  assign m_axis_b_tdata  = s_axis_tdata;
  assign m_axis_a_tvalid = s_axis_tvalid && !a_done_q;
  assign m_axis_b_tvalid = s_axis_tvalid && !b_done_q;
  assign s_axis_tready   = (a_done_q || m_axis_a_tready) && (b_done_q || m_axis_b_tready);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      a_done_q <= 1'b0;
      b_done_q <= 1'b0;
    end else if (s_axis_tvalid) begin
      a_done_q <= !s_axis_tready && (a_done_q || m_axis_a_tready);
      b_done_q <= !s_axis_tready && (b_done_q || m_axis_b_tready);
    end
  end

  `AXIS_ASSERT(check_one_waits, !(a_done_q && b_done_q))

`ifdef FORMAL
  `include "stream_fork_props.svh"
`endif

endmodule
