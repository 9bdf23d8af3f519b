// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_reg under FORMAL: it is a queue of at most two beats.
logic [1:0]     f_count_q;
logic [2*W-1:0] f_queue_q;   // oldest beat in the low bits
logic [2*W-1:0] f_queue_d;
logic [1:0]     f_slot;
logic           f_push;
logic           f_pop;

assign f_push = s_axis_tvalid && s_axis_tready;
assign f_pop  = m_axis_tvalid && m_axis_tready;
assign f_slot = f_count_q - 2'(f_pop);

always_comb begin
  f_queue_d = f_pop ? (f_queue_q >> W) : f_queue_q;
  if (f_push) f_queue_d[32'(f_slot)*W +: W] = s_axis_tdata;
end

always_ff @(posedge clk_i) begin
  f_queue_q <= f_queue_d;
  if (!rst_ni) f_count_q <= '0;
  else f_count_q <= f_slot + 2'(f_push);
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_occupancy: assert (f_count_q <= 2'd2);
    f_valid: assert (m_axis_tvalid == (f_count_q != '0));
    f_ready: assert (s_axis_tready == (f_count_q != 2'd2));
    f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_queue_q[W-1:0]));
    f_skid: assert (!skid_valid_q || (skid_q == f_queue_q[2*W-1:W]));
  end
end
