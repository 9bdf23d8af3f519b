// SPDX-License-Identifier: Apache-2.0
// popcount_six: N 6:3 counters of popcount_heap; combinational.
//
//   sum_o[n] + 2*carry_o[n] + 4*far_o[n] = bits n, N + n, ... 5*N + n of bits_i
//
// Cost: three LUT6 per counter, one level. A module of its own to be mapped apart, see popcount_lanes.
module popcount_six #(
  parameter int unsigned N = 8
) (
  input  logic [6*N-1:0] bits_i,
  output logic [N-1:0]   sum_o,
  output logic [N-1:0]   carry_o,
  output logic [N-1:0]   far_o
);

  logic [5:0][N-1:0] x;
  logic [N-1:0]      low, low_carry, high, high_carry, both;

  assign x          = bits_i;
  assign low        = x[0] ^ x[1] ^ x[2];
  assign low_carry  = (x[0] & x[1]) | (x[0] & x[2]) | (x[1] & x[2]);
  assign high       = x[3] ^ x[4] ^ x[5];
  assign high_carry = (x[3] & x[4]) | (x[3] & x[5]) | (x[4] & x[5]);
  assign both       = low & high;
  assign sum_o      = low ^ high;
  assign carry_o    = low_carry ^ high_carry ^ both;
  assign far_o      = (low_carry & high_carry) | (low_carry & both) | (high_carry & both);

endmodule
