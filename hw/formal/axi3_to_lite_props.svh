// SPDX-License-Identifier: Apache-2.0
// Included at the end of axi3_to_lite under FORMAL: each burst gets exactly its beats, RLAST with the last, and one write response.
logic [4:0] f_read_q;    // beats of the read burst that have not been given
logic [4:0] f_write_q;   // beats of the write burst that have not been answered by the other side
logic       f_answer_q;  // a write burst has begun and has no response yet

always_ff @(posedge clk_i) begin
  if (!rst_ni) begin
    f_read_q   <= '0;
    f_write_q  <= '0;
    f_answer_q <= 1'b0;
  end else begin
    if (s_axi_arvalid && s_axi_arready) f_read_q <= 5'(s_axi_arlen) + 5'd1;
    else if (s_axi_rvalid && s_axi_rready) f_read_q <= f_read_q - 5'd1;
    if (s_axi_awvalid && s_axi_awready) f_write_q <= 5'(s_axi_awlen) + 5'd1;
    else if (m_axi_bvalid && m_axi_bready) f_write_q <= f_write_q - 5'd1;
    if (s_axi_awvalid && s_axi_awready) f_answer_q <= 1'b1;
    else if (s_axi_bvalid && s_axi_bready) f_answer_q <= 1'b0;
  end
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_w_states: assert (w_state_q <= StAnswer);
    f_r_states: assert ((r_state_q <= StAnswer) && (r_state_q != StData));
    f_sends: assert ((w_state_q == StSend) == (aw_valid_q || w_valid_q));
    f_reads: assert (f_read_q == ((r_state_q == StAddr) ? 5'd0 : 5'(r_left_q) + 5'd1));
    f_rlast: assert (!s_axi_rvalid || (s_axi_rlast == (f_read_q == 5'd1)));
    f_answers: assert (f_answer_q == (w_state_q != StAddr));
    f_writes: assert ((w_state_q == StAddr) || (f_write_q == ((w_state_q == StAnswer) ? 5'd0 : 5'(w_left_q) + 5'd1)));
    f_b_last: assert (!s_axi_bvalid || (f_write_q == '0));
  end
end
