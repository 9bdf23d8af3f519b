// SPDX-License-Identifier: Apache-2.0
// Integers to codes, one lane: code = clip(floor((acc * mul[side] + add[side]) / 2^SHIFT), LOW, HIGH).
// SLOPES = 1: side 0 only. SLOPES = 2: side 1 holds where (acc >= threshold) differs from falling.
// acc has IN_BITS bits, two's complement where IN_SIGNED; mul, add and threshold (in acc's coding) come with it:
//   word = {falling, threshold, add[1], mul[1], add[0], mul[0]}, without the side 1 parts where SLOPES = 1
// add holds the rounding. The code is two's complement where LOW < 0.
// A pipeline without handshake: a result each cycle, latency 3 + SLOPES cycles; lanes that share a word share its
// registers too. One DSP48E1 takes the operands, the product and the sum where acc (and a sign if unsigned) has at
// most 25 bits, mul 18 and add 48.

module requant_lane #(
  parameter int unsigned IN_BITS = 13,
  parameter bit IN_SIGNED = 1'b1,
  parameter int unsigned MUL_W = 13,
  parameter int unsigned ADD_W = 25,
  parameter int unsigned SHIFT = 11,
  parameter int unsigned SLOPES = 1,
  parameter int unsigned OUT_BITS = 8,
  parameter int LOW = -128,
  parameter int HIGH = 127,
  localparam int unsigned SIDE_W = MUL_W + ADD_W,
  localparam int unsigned WORD_W = SLOPES * SIDE_W + ((SLOPES > 1) ? IN_BITS + 1 : 0)
) (
  input  logic                clk_i,
  input  logic [IN_BITS-1:0]  acc_i,
  input  logic [WORD_W-1:0]   word_i,
  output logic [OUT_BITS-1:0] code_o
);

  localparam int unsigned X_W = IN_BITS + (IN_SIGNED ? 0 : 1);
  localparam int unsigned PRODUCT_W = X_W + MUL_W;
  localparam int unsigned SUM_W = ((PRODUCT_W > ADD_W) ? PRODUCT_W : ADD_W) + 1;

  if (IN_BITS < 1) $error("requant_lane: IN_BITS must be at least 1");
  if (MUL_W < 1 || ADD_W < 1) $error("requant_lane: MUL_W and ADD_W must be at least 1");
  if (SLOPES < 1 || SLOPES > 2) $error("requant_lane: SLOPES must be 1 or 2");
  if (SHIFT >= SUM_W) $error("requant_lane: SHIFT must be less than the width of the sum");

  logic signed [X_W-1:0]   x;
  logic signed [X_W-1:0]   x_side;    // operands after the choice of a side
  logic signed [MUL_W-1:0] mul_side;
  logic signed [ADD_W-1:0] add_side;

  if (IN_SIGNED) begin : gen_signed
    assign x = acc_i;
  end else begin : gen_unsigned
    assign x = {1'b0, acc_i};
  end

  if (SLOPES == 1) begin : gen_one_slope
    assign x_side = x;
    assign {add_side, mul_side} = word_i;
  end else begin : gen_two_slopes
    logic [IN_BITS-1:0]      threshold;
    logic                    falling;
    logic                    above;
    logic                    side_q;
    logic signed [X_W-1:0]   x_early_q;
    logic [SIDE_W-1:0]       word0_q;
    logic [SIDE_W-1:0]       word1_q;

    assign {falling, threshold} = word_i[WORD_W-1:2*SIDE_W];
    if (IN_SIGNED) begin : gen_compare_signed
      assign above = ($signed(acc_i) >= $signed(threshold));
    end else begin : gen_compare_unsigned
      assign above = (acc_i >= threshold);
    end

    always_ff @(posedge clk_i) begin
      side_q    <= above ^ falling;
      x_early_q <= x;
      word0_q   <= word_i[0 +: SIDE_W];
      word1_q   <= word_i[SIDE_W +: SIDE_W];
    end

    assign x_side = x_early_q;
    assign {add_side, mul_side} = side_q ? word1_q : word0_q;
  end

  // The registers of a DSP48E1: A and B, M with C beside it, P.
  logic signed [X_W-1:0]       x_q;
  logic signed [MUL_W-1:0]     mul_q;
  logic signed [ADD_W-1:0]     add_q;
  logic signed [PRODUCT_W-1:0] product_q;
  logic signed [ADD_W-1:0]     addend_q;
  logic signed [SUM_W-1:0]     sum_q;
  logic [SUM_W-SHIFT-1:0]      floor;  // of the division by 2^SHIFT: the low bits are left out
  logic [OUT_BITS-1:0]         code;

  assign floor = sum_q[SUM_W-1:SHIFT];

  always_ff @(posedge clk_i) begin
    x_q       <= x_side;
    mul_q     <= mul_side;
    add_q     <= add_side;
    product_q <= PRODUCT_W'(x_q) * PRODUCT_W'(mul_q);
    addend_q  <= add_q;
    sum_q     <= SUM_W'(product_q) + SUM_W'(addend_q);
    code_o    <= code;
  end

  saturate #(
    .IN_W    (SUM_W - SHIFT),
    .OUT_BITS(OUT_BITS),
    .LOW     (LOW),
    .HIGH    (HIGH)
  ) u_clip (
    .value_i(floor),
    .code_o (code)
  );

  if (SHIFT > 0) begin : gen_fraction
    logic unused_fraction;
    assign unused_fraction = ^sum_q[SHIFT-1:0];
  end

endmodule
