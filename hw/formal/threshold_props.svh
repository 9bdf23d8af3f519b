// SPDX-License-Identifier: Apache-2.0
// Included at the end of threshold under FORMAL: words are compared in their order, each with the field of its place.
// With PIXELS = 0, where all state is in this module; the parts of the other form, stream_words and stream_dwc, have
// proofs of their own.
logic [7:0]    f_fold_q;  // place of the word at the input
logic [PE-1:0] f_bits_q;  // of the word that was taken last
logic          f_held_q;  // it has not left

`AXIS_ASSUME_STREAM(f_sender, s_axis_tvalid, s_axis_tready, s_axis_tdata, BEAT*IN_BITS)

always_ff @(posedge clk_i) begin
  if (!rst_ni) begin
    f_fold_q <= '0;
    f_held_q <= 1'b0;
  end else begin
    if (s_axis_tvalid && s_axis_tready) f_fold_q <= (f_fold_q == 8'(NF - 1)) ? 8'd0 : f_fold_q + 8'd1;
    f_held_q <= (s_axis_tvalid && s_axis_tready) || (f_held_q && !m_axis_tready);
  end
  if (s_axis_tvalid && s_axis_tready) f_bits_q <= bits;
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_place: assert (f_fold_q == 8'(fold_q));
    f_held: assert (m_axis_tvalid == f_held_q);
    f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_bits_q));
  end
end
