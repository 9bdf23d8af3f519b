// SPDX-License-Identifier: Apache-2.0
// pool_core: the windows of maxpool and sumpool, PE channels at a time.
//   SUM = 0: out = largest element of the window;    SUM = 1: out = clip(floor(sum of the window / 2^SHIFT), LOW, HIGH)
//   for each pixel: for nf in C/PE: one step
// Windows are K x K, at distance STRIDE = K, or K - 1: then neighbours share a row or a column. PAD rows and columns
// beside the image are left out of the windows. OH = (H + 2*PAD - K) / STRIDE + 1, OW alike, rounded down; what
// belongs to no window is swallowed.
// Each step folds an element into a run along the row. Where a window's last column is reached, the run is folded
// into the memory word of the window in the next cycle, and where its last row is reached too, the word goes out.
// A pixel is taken in the cycle of its last step (stream_words). C/PE cycles per pixel, H * WIDTH * C/PE per frame,
// frames back to back. Latency: an output is valid 2 cycles after the last pixel of its window is taken, 3 where
// PE < C. A stalled output holds the input only when another window is complete. Cuts valid and data.
// Storage: OW * C/PE words of PE sums (LUT RAM, block RAM where there are more than 64).
`include "axis_assert.svh"

module pool_core #(
  parameter int unsigned C = 4,
  parameter int unsigned PE = C,
  parameter int unsigned IN_BITS = 1,
  parameter bit IN_SIGNED = 1'b0,
  parameter int unsigned OUT_BITS = IN_BITS,
  parameter bit SUM = 1'b0,
  parameter int unsigned SHIFT = 0,
  parameter int LOW = 0,
  parameter int HIGH = 1,
  parameter int unsigned H = 6,
  parameter int unsigned WIDTH = 6,
  parameter int unsigned K = 2,
  parameter int unsigned STRIDE = K,
  parameter int unsigned PAD = 0
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

  localparam int unsigned NF = C / PE;
  localparam int unsigned OH = (H + 2 * PAD - K) / STRIDE + 1;
  localparam int unsigned OW = (WIDTH + 2 * PAD - K) / STRIDE + 1;
  localparam bit SHARED = (STRIDE < K);
  // Where the padding cuts the last window, it ends with the image.
  localparam int unsigned LAST_ROW = (OH - 1) * STRIDE + K - 1;  // of the last window, in the padded image
  localparam int unsigned LAST_COLUMN = (OW - 1) * STRIDE + K - 1;
  localparam bit ROWS_CUT = (LAST_ROW > H - 1 + PAD);
  localparam bit COLUMNS_CUT = (LAST_COLUMN > WIDTH - 1 + PAD);
  // A sum holds K*K elements in two's complement; a single bit counts as -1 or +1.
  localparam int unsigned X_W = IN_BITS + ((IN_SIGNED && IN_BITS > 1) ? 0 : 1);
  localparam int unsigned ACC_W = SUM ? X_W + $clog2(K * K) : IN_BITS;
  localparam int unsigned DEPTH = OW * NF;
  localparam int unsigned FOLD_W = (NF > 1) ? $clog2(NF) : 1;
  localparam int unsigned ROW_W = $clog2(H + 1);
  localparam int unsigned COLUMN_W = $clog2(WIDTH + 1);
  localparam int unsigned LEFT_W = $clog2(K + 1);
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1;

  if (C < 1) $error("pool_core: C must be at least 1");
  if (PE < 1 || C % PE != 0) $error("pool_core: PE must divide C");
  if (IN_BITS < 1) $error("pool_core: IN_BITS must be at least 1");
  if (K < 1) $error("pool_core: K must be at least 1");
  if (STRIDE < 1 || STRIDE > K || STRIDE + 1 < K) $error("pool_core: STRIDE must be K or K - 1");
  if (PAD >= STRIDE) $error("pool_core: PAD must be less than STRIDE");
  if (H + 2 * PAD < K || WIDTH + 2 * PAD < K) $error("pool_core: K must not exceed the padded image");
  if (SUM && SHIFT >= ACC_W) $error("pool_core: SHIFT must be less than the width of the sum");

  // Input: words of PE channels.
  logic [PE*IN_BITS-1:0] word;
  logic                  word_valid;
  logic                  word_ready;

  stream_words #(
    .W(PE * IN_BITS),
    .N(NF)
  ) u_words (
    .clk_i,
    .rst_ni,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata (word),
    .m_axis_tvalid(word_valid),
    .m_axis_tready(word_ready)
  );

  // Position. `left` counts down to the last column (row) of the open window; what is left over after the last window
  // is less than STRIDE, so it does not reach zero there.
  logic [ROW_W-1:0]        row_q;
  logic [COLUMN_W-1:0]     column_q;
  logic [LEFT_W-1:0]       row_left_q;
  logic [LEFT_W-1:0]       column_left_q;
  logic                    row_fresh_q;     // no row above belongs to the open window
  logic                    column_fresh_q;  // no column to the left does
  logic                    last_fold;
  logic                    last_row;
  logic                    last_column;
  logic                    row_ends;
  logic                    column_ends;
  logic                    step;
  logic                    moves;           // what waits between the two foldings
  logic                    result_valid_q;
  logic                    result_ready;

  assign last_row    = (row_q == ROW_W'(H - 1));
  assign last_column = (column_q == COLUMN_W'(WIDTH - 1));
  assign row_ends    = (row_left_q == '0) || (ROWS_CUT && last_row);
  assign column_ends = (column_left_q == '0) || (COLUMNS_CUT && last_column);
  assign word_ready  = moves;
  assign step        = word_valid && word_ready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      column_q       <= '0;
      column_left_q  <= LEFT_W'(K - 1 - PAD);
      column_fresh_q <= 1'b1;
    end else if (step && last_fold) begin
      column_q       <= column_q + 1'b1;
      column_left_q  <= (column_left_q == '0) ? LEFT_W'(STRIDE - 1) : column_left_q - 1'b1;
      column_fresh_q <= column_ends && !SHARED;
      if (last_column) begin
        column_q       <= '0;
        column_left_q  <= LEFT_W'(K - 1 - PAD);
        column_fresh_q <= 1'b1;
        end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_q       <= '0;
      row_left_q  <= LEFT_W'(K - 1 - PAD);
      row_fresh_q <= 1'b1;
    end else if (step && last_fold && last_column) begin
      row_q       <= row_q + 1'b1;
      row_left_q  <= (row_left_q == '0) ? LEFT_W'(STRIDE - 1) : row_left_q - 1'b1;
      row_fresh_q <= row_ends && !SHARED;
      if (last_row) begin
        row_q       <= '0;
        row_left_q  <= LEFT_W'(K - 1 - PAD);
        row_fresh_q <= 1'b1;
        end
    end
  end

  if (NF > 1) begin : gen_fold
    logic [FOLD_W-1:0] fold_q;
    assign last_fold = (fold_q == FOLD_W'(NF - 1));
    always_ff @(posedge clk_i) begin
      if (!rst_ni) fold_q <= '0;
      else if (step) fold_q <= last_fold ? '0 : fold_q + 1'b1;
    end
  end else begin : gen_no_fold
    assign last_fold = 1'b1;
  end

  // Runs along the row, one for each fold; the oldest one belongs to this step.
  logic [NF*PE*ACC_W-1:0] runs_q;
  logic [PE*ACC_W-1:0]    run;
  logic [PE*ACC_W-1:0]    element;
  logic [PE*ACC_W-1:0]    across;  // the window's part of this row

  // The run that waits to be folded into its window's word, which holds the window's rows so far.
  logic [PE*ACC_W-1:0]    across_q;
  logic [ADDR_W-1:0]      address_q;
  logic [ADDR_W-1:0]      across_address_q;
  logic                   across_valid_q;
  logic                   across_first_q;  // no row above belongs to the window
  logic                   across_last_q;   // the window is complete
  logic [PE*ACC_W-1:0]    above;
  logic [PE*ACC_W-1:0]    window;
  logic [PE*ACC_W-1:0]    stored;
  logic                   write;

  assign run = runs_q[PE*ACC_W-1:0];

  if (NF > 1) begin : gen_runs
    always_ff @(posedge clk_i) begin
      if (step) runs_q <= {(SHARED && column_ends) ? element : across, runs_q[NF*PE*ACC_W-1:PE*ACC_W]};
    end
  end else begin : gen_run
    always_ff @(posedge clk_i) begin
      if (step) runs_q <= (SHARED && column_ends) ? element : across;
    end
  end

  if (!SUM && IN_BITS == 1) begin : gen_or
    assign element = word;
    assign across  = element | (column_fresh_q ? '0 : run);
    assign window  = across_q | (across_first_q ? '0 : above);
  end else begin : gen_numbers
    for (genvar pe = 0; pe < PE; pe++) begin : gen_lane
      logic [IN_BITS-1:0] x;
      logic [ACC_W-1:0]   r;
      logic [ACC_W-1:0]   a;
      logic [ACC_W-1:0]   e;
      logic [ACC_W-1:0]   h;
      logic [ACC_W-1:0]   q;
      assign x = word[pe*IN_BITS +: IN_BITS];
      assign r = run[pe*ACC_W +: ACC_W];
      assign a = above[pe*ACC_W +: ACC_W];
      assign q = across_q[pe*ACC_W +: ACC_W];
      assign element[pe*ACC_W +: ACC_W] = e;
      assign across[pe*ACC_W +: ACC_W]  = h;

      if (SUM) begin : gen_sum
        logic [X_W-1:0] number;
        assign number = (IN_BITS == 1) ? X_W'({!x[0], 1'b1}) : X_W'(x);
        assign e      = ACC_W'($signed(number));
        assign h      = e + (column_fresh_q ? '0 : r);
        assign window[pe*ACC_W +: ACC_W] = q + (across_first_q ? '0 : a);
      end else begin : gen_max
        // The highest bit turned over makes the order of two's complement that of unsigned numbers.
        localparam logic [IN_BITS-1:0] TURN = IN_SIGNED ? {1'b1, {(IN_BITS - 1){1'b0}}} : '0;
        assign e = x;
        assign h = (column_fresh_q || ((e ^ TURN) > (r ^ TURN))) ? e : r;
        assign window[pe*ACC_W +: ACC_W] = (across_first_q || ((q ^ TURN) > (a ^ TURN))) ? q : a;
      end
    end
  end

  // Its word is read in the cycle of the step and written in the next one; the next step has another word.
  assign moves  = !(across_valid_q && across_last_q) || !result_valid_q || result_ready;
  assign write  = across_valid_q && moves;
  assign stored = (SHARED && across_last_q) ? across_q : window;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) across_valid_q <= 1'b0;
    else if (moves) across_valid_q <= step && column_ends;
  end

  always_ff @(posedge clk_i) begin
    if (step) begin
      across_q         <= across;
      across_address_q <= address_q;
      across_first_q   <= row_fresh_q;
      across_last_q    <= row_ends;
    end
  end

  // Columns that are left over after the last window have no word.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) address_q <= '0;
    else if (step && last_fold && last_column) address_q <= '0;
    else if (step && column_ends) address_q <= address_q + 1'b1;
  end

  ram_sdp #(
    .W    (PE * ACC_W),
    .DEPTH(DEPTH),
    .BLOCK(DEPTH > 64)
  ) u_rows (
    .clk_i,
    .we_i   (write),
    .waddr_i(across_address_q),
    .wdata_i(stored),
    .re_i   (step && column_ends && !row_fresh_q),
    .raddr_i(address_q),
    .rdata_o(above)
  );

  `AXIS_ASSERT(check_address, !write || 32'(across_address_q) < DEPTH)
  `AXIS_ASSERT(check_collision, !(write && step && column_ends && !row_fresh_q) || (across_address_q != address_q))

  // Output: the word that is complete, then the pixel.
  logic [PE*OUT_BITS-1:0] result;
  logic [PE*OUT_BITS-1:0] result_q;

  if (SUM) begin : gen_clip
    for (genvar pe = 0; pe < PE; pe++) begin : gen_result
      logic [ACC_W-1:0] total;
      logic [ACC_W-1:0] mean;
      assign total = window[pe*ACC_W +: ACC_W];
      assign mean  = ACC_W'($signed(total) >>> SHIFT);
      saturate #(
        .IN_W    (ACC_W),
        .OUT_BITS(OUT_BITS),
        .LOW     (LOW),
        .HIGH    (HIGH)
      ) u_clip (
        .value_i(mean),
        .code_o (result[pe*OUT_BITS +: OUT_BITS])
      );
    end
  end else begin : gen_same
    assign result = window;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) result_valid_q <= 1'b0;
    else if (write && across_last_q) result_valid_q <= 1'b1;
    else if (result_ready) result_valid_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (write && across_last_q) result_q <= result;
  end

  stream_dwc #(
    .IN_W (PE * OUT_BITS),
    .OUT_W(C * OUT_BITS)
  ) u_pixel (
    .clk_i,
    .rst_ni,
    .s_axis_tdata (result_q),
    .s_axis_tvalid(result_valid_q),
    .s_axis_tready(result_ready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, C*OUT_BITS)
  `AXIS_ASSERT(check_position, (32'(row_q) < H) && (32'(column_q) < WIDTH))

`ifdef FORMAL
  `include "pool_core_props.svh"
`endif

endmodule
