// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_last under FORMAL: beats pass unchanged, and tlast stands with every BEATS-th one.
logic [7:0] f_beat_q;  // beats of the frame that have passed

`AXIS_ASSUME_STREAM(f_sender, s_axis_tvalid, s_axis_tready, s_axis_tdata, W)
`AXIS_ASSERT_STREAM(f_output, m_axis_tvalid, m_axis_tready, {m_axis_tlast, m_axis_tdata}, W + 1)

always_ff @(posedge clk_i) begin
  if (!rst_ni) f_beat_q <= '0;
  else if (m_axis_tvalid && m_axis_tready) f_beat_q <= (f_beat_q == 8'(BEATS - 1)) ? 8'd0 : f_beat_q + 8'd1;
end

if (BEATS > 1) begin : gen_f_count
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      f_count: assert (f_beat_q == 8'(gen_count.count_q));
    end
  end
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_passes: assert ((m_axis_tvalid == s_axis_tvalid) && (s_axis_tready == m_axis_tready) && (m_axis_tdata == s_axis_tdata));
    f_bound: assert (f_beat_q < 8'(BEATS));
    f_last: assert (m_axis_tlast == (f_beat_q == 8'(BEATS - 1)));
  end
end
