// SPDX-License-Identifier: Apache-2.0
// dsp_pair: two sums of +-x in one DSP slice, for two output channels that see the same input.
//
//   sum = (first ? start : sum) + x * (w0 + w1 * 2^FIELD_W),  w = +1 where plus_i is 1, else -1
//
// So the low FIELD_W bits of sum are start0 + sum(w0 * x) and the high ones start1 + sum(w1 * x), as long as both are within
// 0 to 2^FIELD_W - 1 when they are read; between, a field may borrow from its neighbour and pay back.
// The slice's pre-adder makes the weights: 2*plus - 1 in both fields. Plain SystemVerilog: synthesis packs all of it, registers
// too, into one slice: Yosys 0.70 a DSP48E1 (flows/synth has the same done for UltraScale+), Vivado a DSP48E1 or DSP48E2.
//
// Latency from plus_i and x_i to sum_o: 3 cycles; first_i belongs to the inputs of two cycles before. No enable: x = 0 adds nothing.
// Nothing is reset.
//
// XNORFLOW_FAST_SIM: body for simulators, sums no wider than they are read. Same results, same latency.
//
// The hierarchy is kept during mapping: otherwise synthesis shares the weight register among slices with the same weights, which takes
// the pre-adder out of all of them, into LUTs.
(* keep_hierarchy = "yes" *)
module dsp_pair #(
  parameter int unsigned FIELD_W = 15,
  parameter int unsigned X_W = 8,
  localparam int unsigned A_W = 25,
  localparam int unsigned B_W = 18
) (
  input  logic                 clk_i,
  input  logic                 first_i,
  input  logic [2*FIELD_W-1:0] start_i,
  input  logic [1:0]           plus_i,
  input  logic [X_W-1:0]       x_i,
  output logic [2*FIELD_W-1:0] sum_o
);

  if (FIELD_W < 2 || FIELD_W > A_W - 3) $error("dsp_pair: FIELD_W must be 2 to 22");
  if (X_W < 1 || X_W >= B_W) $error("dsp_pair: X_W must be 1 to 17");

`ifdef XNORFLOW_FAST_SIM
  // A field of a product is x where its weight is +1, else ~x + 1; the low field's sign runs on into the high one.
  localparam int unsigned SUM_W = 2 * FIELD_W;
  logic [1:0]       plus_q;
  logic [X_W-1:0]   x_q;
  logic [SUM_W-1:0] low, high, product_q;

  assign low  = (SUM_W'(x_q) ^ {SUM_W{!plus_q[0]}}) + SUM_W'(!plus_q[0]);
  assign high = (SUM_W'(x_q) ^ {SUM_W{!plus_q[1]}}) + SUM_W'(!plus_q[1]);

  always_ff @(posedge clk_i) begin
    plus_q    <= plus_i;
    x_q       <= x_i;
    product_q <= low + (high << FIELD_W);
    sum_o     <= (first_i ? start_i : sum_o) + product_q;
  end
`else
  localparam int unsigned M_W = A_W + B_W;
  localparam int unsigned P_W = 48;
  logic signed [A_W-1:0] plus;    // 2*plus0 + 2*plus1 * 2^FIELD_W
  logic signed [A_W-1:0] minus;   // -1 - 2^FIELD_W
  logic signed [A_W-1:0] weight_q;
  logic signed [B_W-1:0] x_q;
  logic signed [M_W-1:0] product_q;
  logic        [P_W-1:0] sum_q;
  logic                  unused_high;

  assign plus  = A_W'({plus_i[1], {(FIELD_W - 1) {1'b0}}, plus_i[0], 1'b0});
  assign minus = {{(A_W - FIELD_W - 1) {1'b1}}, 1'b0, {FIELD_W{1'b1}}};

  always_ff @(posedge clk_i) begin
    weight_q  <= plus + minus;
    x_q       <= B_W'(x_i);
    product_q <= weight_q * x_q;
    sum_q     <= (first_i ? P_W'(start_i) : sum_q) + P_W'(product_q);
  end

  assign sum_o       = sum_q[2*FIELD_W-1:0];
  assign unused_high = ^sum_q[P_W-1:2*FIELD_W];
`endif

endmodule
