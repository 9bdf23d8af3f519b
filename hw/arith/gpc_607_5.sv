// SPDX-License-Identifier: Apache-2.0
// gpc_607_5: N counters of seven bits of one column and six of the second column above it; combinational.
//
//   sum over k of 2^k * sums_o[k*N + n] = (bits n, N + n, ... 6*N + n of low_i) + 4 * (bits n, N + n, ... 5*N + n of high_i)
//
// Two of gpc_luts on one carry chain. Cost: four LUTs and a CARRY4 per counter, one LUT level.
module gpc_607_5 #(
  parameter int unsigned N = 1
) (
  input  logic [7*N-1:0] low_i,
  input  logic [6*N-1:0] high_i,
  output logic [5*N-1:0] sums_o
);

  if (N < 1) $error("gpc_607_5: N must be at least 1");

  logic [2*N-1:0] low_select, low_data, high_select, high_data;
  logic [4*N-1:0] select, data, sum, carry;

  gpc_luts #(
    .N(N)
  ) u_low (
    .bits_i(low_i[7*N-1:N]),
    .select_o(low_select),
    .data_o(low_data)
  );

  gpc_luts #(
    .N(N)
  ) u_high (
    .bits_i(high_i),
    .select_o(high_select),
    .data_o(high_data)
  );

  carry_chain #(
    .N(N),
    .W(4)
  ) u_chain (
    .carry_i(low_i[N-1:0]),
    .select_i(select),
    .data_i(data),
    .sum_o(sum),
    .carry_o(carry)
  );

  for (genvar n = 0; n < N; n = n + 1) begin : gen_counter
    logic unused_carry;
    assign select[4*n+:4] = {high_select[2*n+:2], low_select[2*n+:2]};
    assign data[4*n+:4]   = {high_data[2*n+:2], low_data[2*n+:2]};
    for (genvar k = 0; k < 4; k = k + 1) begin : gen_sum
      assign sums_o[k*N+n] = sum[4*n+k];
    end
    assign sums_o[4*N+n] = carry[4*n+3];
    assign unused_carry  = ^carry[4*n+:3];
  end

endmodule
