// SPDX-License-Identifier: Apache-2.0
// Words for the memories of the network: LOAD_ADDR and LOAD_DATA become writes in the network's clock, one per register write.
// load_valid stands for one cycle with its memory, address and data. RUNTIME = 0: nothing is left of it.
// A write comes every few cycles at most (AXI4-Lite), and the network's side takes one a cycle, so the queue cannot overflow while
// the network's clock is at least a quarter of the bus clock.
module shell_load #(
  parameter bit RUNTIME = 1'b0,
  parameter bit CDC = 1'b0
) (
  input  logic        bus_clk_i,
  input  logic        bus_rst_ni,
  input  logic        net_clk_i,
  input  logic        net_rst_ni,
  input  logic        flush_i,
  input  logic        addr_write_i,
  input  logic        data_write_i,
  input  logic [31:0] value_i,
  output logic [31:0] addr_o,
  output logic        load_valid,
  output logic [11:0] load_memory,
  output logic [19:0] load_word_addr,
  output logic [31:0] load_data
);

  if (RUNTIME) begin : gen_runtime
    logic [31:0] addr_q;

    always_ff @(posedge bus_clk_i) begin
      if (!bus_rst_ni) addr_q <= '0;
      else if (addr_write_i) addr_q <= value_i;
      else if (data_write_i) addr_q[19:0] <= addr_q[19:0] + 1'b1;
    end
    assign addr_o = addr_q;

    if (CDC) begin : gen_cdc
      logic unused_ready;
      stream_cdc #(
        .W(64),
        .DEPTH(4)
      ) u_cdc (
        .s_clk_i(bus_clk_i),
        .s_rst_ni(!flush_i),
        .s_axis_tdata({addr_q, value_i}),
        .s_axis_tvalid(data_write_i),
        .s_axis_tready(unused_ready),
        .m_clk_i(net_clk_i),
        .m_rst_ni(net_rst_ni),
        .m_axis_tdata({load_memory, load_word_addr, load_data}),
        .m_axis_tvalid(load_valid),
        .m_axis_tready(1'b1)
      );
    end else begin : gen_same
      assign load_valid = data_write_i;
      assign {load_memory, load_word_addr} = addr_q;
      assign load_data  = value_i;

      logic unused;
      assign unused = net_clk_i ^ net_rst_ni ^ flush_i;
    end
  end else begin : gen_fixed
    assign addr_o         = '0;
    assign load_valid     = 1'b0;
    assign load_memory    = '0;
    assign load_word_addr = '0;
    assign load_data      = '0;

    logic unused;
    assign unused = ^{bus_clk_i, bus_rst_ni, net_clk_i, net_rst_ni, flush_i, addr_write_i, data_write_i, value_i};
  end

endmodule
