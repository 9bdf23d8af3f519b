// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_words under FORMAL: every beat gives its N words once and in order, and is taken
// with the last one.
logic [7:0] f_word_q;  // words of the beat at the input that have left
logic       f_pop;

`AXIS_ASSUME_STREAM(f_sender, s_axis_tvalid, s_axis_tready, s_axis_tdata, N*W)
`AXIS_ASSERT_STREAM(f_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, W)

assign f_pop = m_axis_tvalid && m_axis_tready;

always_ff @(posedge clk_i) begin
  if (!rst_ni) f_word_q <= '0;
  else if (f_pop) f_word_q <= (f_word_q == 8'(N - 1)) ? 8'd0 : f_word_q + 8'd1;
end

if (N > 1) begin : gen_f_count
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      f_next: assert (32'(gen_count.next_q) == ((f_word_q == 8'(N - 1)) ? 0 : 32'(f_word_q) + 1));
      f_first: assert (gen_count.first_q == (f_word_q == '0));
      f_last: assert (gen_count.last_q == (f_word_q == 8'(N - 1)));
    end
  end
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_bound: assert (f_word_q < 8'(N));
    f_stands: assert (s_axis_tvalid || (f_word_q == '0));
    f_taken: assert ((s_axis_tvalid && s_axis_tready) == (f_pop && (f_word_q == 8'(N - 1))));
    f_valid: assert (m_axis_tvalid == s_axis_tvalid);
    f_order: assert (m_axis_tdata == s_axis_tdata[32'(f_word_q)*W +: W]);
  end
end
