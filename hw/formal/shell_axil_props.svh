// SPDX-License-Identifier: Apache-2.0
// Included at the end of shell_axil under FORMAL: as many answers as accesses, in both directions, never more than one ahead.
logic [1:0]         f_aw_q, f_w_q, f_r_q;   // taken and not answered
logic               f_wrote_q;              // the cycle after a write
logic [ADDR_W+35:0] f_written_q;

always_ff @(posedge clk_i) begin
  if (!rst_ni) begin
    f_aw_q <= '0;
    f_w_q  <= '0;
    f_r_q  <= '0;
  end else begin
    f_aw_q <= f_aw_q + 2'(s_axi_awvalid && s_axi_awready) - 2'(s_axi_bvalid && s_axi_bready);
    f_w_q  <= f_w_q + 2'(s_axi_wvalid && s_axi_wready) - 2'(s_axi_bvalid && s_axi_bready);
    f_r_q  <= f_r_q + 2'(s_axi_arvalid && s_axi_arready) - 2'(s_axi_rvalid && s_axi_rready);
  end
end

always_ff @(posedge clk_i) begin
  f_wrote_q   <= rst_ni && write_o;
  f_written_q <= {waddr_o, wdata_o, wstrb_o};
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_stands: assert (!f_wrote_q || ({waddr_o, wdata_o, wstrb_o} == f_written_q));
    f_addresses: assert (f_aw_q == 2'(have_addr_q) + 2'(bvalid_q));
    f_data: assert (f_w_q == 2'(have_data_q) + 2'(bvalid_q));
    f_reads: assert (f_r_q == 2'(busy_q));
    f_walks: assert (2'(step_q[0]) + 2'(step_q[1]) + 2'(rvalid_q) == 2'(busy_q));
    f_okay: assert ((s_axi_bresp == '0) && (s_axi_rresp == '0));
    f_write: assert (!write_o || (have_addr_q && have_data_q));
  end
end
