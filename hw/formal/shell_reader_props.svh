// SPDX-License-Identifier: Apache-2.0
// Included at the end of shell_reader under FORMAL: every word that may still come has its place in the FIFO. The bus is assumed to bring
// only what was asked for. A flush comes only while idle.
(* keep *) logic [SPACE_W-1:0] f_held;   // words in the FIFO: the proof connects it with the FIFO's own count
logic [15:0] f_due_q;    // words asked for, or about to be, that have not come
logic [7:0]  f_open_q;   // bursts that have been asked for and have not ended

always_ff @(posedge clk_i) begin
  if (!rst_ni) begin
    f_due_q  <= '0;
    f_open_q <= '0;
  end else begin
    f_due_q  <= f_due_q + 16'(claimed) - 16'(m_axi_rvalid);
    f_open_q <= f_open_q + 8'(m_axi_arvalid && m_axi_arready) - 8'(ended);
  end
end

always_comb begin
  // Each open burst lacks at least its last word; what AR announces has not been asked for yet.
  if (m_axi_rvalid) assume ((f_open_q != '0) && (f_due_q > (valid_q ? 16'(len_q) + 16'd1 : 16'd0)));
  if (m_axi_rvalid && !m_axi_rlast) assume (f_due_q > (valid_q ? 16'(len_q) + 16'd1 : 16'd0) + 16'(f_open_q));
  if (ended && (f_open_q == 8'd1)) assume (f_due_q == (valid_q ? 16'(len_q) + 16'd2 : 16'd1));
  if (flush_i) assume (idle_o && stop_i);
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_bound: assert ((8'(open_q) <= 8'(OPEN)) && (f_open_q <= 8'(OPEN)) && (f_due_q <= 16'(DEPTH)));
    f_lacks: assert (f_due_q >= 16'(f_open_q) + (valid_q ? 16'(len_q) + 16'd1 : 16'd0));
    f_open: assert (8'(open_q) == f_open_q + 8'(valid_q));
    f_none: assert ((f_open_q != '0) || (f_due_q == (valid_q ? 16'(len_q) + 16'd1 : 16'd0)));
    f_length: assert (!m_axi_arvalid || (32'(m_axi_arlen) < BURST));
    f_space: assert (16'(space_q) + f_due_q + 16'(f_held) == 16'(DEPTH));
    f_ready: assert (!ready_q || ((16'(space_q) >= 16'(BURST)) && (8'(open_q) < 8'(OPEN))));
    f_refused: assert (unused_fifo_ready || !m_axi_rvalid);
    f_idle: assert (!idle_o || !m_axi_arvalid);
  end
end
