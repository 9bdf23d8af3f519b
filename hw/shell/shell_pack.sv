// SPDX-License-Identifier: Apache-2.0
// Results of the network as words of 8 bytes: elements in order, sign-extended to ELEM_W bits, little endian; the rest of a result's last
// word is zero. A result is BEATS beats of N elements of W bits.
//   BEATS = 1   64/ELEM_W elements a step, a step is a word
//   BEATS > 1   one element a step, so that a word may hold elements of two beats; empty steps fill the last word
// Latency 1 and one step a cycle. Cuts valid and data; ready passes through.
// frame_o: tlast came early or late; it stays high until reset.
`include "axis_assert.svh"

module shell_pack #(
  parameter int unsigned N = 10,
  parameter int unsigned W = 12,
  parameter int unsigned BEATS = 1,
  parameter bit SIGNED = 1'b1,
  parameter int unsigned ELEM_W = 16
) (
  input  logic           clk_i,
  input  logic           rst_ni,
  input  logic [N*W-1:0] s_axis_tdata,
  input  logic           s_axis_tvalid,
  output logic           s_axis_tready,
  input  logic           s_axis_tlast,
  output logic           frame_o,
  output logic [63:0]    m_axis_tdata,
  output logic           m_axis_tvalid,
  input  logic           m_axis_tready
);

  if (ELEM_W != 8 && ELEM_W != 16 && ELEM_W != 32) $error("shell_pack: ELEM_W must be 8, 16 or 32");
  if (W < 1 || W > ELEM_W) $error("shell_pack: an element of W bits must fit in ELEM_W");
  if (N < 1 || BEATS < 1) $error("shell_pack: N and BEATS must be at least 1");

  localparam int unsigned LANES = 64 / ELEM_W;                 // elements of a word
  localparam int unsigned STEP_N = (BEATS == 1) ? LANES : 1;   // elements of a step
  localparam int unsigned STEPS = (N + STEP_N - 1) / STEP_N;   // steps of a beat
  localparam int unsigned STEP_W = (STEPS > 1) ? $clog2(STEPS) : 1;
  localparam int unsigned BEAT_W = (BEATS > 1) ? $clog2(BEATS) : 1;
  localparam int unsigned HOLD_W = STEPS * STEP_N * W;

  logic [HOLD_W-1:0]        hold_q;
  logic                     hold_valid_q;
  logic                     hold_end_q;     // the last beat of its result
  logic [STEP_W-1:0]        step_q;
  logic [BEAT_W-1:0]        beat_q;
  logic                     expect_last;
  logic                     take;
  logic                     step;
  logic                     last_step;
  logic [STEP_N*ELEM_W-1:0] elements;

  assign expect_last   = (beat_q == BEAT_W'(BEATS - 1));
  assign last_step     = (step_q == STEP_W'(STEPS - 1));
  assign s_axis_tready = !hold_valid_q || (step && last_step);
  assign take          = s_axis_tvalid && s_axis_tready;

  for (genvar i = 0; i < STEP_N; i++) begin : gen_extend
    logic [W-1:0] element;
    assign element = hold_q[i*W +: W];
    assign elements[i*ELEM_W +: ELEM_W] = SIGNED ? ELEM_W'($signed(element)) : ELEM_W'(element);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      hold_valid_q <= 1'b0;
      step_q       <= '0;
      beat_q       <= '0;
      frame_o      <= 1'b0;
    end else begin
      if (take) hold_valid_q <= 1'b1;
      else if (step && last_step) hold_valid_q <= 1'b0;
      if (step) step_q <= last_step ? '0 : STEP_W'(step_q + 1'b1);
      if (take) beat_q <= expect_last ? '0 : BEAT_W'(beat_q + 1'b1);
      if (take && (s_axis_tlast != expect_last)) frame_o <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) hold_q <= HOLD_W'(s_axis_tdata);
    else if (step) hold_q <= HOLD_W'(hold_q >> (STEP_N * W));
    if (take) hold_end_q <= expect_last;
  end

  if (BEATS == 1) begin : gen_words
    assign step          = hold_valid_q && m_axis_tready;
    assign m_axis_tvalid = hold_valid_q;
    assign m_axis_tdata  = elements;

    logic unused;
    assign unused = hold_end_q;
  end else begin : gen_elements
    // Elements move into the word from above. After the last of a result, zeros move it down to its place.
    localparam int unsigned LANE_W = $clog2(LANES);
    logic [63:0]       word_q;
    logic              word_valid_q;
    logic [LANE_W-1:0] lane_q;       // elements of the word that are there
    logic              fill_q;       // the result has ended, its last word is not full
    logic              free;
    logic              shift;
    logic              last_lane;

    assign free          = !word_valid_q || m_axis_tready;
    assign step          = hold_valid_q && free && !fill_q;
    assign shift         = step || (fill_q && free);
    assign last_lane     = (lane_q == LANE_W'(LANES - 1));
    assign m_axis_tvalid = word_valid_q;
    assign m_axis_tdata  = word_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        word_valid_q <= 1'b0;
        lane_q       <= '0;
        fill_q       <= 1'b0;
      end else begin
        if (shift) lane_q <= lane_q + 1'b1;
        if (shift) word_valid_q <= last_lane;
        else if (m_axis_tready) word_valid_q <= 1'b0;
        if (shift) fill_q <= !last_lane && (fill_q || (last_step && hold_end_q));
      end
    end

    always_ff @(posedge clk_i) begin
      if (shift) word_q <= {fill_q ? '0 : elements, word_q[63:ELEM_W]};
    end
  end

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, 64)
  `AXIS_ASSERT(check_step, 32'(step_q) < STEPS)

endmodule
