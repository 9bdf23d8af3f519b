// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_add under FORMAL: beats of a and b are taken together, each pair gives one output
// beat, at most one is inside, and element c of it is the clipped sum of elements c. With PE = C, where all state is
// in this module; the parts of the folded form, stream_words and stream_dwc, have proofs of their own.
logic [C*OUT_BITS-1:0] f_sum;    // of the pair at the inputs
logic [C*OUT_BITS-1:0] f_sum_q;  // of the last pair that was taken
logic [1:0]            f_count_q;
logic                  f_push;
logic                  f_pop;

`AXIS_ASSUME_STREAM(f_sender_a, s_axis_a_tvalid, s_axis_a_tready, s_axis_a_tdata, C*A_BITS)
`AXIS_ASSUME_STREAM(f_sender_b, s_axis_b_tvalid, s_axis_b_tready, s_axis_b_tdata, C*B_BITS)

assign f_push = s_axis_a_tvalid && s_axis_a_tready;
assign f_pop  = m_axis_tvalid && m_axis_tready;

for (genvar c = 0; c < C; c++) begin : gen_f_sum
  logic signed [31:0] f_a;
  logic signed [31:0] f_b;
  logic signed [31:0] f_exact;
  logic signed [31:0] f_low;
  assign f_a     = (A_BITS == 1) ? (s_axis_a_tdata[c*A_BITS] ? 32'sd1 : -32'sd1) : A_SIGNED ? 32'($signed(s_axis_a_tdata[c*A_BITS +: A_BITS])) : 32'(s_axis_a_tdata[c*A_BITS +: A_BITS]);
  assign f_b     = (B_BITS == 1) ? (s_axis_b_tdata[c*B_BITS] ? 32'sd1 : -32'sd1) : B_SIGNED ? 32'($signed(s_axis_b_tdata[c*B_BITS +: B_BITS])) : 32'(s_axis_b_tdata[c*B_BITS +: B_BITS]);
  assign f_exact = f_a + f_b;
  assign f_low   = (f_exact < LOW) ? LOW : f_exact;
  assign f_sum[c*OUT_BITS +: OUT_BITS] = OUT_BITS'((f_low > HIGH) ? HIGH : f_low);
end

always_ff @(posedge clk_i) begin
  if (!rst_ni) f_count_q <= '0;
  else f_count_q <= f_count_q + 2'(f_push) - 2'(f_pop);
  if (f_push) f_sum_q <= f_sum;
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_together: assert (f_push == (s_axis_b_tvalid && s_axis_b_tready));
    f_occupancy: assert (f_count_q <= 2'd1);
    f_valid: assert (m_axis_tvalid == f_count_q[0]);
    f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_sum_q));
  end
end
