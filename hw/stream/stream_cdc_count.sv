// SPDX-License-Identifier: Apache-2.0
// Counts events of one clock in another: each cycle of m_clk_i tells how many have come to be known since the last.
// None is lost while fewer than 2**W happen in two cycles of m_clk_i. Starts at zero; no reset, so totals stay true over any.
// Latency: one cycle of s_clk_i and two of m_clk_i. Cost: 5*W FF.
module stream_cdc_count #(
  parameter int unsigned W = 4
) (
  input  logic         s_clk_i,
  input  logic         event_i,
  input  logic         m_clk_i,
  output logic [W-1:0] count_o
);

  if (W < 2) $error("stream_cdc_count: W must be at least 2");

  logic [W-1:0] total_q = '0;
  logic [W-1:0] total_d;
  logic [W-1:0] gray_q = '0;
  logic [W-1:0] seen_gray;
  logic [W-1:0] seen;
  logic [W-1:0] told_q = '0;

  assign total_d = total_q + W'(event_i);
  assign count_o = seen - told_q;

  always_ff @(posedge s_clk_i) begin
    total_q <= total_d;
    gray_q  <= total_d ^ (total_d >> 1);
  end

  stream_cdc_sync #(
    .W(W)
  ) u_sync (
    .clk_i(m_clk_i),
    .data_i(gray_q),
    .data_o(seen_gray)
  );

  for (genvar i = 0; i < W; i++) begin : gen_binary
    assign seen[i] = ^(seen_gray >> i);
  end

  always_ff @(posedge m_clk_i) begin
    told_q <= seen;
  end

`ifdef FORMAL
  `include "stream_cdc_count_props.svh"
`endif

endmodule
