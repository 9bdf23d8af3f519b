// SPDX-License-Identifier: Apache-2.0
// Index of the largest of N signed W-bit logits; the lowest index wins a tie. Logit n is at [n*W +: W].
// Sequential: one logit per cycle is read from the input beat in place (the stream contract holds it still),
// the beat is taken with the last one. Latency N cycles from the first valid cycle, N cycles per beat.
// Cuts valid and data; ready passes through. No register for the logits: W + 2*IDX_W + 2 flip-flops or so.
`include "axis_assert.svh"

module label_select #(
  parameter int unsigned N = 10,
  parameter int unsigned W = 8,
  parameter int unsigned IDX_W = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [N*W-1:0]   s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,
  output logic [IDX_W-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready
);

  localparam int unsigned COUNT_W = (N > 1) ? $clog2(N) : 1;

  if (N < 1) $error("label_select: N must be at least 1");
  if (W < 1) $error("label_select: W must be at least 1");
  if (IDX_W < COUNT_W) $error("label_select: IDX_W must hold N - 1");

  logic [COUNT_W-1:0]  index_q;
  logic [COUNT_W-1:0]  best_index_q;
  logic [COUNT_W-1:0]  best_index;
  logic signed [W-1:0] best_q;
  logic signed [W-1:0] logit;
  logic                better;
  logic                last;
  logic                step;
  logic                valid_q;
  logic [IDX_W-1:0]    data_q;

  assign last          = (index_q == COUNT_W'(N - 1));
  assign s_axis_tready = last && (!valid_q || m_axis_tready);
  assign step          = s_axis_tvalid && (!last || !valid_q || m_axis_tready);
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  assign logit      = s_axis_tdata[32'(index_q)*W +: W];
  assign better     = (index_q == '0) || (logit > best_q);
  assign best_index = better ? index_q : best_index_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_q <= '0;
      valid_q <= 1'b0;
    end else begin
      if (step) index_q <= last ? '0 : index_q + 1'b1;
      if (step && last) valid_q <= 1'b1;
      else if (m_axis_tready) valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (step) best_index_q <= best_index;
    if (step && better) best_q <= logit;
    if (step && last) data_q <= IDX_W'(best_index);
  end

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, IDX_W)
  `AXIS_ASSERT(check_index, 32'(index_q) < N)

endmodule
