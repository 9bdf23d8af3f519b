// SPDX-License-Identifier: Apache-2.0
// conv_xnor: window-stationary binary convolution, +-1 inputs (bits) and +-1 weights.
//
//   agree[m][o] = sum over kh, kw, c of (tile[kh][m*STRIDE + kw][c] XNOR w[o][kh][kw][c])
//   THRESHOLD = 1: bit = (agree >= t[o]), 0 <= t <= K*K*C + 1;    THRESHOLD = 0: 2*agree - K*K*C in ACC_W bits
//   REQUANT = 1 (THRESHOLD = 0): the code of that number, see requant_lane
//
//   for nf in MH/PE: for sf in K*K*C/GROUPS/SIMD: one step
//
// Channels are in GROUPS: output channels [g*MH/GROUPS, (g+1)*MH/GROUPS) see input channels [g*C/GROUPS, (g+1)*C/GROUPS).
// ZERO_PAD = 1: what the window unit put beside the image (bits 0, PAD rows and columns around H x WIDTH pixels) counts as nothing: the
// words of THRESHOLD_FILE are those of border_words.
//
// Input beat: a tile (K x T x C bits, T = (M-1)*STRIDE + K); output beat: a pixel of MH results, M beats per tile.
// Interval, latency, what it cuts, flow control: see mvu_core. Memory images: ARCHITECTURE.md.
module conv_xnor #(
  parameter int unsigned C = 64,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned M = 1,
  parameter int unsigned MH = 64,
  parameter int unsigned GROUPS = 1,
  parameter int unsigned PE = GROUPS,
  parameter int unsigned SIMD = K * K * C / GROUPS,
  parameter bit THRESHOLD = 1'b1,
  parameter int unsigned ACC_W = 16,
  parameter int unsigned FIFO_DEPTH = 32,
  parameter bit ROM_BLOCK = 1'b1,
  parameter bit ZERO_PAD = 1'b0,
  parameter int unsigned H = K,
  parameter int unsigned WIDTH = (M - 1) * STRIDE + K,
  parameter int unsigned PAD = 0,
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
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic [64:0]         load_i,
  input  logic [K*T*C-1:0]    s_axis_tdata,
  input  logic                s_axis_tvalid,
  output logic                s_axis_tready,
  output logic [MH*OUT_W-1:0] m_axis_tdata,
  output logic                m_axis_tvalid,
  input  logic                m_axis_tready
);

  if (C < 1) $error("conv_xnor: C must be at least 1");
  if (K < 1) $error("conv_xnor: K must be at least 1");
  if (STRIDE < 1) $error("conv_xnor: STRIDE must be at least 1");
  if (M < 1) $error("conv_xnor: M must be at least 1");
  if (PE < 1 || MH < 1 || MH % PE != 0) $error("conv_xnor: PE must divide MH");
  if (GROUPS < 1 || C % GROUPS != 0 || PE % GROUPS != 0) $error("conv_xnor: GROUPS must divide C and PE");
  if (SIMD < 1 || (K * K * C / GROUPS) % SIMD != 0) $error("conv_xnor: SIMD must divide K*K*C/GROUPS");
  if (!THRESHOLD && ACC_W < $clog2(K * K * C / GROUPS + 1) + 1) $error("conv_xnor: ACC_W must hold +-K*K*C/GROUPS");
  if (FIFO_DEPTH < 2) $error("conv_xnor: FIFO_DEPTH must be at least 2");

  mvu_core #(
    .C(C),
    .K(K),
    .STRIDE(STRIDE),
    .M(M),
    .MH(MH),
    .GROUPS(GROUPS),
    .PE(PE),
    .SIMD(SIMD),
    .BIPOLAR(1'b1),
    .IN_BITS(1),
    .THRESHOLD(THRESHOLD),
    .ACC_W(ACC_W),
    .FIFO_DEPTH(FIFO_DEPTH),
    .ROM_BLOCK(ROM_BLOCK),
    .ZERO_PAD(ZERO_PAD),
    .H(H),
    .WIDTH(WIDTH),
    .PAD(PAD),
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
