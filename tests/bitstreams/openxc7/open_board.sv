// SPDX-License-Identifier: Apache-2.0
// The open top level with a test bench in the place of PS7's inside: the ports of a shell, so that whatever drives a
// shell (the virtual board) can drive the whole top level instead. `OPEN_TOP names it; PS7 is an empty declaration
// whose outputs are driven from here.
// Register accesses arrive as AXI3 with an ID that changes from one to the next, as the processor sends them.
`include "axis_assert.svh"

module open_board (
  input  logic        bus_clk,
  input  logic        bus_rst_n,
  output logic        irq,
  input  logic [15:0] s_axi_awaddr,
  input  logic        s_axi_awvalid,
  output logic        s_axi_awready,
  input  logic [31:0] s_axi_wdata,
  input  logic [3:0]  s_axi_wstrb,
  input  logic        s_axi_wvalid,
  output logic        s_axi_wready,
  output logic [1:0]  s_axi_bresp,
  output logic        s_axi_bvalid,
  input  logic        s_axi_bready,
  input  logic [15:0] s_axi_araddr,
  input  logic        s_axi_arvalid,
  output logic        s_axi_arready,
  output logic [31:0] s_axi_rdata,
  output logic [1:0]  s_axi_rresp,
  output logic        s_axi_rvalid,
  input  logic        s_axi_rready,
  output logic [5:0]  m_axi_awid,
  output logic [31:0] m_axi_awaddr,
  output logic [7:0]  m_axi_awlen,
  output logic [2:0]  m_axi_awsize,
  output logic [1:0]  m_axi_awburst,
  output logic [1:0]  m_axi_awlock,
  output logic [3:0]  m_axi_awcache,
  output logic [2:0]  m_axi_awprot,
  output logic [3:0]  m_axi_awqos,
  output logic        m_axi_awvalid,
  input  logic        m_axi_awready,
  output logic [5:0]  m_axi_wid,
  output logic [63:0] m_axi_wdata,
  output logic [7:0]  m_axi_wstrb,
  output logic        m_axi_wlast,
  output logic        m_axi_wvalid,
  input  logic        m_axi_wready,
  input  logic [5:0]  m_axi_bid,
  input  logic [1:0]  m_axi_bresp,
  input  logic        m_axi_bvalid,
  output logic        m_axi_bready,
  output logic [5:0]  m_axi_arid,
  output logic [31:0] m_axi_araddr,
  output logic [7:0]  m_axi_arlen,
  output logic [2:0]  m_axi_arsize,
  output logic [1:0]  m_axi_arburst,
  output logic [1:0]  m_axi_arlock,
  output logic [3:0]  m_axi_arcache,
  output logic [2:0]  m_axi_arprot,
  output logic [3:0]  m_axi_arqos,
  output logic        m_axi_arvalid,
  input  logic        m_axi_arready,
  input  logic [5:0]  m_axi_rid,
  input  logic [63:0] m_axi_rdata,
  input  logic [1:0]  m_axi_rresp,
  input  logic        m_axi_rlast,
  input  logic        m_axi_rvalid,
  output logic        m_axi_rready
);

  // Base of the window on the processor's bus: the top level must not care for it.
  localparam logic [15:0] BASE = 16'h4000;

  logic clk_i, rst_ni;
  assign clk_i = bus_clk;
  assign rst_ni = bus_rst_n;

  `OPEN_TOP u_dut ();

  assign u_dut.u_ps.u_ps7.FCLKCLK    = {3'b000, bus_clk};
  assign u_dut.u_ps.u_ps7.FCLKRESETN = {3'b111, bus_rst_n};
  assign irq = u_dut.u_ps.u_ps7.IRQF2P[0];

  // ---- registers

  logic [11:0] write_id_q, read_id_q;

  always_ff @(posedge bus_clk) begin
    if (!bus_rst_n) begin
      write_id_q <= 12'h5A5;
      read_id_q  <= 12'hA5A;
    end else begin
      if (s_axi_bvalid && s_axi_bready) write_id_q <= write_id_q + 12'd77;
      if (s_axi_rvalid && s_axi_rready) read_id_q <= read_id_q + 12'd91;
    end
  end

  assign u_dut.u_ps.u_ps7.MAXIGP0AWADDR  = {BASE, s_axi_awaddr};
  assign u_dut.u_ps.u_ps7.MAXIGP0AWID    = write_id_q;
  assign u_dut.u_ps.u_ps7.MAXIGP0AWLEN   = 4'd0;
  assign u_dut.u_ps.u_ps7.MAXIGP0AWSIZE  = 2'd2;
  assign u_dut.u_ps.u_ps7.MAXIGP0AWBURST = 2'd1;
  assign u_dut.u_ps.u_ps7.MAXIGP0AWVALID = s_axi_awvalid;
  assign s_axi_awready                   = u_dut.u_ps.u_ps7.MAXIGP0AWREADY;
  assign u_dut.u_ps.u_ps7.MAXIGP0WID     = write_id_q;
  assign u_dut.u_ps.u_ps7.MAXIGP0WDATA   = s_axi_wdata;
  assign u_dut.u_ps.u_ps7.MAXIGP0WSTRB   = s_axi_wstrb;
  assign u_dut.u_ps.u_ps7.MAXIGP0WLAST   = 1'b1;
  assign u_dut.u_ps.u_ps7.MAXIGP0WVALID  = s_axi_wvalid;
  assign s_axi_wready                    = u_dut.u_ps.u_ps7.MAXIGP0WREADY;
  assign s_axi_bresp                     = u_dut.u_ps.u_ps7.MAXIGP0BRESP;
  assign s_axi_bvalid                    = u_dut.u_ps.u_ps7.MAXIGP0BVALID;
  assign u_dut.u_ps.u_ps7.MAXIGP0BREADY  = s_axi_bready;
  assign u_dut.u_ps.u_ps7.MAXIGP0ARADDR  = {BASE, s_axi_araddr};
  assign u_dut.u_ps.u_ps7.MAXIGP0ARID    = read_id_q;
  assign u_dut.u_ps.u_ps7.MAXIGP0ARLEN   = 4'd0;
  assign u_dut.u_ps.u_ps7.MAXIGP0ARSIZE  = 2'd2;
  assign u_dut.u_ps.u_ps7.MAXIGP0ARBURST = 2'd1;
  assign u_dut.u_ps.u_ps7.MAXIGP0ARVALID = s_axi_arvalid;
  assign s_axi_arready                   = u_dut.u_ps.u_ps7.MAXIGP0ARREADY;
  assign s_axi_rdata                     = u_dut.u_ps.u_ps7.MAXIGP0RDATA;
  assign s_axi_rresp                     = u_dut.u_ps.u_ps7.MAXIGP0RRESP;
  assign s_axi_rvalid                    = u_dut.u_ps.u_ps7.MAXIGP0RVALID;
  assign u_dut.u_ps.u_ps7.MAXIGP0RREADY  = s_axi_rready;

  `AXIS_ASSERT(check_write_id, !s_axi_bvalid || u_dut.u_ps.u_ps7.MAXIGP0BID == write_id_q)
  `AXIS_ASSERT(check_read_id, !s_axi_rvalid || u_dut.u_ps.u_ps7.MAXIGP0RID == read_id_q)
  `AXIS_ASSERT(check_read_last, !s_axi_rvalid || u_dut.u_ps.u_ps7.MAXIGP0RLAST)

  // ---- memory

  assign m_axi_awid                      = u_dut.u_ps.u_ps7.SAXIHP0AWID;
  assign m_axi_awaddr                    = u_dut.u_ps.u_ps7.SAXIHP0AWADDR;
  assign m_axi_awlen                     = {4'd0, u_dut.u_ps.u_ps7.SAXIHP0AWLEN};
  assign m_axi_awsize                    = {1'b0, u_dut.u_ps.u_ps7.SAXIHP0AWSIZE};
  assign m_axi_awburst                   = u_dut.u_ps.u_ps7.SAXIHP0AWBURST;
  assign m_axi_awlock                    = u_dut.u_ps.u_ps7.SAXIHP0AWLOCK;
  assign m_axi_awcache                   = u_dut.u_ps.u_ps7.SAXIHP0AWCACHE;
  assign m_axi_awprot                    = u_dut.u_ps.u_ps7.SAXIHP0AWPROT;
  assign m_axi_awqos                     = u_dut.u_ps.u_ps7.SAXIHP0AWQOS;
  assign m_axi_awvalid                   = u_dut.u_ps.u_ps7.SAXIHP0AWVALID;
  assign u_dut.u_ps.u_ps7.SAXIHP0AWREADY = m_axi_awready;
  assign m_axi_wid                       = u_dut.u_ps.u_ps7.SAXIHP0WID;
  assign m_axi_wdata                     = u_dut.u_ps.u_ps7.SAXIHP0WDATA;
  assign m_axi_wstrb                     = u_dut.u_ps.u_ps7.SAXIHP0WSTRB;
  assign m_axi_wlast                     = u_dut.u_ps.u_ps7.SAXIHP0WLAST;
  assign m_axi_wvalid                    = u_dut.u_ps.u_ps7.SAXIHP0WVALID;
  assign u_dut.u_ps.u_ps7.SAXIHP0WREADY  = m_axi_wready;
  assign u_dut.u_ps.u_ps7.SAXIHP0BID     = m_axi_bid;
  assign u_dut.u_ps.u_ps7.SAXIHP0BRESP   = m_axi_bresp;
  assign u_dut.u_ps.u_ps7.SAXIHP0BVALID  = m_axi_bvalid;
  assign m_axi_bready                    = u_dut.u_ps.u_ps7.SAXIHP0BREADY;
  assign m_axi_arid                      = u_dut.u_ps.u_ps7.SAXIHP0ARID;
  assign m_axi_araddr                    = u_dut.u_ps.u_ps7.SAXIHP0ARADDR;
  assign m_axi_arlen                     = {4'd0, u_dut.u_ps.u_ps7.SAXIHP0ARLEN};
  assign m_axi_arsize                    = {1'b0, u_dut.u_ps.u_ps7.SAXIHP0ARSIZE};
  assign m_axi_arburst                   = u_dut.u_ps.u_ps7.SAXIHP0ARBURST;
  assign m_axi_arlock                    = u_dut.u_ps.u_ps7.SAXIHP0ARLOCK;
  assign m_axi_arcache                   = u_dut.u_ps.u_ps7.SAXIHP0ARCACHE;
  assign m_axi_arprot                    = u_dut.u_ps.u_ps7.SAXIHP0ARPROT;
  assign m_axi_arqos                     = u_dut.u_ps.u_ps7.SAXIHP0ARQOS;
  assign m_axi_arvalid                   = u_dut.u_ps.u_ps7.SAXIHP0ARVALID;
  assign u_dut.u_ps.u_ps7.SAXIHP0ARREADY = m_axi_arready;
  assign u_dut.u_ps.u_ps7.SAXIHP0RID     = m_axi_rid;
  assign u_dut.u_ps.u_ps7.SAXIHP0RDATA   = m_axi_rdata;
  assign u_dut.u_ps.u_ps7.SAXIHP0RRESP   = m_axi_rresp;
  assign u_dut.u_ps.u_ps7.SAXIHP0RLAST   = m_axi_rlast;
  assign u_dut.u_ps.u_ps7.SAXIHP0RVALID  = m_axi_rvalid;
  assign m_axi_rready                    = u_dut.u_ps.u_ps7.SAXIHP0RREADY;

endmodule
