// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_cdc under FORMAL: what crosses changes one bit at a time, so a sample is the old or the new
// value. The proof ticks both clocks together; other ratios are the simulation's part.
logic             f_write_ran_q;
logic             f_read_ran_q;
logic [PTR_W-1:0] f_write_q;
logic [PTR_W-1:0] f_read_q;

always_ff @(posedge s_clk_i) begin
  f_write_ran_q <= s_rst_ni;
  f_write_q     <= write_gray_q;
  if (s_rst_ni) begin
    f_write_code: assert (write_gray_q == (write_q ^ (write_q >> 1)));
    f_write_bit: assert (!f_write_ran_q || (((write_gray_q ^ f_write_q) & ((write_gray_q ^ f_write_q) - 1'b1)) == '0));
  end
end

always_ff @(posedge m_clk_i) begin
  f_read_ran_q <= m_rst_ni;
  f_read_q     <= read_gray_q;
  if (m_rst_ni) begin
    f_read_code: assert (read_gray_q == (read_q ^ (read_q >> 1)));
    f_read_bit: assert (!f_read_ran_q || (((read_gray_q ^ f_read_q) & ((read_gray_q ^ f_read_q) - 1'b1)) == '0));
  end
end
