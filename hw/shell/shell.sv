// SPDX-License-Identifier: Apache-2.0
// The shell around a network: AXI4-Lite registers, DMA of images and results, clocks, resets, counters.
// Register map: docs/registers.md. A batch of IMAGES images is read from IN_BASE on, IN_STRIDE bytes apart, and IMAGES results are
// written to OUT_BASE on, OUT_STRIDE bytes apart; the network never sees where one image ends and the next begins.
//
//   bursts -> reader -> FIFO -> [clock crossing] -> gearbox -> network -> pack -> [clock crossing] -> FIFO -> writer <- bursts
//
// AXI3 = 1: bursts of at most 16 beats, WID, two bits of LOCK. AXI4 otherwise; the ports are the same, a user leaves out what it lacks.
// CDC = 0: one clock; net_clk_i is bus_clk_i, and nothing is spent on crossing. Resets are synchronous to bus_clk_i.
// The network is held in reset by net_rst_no, at first and after STOP or an error, never while a burst is open.
// It comes up idle from initial values alone: every VALID is low before any reset.
`include "axis_assert.svh"

module shell #(
  parameter int unsigned IN_W = 24,
  parameter int unsigned IN_BEATS = 1024,
  parameter int unsigned OUT_N = 10,
  parameter int unsigned OUT_W = 12,
  parameter int unsigned OUT_BEATS = 1,
  parameter bit OUT_SIGNED = 1'b1,
  parameter int unsigned ELEM_W = 16,
  parameter int unsigned IN_BYTES = IN_W / 8 * IN_BEATS,
  parameter int unsigned ADDR_W = 32,
  parameter bit AXI3 = 1'b0,
  parameter bit CDC = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned BURST = 16,
  parameter logic [127:0] MODEL_HASH = '0,
  parameter logic [31:0] TIMEOUT_RESET = 32'd10_000_000
) (
  input  logic                   bus_clk_i,
  input  logic                   bus_rst_ni,
  input  logic                   net_clk_i,
  output logic                   irq_o,
  // registers
  input  logic [15:0]            s_axi_awaddr,
  input  logic                   s_axi_awvalid,
  output logic                   s_axi_awready,
  input  logic [31:0]            s_axi_wdata,
  input  logic [3:0]             s_axi_wstrb,
  input  logic                   s_axi_wvalid,
  output logic                   s_axi_wready,
  output logic [1:0]             s_axi_bresp,
  output logic                   s_axi_bvalid,
  input  logic                   s_axi_bready,
  input  logic [15:0]            s_axi_araddr,
  input  logic                   s_axi_arvalid,
  output logic                   s_axi_arready,
  output logic [31:0]            s_axi_rdata,
  output logic [1:0]             s_axi_rresp,
  output logic                   s_axi_rvalid,
  input  logic                   s_axi_rready,
  // memory
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
  input  logic [5:0]             m_axi_bid,
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
  input  logic [5:0]             m_axi_rid,
  input  logic [63:0]            m_axi_rdata,
  input  logic [1:0]             m_axi_rresp,
  input  logic                   m_axi_rlast,
  input  logic                   m_axi_rvalid,
  output logic                   m_axi_rready,
  // network
  output logic                   net_rst_no,
  output logic [IN_W-1:0]        net_in_tdata,
  output logic                   net_in_tvalid,
  input  logic                   net_in_tready,
  input  logic [OUT_N*OUT_W-1:0] net_out_tdata,
  input  logic                   net_out_tvalid,
  output logic                   net_out_tready,
  input  logic                   net_out_tlast,
  // words for the network's memories (RUNTIME), in its clock
  output logic                   load_valid,
  output logic [11:0]            load_memory,
  output logic [19:0]            load_word_addr,
  output logic [31:0]            load_data
);

  if (IN_BYTES != IN_W / 8 * IN_BEATS) $error("shell: IN_BYTES must be IN_W/8 * IN_BEATS");
  if (AXI3 && BURST > 16) $error("shell: AXI3 allows bursts of at most 16 beats");

  localparam int unsigned IN_WORDS = (IN_BYTES + 7) / 8;
  localparam int unsigned OUT_ELEMENTS = OUT_N * OUT_BEATS;
  localparam int unsigned OUT_WORDS = (OUT_ELEMENTS * ELEM_W + 63) / 64;

  // Registers and commands.
  logic              write;
  logic [15:0]       waddr;
  logic [31:0]       wdata;
  logic [3:0]        wstrb;
  logic              read;
  logic [15:0]       raddr;
  logic [31:0]       rdata;
  logic              start;
  logic              stop;
  logic [7:0]        error_clear;
  logic              load_addr_write;
  logic              load_data_write;
  logic [31:0]       load_value;
  logic [31:0]       load_addr;
  logic              irq_enable;
  logic [ADDR_W:0]   in_base;
  logic [ADDR_W:0]   out_base;
  logic [31:0]       images;
  logic [31:0]       in_stride;
  logic [31:0]       out_stride;
  logic [31:0]       timeout;
  logic [ADDR_W:0]   limit_base;
  logic [ADDR_W:0]   limit_end;
  logic              bad_align;
  logic              bad_length;
  logic              bad_range;
  // State.
  logic              idle;
  logic              running;
  logic              done;
  logic [7:0]        error;
  logic              begin_batch;
  logic              halt;
  logic              flush;
  logic              net_reset;
  logic              net_held;
  logic              net_clk;
  logic              feeding;
  logic              irq_q = 1'b0;
  // Events.
  logic [3:0]        images_in_new;
  logic [3:0]        net_cycles_new;
  logic              input_stall;
  logic              output_stall;
  logic              frame_error;
  // Masters.
  logic              bursts_busy;
  logic              masters_idle;
  logic              read_error;
  logic              write_error;
  logic              range_error;
  logic              beat;
  logic              answered;
  logic              result_waits;
  logic [63:0]       in_tdata;
  logic              in_tvalid;
  logic              in_tready;
  logic [63:0]       out_tdata;
  logic              out_tvalid;
  logic              out_tready;

  shell_axil #(
    .ADDR_W(16)
  ) u_axil (
    .clk_i(bus_clk_i),
    .rst_ni(bus_rst_ni),
    .s_axi_awaddr, .s_axi_awvalid, .s_axi_awready,
    .s_axi_wdata, .s_axi_wstrb, .s_axi_wvalid, .s_axi_wready,
    .s_axi_bresp, .s_axi_bvalid, .s_axi_bready,
    .s_axi_araddr, .s_axi_arvalid, .s_axi_arready,
    .s_axi_rdata, .s_axi_rresp, .s_axi_rvalid, .s_axi_rready,
    .write_o(write),
    .waddr_o(waddr),
    .wdata_o(wdata),
    .wstrb_o(wstrb),
    .read_o(read),
    .raddr_o(raddr),
    .rdata_i(rdata)
  );

  shell_registers #(
    .ADDR_W(ADDR_W),
    .IN_BYTES(IN_BYTES),
    .OUT_BYTES(OUT_WORDS * 8),
    .OUT_ELEMENTS(OUT_ELEMENTS),
    .ELEM_W(ELEM_W),
    .CDC(CDC),
    .AXI3(AXI3),
    .RUNTIME(RUNTIME),
    .MODEL_HASH(MODEL_HASH),
    .TIMEOUT_RESET(TIMEOUT_RESET)
  ) u_registers (
    .clk_i(bus_clk_i),
    .rst_ni(bus_rst_ni),
    .write_i(write),
    .waddr_i(waddr),
    .wdata_i(wdata),
    .wstrb_i(wstrb),
    .read_i(read),
    .raddr_i(raddr),
    .rdata_o(rdata),
    .start_o(start),
    .stop_o(stop),
    .error_clear_o(error_clear),
    .load_addr_o(load_addr_write),
    .load_data_o(load_data_write),
    .load_o(load_value),
    .irq_enable_o(irq_enable),
    .in_base_o(in_base),
    .out_base_o(out_base),
    .images_o(images),
    .in_stride_o(in_stride),
    .out_stride_o(out_stride),
    .timeout_o(timeout),
    .limit_base_o(limit_base),
    .limit_end_o(limit_end),
    .bad_align_o(bad_align),
    .bad_length_o(bad_length),
    .bad_range_o(bad_range),
    .idle_i(idle),
    .done_i(done),
    .net_reset_i(net_reset),
    .error_i(error),
    .load_addr_i(load_addr),
    .begin_i(begin_batch),
    .running_i(running),
    .answered_i(answered),
    .input_stall_i(input_stall),
    .output_stall_i(output_stall),
    .images_in_i(images_in_new),
    .net_cycles_i(net_cycles_new)
  );

  shell_control u_control (
    .clk_i(bus_clk_i),
    .rst_ni(bus_rst_ni),
    .start_i(start),
    .stop_i(stop),
    .refused_i(load_data_write && !idle),
    .error_clear_i(error_clear),
    .bad_align_i(bad_align),
    .bad_length_i(bad_length),
    .bad_range_i(bad_range),
    .images_i(images),
    .timeout_i(timeout),
    .begin_o(begin_batch),
    .stop_o(halt),
    .flush_o(flush),
    .bursts_busy_i(bursts_busy),
    .masters_idle_i(masters_idle),
    .read_error_i(read_error),
    .write_error_i(write_error),
    .range_error_i(range_error),
    .beat_i(beat),
    .answered_i(answered),
    .surplus_i(result_waits),
    .net_reset_o(net_reset),
    .net_held_i(net_held),
    .frame_error_i(frame_error),
    .idle_o(idle),
    .running_o(running),
    .done_o(done),
    .error_o(error)
  );

  shell_dma #(
    .ADDR_W(ADDR_W),
    .BURST(BURST),
    .IN_WORDS(IN_WORDS),
    .OUT_WORDS(OUT_WORDS)
  ) u_dma (
    .clk_i(bus_clk_i),
    .rst_ni(bus_rst_ni),
    .start_i(begin_batch),
    .stop_i(halt),
    .flush_i(flush),
    .images_i(images),
    .in_base_i(in_base),
    .in_stride_i(in_stride),
    .out_base_i(out_base),
    .out_stride_i(out_stride),
    .limit_base_i(limit_base),
    .limit_end_i(limit_end),
    .busy_o(bursts_busy),
    .idle_o(masters_idle),
    .feeding_o(feeding),
    .waiting_o(result_waits),
    .beat_o(beat),
    .answered_o(answered),
    .read_error_o(read_error),
    .write_error_o(write_error),
    .range_error_o(range_error),
    .m_axis_tdata(in_tdata),
    .m_axis_tvalid(in_tvalid),
    .m_axis_tready(in_tready),
    .s_axis_tdata(out_tdata),
    .s_axis_tvalid(out_tvalid),
    .s_axis_tready(out_tready),
    .m_axi_awid, .m_axi_awaddr, .m_axi_awlen, .m_axi_awsize, .m_axi_awburst, .m_axi_awlock,
    .m_axi_awcache, .m_axi_awprot, .m_axi_awqos, .m_axi_awvalid, .m_axi_awready,
    .m_axi_wid, .m_axi_wdata, .m_axi_wstrb, .m_axi_wlast, .m_axi_wvalid, .m_axi_wready,
    .m_axi_bresp, .m_axi_bvalid, .m_axi_bready,
    .m_axi_arid, .m_axi_araddr, .m_axi_arlen, .m_axi_arsize, .m_axi_arburst, .m_axi_arlock,
    .m_axi_arcache, .m_axi_arprot, .m_axi_arqos, .m_axi_arvalid, .m_axi_arready,
    .m_axi_rdata, .m_axi_rresp, .m_axi_rlast, .m_axi_rvalid, .m_axi_rready
  );

  // Without CDC the other clock is not used at all, so a wrong connection cannot matter.
  assign net_clk = CDC ? net_clk_i : bus_clk_i;

  shell_net #(
    .IN_W(IN_W),
    .IN_BEATS(IN_BEATS),
    .OUT_N(OUT_N),
    .OUT_W(OUT_W),
    .OUT_BEATS(OUT_BEATS),
    .OUT_SIGNED(OUT_SIGNED),
    .ELEM_W(ELEM_W),
    .CDC(CDC)
  ) u_net (
    .bus_clk_i,
    .net_clk_i(net_clk),
    .net_reset_i(net_reset),
    .flush_i(flush),
    .held_o(net_held),
    .feeding_i(feeding && running),
    .input_stall_o(input_stall),
    .output_stall_o(output_stall),
    .frame_error_o(frame_error),
    .images_in_o(images_in_new),
    .net_cycles_o(net_cycles_new),
    .s_axis_tdata(in_tdata),
    .s_axis_tvalid(in_tvalid),
    .s_axis_tready(in_tready),
    .m_axis_tdata(out_tdata),
    .m_axis_tvalid(out_tvalid),
    .m_axis_tready(out_tready),
    .net_rst_no,
    .net_in_tdata, .net_in_tvalid, .net_in_tready,
    .net_out_tdata, .net_out_tvalid, .net_out_tready, .net_out_tlast
  );

  shell_load #(
    .RUNTIME(RUNTIME),
    .CDC(CDC)
  ) u_load (
    .bus_clk_i, .bus_rst_ni,
    .net_clk_i(net_clk),
    .net_rst_ni(net_rst_no),
    .flush_i(flush),
    .addr_write_i(load_addr_write),
    .data_write_i(load_data_write && idle),
    .value_i(load_value),
    .addr_o(load_addr),
    .load_valid, .load_memory, .load_word_addr, .load_data
  );

  always_ff @(posedge bus_clk_i) begin
    irq_q <= bus_rst_ni && irq_enable && (done || (error != '0));
  end
  assign irq_o = irq_q;

  // One ID each way, so nothing is to be told apart.
  logic unused;
  assign unused = ^{m_axi_bid, m_axi_rid};

endmodule
