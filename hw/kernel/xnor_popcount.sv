// SPDX-License-Identifier: Apache-2.0
// xnor_popcount: number of lanes in which activation and weight agree, pipelined, no handshake.
//
//   count_o = sum over i of (act_i[i] XNOR weight_i[i])        tag_o = tag_i of the same operands
//
// Latency and cost: see popcount_heap, which also compares with a threshold; one set of operands per cycle. Cuts every path.
module xnor_popcount #(
  parameter int unsigned N = 64,
  parameter int unsigned TAG_W = 1,
  localparam int unsigned COUNT_W = $clog2(N + 32'd1)
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic [N-1:0]       act_i,
  input  logic [N-1:0]       weight_i,
  input  logic [TAG_W-1:0]   tag_i,
  output logic [COUNT_W-1:0] count_o,
  output logic [TAG_W-1:0]   tag_o
);

  if (N < 1 || N > 4608) $error("xnor_popcount: N must be 1 to 4608");
  if (TAG_W < 1) $error("xnor_popcount: TAG_W must be at least 1");

  logic             unused_tag;
  logic [TAG_W-1:0] addend_tag;
  assign unused_tag = ^addend_tag;

  popcount_heap #(
    .N(N),
    .TAG_W(TAG_W)
  ) u_heap (
    .clk_i,
    .rst_ni,
    .act_i,
    .weight_i,
    .carry_i(1'b0),
    .tag_i,
    .addend_i(1'b0),
    .addend_tag_o(addend_tag),
    .sum_o(count_o),
    .tag_o
  );

endmodule
