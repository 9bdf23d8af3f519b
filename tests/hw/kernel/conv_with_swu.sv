// SPDX-License-Identifier: Apache-2.0
// Test harness: a convolution layer as a network has it, pixels in, pixels out.
module conv_with_swu #(
  parameter int unsigned C = 4,
  parameter int unsigned H = 6,
  parameter int unsigned WIDTH = 6,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned M = 2,
  parameter int unsigned MH = 6,
  parameter int unsigned PE = 1,
  parameter int unsigned SIMD = K * K * C,
  parameter WEIGHT_FILE = "",
  parameter THRESHOLD_FILE = "",
  localparam int unsigned TILE_W = K * ((M - 1) * STRIDE + K) * C
) (
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic [C-1:0]  s_axis_tdata,
  input  logic          s_axis_tvalid,
  output logic          s_axis_tready,
  output logic [MH-1:0] m_axis_tdata,
  output logic          m_axis_tvalid,
  input  logic          m_axis_tready
);

  logic [TILE_W-1:0] tile_data;
  logic              tile_valid;
  logic              tile_ready;

  swu #(
    .C(C),
    .BITS(1),
    .H(H),
    .WIDTH(WIDTH),
    .K(K),
    .STRIDE(STRIDE),
    .M(M)
  ) u_swu (
    .clk_i,
    .rst_ni,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata(tile_data),
    .m_axis_tvalid(tile_valid),
    .m_axis_tready(tile_ready)
  );

  conv_xnor #(
    .C(C),
    .K(K),
    .STRIDE(STRIDE),
    .M(M),
    .MH(MH),
    .PE(PE),
    .SIMD(SIMD),
    .WEIGHT_FILE(WEIGHT_FILE),
    .THRESHOLD_FILE(THRESHOLD_FILE)
  ) u_conv (
    .clk_i,
    .rst_ni,
    .load_i(65'd0),
    .s_axis_tdata(tile_data),
    .s_axis_tvalid(tile_valid),
    .s_axis_tready(tile_ready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

endmodule
