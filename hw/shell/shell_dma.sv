// SPDX-License-Identifier: Apache-2.0
// Both masters of the shell with what tells them where to read and to write: full width (8 bytes), incrementing, ID 0.
// WID and the second bit of LOCK are for AXI3. CACHE 0011 (may be merged and buffered) is what Zynq's memory ports expect.
// start_i: a batch begins. stop_i: no further burst. idle_o: no burst is open. feeding_o: words of the batch are still to come out.
module shell_dma #(
  parameter int unsigned ADDR_W = 32,
  parameter int unsigned BURST = 16,
  parameter int unsigned IN_WORDS = 98,
  parameter int unsigned OUT_WORDS = 3,
  localparam int unsigned LEN_W = $clog2(BURST)
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   start_i,
  input  logic                   stop_i,
  input  logic                   flush_i,
  input  logic [31:0]            images_i,
  input  logic [ADDR_W:0]        in_base_i,
  input  logic [31:0]            in_stride_i,
  input  logic [ADDR_W:0]        out_base_i,
  input  logic [31:0]            out_stride_i,
  input  logic [ADDR_W:0]        limit_base_i,
  input  logic [ADDR_W:0]        limit_end_i,
  output logic                   busy_o,
  output logic                   idle_o,
  output logic                   feeding_o,
  output logic                   waiting_o,
  output logic                   beat_o,
  output logic                   answered_o,
  output logic                   read_error_o,
  output logic                   write_error_o,
  output logic                   range_error_o,
  output logic [63:0]            m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  logic                   m_axis_tready,
  input  logic [63:0]            s_axis_tdata,
  input  logic                   s_axis_tvalid,
  output logic                   s_axis_tready,
  output logic [5:0]             m_axi_awid,
  output logic [ADDR_W-1:0]      m_axi_awaddr,
  output logic [7:0]             m_axi_awlen,
  output logic [2:0]             m_axi_awsize,
  output logic [1:0]             m_axi_awburst,
  output logic [1:0]             m_axi_awlock,
  output logic [3:0]             m_axi_awcache,
  output logic [2:0]             m_axi_awprot,
  output logic [3:0]             m_axi_awqos,
  output logic                   m_axi_awvalid,
  input  logic                   m_axi_awready,
  output logic [5:0]             m_axi_wid,
  output logic [63:0]            m_axi_wdata,
  output logic [7:0]             m_axi_wstrb,
  output logic                   m_axi_wlast,
  output logic                   m_axi_wvalid,
  input  logic                   m_axi_wready,
  input  logic [1:0]             m_axi_bresp,
  input  logic                   m_axi_bvalid,
  output logic                   m_axi_bready,
  output logic [5:0]             m_axi_arid,
  output logic [ADDR_W-1:0]      m_axi_araddr,
  output logic [7:0]             m_axi_arlen,
  output logic [2:0]             m_axi_arsize,
  output logic [1:0]             m_axi_arburst,
  output logic [1:0]             m_axi_arlock,
  output logic [3:0]             m_axi_arcache,
  output logic [2:0]             m_axi_arprot,
  output logic [3:0]             m_axi_arqos,
  output logic                   m_axi_arvalid,
  input  logic                   m_axi_arready,
  input  logic [63:0]            m_axi_rdata,
  input  logic [1:0]             m_axi_rresp,
  input  logic                   m_axi_rlast,
  input  logic                   m_axi_rvalid,
  output logic                   m_axi_rready
);

  // Eight open bursts are what a Zynq-7000 port accepts. Reads: one block RAM; writes: LUT RAM.
  localparam int unsigned OPEN = 8;
  localparam int unsigned READ_DEPTH = (BURST > 256) ? 2 * BURST : 512;
  localparam int unsigned WRITE_DEPTH = 2 * BURST;

  logic              read_busy;
  logic              read_range;
  logic              read_valid;
  logic              read_ready;
  logic [ADDR_W-1:0] read_addr;
  logic [LEN_W-1:0]  read_len;
  logic              read_idle;
  logic              read_beat;
  logic              write_busy;
  logic              write_range;
  logic              write_valid;
  logic              write_ready;
  logic [ADDR_W-1:0] write_addr;
  logic [LEN_W-1:0]  write_len;
  logic              write_last;
  logic              write_idle;
  logic              write_beat;
  logic              unused_read_last;

  assign busy_o        = read_busy || write_busy;
  assign idle_o        = read_idle && write_idle;
  assign feeding_o     = read_busy || !read_idle || m_axis_tvalid;
  assign beat_o        = read_beat || write_beat;
  assign range_error_o = read_range || write_range;

  assign m_axi_awid    = '0;
  assign m_axi_awsize  = 3'd3;
  assign m_axi_awburst = 2'b01;
  assign m_axi_awlock  = 2'b00;
  assign m_axi_awcache = 4'b0011;
  assign m_axi_awprot  = 3'b000;
  assign m_axi_awqos   = 4'b0000;
  assign m_axi_wid     = '0;
  assign m_axi_wstrb   = '1;
  assign m_axi_arid    = '0;
  assign m_axi_arsize  = 3'd3;
  assign m_axi_arburst = 2'b01;
  assign m_axi_arlock  = 2'b00;
  assign m_axi_arcache = 4'b0011;
  assign m_axi_arprot  = 3'b000;
  assign m_axi_arqos   = 4'b0000;

  shell_bursts #(
    .ADDR_W(ADDR_W),
    .WORDS(IN_WORDS),
    .BURST(BURST)
  ) u_read_bursts (
    .clk_i, .rst_ni, .start_i, .stop_i,
    .base_i(in_base_i),
    .stride_i(in_stride_i),
    .count_i(images_i),
    .limit_base_i, .limit_end_i,
    .busy_o(read_busy),
    .range_o(read_range),
    .burst_valid_o(read_valid),
    .burst_ready_i(read_ready),
    .burst_addr_o(read_addr),
    .burst_len_o(read_len),
    .burst_last_o(unused_read_last)
  );

  shell_reader #(
    .ADDR_W(ADDR_W),
    .BURST(BURST),
    .OPEN(OPEN),
    .DEPTH(READ_DEPTH)
  ) u_reader (
    .clk_i, .rst_ni, .flush_i, .stop_i,
    .idle_o(read_idle),
    .error_o(read_error_o),
    .beat_o(read_beat),
    .burst_valid_i(read_valid),
    .burst_ready_o(read_ready),
    .burst_addr_i(read_addr),
    .burst_len_i(read_len),
    .m_axi_araddr, .m_axi_arlen, .m_axi_arvalid, .m_axi_arready,
    .m_axi_rdata, .m_axi_rresp, .m_axi_rlast, .m_axi_rvalid, .m_axi_rready,
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  shell_bursts #(
    .ADDR_W(ADDR_W),
    .WORDS(OUT_WORDS),
    .BURST(BURST)
  ) u_write_bursts (
    .clk_i, .rst_ni, .start_i, .stop_i,
    .base_i(out_base_i),
    .stride_i(out_stride_i),
    .count_i(images_i),
    .limit_base_i, .limit_end_i,
    .busy_o(write_busy),
    .range_o(write_range),
    .burst_valid_o(write_valid),
    .burst_ready_i(write_ready),
    .burst_addr_o(write_addr),
    .burst_len_o(write_len),
    .burst_last_o(write_last)
  );

  shell_writer #(
    .ADDR_W(ADDR_W),
    .BURST(BURST),
    .OPEN(OPEN),
    .DEPTH(WRITE_DEPTH)
  ) u_writer (
    .clk_i, .rst_ni, .flush_i, .stop_i,
    .idle_o(write_idle),
    .error_o(write_error_o),
    .beat_o(write_beat),
    .answered_o,
    .waiting_o,
    .s_axis_tdata, .s_axis_tvalid, .s_axis_tready,
    .burst_valid_i(write_valid),
    .burst_ready_o(write_ready),
    .burst_addr_i(write_addr),
    .burst_len_i(write_len),
    .burst_last_i(write_last),
    .m_axi_awaddr, .m_axi_awlen, .m_axi_awvalid, .m_axi_awready,
    .m_axi_wdata, .m_axi_wlast, .m_axi_wvalid, .m_axi_wready,
    .m_axi_bresp, .m_axi_bvalid, .m_axi_bready
  );

endmodule
