// SPDX-License-Identifier: Apache-2.0
// gpc_3_2: a full adder in one LUT; combinational.
//
//   sum_o + 2*carry_o = bits_i[0] + bits_i[1] + bits_i[2]
module gpc_3_2 (
  input  logic [2:0] bits_i,
  output logic       sum_o,
  output logic       carry_o
);

  // The two upper inputs of the LUT are not used: four copies of the tables of three bits.
  localparam logic [7:0] ODD = 8'b1001_0110;
  localparam logic [7:0] MAJORITY = 8'b1110_1000;

  lut_pair #(
    .INIT6({4{ODD}}),
    .INIT5({4{MAJORITY}})
  ) u_pair (
    .in_i({2'b00, bits_i}),
    .o6_o(sum_o),
    .o5_o(carry_o)
  );

endmodule
