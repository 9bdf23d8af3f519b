// SPDX-License-Identifier: Apache-2.0
// mvu_int: window-stationary convolution, unsigned IN_BITS inputs and +-1 weights (the first layer of a network).
//
//   acc[m][o] = sum over kh, kw, c of w[o][kh][kw][c] * tile[kh][m*STRIDE + kw][c]
//   THRESHOLD = 1: bit = (acc >= t[o]), t two's complement of ACC_W bits;    THRESHOLD = 0: acc in ACC_W bits
//
//   for nf in MH/PE: for sf in K*K*C/SIMD: one step
//
// Input beat: a tile (K x T x C elements, T = (M-1)*STRIDE + K); output beat: a pixel of MH results, M beats per tile.
// A lane gives x or its complement (2^IN_BITS - 1) - x, whose bits one counter adds up; the excess, (2^IN_BITS - 1) per weight of -1,
// depends on the weights only and is counted once per channel for all M pixels.
// Interval, latency, what it cuts, flow control: see mvu_core. Memory images: ARCHITECTURE.md.
module mvu_int #(
  parameter int unsigned C = 3,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned M = 1,
  parameter int unsigned IN_BITS = 8,
  parameter int unsigned MH = 64,
  parameter int unsigned PE = 1,
  parameter int unsigned SIMD = K * K * C,
  parameter bit THRESHOLD = 1'b1,
  parameter int unsigned ACC_W = 24,
  parameter int unsigned FIFO_DEPTH = 32,
  parameter bit ROM_BLOCK = 1'b1,
  parameter WEIGHT_FILE = "",
  parameter THRESHOLD_FILE = "",
  localparam int unsigned T = (M - 1) * STRIDE + K,
  localparam int unsigned OUT_W = THRESHOLD ? 1 : ACC_W
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
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
  if (IN_BITS < 1 || IN_BITS > 8) $error("mvu_int: IN_BITS must be 1 to 8");
  if (PE < 1 || MH < 1 || MH % PE != 0) $error("mvu_int: PE must divide MH");
  if (SIMD < 1 || (K * K * C) % SIMD != 0) $error("mvu_int: SIMD must divide K*K*C");
  if (ACC_W < $clog2(K * K * C * ((32'd1 << IN_BITS) - 32'd1) + 32'd1) + 1)
    $error("mvu_int: ACC_W must hold +-K*K*C*(2^IN_BITS - 1)");
  if (FIFO_DEPTH < 2) $error("mvu_int: FIFO_DEPTH must be at least 2");

  mvu_core #(
    .C(C),
    .K(K),
    .STRIDE(STRIDE),
    .M(M),
    .MH(MH),
    .PE(PE),
    .SIMD(SIMD),
    .BIPOLAR(1'b0),
    .IN_BITS(IN_BITS),
    .THRESHOLD(THRESHOLD),
    .ACC_W(ACC_W),
    .FIFO_DEPTH(FIFO_DEPTH),
    .ROM_BLOCK(ROM_BLOCK),
    .WEIGHT_FILE(WEIGHT_FILE),
    .THRESHOLD_FILE(THRESHOLD_FILE)
  ) u_core (
    .clk_i,
    .rst_ni,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

endmodule
