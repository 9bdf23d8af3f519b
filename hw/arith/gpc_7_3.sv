// SPDX-License-Identifier: Apache-2.0
// gpc_7_3: N counters of seven bits each; combinational, one LUT level and a carry chain.
//
//   sum_o[n] + 2*near_o[n] + 4*far_o[n] = bits n, N + n, ... 6*N + n of bits_i
//
// Bits 0 to N-1 enter the carry chain and bits N to 2N-1 pass the LUTs; bit j of INVERT inverts bit j, which is free for all others.
// Cost: two LUTs and half a CARRY4 per counter; the carry leaves through the output of a third position.
module gpc_7_3 #(
  parameter int unsigned N = 1,
  parameter logic [7*N-1:0] INVERT = '0
) (
  input  logic [7*N-1:0] bits_i,
  output logic [N-1:0]   sum_o,
  output logic [N-1:0]   near_o,
  output logic [N-1:0]   far_o
);

  if (N < 1) $error("gpc_7_3: N must be at least 1");

  logic [2*N-1:0] select, data, sum, carry;
  logic [N-1:0]   first;
  assign first = bits_i[N-1:0] ^ INVERT[N-1:0];

  gpc_luts #(
    .N(N),
    .INVERT(INVERT[7*N-1:N])
  ) u_luts (
    .bits_i(bits_i[7*N-1:N]),
    .select_o(select),
    .data_o(data)
  );

  carry_chain #(
    .N(N),
    .W(2)
  ) u_chain (
    .carry_i(first),
    .select_i(select),
    .data_i(data),
    .sum_o(sum),
    .carry_o(carry)
  );

  for (genvar n = 0; n < N; n = n + 1) begin : gen_counter
    logic unused_carry;
    assign sum_o[n]     = sum[2*n];
    assign near_o[n]    = sum[2*n+1];
    assign far_o[n]     = carry[2*n+1];
    assign unused_carry = carry[2*n];
  end

endmodule
