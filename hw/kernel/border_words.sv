// SPDX-License-Identifier: Apache-2.0
// border_words: a read-only memory as an endless stream of words that depend on which parts of a tile's windows lie
// beside the image. As mvu_words, `pop_i` moves on and `word_o` is the word for the current step.
//
//   for tile row y: for tile column x: for nf in NF: word[(row_class(y) * CC + column_class(x)) * NF + nf]
//
// An H x WIDTH image, padded by PAD, has OH x OW windows of K x K at distance STRIDE; a tile is M windows of a row.
// Tile rows (columns) of one class have the same rows (columns of each window) inside the image. Classes are numbered
// in the order of y (x); as those that reach over an edge are the first and the last ones, equal ones are neighbours.
// A 3 x 3 convolution with STRIDE = 1, PAD = 1, M = 1 has 3 x 3 classes, on images of 3 x 3 or more.
// Cuts the path from `pop_i` to `word_o`. Cost: the memory, its address, counters.
`include "axis_assert.svh"

module border_words #(
  parameter int unsigned W = 8,
  parameter int unsigned NF = 4,
  parameter int unsigned H = 6,
  parameter int unsigned WIDTH = 6,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned PAD = 1,
  parameter int unsigned M = 2,
  parameter bit BLOCK = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter FILE = ""
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [64:0]  load_i,
  input  logic         pop_i,
  output logic [W-1:0] word_o
);

  localparam int unsigned ROWS = (H + 2 * PAD - K) / STRIDE + 1;
  localparam int unsigned COLUMNS = ((WIDTH + 2 * PAD - K) / STRIDE + 1) / M;

  if (W < 1) $error("border_words: W must be at least 1");
  if (NF < 1) $error("border_words: NF must be at least 1");
  if (H < 1 || WIDTH < 1) $error("border_words: H and WIDTH must be at least 1");
  if (K < 1 || STRIDE < 1 || M < 1) $error("border_words: K, STRIDE and M must be at least 1");
  if (PAD >= K) $error("border_words: PAD must be less than K");

  // What a window that starts at `start` (PAD is the image's first pixel) has before and behind the image.
  function automatic int outside(input int start, input int size);
    int ahead;
    int behind;
    ahead   = (start < int'(PAD)) ? int'(PAD) - start : 0;
    behind  = (start + int'(K) > size + int'(PAD)) ? start + int'(K) - size - int'(PAD) : 0;
    outside = ahead * int'(K + 1) + behind;
  endfunction

  // Tiles (of `windows` windows) whose class is not that of their predecessor.
  function automatic logic [ROWS-1:0] row_changes();
    row_changes = '0;
    for (int unsigned y = 1; y < ROWS; y++)
      row_changes[y] = (outside(int'(y * STRIDE), int'(H)) != outside(int'((y - 1) * STRIDE), int'(H)));
  endfunction

  function automatic logic [COLUMNS-1:0] column_changes();
    column_changes = '0;
    for (int unsigned x = 1; x < COLUMNS; x++)
      for (int unsigned m = 0; m < M; m++)
        if (outside(int'((x * M + m) * STRIDE), int'(WIDTH)) != outside(int'(((x - 1) * M + m) * STRIDE), int'(WIDTH)))
          column_changes[x] = 1'b1;
  endfunction

  localparam logic [ROWS-1:0] ROW_CHANGES = row_changes();
  localparam logic [COLUMNS-1:0] COLUMN_CHANGES = column_changes();

  function automatic int unsigned ones(input logic [ROWS+COLUMNS-1:0] flags);
    ones = 0;
    for (int unsigned i = 0; i < ROWS + COLUMNS; i++) ones = ones + 32'(flags[i]);
  endfunction

  localparam int unsigned ROW_CLASSES = ones({COLUMNS'(0), ROW_CHANGES}) + 1;
  localparam int unsigned CC = ones({ROWS'(0), COLUMN_CHANGES}) + 1;
  localparam int unsigned DEPTH = ROW_CLASSES * CC * NF;
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam int unsigned FOLD_W = (NF > 1) ? $clog2(NF) : 1;
  localparam int unsigned ROW_W = (ROWS > 1) ? $clog2(ROWS) : 1;
  localparam int unsigned COLUMN_W = (COLUMNS > 1) ? $clog2(COLUMNS) : 1;

  // All of the word after the current one: its address, its fold, its tile, and where its class begins.
  logic [ADDR_W-1:0]   address_q;
  logic [FOLD_W-1:0]   fold_q;
  logic [COLUMN_W-1:0] column_q;
  logic [ROW_W-1:0]    row_q;
  logic [ADDR_W-1:0]   tile_base_q;  // word 0 of the tile's class
  logic [ADDR_W-1:0]   row_base_q;   // word 0 of the row's first class
  logic                primed_q;
  logic                read;
  logic                last_fold;
  logic                last_column;
  logic                last_row;
  logic [COLUMN_W-1:0] next_column;
  logic [ROW_W-1:0]    next_row;
  logic [ADDR_W-1:0]   tile_base_d;
  logic [ADDR_W-1:0]   row_base_d;

  assign read        = pop_i || !primed_q;
  assign last_fold   = (fold_q == FOLD_W'(NF - 1));
  assign last_column = (column_q == COLUMN_W'(COLUMNS - 1));
  assign last_row    = (row_q == ROW_W'(ROWS - 1));
  assign next_column = last_column ? '0 : column_q + 1'b1;
  assign next_row    = last_row ? '0 : row_q + 1'b1;

  always_comb begin
    row_base_d = row_base_q;
    if (last_column) begin
      if (last_row) row_base_d = '0;
      else if (ROW_CHANGES[next_row]) row_base_d = row_base_q + ADDR_W'(CC * NF);
    end
    tile_base_d = tile_base_q;
    if (last_column) tile_base_d = row_base_d;
    else if (COLUMN_CHANGES[next_column]) tile_base_d = tile_base_q + ADDR_W'(NF);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      primed_q    <= 1'b0;
      address_q   <= '0;
      fold_q      <= '0;
      column_q    <= '0;
      row_q       <= '0;
      tile_base_q <= '0;
      row_base_q  <= '0;
    end else begin
      primed_q <= 1'b1;
      if (read) begin
        address_q <= last_fold ? tile_base_d : address_q + 1'b1;
        fold_q    <= last_fold ? '0 : fold_q + 1'b1;
        if (last_fold) begin
          tile_base_q <= tile_base_d;
          row_base_q  <= row_base_d;
          column_q    <= next_column;
          if (last_column) row_q <= next_row;
        end
      end
    end
  end

  rom #(
    .W    (W),
    .DEPTH(DEPTH),
    .BLOCK(BLOCK),
    .RUNTIME(RUNTIME),
    .MEMORY(MEMORY),
    .FILE (FILE)
  ) u_rom (
    .clk_i,
    .load_i,
    .en_i  (read),
    .addr_i(address_q),
    .data_o(word_o)
  );

  `AXIS_ASSERT(check_address, 32'(address_q) < DEPTH)

endmodule
