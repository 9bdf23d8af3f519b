// SPDX-License-Identifier: Apache-2.0
// Largest element of each K x K window, per channel; of bits, their OR.
//   out[y][x][c] = max of in[y*STRIDE + i - PAD][x*STRIDE + j - PAD][c] over i, j < K inside the image
// Elements have BITS bits, two's complement where SIGNED. STRIDE is K, or K - 1 (windows share a row and a column);
// PAD is less than STRIDE. PE channels at a time: C/PE cycles per pixel, H * WIDTH * C/PE per frame.
// Latency: 2 cycles after the last pixel of a window is taken, 3 where PE < C; with PE = C and PAD = 0 the first
// output is valid (K-1)*WIDTH + K + 1 cycles after the first pixel is taken. See pool_core.

module maxpool #(
  parameter int unsigned C = 4,
  parameter int unsigned PE = C,
  parameter int unsigned BITS = 1,
  parameter bit SIGNED = 1'b0,
  parameter int unsigned H = 6,
  parameter int unsigned WIDTH = 6,
  parameter int unsigned K = 2,
  parameter int unsigned STRIDE = K,
  parameter int unsigned PAD = 0
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [C*BITS-1:0] s_axis_tdata,
  input  logic              s_axis_tvalid,
  output logic              s_axis_tready,
  output logic [C*BITS-1:0] m_axis_tdata,
  output logic              m_axis_tvalid,
  input  logic              m_axis_tready
);

  if (K < 2) $error("maxpool: K must be at least 2");

  pool_core #(
    .C        (C),
    .PE       (PE),
    .IN_BITS  (BITS),
    .IN_SIGNED(SIGNED),
    .OUT_BITS (BITS),
    .SUM      (1'b0),
    .H        (H),
    .WIDTH    (WIDTH),
    .K        (K),
    .STRIDE   (STRIDE),
    .PAD      (PAD)
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
