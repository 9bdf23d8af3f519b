// SPDX-License-Identifier: Apache-2.0
// mvu_xnor: fully connected layer, +-1 inputs (bits) and +-1 weights: a 1 x 1 convolution on one pixel of MW channels.
//
//   agree[o] = sum over i of (x[i] XNOR w[o][i])
//   THRESHOLD = 1: bit = (agree >= t[o]), 0 <= t <= MW + 1;    THRESHOLD = 0: 2*agree - MW in ACC_W bits
//   REQUANT = 1 (THRESHOLD = 0): the code of that number, see requant_lane
//
//   for nf in MH/PE: for sf in MW/SIMD: one step
//
// Input beat: the vector of MW bits; output beat: the vector of MH results, or words of PE results with GATHER = 0 (mvu_core).
// Interval, latency, what it cuts, flow control: see mvu_core. Memory images: ARCHITECTURE.md.
module mvu_xnor #(
  parameter int unsigned MW = 256,
  parameter int unsigned MH = 64,
  parameter int unsigned PE = 1,
  parameter int unsigned SIMD = MW,
  parameter bit THRESHOLD = 1'b1,
  parameter int unsigned ACC_W = 16,
  parameter int unsigned FIFO_DEPTH = 32,
  parameter bit GATHER = 1'b1,
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
  localparam int unsigned OUT_W = REQUANT ? OUT_BITS : (THRESHOLD ? 1 : ACC_W),
  localparam int unsigned BEAT_W = (GATHER ? MH : PE) * OUT_W
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic [64:0]         load_i,
  input  logic [MW-1:0]       s_axis_tdata,
  input  logic                s_axis_tvalid,
  output logic                s_axis_tready,
  output logic [BEAT_W-1:0]   m_axis_tdata,
  output logic                m_axis_tvalid,
  input  logic                m_axis_tready
);

  if (MW < 1) $error("mvu_xnor: MW must be at least 1");
  if (PE < 1 || MH < 1 || MH % PE != 0) $error("mvu_xnor: PE must divide MH");
  if (SIMD < 1 || MW % SIMD != 0) $error("mvu_xnor: SIMD must divide MW");
  if (!THRESHOLD && ACC_W < $clog2(MW + 1) + 1) $error("mvu_xnor: ACC_W must hold +-MW");
  if (FIFO_DEPTH < 2) $error("mvu_xnor: FIFO_DEPTH must be at least 2");

  mvu_core #(
    .C(MW),
    .K(1),
    .STRIDE(1),
    .M(1),
    .MH(MH),
    .PE(PE),
    .SIMD(SIMD),
    .BIPOLAR(1'b1),
    .IN_BITS(1),
    .THRESHOLD(THRESHOLD),
    .ACC_W(ACC_W),
    .FIFO_DEPTH(FIFO_DEPTH),
    .GATHER(GATHER),
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
