// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_cdc_sync under FORMAL: out comes what went in two cycles before.
logic [W-1:0] f_last_q;
logic [W-1:0] f_before_q;

always_ff @(posedge clk_i) begin
  f_last_q   <= data_i;
  f_before_q <= f_last_q;
end

always_comb begin
  f_first: assert (first_q == f_last_q);
  f_delay: assert (data_o == f_before_q);
end
