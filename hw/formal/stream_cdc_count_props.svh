// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_cdc_count under FORMAL: what was told is what had happened when the last sample but two
// was taken. At each step of the proof each clock ticks or not; it begins with all registers zero.
localparam int unsigned F_W = W + 2;   // counts that do not fit in W bits
logic [W-1:0]        f_first;       // first register of u_sync, linked by the proof
logic [F_W-1:0]      f_events_q;
logic [2:0][F_W-1:0] f_sample_q;    // of f_events_q, the newest first
logic [F_W-1:0]      f_told_q;

always_ff @(posedge s_clk_i) begin
  f_events_q <= f_events_q + F_W'(event_i);
end

always_ff @(posedge m_clk_i) begin
  f_sample_q[0] <= f_events_q;
  f_sample_q[1] <= f_sample_q[0];
  f_sample_q[2] <= f_sample_q[1];
  f_told_q      <= f_told_q + F_W'(count_o);
end

function automatic logic [W-1:0] f_gray(input logic [F_W-1:0] number);
  f_gray = W'(number) ^ W'(W'(number) >> 1);
endfunction

always_comb begin
  f_few: assume (F_W'(f_events_q - f_sample_q[0]) < F_W'(1 << W));
  f_total: assert (total_q == W'(f_events_q));
  f_code: assert (gray_q == f_gray(f_events_q));
  f_seen: assert ((f_first == f_gray(f_sample_q[0])) && (seen_gray == f_gray(f_sample_q[1])));
  f_steps: assert ((F_W'(f_sample_q[0] - f_sample_q[1]) < F_W'(1 << W)) && (F_W'(f_sample_q[1] - f_sample_q[2]) < F_W'(1 << W)));
  f_known: assert (told_q == W'(f_sample_q[2]));
  f_told: assert (f_told_q == f_sample_q[2]);
end
