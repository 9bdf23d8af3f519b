// SPDX-License-Identifier: Apache-2.0
// add_ternary: sum of three words on one carry chain; combinational, two LUT levels and the chain.
//
//   sum_o = (a_i + b_i + c_i) mod 2^W
//
// One LUT per column gives the majority of the column's three bits to the column above (O5), and the sum of its three bits and the
// majority from below to the chain (O6). So O6 sees the fourth input and O5 does not, which a depth meter must know.
module add_ternary #(
  parameter int unsigned W = 8
) (
  input  logic [W-1:0] a_i,
  input  logic [W-1:0] b_i,
  input  logic [W-1:0] c_i,
  output logic [W-1:0] sum_o
);

  if (W < 1) $error("add_ternary: W must be at least 1");

  // Tables of {0, majority from below, c, b, a}.
  localparam logic [15:0] ODD = 16'b0110_1001_1001_0110;
  localparam logic [15:0] MAJORITY = {2{8'b1110_1000}};

  logic [W:0]   majority;
  logic [W-1:0] select, carry;
  logic         unused_top;
  assign majority[0] = 1'b0;
  assign unused_top  = majority[W] ^ (^carry);

  for (genvar i = 0; i < W; i = i + 1) begin : gen_column
    lut_pair #(
      .INIT6({2{ODD}}),
      .INIT5({2{MAJORITY}})
    ) u_pair (
      .in_i({1'b0, majority[i], c_i[i], b_i[i], a_i[i]}),
      .o6_o(select[i]),
      .o5_o(majority[i+1])
    );
  end

  carry_chain #(
    .N(1),
    .W(W)
  ) u_chain (
    .carry_i(1'b0),
    .select_i(select),
    .data_i(majority[W-1:0]),
    .sum_o,
    .carry_o(carry)
  );

endmodule
