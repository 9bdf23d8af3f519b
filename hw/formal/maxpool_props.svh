// SPDX-License-Identifier: Apache-2.0
// Included at the end of maxpool under FORMAL: the phases and the window counter follow from the position, which is
// what makes check_window hold for ever.
always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_row_phase: assert (32'(row_phase_q) == 32'(row_q) % K);
    f_column_phase: assert (32'(column_phase_q) == 32'(column_q) % K);
    f_window: assert ((32'(column_q) >= OW * K) || (32'(window_q) == 32'(column_q) / K));
  end
end
