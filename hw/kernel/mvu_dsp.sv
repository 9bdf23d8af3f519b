// SPDX-License-Identifier: Apache-2.0
// mvu_dsp: window-stationary convolution, unsigned IN_BITS inputs and +-1 weights, in DSP slices (the first layer of a network).
//
//   acc[m][o] = sum over kh, kw, c of w[o][kh][kw][c] * tile[kh][m*STRIDE + kw][c]
//   THRESHOLD = 1: bit = (acc >= t[o]);    THRESHOLD = 0: acc in ACC_W bits
//
//   for sf in K*K*C: one step: one input of each of M windows, times the weights of all MH channels
//
// A slice multiplies one pixel's input for two channels (dsp_pair): M * ceil(MH/2) slices, in which accumulator, comparator and threshold
// cost nothing. A field of FIELD_W bits starts from 2^(FIELD_W-1) - t, so that its highest bit is the activation.
//
// Input beat: a tile (K x T x C elements, T = (M-1)*STRIDE + K, element ((kh*T + t)*C + c)); output beat: a pixel of MH results, M beats per
// tile. A step takes one element of each column of the tile, then one of these for each window.
//
// Memory images: weights: address sf, bit o. Starts (THRESHOLD_FILE): one word, field o of FIELD_W bits is 2^(FIELD_W-1) - t[o], with
// |t| <= K*K*C*(2^IN_BITS - 1) + 1. FIELD_W = $clog2(2*K*K*C*(2^IN_BITS - 1) + 1) + 1. Without
// a file, t = 0.
//
// Flow control as in mvu_core: the last step of a tile needs a place for its result, so the pipeline has no enables; a tile is accepted in
// the cycle of its predecessor's last step. The place is the register in stream_gather; where M + 7 > K*K*C, a FIFO before it.
// Interval: max(K*K*C, M) cycles per tile. Latency, from the transfer of a tile to its first output beat: K*K*C + 7 cycles, one more with
// the FIFO. Cuts valid, data and ready.
`include "axis_assert.svh"

module mvu_dsp #(
  parameter int unsigned C = 3,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned M = 1,
  parameter int unsigned IN_BITS = 8,
  parameter int unsigned MH = 64,
  parameter bit THRESHOLD = 1'b1,
  parameter int unsigned ACC_W = 24,
  parameter bit ROM_BLOCK = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter WEIGHT_FILE = "",
  parameter THRESHOLD_FILE = "",
  localparam int unsigned T = (M - 1) * STRIDE + K,
  localparam int unsigned OUT_W = THRESHOLD ? 1 : ACC_W
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

  localparam int unsigned SF = K * K * C;
  localparam int unsigned BOUND = SF * ((32'd1 << IN_BITS) - 32'd1);
  // Sums are within +-BOUND, less the threshold within +-(2*BOUND + 1).
  localparam int unsigned FIELD_W = $clog2((THRESHOLD ? 2 * BOUND : BOUND) + 32'd1) + 1;
  localparam int unsigned ROWS = K * C;
  localparam int unsigned GROUPS = (ROWS + 3) / 4;
  localparam int unsigned GROUP_W = (GROUPS > 1) ? $clog2(GROUPS) : 1;
  localparam int unsigned ROW_W = GROUP_W + 2;
  localparam int unsigned CHANNEL_W = (C > 1) ? $clog2(C) : 1;
  localparam int unsigned COLUMN_W = (K > 1) ? $clog2(K) : 1;
  localparam int unsigned PAIRS = (MH + 1) / 2;
  localparam int unsigned STAGES = 6;  // from a step to its sum: multiplexers (3), slice (3)
  localparam bit DIRECT = (SF >= M + STAGES + 1);
  localparam int unsigned FIFO_DEPTH = 16;
  localparam int unsigned USED_W = $clog2(FIFO_DEPTH + 1);

  if (C < 1) $error("mvu_dsp: C must be at least 1");
  if (K < 1) $error("mvu_dsp: K must be at least 1");
  if (STRIDE < 1) $error("mvu_dsp: STRIDE must be at least 1");
  if (M < 1) $error("mvu_dsp: M must be at least 1");
  if (MH < 1) $error("mvu_dsp: MH must be at least 1");
  if (IN_BITS < 1 || IN_BITS > 8) $error("mvu_dsp: IN_BITS must be 1 to 8");
  if (FIELD_W > 22) $error("mvu_dsp: K*K*C*(2^IN_BITS - 1) must be less than 2^20, two sums share a slice");
  if (!THRESHOLD && ACC_W < FIELD_W) $error("mvu_dsp: ACC_W must hold +-K*K*C*(2^IN_BITS - 1)");

  // Sequencer
  logic busy_q;
  logic load;
  logic step;
  logic first_sf;
  logic last_sf;
  logic room;

  assign step          = busy_q && (room || !last_sf);
  assign s_axis_tready = !busy_q || (step && last_sf);
  assign load          = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) busy_q <= 1'b0;
    else if (load) busy_q <= 1'b1;
    else if (step && last_sf) busy_q <= 1'b0;
  end

  // Position of the step in the window: channel c, column kw, and row = kh*C + c.
  logic [CHANNEL_W-1:0] channel_q;
  logic [COLUMN_W-1:0]  column_q;
  logic [ROW_W-1:0]     row_q;
  logic                 last_channel;
  logic                 last_column;

  assign last_channel = (channel_q == CHANNEL_W'(C - 1));
  assign last_column  = (column_q == COLUMN_W'(K - 1));
  assign first_sf     = (row_q == '0) && (column_q == '0);
  assign last_sf      = (row_q == ROW_W'(ROWS - 1)) && last_column;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      channel_q <= '0;
      column_q  <= '0;
      row_q     <= '0;
    end else if (step) begin
      channel_q <= last_channel ? '0 : channel_q + 1'b1;
      if (last_channel) column_q <= last_column ? '0 : column_q + 1'b1;
      if (last_sf) row_q <= '0;
      else if (last_channel && !last_column) row_q <= row_q - ROW_W'(C - 1);
      else row_q <= row_q + 1'b1;
    end
  end

  // The tile, as rows of kh and c for each column. In three stages, of one multiplexer each: of every four rows of a column one; one
  // element of each column; one of each window.
  logic [T-1:0][ROWS-1:0][IN_BITS-1:0]        tile_q;
  logic [T-1:0][GROUPS-1:0][3:0][IN_BITS-1:0] fours;
  logic [T-1:0][GROUPS-1:0][IN_BITS-1:0]      group_q;
  logic [T-1:0][IN_BITS-1:0]                  element_q;
  logic [M-1:0][K-1:0][IN_BITS-1:0]           window;
  logic [M-1:0][IN_BITS-1:0]                  x_q;
  logic [GROUP_W-1:0]                         group_row_q;
  logic [COLUMN_W-1:0]                        group_column_q;
  logic [COLUMN_W-1:0]                        element_column_q;

  for (genvar t = 0; t < T; t = t + 1) begin : gen_column
    for (genvar row = 0; row < GROUPS * 4; row = row + 1) begin : gen_row
      if (row < ROWS) begin : gen_element
        always_ff @(posedge clk_i) begin
          if (load) tile_q[t][row] <= s_axis_tdata[(((row/C)*T+t)*C+row%C)*IN_BITS+:IN_BITS];
        end
        assign fours[t][row/4][row%4] = tile_q[t][row];
      end else begin : gen_nothing
        assign fours[t][row/4][row%4] = '0;
      end
    end
    for (genvar g = 0; g < GROUPS; g = g + 1) begin : gen_group
      always_ff @(posedge clk_i) group_q[t][g] <= fours[t][g][row_q[1:0]];
    end
    always_ff @(posedge clk_i) element_q[t] <= group_q[t][group_row_q];
  end

  always_ff @(posedge clk_i) begin
    group_row_q      <= GROUP_W'(row_q >> 2);
    group_column_q   <= column_q;
    element_column_q <= group_column_q;
  end

  if (STRIDE > K && M > 1) begin : gen_skipped_columns
    logic unused_columns;
    assign unused_columns = ^element_q;
  end

  // What goes with a step through the pipeline: that it is one, the first, the last of its tile.
  logic [3:1]        valid_q;
  logic [STAGES-1:1] first_q;
  logic [STAGES:1]   last_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= '0;
      first_q <= '0;
      last_q  <= '0;
    end else begin
      valid_q <= {valid_q[2:1], step};
      first_q <= {first_q[STAGES-2:1], step && first_sf};
      last_q  <= {last_q[STAGES-1:1], step && last_sf};
    end
  end

  // Where there is no step, zero is added.
  for (genvar m = 0; m < M; m = m + 1) begin : gen_window
    assign window[m] = element_q[m*STRIDE+:K];
    always_ff @(posedge clk_i) begin
      if (!valid_q[2]) x_q[m] <= '0;
      else x_q[m] <= window[m][element_column_q];
    end
  end

  // Weights: the word of the step whose elements stand in x_q.
  logic [MH-1:0]        weight;
  logic [2*PAIRS-1:0]   plus;
  logic                 unused_last_word;

  mvu_words #(
    .W(MH),
    .DEPTH(SF),
    .BLOCK(ROM_BLOCK),
    .RUNTIME(RUNTIME),
    .MEMORY(MEMORY),
    .FILE(WEIGHT_FILE)
  ) u_weights (
    .clk_i,
    .rst_ni,
    .load_i,
    .pop_i(valid_q[3]),
    .word_o(weight),
    .last_o(unused_last_word)
  );

  assign plus = (2 * PAIRS)'(weight);

  // Starts of the sums: constants, a memory only because a file holds them.
  logic [2*PAIRS*FIELD_W-1:0] start;

  if (THRESHOLD && RUNTIME) begin : gen_loaded
    logic [MH*FIELD_W-1:0] word;
    rom #(
      .W(MH * FIELD_W),
      .DEPTH(1),
      .BLOCK(1'b0),
      .RUNTIME(1'b1),
      .MEMORY(MEMORY + 1),
      .FILE(THRESHOLD_FILE)
    ) u_starts (
      .clk_i,
      .load_i,
      .en_i(1'b1),
      .addr_i(1'b0),
      .data_o(word)
    );
    assign start = (2 * PAIRS * FIELD_W)'(word);
  end else if (THRESHOLD && THRESHOLD_FILE != "") begin : gen_starts
    (* rom_style = "distributed", ram_style = "registers" *) logic [MH*FIELD_W-1:0] starts [0:0];
    initial $readmemh(THRESHOLD_FILE, starts);
    assign start = (2 * PAIRS * FIELD_W)'(starts[0]);
  end else begin : gen_middle
    assign start = {2 * PAIRS{1'b1, {(FIELD_W - 1) {1'b0}}}};
  end

  // Sums
  logic [M*2*PAIRS*FIELD_W-1:0] sum;
  logic [M*MH*OUT_W-1:0]        result;

  for (genvar m = 0; m < M; m = m + 1) begin : gen_pixel
    for (genvar p = 0; p < PAIRS; p = p + 1) begin : gen_pair
      dsp_pair #(
        .FIELD_W(FIELD_W),
        .X_W(IN_BITS)
      ) u_pair (
        .clk_i,
        .first_i(first_q[STAGES-1]),
        .start_i(start[2*p*FIELD_W+:2*FIELD_W]),
        .plus_i(plus[2*p+:2]),
        .x_i(x_q[m]),
        .sum_o(sum[(m*PAIRS+p)*2*FIELD_W+:2*FIELD_W])
      );
    end
    for (genvar o = 0; o < 2 * PAIRS; o = o + 1) begin : gen_result
      logic [FIELD_W-1:0] field;
      assign field = sum[(m*2*PAIRS+o)*FIELD_W+:FIELD_W];
      if (o >= MH) begin : gen_no_channel
        logic unused_field;
        assign unused_field = ^field;
      end else if (THRESHOLD) begin : gen_activation
        logic unused_field;
        assign unused_field   = ^field[FIELD_W-2:0];
        assign result[m*MH+o] = field[FIELD_W-1];
      end else begin : gen_raw
        // The start was half the range: without it, two's complement.
        logic signed [FIELD_W-1:0] accumulator;
        assign accumulator                   = {!field[FIELD_W-1], field[FIELD_W-2:0]};
        assign result[(m*MH+o)*OUT_W+:OUT_W] = OUT_W'(accumulator);
      end
    end
  end

  // Output: there is always a place for a result.
  logic [M*MH*OUT_W-1:0] out_data;
  logic                  out_valid;
  logic                  out_ready;

  if (DIRECT) begin : gen_direct
    // The register in stream_gather is free, and no result is on its way to it.
    assign room      = !m_axis_tvalid && !(|last_q);
    assign out_data  = result;
    assign out_valid = last_q[STAGES];
    `AXIS_ASSERT(check_place, out_ready || !out_valid)
  end else begin : gen_fifo
    logic [USED_W-1:0] used_q;
    logic              fifo_ready;
    logic              result_leaves;
    assign room          = (used_q != USED_W'(FIFO_DEPTH));
    assign result_leaves = out_valid && out_ready;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) used_q <= '0;
      else if (step && last_sf && !result_leaves) used_q <= used_q + 1'b1;
      else if (!(step && last_sf) && result_leaves) used_q <= used_q - 1'b1;
    end
    stream_fifo #(
      .W(M * MH * OUT_W),
      .DEPTH(FIFO_DEPTH)
    ) u_fifo (
      .clk_i,
      .rst_ni,
      .s_axis_tdata(result),
      .s_axis_tvalid(last_q[STAGES]),
      .s_axis_tready(fifo_ready),
      .m_axis_tdata(out_data),
      .m_axis_tvalid(out_valid),
      .m_axis_tready(out_ready)
    );
    `AXIS_ASSERT(check_place, fifo_ready || !last_q[STAGES])
    `AXIS_ASSERT(check_places, 32'(used_q) <= FIFO_DEPTH)
  end

  stream_gather #(
    .M(M),
    .W(MH * OUT_W),
    .N(1)
  ) u_gather (
    .clk_i,
    .rst_ni,
    .s_axis_tdata(out_data),
    .s_axis_tvalid(out_valid),
    .s_axis_tready(out_ready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

endmodule
