// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_add under FORMAL: beats of a and b are taken together, each pair gives one output
// beat, at most one is inside, and element c of it is the clipped sum of elements c.
logic [C*OUT_BITS-1:0] f_sum;    // of the pair at the inputs
logic [C*OUT_BITS-1:0] f_sum_q;  // of the last pair that was taken
logic [1:0]            f_count_q;
logic                  f_push;
logic                  f_pop;

`AXIS_ASSUME_STREAM(f_sender_a, s_axis_a_tvalid, s_axis_a_tready, s_axis_a_tdata, C*A_BITS)
`AXIS_ASSUME_STREAM(f_sender_b, s_axis_b_tvalid, s_axis_b_tready, s_axis_b_tdata, C*B_BITS)

assign f_push = s_axis_a_tvalid && s_axis_a_tready;
assign f_pop  = m_axis_tvalid && m_axis_tready;

for (genvar c = 0; c < C; c++) begin : gen_f_sum
  logic signed [31:0] f_a;
  logic signed [31:0] f_b;
  logic signed [31:0] f_exact;
  logic signed [31:0] f_low;
  assign f_a     = (A_BITS == 1) ? (s_axis_a_tdata[c*A_BITS] ? 32'sd1 : -32'sd1) : A_SIGNED ? 32'($signed(s_axis_a_tdata[c*A_BITS +: A_BITS])) : 32'(s_axis_a_tdata[c*A_BITS +: A_BITS]);
  assign f_b     = (B_BITS == 1) ? (s_axis_b_tdata[c*B_BITS] ? 32'sd1 : -32'sd1) : B_SIGNED ? 32'($signed(s_axis_b_tdata[c*B_BITS +: B_BITS])) : 32'(s_axis_b_tdata[c*B_BITS +: B_BITS]);
  assign f_exact = f_a + f_b;
  assign f_low   = (f_exact < LOW) ? LOW : f_exact;
  assign f_sum[c*OUT_BITS +: OUT_BITS] = OUT_BITS'((f_low > HIGH) ? HIGH : f_low);
end

always_ff @(posedge clk_i) begin
  if (!rst_ni) f_count_q <= '0;
  else f_count_q <= f_count_q + 2'(f_push) - 2'(f_pop);
  if (f_push) f_sum_q <= f_sum;
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_together: assert (f_push == (s_axis_b_tvalid && s_axis_b_tready));
    f_occupancy: assert (f_count_q <= 2'd1);
    f_valid: assert (!m_axis_tvalid || f_count_q[0]);
    f_leaves: assert ((NF > 1) || (m_axis_tvalid == f_count_q[0]));
    f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_sum_q));
  end
end

// Folded: where the words of a pair are, first those of the pair that was taken, then those of the pair at the inputs.
if (NF > 1) begin : gen_f_fold
  localparam int unsigned WORD = PE * OUT_BITS;
  logic [7:0]            f_words;    // linked by the proof: words in u_pixel
  logic [C*OUT_BITS-1:0] f_queue;    // the words, the oldest in the low bits
  logic [7:0]            f_a_word;   // words of the beats at the inputs that have gone in
  logic [7:0]            f_b_word;
  logic [7:0]            f_inside;
  logic [NF-1:0]         f_of_taken;  // word i of the queue is that of the pair that was taken, or there is none
  logic [NF-1:0]         f_of_next;   // or of the pair at the inputs

  assign f_inside = f_words + 8'(valid_q);
  for (genvar i = 0; i < NF; i++) begin : gen_f_word
    assign f_of_taken[i] = (8'(i) >= f_words) || (f_queue[i*WORD +: WORD] == f_sum_q[i*WORD +: WORD]);
    assign f_of_next[i]  = (8'(i) >= f_words) || (f_queue[i*WORD +: WORD] == f_sum[i*WORD +: WORD]);
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      f_step: assert (f_a_word == f_b_word);
      f_bound: assert (f_inside <= 8'(NF + 1));
      f_place: assert (f_a_word == ((f_inside < 8'(NF)) ? f_inside : f_inside - 8'(NF)));
      f_held: assert (f_count_q[0] == (f_inside >= 8'(NF)));
      f_queued: assert ((f_inside < 8'(NF)) ? &f_of_next : &f_of_taken);
      f_newest: assert (!valid_q || (sum_q == ((f_inside == 8'(NF)) ? f_sum_q[(NF-1)*WORD +: WORD]
                       : f_sum[((f_words == 8'(NF)) ? 0 : 32'(f_words))*WORD +: WORD])));
    end
  end
end
