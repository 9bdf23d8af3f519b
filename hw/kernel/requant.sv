// SPDX-License-Identifier: Apache-2.0
// Integers to codes, per channel: out[c] = clip(floor((x[c] * mul[c] + add[c]) / 2^SHIFT), LOW, HIGH), or with two
// slopes (requant_lane, which is the arithmetic). PE lanes are shared by the channels of a beat:
//   for nf in C/PE: PE channels
// AFFINE_FILE: word nf holds PE fields, field pe for channel nf*PE + pe; the parts of a field: see requant_lane.
// An input beat is taken in the cycle of its last step (stream_words: it stands at the input meanwhile). Interval
// C/PE cycles, no bubble. Latency from that transfer to the output: LAT + 1 cycles with PE = C, else LAT + 2;
// LAT = 3 + SLOPES. The lanes have no enables: a step starts only when the FIFO behind them has a place for it.
// Cuts valid, data and ready.
`include "axis_assert.svh"

module requant #(
  parameter int unsigned C = 8,
  parameter int unsigned PE = 1,
  parameter int unsigned IN_BITS = 13,
  parameter bit IN_SIGNED = 1'b1,
  parameter int unsigned MUL_W = 13,
  parameter int unsigned ADD_W = 25,
  parameter int unsigned SHIFT = 11,
  parameter int unsigned SLOPES = 1,
  parameter int unsigned OUT_BITS = 8,
  parameter int LOW = -128,
  parameter int HIGH = 127,
  parameter bit ROM_BLOCK = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter AFFINE_FILE = ""
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic [64:0]           load_i,
  input  logic [C*IN_BITS-1:0]  s_axis_tdata,
  input  logic                  s_axis_tvalid,
  output logic                  s_axis_tready,
  output logic [C*OUT_BITS-1:0] m_axis_tdata,
  output logic                  m_axis_tvalid,
  input  logic                  m_axis_tready
);

  if (C < 1) $error("requant: C must be at least 1");
  if (PE < 1 || C % PE != 0) $error("requant: PE must divide C");
  if (IN_BITS < 1) $error("requant: IN_BITS must be at least 1");
  if (SLOPES < 1 || SLOPES > 2) $error("requant: SLOPES must be 1 or 2");

  localparam int unsigned NF = C / PE;
  localparam int unsigned ADDR_W = (NF > 1) ? $clog2(NF) : 1;
  localparam int unsigned WORD_W = SLOPES * (MUL_W + ADD_W) + ((SLOPES > 1) ? IN_BITS + 1 : 0);
  localparam int unsigned LAT = 3 + SLOPES;
  // A place is taken from its step until the result has left the FIFO, LAT + 2 cycles later at the earliest.
  localparam int unsigned DEPTH = LAT + 2;
  localparam int unsigned USED_W = $clog2(DEPTH + 1);

  logic [PE*IN_BITS-1:0] word;
  logic                  word_valid;
  logic                  room;
  logic                  step;
  logic [USED_W-1:0]     used_q;
  logic                  leaves;
  logic [ADDR_W-1:0]     fold_q;
  logic [ADDR_W-1:0]     next_fold;
  logic [PE*WORD_W-1:0]  affine;
  logic [LAT-1:0]        started_q;

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
    .m_axis_tready(room)
  );

  assign room = (used_q != USED_W'(DEPTH));
  assign step = word_valid && room;

  // Reset itself fetches the first word.
  assign next_fold = (!rst_ni || fold_q == ADDR_W'(NF - 1)) ? '0 : fold_q + 1'b1;

  rom #(
    .W    (PE * WORD_W),
    .DEPTH(NF),
    .BLOCK(ROM_BLOCK),
    .RUNTIME(RUNTIME),
    .MEMORY(MEMORY + 2),
    .FILE (AFFINE_FILE)
  ) u_affine (
    .clk_i,
    .load_i,
    .en_i  (step || !rst_ni),
    .addr_i(next_fold),
    .data_o(affine)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fold_q    <= '0;
      used_q    <= '0;
      started_q <= '0;
    end else begin
      if (step) fold_q <= next_fold;
      if (step && !leaves) used_q <= used_q + 1'b1;
      if (!step && leaves) used_q <= used_q - 1'b1;
      started_q <= {started_q[LAT-2:0], step};
    end
  end

  logic [PE*OUT_BITS-1:0] codes;
  logic [PE*OUT_BITS-1:0] fifo_data;
  logic                   fifo_valid;
  logic                   fifo_ready;
  logic                   pixel_ready;

  for (genvar pe = 0; pe < PE; pe++) begin : gen_lane
    requant_lane #(
      .IN_BITS  (IN_BITS),
      .IN_SIGNED(IN_SIGNED),
      .MUL_W    (MUL_W),
      .ADD_W    (ADD_W),
      .SHIFT    (SHIFT),
      .SLOPES   (SLOPES),
      .OUT_BITS (OUT_BITS),
      .LOW      (LOW),
      .HIGH     (HIGH)
    ) u_lane (
      .clk_i,
      .acc_i (word[pe*IN_BITS +: IN_BITS]),
      .word_i(affine[pe*WORD_W +: WORD_W]),
      .code_o(codes[pe*OUT_BITS +: OUT_BITS])
    );
  end

  assign leaves = fifo_valid && pixel_ready;

  stream_fifo #(
    .W    (PE * OUT_BITS),
    .DEPTH(DEPTH)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .s_axis_tdata (codes),
    .s_axis_tvalid(started_q[LAT-1]),
    .s_axis_tready(fifo_ready),
    .m_axis_tdata (fifo_data),
    .m_axis_tvalid(fifo_valid),
    .m_axis_tready(pixel_ready)
  );

  stream_dwc #(
    .IN_W (PE * OUT_BITS),
    .OUT_W(C * OUT_BITS)
  ) u_pixel (
    .clk_i,
    .rst_ni,
    .s_axis_tdata (fifo_data),
    .s_axis_tvalid(fifo_valid),
    .s_axis_tready(pixel_ready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, C*OUT_BITS)
  `AXIS_ASSERT(check_place, fifo_ready || !started_q[LAT-1])
  `AXIS_ASSERT(check_places, 32'(used_q) <= DEPTH)

endmodule
