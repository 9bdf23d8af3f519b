// SPDX-License-Identifier: Apache-2.0
// gpc_luts: the LUTs of N counters that add six bits on two positions of a carry chain; combinational.
//
//   six bits + chain carry in = sum position 0 + 2 * sum position 1 + 4 * chain carry out
//
// Position 0 is a full adder of bit 0, the lowest bit of r = (bits 1 to 5) and the chain. Position 1 adds bit 1 of r to the chain; bit 2
// of r is the carry where bit 1 is 0, and the two are never both set. Counter n has bits n, N + n, ... 5N + n of bits_i. Bit j of INVERT
// inverts bit j, free of cost but for bits 0 to N-1, which pass the LUTs on their way to the chain. Cost: two LUTs per counter.
module gpc_luts #(
  parameter int unsigned N = 1,
  parameter logic [6*N-1:0] INVERT = '0
) (
  input  logic [6*N-1:0] bits_i,
  output logic [2*N-1:0] select_o,
  output logic [2*N-1:0] data_o
);

  if (N < 1) $error("gpc_luts: N must be at least 1");

  // Bit `bit_at` of the sum of five bits.
  function automatic logic [31:0] truth_table(input int unsigned bit_at);
    int unsigned total;
    for (int unsigned i = 0; i < 32; i = i + 1) begin
      total = 0;
      for (int unsigned j = 0; j < 5; j = j + 1) total = total + ((i >> j) & 32'd1);
      truth_table[i] = ((total >> bit_at) & 32'd1) == 32'd1;
    end
  endfunction

  // A table with some inputs inverted: entries i and i ^ flip change places. Without a loop, since it is read for every counter.
  function automatic logic [31:0] flipped(input logic [31:0] entries, input logic [4:0] flip);
    flipped = entries;
    if (flip[0]) flipped = ((flipped & 32'h5555_5555) << 1) | ((flipped >> 1) & 32'h5555_5555);
    if (flip[1]) flipped = ((flipped & 32'h3333_3333) << 2) | ((flipped >> 2) & 32'h3333_3333);
    if (flip[2]) flipped = ((flipped & 32'h0F0F_0F0F) << 4) | ((flipped >> 4) & 32'h0F0F_0F0F);
    if (flip[3]) flipped = ((flipped & 32'h00FF_00FF) << 8) | ((flipped >> 8) & 32'h00FF_00FF);
    if (flip[4]) flipped = {flipped[15:0], flipped[31:16]};
  endfunction

  localparam logic [31:0] NEAR = truth_table(1);
  localparam logic [31:0] FAR = truth_table(2);

  for (genvar n = 0; n < N; n = n + 1) begin : gen_counter
    localparam logic [4:0] FLIP = {INVERT[5*N+n], INVERT[4*N+n], INVERT[3*N+n], INVERT[2*N+n], INVERT[N+n]};
    logic [4:0] r;
    logic       direct;
    assign r               = {bits_i[5*N+n], bits_i[4*N+n], bits_i[3*N+n], bits_i[2*N+n], bits_i[N+n]};
    assign direct          = bits_i[n] ^ INVERT[n];
    assign select_o[2*n]   = direct ^ (^(r ^ FLIP));
    assign data_o[2*n]     = direct;
    lut_pair #(
      .INIT6(flipped(NEAR, FLIP)),
      .INIT5(flipped(FAR, FLIP))
    ) u_high (
      .in_i(r),
      .o6_o(select_o[2*n+1]),
      .o5_o(data_o[2*n+1])
    );
  end

endmodule
