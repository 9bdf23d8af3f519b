// SPDX-License-Identifier: Apache-2.0
// Sliding window unit: pixels of an H x WIDTH image in, tiles of M neighbouring windows out, in raster order.
//   tile[((kh*T + t)*C + c)] = image[y*STRIDE + kh - PAD][g*M*STRIDE + t - PAD][c],  T = (M-1)*STRIDE + K
// PAD virtual rows and columns of PAD_VALUE surround the image and take no input. With P = WIDTH + 2*PAD columns:
//   frame of (H + 2*PAD) * P steps, one per cycle; a step waits for its pixel and for a tile that is not taken
//   latency: the first tile is valid (K-1)*P + T cycles after the frame's first step (first pixel if PAD = 0)
//   cycles per frame with a consumer that takes a tile every II cycles (OW x OH windows, S = STRIDE):
//     OH*(OW/M - 1)*max(M*S, II) + (OH-1)*max(S*P - (OW-M)*S, II) + max((H + 2*PAD - (OH-1)*S)*P - (OW-M)*S, II)
//   which is (H + 2*PAD) * P for II = 1
// The tile register holds a tile until it is taken and shifts on in that same cycle. Cuts valid and data; ready
// passes through. K-1 rows lie in LUT RAM, in block RAM where WIDTH > 64; K = 1 has no memory.
`include "axis_assert.svh"

module swu #(
  parameter int unsigned C = 4,
  parameter int unsigned BITS = 1,
  parameter int unsigned H = 6,
  parameter int unsigned WIDTH = 6,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned PAD = 0,
  parameter int unsigned M = 2,
  parameter int unsigned PAD_VALUE = 0,
  localparam int unsigned T = (M - 1) * STRIDE + K,
  localparam int unsigned PIXEL_W = C * BITS,
  localparam int unsigned TILE_W = K * T * PIXEL_W
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic [PIXEL_W-1:0] s_axis_tdata,
  input  logic               s_axis_tvalid,
  output logic               s_axis_tready,
  output logic [TILE_W-1:0]  m_axis_tdata,
  output logic               m_axis_tvalid,
  input  logic               m_axis_tready
);

  localparam int unsigned ROWS = H + 2 * PAD;
  localparam int unsigned COLUMNS = WIDTH + 2 * PAD;
  localparam int unsigned OW = (COLUMNS - K) / STRIDE + 1;
  localparam int unsigned ROW_W = (ROWS > 1) ? $clog2(ROWS) : 1;
  localparam int unsigned COLUMN_W = (COLUMNS > 1) ? $clog2(COLUMNS) : 1;
  localparam int unsigned ROW_LEFT_W = $clog2(((K > STRIDE) ? K : STRIDE) + 1);
  localparam int unsigned COLUMN_LEFT_W = $clog2(((T > M * STRIDE) ? T : M * STRIDE) + 1);

  if (C < 1) $error("swu: C must be at least 1");
  if (BITS < 1) $error("swu: BITS must be at least 1");
  if (K < 1) $error("swu: K must be at least 1");
  if (STRIDE < 1) $error("swu: STRIDE must be at least 1");
  if (M < 1) $error("swu: M must be at least 1");
  if (PAD >= K) $error("swu: PAD must be less than K");
  if (H < 1 || WIDTH < 1) $error("swu: H and WIDTH must be at least 1");
  if (ROWS < K || COLUMNS < K) $error("swu: K must not exceed the padded image");
  if (BITS < 32 && (PAD_VALUE >> BITS) != 0) $error("swu: PAD_VALUE must fit in BITS");
  if (OW % M != 0) $error("swu: M must divide the output width");

  // Position of the next step in the padded image, and how many rows and columns remain to the next tile.
  logic [ROW_W-1:0]         row_q;
  logic [COLUMN_W-1:0]      column_q;
  logic [ROW_LEFT_W-1:0]    row_left_q;
  logic [COLUMN_LEFT_W-1:0] column_left_q;
  logic                     valid_q;
  logic                     last_row;
  logic                     last_column;
  logic                     real_pixel;
  logic                     free;
  logic                     step;

  assign last_row      = (row_q == ROW_W'(ROWS - 1));
  assign last_column   = (column_q == COLUMN_W'(COLUMNS - 1));
  assign free          = !valid_q || m_axis_tready;
  assign step          = free && (s_axis_tvalid || !real_pixel);
  assign s_axis_tready = free && real_pixel;
  assign m_axis_tvalid = valid_q;

  if (PAD == 0) begin : gen_no_border
    assign real_pixel = 1'b1;
  end else begin : gen_border
    assign real_pixel = (32'(row_q) >= PAD) && (32'(row_q) < PAD + H)
                 && (32'(column_q) >= PAD) && (32'(column_q) < PAD + WIDTH);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_q         <= '0;
      column_q      <= '0;
      row_left_q    <= ROW_LEFT_W'(K - 1);
      column_left_q <= COLUMN_LEFT_W'(T - 1);
      valid_q       <= 1'b0;
    end else if (step) begin
      valid_q       <= (row_left_q == '0) && (column_left_q == '0);
      column_left_q <= (column_left_q == '0) ? COLUMN_LEFT_W'(M * STRIDE - 1) : column_left_q - 1'b1;
      column_q      <= column_q + 1'b1;
      if (last_column) begin
        column_q      <= '0;
        column_left_q <= COLUMN_LEFT_W'(T - 1);
        row_left_q    <= (row_left_q == '0) ? ROW_LEFT_W'(STRIDE - 1) : row_left_q - 1'b1;
        row_q         <= row_q + 1'b1;
        if (last_row) begin
          row_q      <= '0;
          row_left_q <= ROW_LEFT_W'(K - 1);
        end
      end
    end else if (m_axis_tready) begin
      valid_q <= 1'b0;
    end
  end

  // The column that enters the tile: the K-1 rows above, then the newest pixel (kh = K-1).
  logic [PIXEL_W-1:0]        pixel;
  logic [K-1:0][PIXEL_W-1:0] column;

  assign pixel       = real_pixel ? s_axis_tdata : {C{BITS'(PAD_VALUE)}};
  assign column[K-1] = pixel;

  if (K > 1) begin : gen_rows
    localparam int unsigned ADDR_W = (WIDTH > 1) ? $clog2(WIDTH) : 1;
    logic [COLUMN_W-1:0]           next_column;
    logic                          next_real;
    logic                          real_column;
    logic [ADDR_W-1:0]             next_address;
    logic [ADDR_W-1:0]             address_q;
    logic [(K-1)*PIXEL_W-1:0]      above;

    assign next_column = last_column ? '0 : column_q + 1'b1;

    if (PAD == 0) begin : gen_no_pad
      assign next_real    = 1'b1;
      assign real_column  = 1'b1;
      assign next_address = ADDR_W'(next_column);
    end else begin : gen_pad
      assign next_real    = (32'(next_column) >= PAD) && (32'(next_column) < PAD + WIDTH);
      assign real_column  = (32'(column_q) >= PAD) && (32'(column_q) < PAD + WIDTH);
      assign next_address = ADDR_W'(32'(next_column) - PAD);
    end

    // The word of a column is read one step ahead and written back one row older. Reading a word that a frame
    // has not written yet is harmless: K-1 rows pass before the first tile.
    ram_sdp #(
      .W    ((K - 1) * PIXEL_W),
      .DEPTH(WIDTH),
      .BLOCK(WIDTH > 64)
    ) u_rows (
      .clk_i,
      .we_i   (step && real_column),
      .waddr_i(address_q),
      .wdata_i(column[K-1:1]),
      .re_i   (step && next_real),
      .raddr_i(next_address),
      .rdata_o(above)
    );

    always_ff @(posedge clk_i) begin
      if (!rst_ni) address_q <= '0;
      else if (step && next_real) address_q <= next_address;
    end

    assign column[K-2:0] = real_column ? above : {(K - 1) * C{BITS'(PAD_VALUE)}};

    `AXIS_ASSERT(check_no_collision, !(step && real_column && next_real) || (address_q != next_address))
  end

  // One row of T columns per kernel row, the newest column last.
  logic [K-1:0][T*PIXEL_W-1:0] tile_q;

  for (genvar kh = 0; kh < K; kh++) begin : gen_shift
    if (T > 1) begin : gen_columns
      always_ff @(posedge clk_i) begin
        if (step) tile_q[kh] <= {column[kh], tile_q[kh][T*PIXEL_W-1:PIXEL_W]};
      end
    end else begin : gen_single
      always_ff @(posedge clk_i) begin
        if (step) tile_q[kh] <= column[kh];
      end
    end
  end

  assign m_axis_tdata = tile_q;

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, TILE_W)
  `AXIS_ASSERT(check_position, (32'(row_q) < ROWS) && (32'(column_q) < COLUMNS))

endmodule
