// SPDX-License-Identifier: Apache-2.0
// Included at the end of pool_core under FORMAL: counters and addresses follow from the position, which keeps them in
// bounds for ever. Proven with PE = C, where all positions are registers of this module.
`AXIS_ASSUME_STREAM(f_sender, s_axis_tvalid, s_axis_tready, s_axis_tdata, C*IN_BITS)

localparam int unsigned F_END = K - 1 - PAD;  // last row (column) of the first window
logic [7:0] f_windows;                        // of this row of windows, that lie to the left

assign f_windows = (32'(column_q) <= F_END) ? 8'd0 : 8'((32'(column_q) - F_END - 1) / STRIDE + 1);

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_row_left: assert (32'(row_left_q) == ((32'(row_q) <= F_END) ? F_END - 32'(row_q)
                       : (STRIDE - 1) - (32'(row_q) - F_END - 1) % STRIDE));
    f_column_left: assert (32'(column_left_q) == ((32'(column_q) <= F_END) ? F_END - 32'(column_q)
                          : (STRIDE - 1) - (32'(column_q) - F_END - 1) % STRIDE));
    f_column_fresh: assert (column_fresh_q == ((column_q == '0)
                           || (!SHARED && (32'(column_left_q) == K - 1))));
    f_last_window: assert (!(last_row && ROWS_CUT) || row_ends);
    f_inside: assert (!column_ends || (f_windows < 8'(OW)));
    f_address: assert (address_q == ADDR_W'(f_windows));
    f_word: assert (!across_valid_q || (32'(across_address_q) < OW));
  end
end
