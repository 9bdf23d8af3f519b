// SPDX-License-Identifier: Apache-2.0
// Processing system of Zynq-7000 without vendor IP: the primitive PS7 with clock 0, reset 0, the
// master M_AXI_GP0 (32 bit, AXI3, 12-bit IDs; WID and WLAST say nothing that a slave which takes one
// burst at a time does not know), the slave S_AXI_HP0 (64 bit, AXI3, one ID) and one
// interrupt. Every other input is tied low. The pads of the package (DDR, MIO, PS_*) are not wired:
// the boot loader configures them, no bitstream does.
//
// No timing of PS7's pins is known to the open tools, so every channel passes one stream_reg (valid,
// data and ready cut): paths to and from PS7 hold a single wire. Latency 1 cycle a channel.
//
// reset: FCLKRESETN falls with the clock stopped or running, and rises at any time; it is taken
// asynchronously and left synchronously.
// Sources: UG585; names and widths from Yosys' cell library.
module zynq7_ps (
  output logic        clk_o,   // FCLK0
  output logic        rst_no,  // synchronous to clk_o
  input  logic        irq_i,   // high level, IRQ_F2P[0]

  output logic [31:0] m_axi_gp0_awaddr,
  output logic [11:0] m_axi_gp0_awid,
  output logic [ 3:0] m_axi_gp0_awlen,
  output logic [ 2:0] m_axi_gp0_awsize,
  output logic [ 1:0] m_axi_gp0_awburst,
  output logic        m_axi_gp0_awvalid,
  input  logic        m_axi_gp0_awready,
  output logic [31:0] m_axi_gp0_wdata,
  output logic [ 3:0] m_axi_gp0_wstrb,
  output logic        m_axi_gp0_wvalid,
  input  logic        m_axi_gp0_wready,
  input  logic [11:0] m_axi_gp0_bid,
  input  logic [ 1:0] m_axi_gp0_bresp,
  input  logic        m_axi_gp0_bvalid,
  output logic        m_axi_gp0_bready,
  output logic [31:0] m_axi_gp0_araddr,
  output logic [11:0] m_axi_gp0_arid,
  output logic [ 3:0] m_axi_gp0_arlen,
  output logic [ 2:0] m_axi_gp0_arsize,
  output logic [ 1:0] m_axi_gp0_arburst,
  output logic        m_axi_gp0_arvalid,
  input  logic        m_axi_gp0_arready,
  input  logic [11:0] m_axi_gp0_rid,
  input  logic [31:0] m_axi_gp0_rdata,
  input  logic [ 1:0] m_axi_gp0_rresp,
  input  logic        m_axi_gp0_rlast,
  input  logic        m_axi_gp0_rvalid,
  output logic        m_axi_gp0_rready,

  input  logic [31:0] s_axi_hp0_awaddr,
  input  logic [ 3:0] s_axi_hp0_awlen,
  input  logic [ 1:0] s_axi_hp0_awsize,
  input  logic [ 1:0] s_axi_hp0_awburst,
  input  logic [ 3:0] s_axi_hp0_awcache,
  input  logic [ 2:0] s_axi_hp0_awprot,
  input  logic        s_axi_hp0_awvalid,
  output logic        s_axi_hp0_awready,
  input  logic [63:0] s_axi_hp0_wdata,
  input  logic [ 7:0] s_axi_hp0_wstrb,
  input  logic        s_axi_hp0_wlast,
  input  logic        s_axi_hp0_wvalid,
  output logic        s_axi_hp0_wready,
  output logic [ 1:0] s_axi_hp0_bresp,
  output logic        s_axi_hp0_bvalid,
  input  logic        s_axi_hp0_bready,
  input  logic [31:0] s_axi_hp0_araddr,
  input  logic [ 3:0] s_axi_hp0_arlen,
  input  logic [ 1:0] s_axi_hp0_arsize,
  input  logic [ 1:0] s_axi_hp0_arburst,
  input  logic [ 3:0] s_axi_hp0_arcache,
  input  logic [ 2:0] s_axi_hp0_arprot,
  input  logic        s_axi_hp0_arvalid,
  output logic        s_axi_hp0_arready,
  output logic [63:0] s_axi_hp0_rdata,
  output logic [ 1:0] s_axi_hp0_rresp,
  output logic        s_axi_hp0_rlast,
  output logic        s_axi_hp0_rvalid,
  input  logic        s_axi_hp0_rready
);

  localparam int unsigned COMMAND_W = 32 + 4 + 2 + 2;  // address, len, size, burst

  // ---------------------------------------------------------------------------------- clock, reset

  logic [3:0] fclk;
  logic [3:0] fclk_rst_n;
  logic       unused;

  assign unused = &{1'b0, fclk[3:1], fclk_rst_n[3:1]};

  BUFG u_clock (
    .I(fclk[0]),
    .O(clk_o)
  );

  // Zero when the bitstream starts: reset is held until the processing system has released it.
  (* ASYNC_REG = "TRUE" *) logic [2:0] reset_sync_q;

  initial reset_sync_q = 3'b000;

  always_ff @(posedge clk_o or negedge fclk_rst_n[0]) begin
    if (!fclk_rst_n[0]) reset_sync_q <= 3'b000;
    else reset_sync_q <= {reset_sync_q[1:0], 1'b1};
  end

  assign rst_no = reset_sync_q[2];

  // --------------------------------------------------------------------- M_AXI_GP0: from PS7 to us

  logic [COMMAND_W+11:0] gp_aw, gp_ar;
  logic [35:0]           gp_w;
  logic [13:0]           gp_b;
  logic [46:0]           gp_r;
  logic                  gp_aw_valid, gp_aw_ready, gp_ar_valid, gp_ar_ready, gp_w_valid, gp_w_ready;
  logic                  gp_b_valid, gp_b_ready, gp_r_valid, gp_r_ready;

  // PS7 gives two bits of size; AXI has three.
  assign m_axi_gp0_awsize[2] = 1'b0;
  assign m_axi_gp0_arsize[2] = 1'b0;

  stream_reg #(.W(COMMAND_W + 12)) u_gp_aw (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata (gp_aw),
    .s_axis_tvalid(gp_aw_valid),
    .s_axis_tready(gp_aw_ready),
    .m_axis_tdata ({m_axi_gp0_awid, m_axi_gp0_awaddr, m_axi_gp0_awlen, m_axi_gp0_awsize[1:0], m_axi_gp0_awburst}),
    .m_axis_tvalid(m_axi_gp0_awvalid),
    .m_axis_tready(m_axi_gp0_awready)
  );

  stream_reg #(.W(COMMAND_W + 12)) u_gp_ar (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata (gp_ar),
    .s_axis_tvalid(gp_ar_valid),
    .s_axis_tready(gp_ar_ready),
    .m_axis_tdata ({m_axi_gp0_arid, m_axi_gp0_araddr, m_axi_gp0_arlen, m_axi_gp0_arsize[1:0], m_axi_gp0_arburst}),
    .m_axis_tvalid(m_axi_gp0_arvalid),
    .m_axis_tready(m_axi_gp0_arready)
  );

  stream_reg #(.W(36)) u_gp_w (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata (gp_w),
    .s_axis_tvalid(gp_w_valid),
    .s_axis_tready(gp_w_ready),
    .m_axis_tdata ({m_axi_gp0_wdata, m_axi_gp0_wstrb}),
    .m_axis_tvalid(m_axi_gp0_wvalid),
    .m_axis_tready(m_axi_gp0_wready)
  );

  stream_reg #(.W(14)) u_gp_b (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata ({m_axi_gp0_bid, m_axi_gp0_bresp}),
    .s_axis_tvalid(m_axi_gp0_bvalid),
    .s_axis_tready(m_axi_gp0_bready),
    .m_axis_tdata (gp_b),
    .m_axis_tvalid(gp_b_valid),
    .m_axis_tready(gp_b_ready)
  );

  stream_reg #(.W(47)) u_gp_r (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata ({m_axi_gp0_rid, m_axi_gp0_rdata, m_axi_gp0_rresp, m_axi_gp0_rlast}),
    .s_axis_tvalid(m_axi_gp0_rvalid),
    .s_axis_tready(m_axi_gp0_rready),
    .m_axis_tdata (gp_r),
    .m_axis_tvalid(gp_r_valid),
    .m_axis_tready(gp_r_ready)
  );

  // --------------------------------------------------------------------- S_AXI_HP0: from us to PS7

  logic [COMMAND_W+6:0] hp_aw, hp_ar;
  logic [72:0]          hp_w;
  logic [1:0]           hp_b;
  logic [66:0]          hp_r;
  logic                 hp_aw_valid, hp_aw_ready, hp_ar_valid, hp_ar_ready, hp_w_valid, hp_w_ready;
  logic                 hp_b_valid, hp_b_ready, hp_r_valid, hp_r_ready;

  stream_reg #(.W(COMMAND_W + 7)) u_hp_aw (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata ({s_axi_hp0_awcache, s_axi_hp0_awprot, s_axi_hp0_awaddr, s_axi_hp0_awlen, s_axi_hp0_awsize,
                    s_axi_hp0_awburst}),
    .s_axis_tvalid(s_axi_hp0_awvalid),
    .s_axis_tready(s_axi_hp0_awready),
    .m_axis_tdata (hp_aw),
    .m_axis_tvalid(hp_aw_valid),
    .m_axis_tready(hp_aw_ready)
  );

  stream_reg #(.W(COMMAND_W + 7)) u_hp_ar (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata ({s_axi_hp0_arcache, s_axi_hp0_arprot, s_axi_hp0_araddr, s_axi_hp0_arlen, s_axi_hp0_arsize,
                    s_axi_hp0_arburst}),
    .s_axis_tvalid(s_axi_hp0_arvalid),
    .s_axis_tready(s_axi_hp0_arready),
    .m_axis_tdata (hp_ar),
    .m_axis_tvalid(hp_ar_valid),
    .m_axis_tready(hp_ar_ready)
  );

  stream_reg #(.W(73)) u_hp_w (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata ({s_axi_hp0_wdata, s_axi_hp0_wstrb, s_axi_hp0_wlast}),
    .s_axis_tvalid(s_axi_hp0_wvalid),
    .s_axis_tready(s_axi_hp0_wready),
    .m_axis_tdata (hp_w),
    .m_axis_tvalid(hp_w_valid),
    .m_axis_tready(hp_w_ready)
  );

  stream_reg #(.W(2)) u_hp_b (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata (hp_b),
    .s_axis_tvalid(hp_b_valid),
    .s_axis_tready(hp_b_ready),
    .m_axis_tdata (s_axi_hp0_bresp),
    .m_axis_tvalid(s_axi_hp0_bvalid),
    .m_axis_tready(s_axi_hp0_bready)
  );

  stream_reg #(.W(67)) u_hp_r (
    .clk_i        (clk_o),
    .rst_ni       (rst_no),
    .s_axis_tdata (hp_r),
    .s_axis_tvalid(hp_r_valid),
    .s_axis_tready(hp_r_ready),
    .m_axis_tdata ({s_axi_hp0_rdata, s_axi_hp0_rresp, s_axi_hp0_rlast}),
    .m_axis_tvalid(s_axi_hp0_rvalid),
    .m_axis_tready(s_axi_hp0_rready)
  );

  // --------------------------------------------------------------------------------- the primitive

  // Kept by all tools: parts of it are used without an input from us.
  (* keep, DONT_TOUCH = "TRUE" *)
  PS7 u_ps7 (
    .FCLKCLK      (fclk),
    .FCLKRESETN   (fclk_rst_n),
    .FCLKCLKTRIGN (4'd0),
    .FPGAIDLEN    (1'b1),  // low would claim that our side of AXI is idle
    .IRQF2P       ({19'd0, irq_i}),

    .MAXIGP0ACLK   (clk_o),
    .MAXIGP0AWADDR (gp_aw[COMMAND_W-1:8]),
    .MAXIGP0AWID   (gp_aw[COMMAND_W+:12]),
    .MAXIGP0AWLEN  (gp_aw[7:4]),
    .MAXIGP0AWSIZE (gp_aw[3:2]),
    .MAXIGP0AWBURST(gp_aw[1:0]),
    .MAXIGP0AWVALID(gp_aw_valid),
    .MAXIGP0AWREADY(gp_aw_ready),
    .MAXIGP0WDATA  (gp_w[35:4]),
    .MAXIGP0WSTRB  (gp_w[3:0]),
    .MAXIGP0WVALID (gp_w_valid),
    .MAXIGP0WREADY (gp_w_ready),
    .MAXIGP0BID    (gp_b[13:2]),
    .MAXIGP0BRESP  (gp_b[1:0]),
    .MAXIGP0BVALID (gp_b_valid),
    .MAXIGP0BREADY (gp_b_ready),
    .MAXIGP0ARADDR (gp_ar[COMMAND_W-1:8]),
    .MAXIGP0ARID   (gp_ar[COMMAND_W+:12]),
    .MAXIGP0ARLEN  (gp_ar[7:4]),
    .MAXIGP0ARSIZE (gp_ar[3:2]),
    .MAXIGP0ARBURST(gp_ar[1:0]),
    .MAXIGP0ARVALID(gp_ar_valid),
    .MAXIGP0ARREADY(gp_ar_ready),
    .MAXIGP0RID    (gp_r[46:35]),
    .MAXIGP0RDATA  (gp_r[34:3]),
    .MAXIGP0RRESP  (gp_r[2:1]),
    .MAXIGP0RLAST  (gp_r[0]),
    .MAXIGP0RVALID (gp_r_valid),
    .MAXIGP0RREADY (gp_r_ready),

    .SAXIHP0ACLK   (clk_o),
    .SAXIHP0AWADDR (hp_aw[COMMAND_W-1:8]),
    .SAXIHP0AWID   (6'd0),
    .SAXIHP0AWLEN  (hp_aw[7:4]),
    .SAXIHP0AWSIZE (hp_aw[3:2]),
    .SAXIHP0AWBURST(hp_aw[1:0]),
    .SAXIHP0AWLOCK (2'd0),
    .SAXIHP0AWCACHE(hp_aw[COMMAND_W+3+:4]),
    .SAXIHP0AWPROT (hp_aw[COMMAND_W+:3]),
    .SAXIHP0AWQOS  (4'd0),
    .SAXIHP0AWVALID(hp_aw_valid),
    .SAXIHP0AWREADY(hp_aw_ready),
    .SAXIHP0WID    (6'd0),
    .SAXIHP0WDATA  (hp_w[72:9]),
    .SAXIHP0WSTRB  (hp_w[8:1]),
    .SAXIHP0WLAST  (hp_w[0]),
    .SAXIHP0WVALID (hp_w_valid),
    .SAXIHP0WREADY (hp_w_ready),
    .SAXIHP0BRESP  (hp_b),
    .SAXIHP0BVALID (hp_b_valid),
    .SAXIHP0BREADY (hp_b_ready),
    .SAXIHP0ARADDR (hp_ar[COMMAND_W-1:8]),
    .SAXIHP0ARID   (6'd0),
    .SAXIHP0ARLEN  (hp_ar[7:4]),
    .SAXIHP0ARSIZE (hp_ar[3:2]),
    .SAXIHP0ARBURST(hp_ar[1:0]),
    .SAXIHP0ARLOCK (2'd0),
    .SAXIHP0ARCACHE(hp_ar[COMMAND_W+3+:4]),
    .SAXIHP0ARPROT (hp_ar[COMMAND_W+:3]),
    .SAXIHP0ARQOS  (4'd0),
    .SAXIHP0ARVALID(hp_ar_valid),
    .SAXIHP0ARREADY(hp_ar_ready),
    .SAXIHP0RDATA  (hp_r[66:3]),
    .SAXIHP0RRESP  (hp_r[2:1]),
    .SAXIHP0RLAST  (hp_r[0]),
    .SAXIHP0RVALID (hp_r_valid),
    .SAXIHP0RREADY (hp_r_ready),
    .SAXIHP0RDISSUECAP1EN(1'b0),
    .SAXIHP0WRISSUECAP1EN(1'b0),

    `include "ps7_unused.svh"
  );

endmodule
