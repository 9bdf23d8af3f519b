// SPDX-License-Identifier: Apache-2.0
// mvu_windows: holds a tile and gives, for every step of a sum, the elements of each of its M windows.
//
//   slice_o[m][g*SIMD + i] = element sf_i*SIMD + i of window m, channels of group g       (the order of mvu_core's loops)
//
// tile_i: K rows x T = (M-1)*STRIDE + K columns x C channels, element ((kh*T + t)*C + c), taken with load_i; window m starts at column
// m*STRIDE. Neighbours share elements of the tile: synthesis merges the registers that hold the same element, and a simulator has each
// window in one piece. Where a step takes whole rows of the kernel, the tile itself is held, and its rows are chosen for all windows at
// once, since no synthesis merges the choosers.
//
// Latency 1 from load_i; from sf_i combinational. Cost: a register per element of the tile, and for SF > 1 what chooses among SF.
module mvu_windows #(
  parameter int unsigned C = 16,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned M = 2,
  parameter int unsigned GROUPS = 1,
  parameter int unsigned SIMD = K * C,
  parameter int unsigned IN_BITS = 1,
  localparam int unsigned T = (M - 1) * STRIDE + K,
  localparam int unsigned SF = K * K * C / GROUPS / SIMD,
  localparam int unsigned SF_W = (SF > 1) ? $clog2(SF) : 1
) (
  input  logic                                  clk_i,
  input  logic [K*T*C*IN_BITS-1:0]              tile_i,
  input  logic                                  load_i,
  input  logic [SF_W-1:0]                       sf_i,
  output logic [M-1:0][GROUPS*SIMD*IN_BITS-1:0] slice_o
);

  localparam int unsigned GROUP_C = C / GROUPS;
  localparam int unsigned MW = K * K * GROUP_C;
  localparam bit BY_ROWS = SF > 1 && GROUPS == 1 && SIMD % (K * C) == 0;
  localparam int unsigned HELD = BY_ROWS ? 1 : M * GROUPS;
  localparam int unsigned HELD_W = (BY_ROWS ? SIMD / K * T : SIMD) * IN_BITS;

  if (SIMD < 1 || MW % SIMD != 0) $error("mvu_windows: SIMD must divide K*K*C/GROUPS");

  logic [HELD-1:0][SF-1:0][HELD_W-1:0] held_q;

  if (STRIDE > K && M > 1) begin : gen_skipped_columns
    logic unused_columns;
    assign unused_columns = ^tile_i;
  end
  if (SF == 1) begin : gen_one_step
    logic unused_sf;
    assign unused_sf = sf_i[0];
  end

  if (BY_ROWS) begin : gen_rows
    logic [HELD_W-1:0] rows;
    // Spelled out, because an index that is no power of two becomes a shifter, which Yosys takes minutes to reduce.
    always_comb begin
      rows = held_q[0][0];
      for (int unsigned s = 1; s < SF; s = s + 1) if (sf_i == SF_W'(s)) rows = held_q[0][s];
    end
    always_ff @(posedge clk_i) begin
      if (load_i) held_q[0] <= tile_i;
    end
    for (genvar m = 0; m < M; m = m + 1) begin : gen_pixel
      for (genvar r = 0; r < SIMD / (K * C); r = r + 1) begin : gen_row
        assign slice_o[m][r*K*C*IN_BITS+:K*C*IN_BITS] = rows[(r*T+m*STRIDE)*C*IN_BITS+:K*C*IN_BITS];
      end
    end
  end else begin : gen_windows
    for (genvar m = 0; m < M; m = m + 1) begin : gen_pixel
      for (genvar g = 0; g < GROUPS; g = g + 1) begin : gen_group
        logic [MW*IN_BITS-1:0] window_d;
        for (genvar i = 0; i < K * K; i = i + 1) begin : gen_element
          localparam int unsigned FROM = ((i / K) * T + m * STRIDE + i % K) * C + g * GROUP_C;
          assign window_d[i*GROUP_C*IN_BITS+:GROUP_C*IN_BITS] = tile_i[FROM*IN_BITS+:GROUP_C*IN_BITS];
        end
        always_ff @(posedge clk_i) begin
          if (load_i) held_q[m*GROUPS+g] <= window_d;
        end
        if (SF > 1) begin : gen_slice
          assign slice_o[m][g*SIMD*IN_BITS+:SIMD*IN_BITS] = held_q[m*GROUPS+g][sf_i];
        end else begin : gen_whole
          assign slice_o[m][g*SIMD*IN_BITS+:SIMD*IN_BITS] = held_q[m*GROUPS+g];
        end
      end
    end
  end

endmodule
