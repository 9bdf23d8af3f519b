// SPDX-License-Identifier: Apache-2.0
// Average and global pool: the sum of each K x K window, shifted and clipped, per channel.
//   out[y][x][c] = clip(floor(sum of in[y*K + i][x*K + j][c] over i, j < K / 2^SHIFT), LOW, HIGH)
// Elements have IN_BITS bits, two's complement where IN_SIGNED; a single bit counts as -1 or +1. out has OUT_BITS,
// two's complement where LOW < 0. Sums are exact: first the sum, then the floor, then the clip.
// PE channels at a time: C/PE cycles per pixel, H * WIDTH * C/PE per frame. A global pool has K = H = WIDTH.
// Latency: 2 cycles after the last pixel of a window is taken, 3 where PE < C. See pool_core.

module sumpool #(
  parameter int unsigned C = 4,
  parameter int unsigned PE = C,
  parameter int unsigned IN_BITS = 8,
  parameter bit IN_SIGNED = 1'b1,
  parameter int unsigned OUT_BITS = 8,
  parameter int unsigned SHIFT = 2,
  parameter int LOW = -128,
  parameter int HIGH = 127,
  parameter int unsigned H = 6,
  parameter int unsigned WIDTH = 6,
  parameter int unsigned K = 2
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic [C*IN_BITS-1:0]  s_axis_tdata,
  input  logic                  s_axis_tvalid,
  output logic                  s_axis_tready,
  output logic [C*OUT_BITS-1:0] m_axis_tdata,
  output logic                  m_axis_tvalid,
  input  logic                  m_axis_tready
);

  pool_core #(
    .C        (C),
    .PE       (PE),
    .IN_BITS  (IN_BITS),
    .IN_SIGNED(IN_SIGNED),
    .OUT_BITS (OUT_BITS),
    .SUM      (1'b1),
    .SHIFT    (SHIFT),
    .LOW      (LOW),
    .HIGH     (HIGH),
    .H        (H),
    .WIDTH    (WIDTH),
    .K        (K),
    .STRIDE   (K),
    .PAD      (0)
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
