// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_fork under FORMAL: each output gives every input beat once and in order, and is at
// most one beat ahead of the other. The counters hold how many beats have passed, modulo 16.
logic [3:0] f_in_q;
logic [3:0] f_a_q;
logic [3:0] f_b_q;

`AXIS_ASSUME_STREAM(f_sender, s_axis_tvalid, s_axis_tready, s_axis_tdata, W)
`AXIS_ASSERT_STREAM(f_output_a, m_axis_a_tvalid, m_axis_a_tready, m_axis_a_tdata, W)
`AXIS_ASSERT_STREAM(f_output_b, m_axis_b_tvalid, m_axis_b_tready, m_axis_b_tdata, W)

always_ff @(posedge clk_i) begin
  if (!rst_ni) begin
    f_in_q <= '0;
    f_a_q  <= '0;
    f_b_q  <= '0;
  end else begin
    f_in_q <= f_in_q + 4'(s_axis_tvalid && s_axis_tready);
    f_a_q  <= f_a_q + 4'(m_axis_a_tvalid && m_axis_a_tready);
    f_b_q  <= f_b_q + 4'(m_axis_b_tvalid && m_axis_b_tready);
  end
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_a_count: assert (4'(f_a_q - f_in_q) == 4'(a_done_q));
    f_b_count: assert (4'(f_b_q - f_in_q) == 4'(b_done_q));
    f_stands: assert (s_axis_tvalid || !(a_done_q || b_done_q));
    f_a_valid: assert (m_axis_a_tvalid == (s_axis_tvalid && !a_done_q));
    f_b_valid: assert (m_axis_b_tvalid == (s_axis_tvalid && !b_done_q));
    f_data: assert ((m_axis_a_tdata == s_axis_tdata) && (m_axis_b_tdata == s_axis_tdata));
  end
end
