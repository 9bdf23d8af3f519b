// SPDX-License-Identifier: Apache-2.0
// dot_product: sum of N products of integers, pipelined, no handshake.
//
//   sum_o = sum over i of act_i[i] * weight_i[i], modulo 2^SUM_W        tag_o = tag_i of the same operands
//
// act has IN_BITS bits, two's complement where IN_SIGNED; weight W_BITS bits, two's complement. Operands, products and each level of
// the adder tree have a register: latency 2 + $clog2(N) cycles; one set of operands per cycle. Only tags are reset. Cuts every path.
// A product is one DSP48 (its A, B and M registers) where synthesis takes one, up to 25 x 18 bits; few bits make LUTs.
module dot_product #(
  parameter int unsigned N = 9,
  parameter int unsigned IN_BITS = 8,
  parameter bit IN_SIGNED = 1'b0,
  parameter int unsigned W_BITS = 8,
  parameter int unsigned SUM_W = IN_BITS + W_BITS + $clog2(N),
  parameter int unsigned TAG_W = 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic [N*IN_BITS-1:0] act_i,
  input  logic [N*W_BITS-1:0]  weight_i,
  input  logic [TAG_W-1:0]     tag_i,
  output logic [SUM_W-1:0]     sum_o,
  output logic [TAG_W-1:0]     tag_o
);

  if (N < 1) $error("dot_product: N must be at least 1");
  if (IN_BITS < 1) $error("dot_product: IN_BITS must be at least 1");
  if (W_BITS < 2) $error("dot_product: W_BITS must be at least 2");
  if (SUM_W < 1) $error("dot_product: SUM_W must be at least 1");

  localparam int unsigned X_W = IN_BITS + (IN_SIGNED ? 0 : 1);
  localparam int unsigned PRODUCT_W = X_W + W_BITS;
  localparam int unsigned LEVELS = $clog2(N);
  localparam int unsigned LEAVES = 32'd1 << LEVELS;

  // A binary tree: node 1 is the sum, node i adds nodes 2i and 2i + 1, nodes LEAVES + i are the products. Those beyond N are zero.
  logic [2*LEAVES*SUM_W-1:0] node;
  logic                      unused_node;

  assign node[SUM_W-1:0] = '0;
  assign unused_node     = ^node[SUM_W-1:0];
  assign sum_o           = node[SUM_W +: SUM_W];

  for (genvar i = 0; i < LEAVES; i++) begin : gen_leaf
    if (i < N) begin : gen_product
      logic signed [X_W-1:0]       x;
      logic signed [X_W-1:0]       x_q;
      logic signed [W_BITS-1:0]    weight_q;
      logic signed [PRODUCT_W-1:0] product_q;
      if (IN_SIGNED) begin : gen_signed
        assign x = act_i[i*IN_BITS +: IN_BITS];
      end else begin : gen_unsigned
        assign x = {1'b0, act_i[i*IN_BITS +: IN_BITS]};
      end
      always_ff @(posedge clk_i) begin
        x_q       <= x;
        weight_q  <= weight_i[i*W_BITS +: W_BITS];
        product_q <= PRODUCT_W'(x_q) * PRODUCT_W'(weight_q);
      end
      // A narrower sum leaves the highest bits out.
      logic unused_product;
      assign unused_product = ^product_q;
      assign node[(LEAVES + i)*SUM_W +: SUM_W] = SUM_W'(product_q);
    end else begin : gen_nothing
      assign node[(LEAVES + i)*SUM_W +: SUM_W] = '0;
    end
  end

  for (genvar i = 1; i < LEAVES; i++) begin : gen_add
    logic [SUM_W-1:0] sum_q;
    always_ff @(posedge clk_i) sum_q <= node[2*i*SUM_W +: SUM_W] + node[(2*i + 1)*SUM_W +: SUM_W];
    assign node[i*SUM_W +: SUM_W] = sum_q;
  end

  logic [(LEVELS+2)*TAG_W-1:0] tag_q;
  logic [(LEVELS+3)*TAG_W-1:0] tags;

  assign tags  = {tag_q, tag_i};
  assign tag_o = tags[(LEVELS+2)*TAG_W +: TAG_W];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) tag_q <= '0;
    else tag_q <= tags[(LEVELS+2)*TAG_W-1:0];
  end

endmodule
