// SPDX-License-Identifier: Apache-2.0
// Included at the end of shell_writer under FORMAL: words follow their address and are all there; none of the FIFO is promised twice.
// The bus is assumed to answer only bursts whose last word it has taken. A flush comes only while idle.
(* keep *) logic [COUNT_W-1:0] f_held;   // words in the FIFO: the proof connects it with the FIFO's own count
logic [15:0] f_ahead_q;   // words whose address is taken and that are not
logic [7:0]  f_sent_q;    // bursts whose last word is taken and that are not answered
logic [7:0]  f_waiting;   // bursts announced whose last word is not taken

assign f_waiting = 8'(aw_valid_q) + 8'(aw_done_q) + 8'(w_valid_q);

always_ff @(posedge clk_i) begin
  if (!rst_ni) begin
    f_ahead_q <= '0;
    f_sent_q  <= '0;
  end else begin
    f_ahead_q <= f_ahead_q + ((m_axi_awvalid && m_axi_awready) ? 16'(m_axi_awlen) + 16'd1 : 16'd0)
               - 16'(m_axi_wvalid && m_axi_wready);
    f_sent_q  <= f_sent_q + 8'(m_axi_wvalid && m_axi_wready && m_axi_wlast) - 8'(m_axi_bvalid);
  end
end

// A burst that is offered stays the same until it is taken or withdrawn.
logic             f_offered_q;
logic [LEN_W-1:0] f_len_q;
always_ff @(posedge clk_i) begin
  f_offered_q <= rst_ni && burst_valid_i && !burst_ready_o;
  f_len_q     <= burst_len_i;
end

always_comb begin
  if (m_axi_bvalid) assume (f_sent_q != '0);
  if (flush_i) assume (idle_o && stop_i);
  if (f_offered_q && burst_valid_i) assume (burst_len_i == f_len_q);
  if (!f_offered_q && ready_q) assume (!burst_valid_i);
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_bound: assert ((8'(open_q) <= 8'(OPEN)) && (f_sent_q <= 8'(OPEN)) && (f_ahead_q <= 16'(DEPTH)));
    f_open: assert (8'(open_q) == f_sent_q + f_waiting);
    f_one_address: assert (!(aw_valid_q && aw_done_q));
    f_after_address: assert (!m_axi_wvalid || (f_ahead_q != '0));
    f_ahead: assert (f_ahead_q == (aw_done_q ? 16'(len_q) + 16'd1 : 16'd0) + (w_valid_q ? 16'(w_left_q) + 16'd1 : 16'd0));
    f_words: assert (16'(f_held) == 16'(words_q) + f_ahead_q + (aw_valid_q ? 16'(len_q) + 16'd1 : 16'd0));
    f_length: assert (!m_axi_awvalid || (32'(m_axi_awlen) < BURST));
    f_ready: assert (!ready_q || (!aw_valid_q && !aw_done_q && (8'(open_q) < 8'(OPEN))));
    f_enough: assert (!ready_q || (16'(words_q) > 16'(f_len_q)));
    f_idle: assert (!idle_o || !(m_axi_awvalid || m_axi_wvalid));
  end
end
