// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_gearbox under FORMAL: it is a queue of the bytes of a frame. Of a word, only as many
// bytes belong to the frame as it still lacks; the others are dropped.
localparam int unsigned F_FRAME = OUT_N * OUT_BEATS;
localparam int unsigned F_SIZE = OUT_N + 2 * IN_N;
logic [7:0]          f_count_q;   // bytes of the queue
logic [7:0]          f_left_q;    // bytes that the frame lacks
logic [7:0]          f_kept;
logic [7:0]          f_new;
logic [7:0]          f_lacks;
logic [F_SIZE*8-1:0] f_queue_q;   // oldest byte in the low bits
logic [F_SIZE*8-1:0] f_queue_d;
logic [F_SIZE-1:0]   f_equal;

// The last beat of a frame leaves nothing behind, and the frame after it lacks everything.
assign f_kept  = pop ? f_count_q - 8'(OUT_N) : f_count_q;
assign f_lacks = (f_left_q == '0 && pop && last_q) ? 8'(F_FRAME) : f_left_q;
assign f_new   = !take ? 8'd0 : (f_lacks < 8'(IN_N)) ? f_lacks : 8'(IN_N);

always_comb begin
  f_queue_d = pop ? (f_queue_q >> OUT_W) : f_queue_q;
  if (take) f_queue_d[32'(f_kept)*8 +: IN_W] = s_axis_tdata;
end

always_ff @(posedge clk_i) begin
  f_queue_q <= f_queue_d;
  if (!rst_ni) begin
    f_count_q <= '0;
    f_left_q  <= 8'(F_FRAME);
  end else begin
    f_count_q <= f_kept + f_new;
    f_left_q  <= f_lacks - f_new;
  end
end

// Where the bytes of the queue lie.
if (OUT_N < IN_N) begin : gen_f_narrow
  for (genvar i = 0; i < F_SIZE; i++) begin : gen_f_byte
    if (i < IN_N + OUT_N - 1) begin : gen_f_in
      assign f_equal[i] = (8'(i) >= f_count_q) || (gen_narrow.buffer_q[i*8 +: 8] == f_queue_q[i*8 +: 8]);
    end else begin : gen_f_out
      assign f_equal[i] = (8'(i) >= f_count_q);
    end
  end
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      f_held: assert (f_count_q == 8'(gen_narrow.left_q) + (gen_narrow.valid_q ? 8'(OUT_N) : 8'd0));
      f_size: assert ((8'(gen_narrow.left_q) < 8'(OUT_N)) || gen_narrow.valid_q);
    end
  end
end

if (OUT_N > IN_N && OUT_N % IN_N != 0) begin : gen_f_wide
  localparam int unsigned FULL = OUT_N / IN_N;
  logic [7:0]          start;   // of the bytes left over, in the queue
  logic [F_SIZE*8-1:0] held;
  assign start = gen_wide.full_q ? 8'(OUT_N) : 8'(IN_N) * 8'(gen_wide.word_q);
  always_comb begin
    held = gen_wide.full_q ? (F_SIZE*8)'(m_axis_tdata)
                           : (F_SIZE*8)'(gen_wide.shift_q >> (IN_W * (FULL - 32'(gen_wide.word_q))));
    held[32'(start)*8 +: IN_W-8] = gen_wide.over_q;
  end
  for (genvar i = 0; i < F_SIZE; i++) begin : gen_f_byte
    assign f_equal[i] = (8'(i) >= f_count_q) || (held[i*8 +: 8] == f_queue_q[i*8 +: 8]);
  end
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      f_held: assert (f_count_q == start + 8'(gen_wide.phase_q));
      f_words: assert (!gen_wide.full_q || (gen_wide.word_q == '0));
      f_tail: assert ((gen_wide.word_q != FULL) || (8'(gen_wide.phase_q) < 8'(OUT_N % IN_N)));
      f_whole: assert ((f_left_q == '0) || ((8'(F_FRAME) - f_left_q) % 8'(IN_N) == '0));
    end
  end
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_frame: assert (f_left_q + f_count_q + 8'(OUT_N) * 8'(beat_q) == 8'(F_FRAME));
    f_last: assert (last_q == (beat_q == BEAT_W'(OUT_BEATS - 1)));
    f_after: assert (after_q == (32'(beat_q) == (OUT_BEATS + OUT_BEATS - 2) % OUT_BEATS));
    f_valid: assert (m_axis_tvalid == (f_count_q >= 8'(OUT_N)));
    f_ready: assert (s_axis_tready || m_axis_tvalid);
    f_bytes: assert (&f_equal);
    f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_queue_q[OUT_W-1:0]));
  end
end
