// SPDX-License-Identifier: Apache-2.0
// Bytes of memory words (IN_W bits) as beats of OUT_W bits, the first byte least significant. A frame is OUT_BEATS
// beats and begins in a word of its own: what is left of its last word is dropped.
//   OUT_W < IN_W             latency 1, one beat a cycle; a word is taken when less than one beat is left
//   OUT_W > IN_W             latency 1 after the word with the last byte, one word a cycle
//   OUT_W a multiple of IN_W  the same, by stream_dwc
// No cycle is lost at either side, at the start of a frame neither. Cuts valid and data; ready passes through.
`include "axis_assert.svh"

module stream_gearbox #(
  parameter int unsigned IN_W = 64,
  parameter int unsigned OUT_W = 24,
  parameter int unsigned OUT_BEATS = 4,
  localparam int unsigned IN_N = IN_W / 8,
  localparam int unsigned OUT_N = OUT_W / 8,
  localparam int unsigned BEAT_W = (OUT_BEATS > 1) ? $clog2(OUT_BEATS) : 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [IN_W-1:0]  s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,
  output logic [OUT_W-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready
);

  if (IN_W % 8 != 0 || (IN_N & (IN_N - 1)) != 0) $error("stream_gearbox: IN_W must be a power of two of bytes");
  if (OUT_W < 8 || OUT_W % 8 != 0) $error("stream_gearbox: OUT_W must be a multiple of 8");
  if (OUT_BEATS < 1) $error("stream_gearbox: OUT_BEATS must be at least 1");

  logic              pop;
  logic              take;
  logic [BEAT_W-1:0] beat_q;   // beats of this frame that have left
  logic [BEAT_W-1:0] beat_d;
  logic              last_q;   // the next beat to leave is the last of its frame
  logic              after_q;  // the one after it is
  logic              last_d;

  assign pop    = m_axis_tvalid && m_axis_tready;
  assign take   = s_axis_tvalid && s_axis_tready;
  assign last_d = pop ? after_q : last_q;

  always_comb begin
    beat_d = beat_q;
    if (pop) beat_d = last_q ? '0 : BEAT_W'(beat_q + 1'b1);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q  <= '0;
      last_q  <= (OUT_BEATS == 1);
      after_q <= (OUT_BEATS <= 2);
    end else begin
      beat_q  <= beat_d;
      last_q  <= last_d;
      after_q <= (32'(beat_d) == (OUT_BEATS + OUT_BEATS - 2) % OUT_BEATS);
    end
  end

  if (OUT_N < IN_N) begin : gen_narrow
    // The buffer holds a beat, if valid_q, and left_q bytes behind it. A word is taken only as the beat leaves, or where
    // there is none; so it is added at left_q, one of OUT_N places. Behind the last beat of a frame there is nothing.
    localparam int unsigned SIZE = IN_N + OUT_N - 1;
    localparam int unsigned COUNT_W = $clog2(SIZE + 1);
    localparam int unsigned PLACE_W = (OUT_N > 1) ? $clog2(OUT_N) : 1;
    localparam bit FITS = (IN_N % OUT_N == 0);   // then words are always added at place 0
    logic [SIZE*8-1:0]  buffer_q;
    logic [SIZE*8-1:0]  kept;
    logic [SIZE*8-1:0]  placed;
    logic [SIZE*8-1:0]  added;
    logic [COUNT_W-1:0] left_q;
    logic [COUNT_W-1:0] behind;     // the next beat
    logic [PLACE_W-1:0] place;
    logic               valid_q;
    logic               short;      // less than a beat is left

    assign short         = (left_q < COUNT_W'(OUT_N));
    assign behind        = short ? COUNT_W'(left_q + COUNT_W'(IN_N - OUT_N)) : COUNT_W'(left_q - COUNT_W'(OUT_N));
    assign place         = FITS ? '0 : PLACE_W'(left_q);
    assign placed        = (SIZE*8)'(s_axis_tdata) << {place, 3'b000};
    assign s_axis_tready = short && (!valid_q || m_axis_tready);
    assign m_axis_tvalid = valid_q;
    assign m_axis_tdata  = buffer_q[OUT_W-1:0];
    assign kept          = valid_q ? (buffer_q >> OUT_W) : buffer_q;

    for (genvar i = 0; i < SIZE; i++) begin : gen_byte
      if (i < OUT_N - 1) begin : gen_either
        assign added[i*8 +: 8] = (PLACE_W'(i) < place) ? kept[i*8 +: 8] : placed[i*8 +: 8];
      end else begin : gen_word
        assign added[i*8 +: 8] = placed[i*8 +: 8];
      end
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        left_q  <= '0;
        valid_q <= 1'b0;
      end else if (take || (pop && !short)) begin
        left_q  <= last_d ? '0 : behind;
        valid_q <= 1'b1;
      end else if (pop) begin
        valid_q <= 1'b0;
      end
    end

    always_ff @(posedge clk_i) begin
      if (take) buffer_q <= added;
      else if (pop) buffer_q <= kept;
    end

    `AXIS_ASSERT(check_count, 32'(left_q) + (valid_q ? OUT_N : 0) <= SIZE)
  end

  if (OUT_N > IN_N && OUT_N % IN_N != 0) begin : gen_wide
    // A beat is FULL words and a tail. A word of memory is rotated by what the one before left over (phase_q bytes),
    // so that it joins the left-over bytes to a word of the beat, and its own upper bytes come to lie where the next
    // word of the beat begins. A tail that is already there with the last full word needs no cycle of its own.
    localparam int unsigned FULL = OUT_N / IN_N;
    localparam int unsigned TAIL = OUT_N % IN_N;
    localparam int unsigned PHASE_W = $clog2(IN_N);
    localparam int unsigned WORD_W = $clog2(FULL + 1);
    logic [FULL*IN_W-1:0]        shift_q;
    logic [TAIL*8-1:0]           tail_q;
    logic [IN_W-9:0]             over_q;      // bytes left over, phase_q of them
    logic [PHASE_W-1:0]          phase_q;
    logic [WORD_W-1:0]           word_q;      // full words of the beat that are there
    logic [BEAT_W-1:0]           made_q;      // beats of this frame that are complete
    logic                        full_q;
    logic [(PHASE_W+1)*IN_W-1:0] turn;
    logic [IN_W-1:0]             rotated;
    logic [IN_W-1:0]             joined;
    logic                        at_tail;
    logic                        complete;

    assign turn[IN_W-1:0] = s_axis_tdata;
    for (genvar s = 0; s < PHASE_W; s++) begin : gen_turn
      localparam int unsigned STEP = 8 << s;
      logic [IN_W-1:0] from;
      assign from = turn[s*IN_W +: IN_W];
      assign turn[(s+1)*IN_W +: IN_W] = phase_q[s] ? {from[IN_W-STEP-1:0], from[IN_W-1:IN_W-STEP]} : from;
    end
    assign rotated = turn[PHASE_W*IN_W +: IN_W];
    for (genvar i = 0; i < IN_N; i++) begin : gen_join
      if (i < IN_N - 1) begin : gen_either
        assign joined[i*8 +: 8] = (PHASE_W'(i) < phase_q) ? over_q[i*8 +: 8] : rotated[i*8 +: 8];
      end else begin : gen_word
        assign joined[i*8 +: 8] = rotated[i*8 +: 8];
      end
    end

    assign at_tail       = (word_q == WORD_W'(FULL));
    assign complete      = at_tail || ((word_q == WORD_W'(FULL - 1)) && (phase_q >= PHASE_W'(TAIL)));
    assign s_axis_tready = !full_q || m_axis_tready;
    assign m_axis_tvalid = full_q;
    assign m_axis_tdata  = {tail_q, shift_q};

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        phase_q <= '0;
        word_q  <= '0;
        made_q  <= '0;
        full_q  <= 1'b0;
      end else begin
        if (take) full_q <= complete;
        else if (m_axis_tready) full_q <= 1'b0;
        if (take && !complete) word_q <= word_q + 1'b1;
        if (take && complete) begin
          word_q  <= '0;
          made_q  <= (made_q == BEAT_W'(OUT_BEATS - 1)) ? '0 : BEAT_W'(made_q + 1'b1);
          phase_q <= (made_q == BEAT_W'(OUT_BEATS - 1)) ? '0 : PHASE_W'(phase_q - PHASE_W'(TAIL));
        end
      end
    end

    always_ff @(posedge clk_i) begin
      if (take && !at_tail) shift_q <= (FULL*IN_W)'({joined, shift_q} >> IN_W);
      if (take) begin
        tail_q <= at_tail ? joined[TAIL*8-1:0] : rotated[TAIL*8-1:0];
        over_q <= (IN_W-8)'(complete ? {rotated[TAIL*8-1:0], rotated[IN_W-1:TAIL*8]} : rotated);
      end
    end

    `AXIS_ASSERT(check_word, 32'(word_q) <= FULL)
    `AXIS_ASSERT(check_beats, full_q ? (made_q == (last_q ? '0 : BEAT_W'(beat_q + 1'b1))) : (made_q == beat_q))
  end

  if (OUT_N % IN_N == 0) begin : gen_whole
    stream_dwc #(
      .IN_W(IN_W),
      .OUT_W(OUT_W)
    ) u_dwc (
      .clk_i,
      .rst_ni,
      .s_axis_tdata,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata,
      .m_axis_tvalid,
      .m_axis_tready
    );

    // Frames are whole words, so neither side has to count.
    logic unused;
    assign unused = take ^ last_q;
  end

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, OUT_W)

`ifdef FORMAL
  `include "stream_gearbox_props.svh"
`endif

endmodule
