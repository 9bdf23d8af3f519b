// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_shuffle under FORMAL: beats pass in the cycle in which they come, and element i of the
// output is element (i % GROUPS)*(C/GROUPS) + i/GROUPS of the input.
`AXIS_ASSUME_STREAM(f_sender, s_axis_tvalid, s_axis_tready, s_axis_tdata, C*BITS)
`AXIS_ASSERT_STREAM(f_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, C*BITS)

logic [C-1:0] f_equal;
for (genvar i = 0; i < C; i++) begin : gen_f_element
  localparam int unsigned FROM = (i % GROUPS) * (C / GROUPS) + i / GROUPS;
  assign f_equal[i] = (m_axis_tdata[i*BITS +: BITS] == s_axis_tdata[FROM*BITS +: BITS]);
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_passes: assert ((m_axis_tvalid == s_axis_tvalid) && (s_axis_tready == m_axis_tready));
    f_order: assert (&f_equal);
  end
end
