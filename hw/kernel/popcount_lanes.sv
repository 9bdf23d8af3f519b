// SPDX-License-Identifier: Apache-2.0
// popcount_lanes: first step of popcount_heap. XNOR of N lanes, added up in groups of three to two bits; combinational.
//
//   sum_o[g] + 2*carry_o[g] = agreeing lanes among g, G + g and 2*G + g,  G = ceil(N/3), as far as there are such lanes
//
// Cost: two LUT6 per group, one level. A module of its own so that a flow can map it apart from the rest (keep_hierarchy, flattened
// afterwards): mapped together with deeper paths, Yosys 0.70 (abc9) saves depth where none is needed and spends three LUTs on a
// group and more than three on a 6:3 counter. conv_xnor with C = 64, K = 3, MH = 64, M = 2: 1,709 LUT apart, 2,782 together.
module popcount_lanes #(
  parameter int unsigned N = 64,
  localparam int unsigned A_N = (N + 2) / 3,
  localparam int unsigned B_N = (N + 1) / 3,
  localparam int unsigned C_N = N / 3
) (
  input  logic [N-1:0]   act_i,
  input  logic [N-1:0]   weight_i,
  output logic [A_N-1:0] sum_o,
  output logic [A_N-1:0] carry_o
);

  logic [N-1:0]   agree;
  logic [A_N-1:0] a, b, c;

  assign agree = ~(act_i ^ weight_i);
  assign a     = agree[A_N-1:0];
  if (B_N > 0) begin : gen_b
    assign b = A_N'(agree[A_N+:B_N]);
  end else begin : gen_no_b
    assign b = '0;
  end
  if (C_N > 0) begin : gen_c
    assign c = A_N'(agree[A_N+B_N+:C_N]);
  end else begin : gen_no_c
    assign c = '0;
  end
  assign sum_o   = a ^ b ^ c;
  assign carry_o = (a & b) | (a & c) | (b & c);

endmodule
