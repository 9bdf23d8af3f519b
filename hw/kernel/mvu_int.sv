// SPDX-License-Identifier: Apache-2.0
// mvu_int: window-stationary convolution or dense layer (K = 1, M = 1) of integers: the first layer, 1 x 1 downsamples, the head.
//
//   acc[m][o] = sum over kh, kw, c of w[o][kh][kw][c] * tile[kh][m*STRIDE + kw][c] + start[o]
//   THRESHOLD = 1: bit = (acc >= 0), start = -threshold;    THRESHOLD = 0: acc in ACC_W bits, start = bias
//   REQUANT = 1 (THRESHOLD = 0): the code of acc, see requant_lane
//
//   for nf in MH/PE: for sf in K*K*C/GROUPS/SIMD: one step
//
// Input beat: a tile (K x T x C elements, T = (M-1)*STRIDE + K); output beat: a pixel of MH results, M beats per tile.
// W_BITS = 1: weights are +-1 and elements unsigned, 8 bits at most. A lane gives x or its complement (2^IN_BITS - 1) - x, whose bits
// one counter adds up; what that is too much depends on the weights only and is in the start words.
// W_BITS > 1: weights are two's complement, elements IN_BITS wide and two's complement where IN_SIGNED; products are those of dot_product.
// GROUPS: as in conv_xnor.
// Interval, latency, what it cuts, flow control: see mvu_core. Memory images: ARCHITECTURE.md.
module mvu_int #(
  parameter int unsigned C = 3,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned M = 1,
  parameter int unsigned IN_BITS = 8,
  parameter bit IN_SIGNED = 1'b0,
  parameter int unsigned W_BITS = 1,
  parameter int unsigned MH = 64,
  parameter int unsigned GROUPS = 1,
  parameter int unsigned PE = GROUPS,
  parameter int unsigned SIMD = K * K * C / GROUPS,
  parameter bit THRESHOLD = 1'b1,
  parameter int unsigned ACC_W = 24,
  parameter int unsigned FIFO_DEPTH = 32,
  parameter bit ROM_BLOCK = 1'b1,
  parameter bit REQUANT = 1'b0,
  parameter int unsigned MUL_W = 13,
  parameter int unsigned ADD_W = 25,
  parameter int unsigned SHIFT = 11,
  parameter int unsigned SLOPES = 1,
  parameter int unsigned OUT_BITS = 8,
  parameter int LOW = -128,
  parameter int HIGH = 127,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter WEIGHT_FILE = "",
  parameter THRESHOLD_FILE = "",
  parameter AFFINE_FILE = "",
  localparam int unsigned T = (M - 1) * STRIDE + K,
  localparam int unsigned OUT_W = REQUANT ? OUT_BITS : (THRESHOLD ? 1 : ACC_W)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic [64:0]              load_i,
  input  logic [K*T*C*IN_BITS-1:0] s_axis_tdata,
  input  logic                     s_axis_tvalid,
  output logic                     s_axis_tready,
  output logic [MH*OUT_W-1:0]      m_axis_tdata,
  output logic                     m_axis_tvalid,
  input  logic                     m_axis_tready
);

  if (C < 1) $error("mvu_int: C must be at least 1");
  if (K < 1) $error("mvu_int: K must be at least 1");
  if (STRIDE < 1) $error("mvu_int: STRIDE must be at least 1");
  if (M < 1) $error("mvu_int: M must be at least 1");
  if (W_BITS < 1) $error("mvu_int: W_BITS must be at least 1");
  if (IN_BITS < 1 || (W_BITS == 1 && IN_BITS > 8)) $error("mvu_int: IN_BITS must be 1 to 8");
  if (W_BITS == 1 && IN_SIGNED) $error("mvu_int: weights of one bit need unsigned elements");
  if (PE < 1 || MH < 1 || MH % PE != 0) $error("mvu_int: PE must divide MH");
  if (GROUPS < 1 || C % GROUPS != 0 || PE % GROUPS != 0) $error("mvu_int: GROUPS must divide C and PE");
  if (SIMD < 1 || (K * K * C / GROUPS) % SIMD != 0) $error("mvu_int: SIMD must divide K*K*C/GROUPS");
  if (W_BITS == 1 && ACC_W < $clog2(K * K * C / GROUPS * ((32'd1 << IN_BITS) - 32'd1) + 32'd1) + 1)
    $error("mvu_int: ACC_W must hold +-K*K*C/GROUPS*(2^IN_BITS - 1)");
  if (FIFO_DEPTH < 2) $error("mvu_int: FIFO_DEPTH must be at least 2");

  mvu_core #(
    .C(C),
    .K(K),
    .STRIDE(STRIDE),
    .M(M),
    .MH(MH),
    .GROUPS(GROUPS),
    .PE(PE),
    .SIMD(SIMD),
    .BIPOLAR(1'b0),
    .IN_BITS(IN_BITS),
    .IN_SIGNED(IN_SIGNED),
    .W_BITS(W_BITS),
    .THRESHOLD(THRESHOLD),
    .ACC_W(ACC_W),
    .FIFO_DEPTH(FIFO_DEPTH),
    .ROM_BLOCK(ROM_BLOCK),
    .REQUANT(REQUANT),
    .MUL_W(MUL_W),
    .ADD_W(ADD_W),
    .SHIFT(SHIFT),
    .SLOPES(SLOPES),
    .OUT_BITS(OUT_BITS),
    .LOW(LOW),
    .HIGH(HIGH),
    .RUNTIME(RUNTIME),
    .MEMORY(MEMORY),
    .WEIGHT_FILE(WEIGHT_FILE),
    .THRESHOLD_FILE(THRESHOLD_FILE),
    .AFFINE_FILE(AFFINE_FILE)
  ) u_core (
    .clk_i,
    .rst_ni,
    .load_i,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

endmodule
