// SPDX-License-Identifier: Apache-2.0
// Maximum of bits over K x K pixels with stride K: out[y][x][c] = OR of in[y*K + i][x*K + j][c], i, j < K.
// OW = WIDTH / K and OH = H / K, both rounded down; what is left over at the right and the bottom is swallowed.
// Takes one pixel per cycle; H * WIDTH cycles per frame, frames back to back. Latency: an output is valid 1 cycle
// after the last pixel of its window, the first one (K-1)*WIDTH + K cycles after the first pixel is taken.
// A stalled output holds the input only at the next pixel that completes a window. Cuts valid and data.
// Storage: OW words of C bits (LUT RAM, block RAM where OW > 64), 3 * C flip-flops.
// Cost (Yosys 0.70, xc7), C = 64, 28 x 28, K = 2: 157 LUT + 32 LUTRAM, 211 FF.
`include "axis_assert.svh"

module maxpool #(
  parameter int unsigned C = 4,
  parameter int unsigned H = 6,
  parameter int unsigned WIDTH = 6,
  parameter int unsigned K = 2
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [C-1:0] s_axis_tdata,
  input  logic         s_axis_tvalid,
  output logic         s_axis_tready,
  output logic [C-1:0] m_axis_tdata,
  output logic         m_axis_tvalid,
  input  logic         m_axis_tready
);

  localparam int unsigned OW = (K > 0) ? WIDTH / K : 0;
  localparam int unsigned OH = (K > 0) ? H / K : 0;
  localparam int unsigned ROW_W = $clog2(H + 1);
  localparam int unsigned COLUMN_W = $clog2(WIDTH + 1);
  localparam int unsigned PHASE_W = $clog2(K + 1);
  localparam int unsigned ADDR_W = (OW > 1) ? $clog2(OW) : 1;

  if (C < 1) $error("maxpool: C must be at least 1");
  if (K < 2) $error("maxpool: K must be at least 2");
  if (H < K || WIDTH < K) $error("maxpool: K must not exceed H or WIDTH");

  logic [ROW_W-1:0]    row_q;
  logic [COLUMN_W-1:0] column_q;
  logic [PHASE_W-1:0]  row_phase_q;
  logic [PHASE_W-1:0]  column_phase_q;
  logic [ADDR_W-1:0]   window_q;
  logic                valid_q;
  logic                first_row;
  logic                first_column;
  logic                window_row;
  logic                window_column;
  logic                emits;
  logic                step;

  // Windows are counted, so that nothing is divided; positions past the last window emit nothing.
  assign first_row     = (row_phase_q == '0);
  assign first_column  = (column_phase_q == '0);
  assign window_row    = (row_phase_q == PHASE_W'(K - 1));
  assign window_column = (column_phase_q == PHASE_W'(K - 1));
  assign emits         = window_row && window_column;
  assign s_axis_tready = !emits || !valid_q || m_axis_tready;
  assign step          = s_axis_tvalid && s_axis_tready;
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_q          <= '0;
      column_q       <= '0;
      row_phase_q    <= '0;
      column_phase_q <= '0;
      window_q       <= '0;
      valid_q        <= 1'b0;
    end else begin
      if (step) begin
        column_q       <= column_q + 1'b1;
        column_phase_q <= window_column ? '0 : column_phase_q + 1'b1;
        if (window_column) window_q <= window_q + 1'b1;
        if (column_q == COLUMN_W'(WIDTH - 1)) begin
          column_q       <= '0;
          column_phase_q <= '0;
          window_q       <= '0;
          row_q          <= row_q + 1'b1;
          row_phase_q    <= window_row ? '0 : row_phase_q + 1'b1;
          if (row_q == ROW_W'(H - 1)) begin
            row_q       <= '0;
            row_phase_q <= '0;
          end
        end
      end
      if (step && emits) valid_q <= 1'b1;
      else if (m_axis_tready) valid_q <= 1'b0;
    end
  end

  logic [C-1:0] run_q;    // OR over this row's part of the window
  logic [C-1:0] above;    // OR over the window's rows above, fetched at the window's first column
  logic [C-1:0] run;
  logic [C-1:0] window;
  logic [C-1:0] data_q;

  assign run    = first_column ? s_axis_tdata : (run_q | s_axis_tdata);
  assign window = first_row ? run : (run | above);

  ram_sdp #(
    .W    (C),
    .DEPTH(OW),
    .BLOCK(OW > 64)
  ) u_row (
    .clk_i,
    .we_i   (step && window_column),
    .waddr_i(window_q),
    .wdata_i(window),
    .re_i   (step && first_column),
    .raddr_i(window_q),
    .rdata_o(above)
  );

  always_ff @(posedge clk_i) begin
    if (step) run_q <= run;
    if (step && emits) data_q <= window;
  end

  assign m_axis_tdata = data_q;

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, C)
  `AXIS_ASSERT(check_position, (32'(row_q) < H) && (32'(column_q) < WIDTH))
  `AXIS_ASSERT(check_window, !(step && emits) || ((32'(window_q) < OW) && (32'(row_q) < OH * K)))

`ifdef FORMAL
  `include "maxpool_props.svh"
`endif

endmodule
