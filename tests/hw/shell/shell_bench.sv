// SPDX-License-Identifier: Apache-2.0
// The shell around a network that is easy to foretell: element i of a result is a running sum over the image,
//   a = a * 5 + sum over bytes j of the beat of (2*j + 1 + i) * byte[j],   modulo 2**OUT_W.
// It depends on every byte and on its place. It takes a beat every INTERVAL cycles, and gives its result one cycle after the last.
// fault_i: 1 no tlast; 2 a second result after the first image; 3 takes nothing.
// idle_beats_o counts cycles without a beat at the network's input, from its first to its last beat; clear_i resets it.
module shell_bench #(
  parameter int unsigned IN_W = 24,
  parameter int unsigned IN_BEATS = 16,
  parameter int unsigned OUT_N = 10,
  parameter int unsigned OUT_W = 12,
  parameter int unsigned OUT_BEATS = 1,
  parameter bit OUT_SIGNED = 1'b1,
  parameter int unsigned ELEM_W = 16,
  parameter int unsigned ADDR_W = 32,
  parameter bit AXI3 = 1'b1,
  parameter bit CDC = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned INTERVAL = 1,
  parameter logic [127:0] MODEL_HASH = 128'h00112233_44556677_8899AABB_CCDDEEFF
) (
  input  logic              bus_clk,
  input  logic              bus_rst_n,
  input  logic              net_clk,
  output logic              irq,
  input  logic [15:0]       s_axi_awaddr,
  input  logic [2:0]        s_axi_awprot,
  input  logic              s_axi_awvalid,
  output logic              s_axi_awready,
  input  logic [31:0]       s_axi_wdata,
  input  logic [3:0]        s_axi_wstrb,
  input  logic              s_axi_wvalid,
  output logic              s_axi_wready,
  output logic [1:0]        s_axi_bresp,
  output logic              s_axi_bvalid,
  input  logic              s_axi_bready,
  input  logic [15:0]       s_axi_araddr,
  input  logic [2:0]        s_axi_arprot,
  input  logic              s_axi_arvalid,
  output logic              s_axi_arready,
  output logic [31:0]       s_axi_rdata,
  output logic [1:0]        s_axi_rresp,
  output logic              s_axi_rvalid,
  input  logic              s_axi_rready,
  output logic [5:0]        m_axi_awid,
  output logic [ADDR_W-1:0] m_axi_awaddr,
  output logic [7:0]        m_axi_awlen,
  output logic [2:0]        m_axi_awsize,
  output logic [1:0]        m_axi_awburst,
  output logic              m_axi_awlock,
  output logic [3:0]        m_axi_awcache,
  output logic [2:0]        m_axi_awprot,
  output logic [3:0]        m_axi_awqos,
  output logic              m_axi_awvalid,
  input  logic              m_axi_awready,
  output logic [5:0]        m_axi_wid,
  output logic [63:0]       m_axi_wdata,
  output logic [7:0]        m_axi_wstrb,
  output logic              m_axi_wlast,
  output logic              m_axi_wvalid,
  input  logic              m_axi_wready,
  input  logic [5:0]        m_axi_bid,
  input  logic [1:0]        m_axi_bresp,
  input  logic              m_axi_bvalid,
  output logic              m_axi_bready,
  output logic [5:0]        m_axi_arid,
  output logic [ADDR_W-1:0] m_axi_araddr,
  output logic [7:0]        m_axi_arlen,
  output logic [2:0]        m_axi_arsize,
  output logic [1:0]        m_axi_arburst,
  output logic              m_axi_arlock,
  output logic [3:0]        m_axi_arcache,
  output logic [2:0]        m_axi_arprot,
  output logic [3:0]        m_axi_arqos,
  output logic              m_axi_arvalid,
  input  logic              m_axi_arready,
  input  logic [5:0]        m_axi_rid,
  input  logic [63:0]       m_axi_rdata,
  input  logic [1:0]        m_axi_rresp,
  input  logic              m_axi_rlast,
  input  logic              m_axi_rvalid,
  output logic              m_axi_rready,
  output logic              load_valid,
  output logic [11:0]       load_memory,
  output logic [19:0]       load_word_addr,
  output logic [31:0]       load_data,
  input  logic [1:0]        fault_i,
  input  logic              clear_i,
  output logic              net_rst_no,
  output logic [31:0]       idle_beats_o,
  output logic [31:0]       beats_o
);

  localparam int unsigned LANES = IN_W / 8;

  logic [IN_W-1:0]        in_tdata;
  logic                   in_tvalid;
  logic                   in_tready;
  logic [OUT_N*OUT_W-1:0] out_tdata;
  logic                   out_tvalid;
  logic                   out_tready;
  logic                   out_tlast;
  logic                   clk;
  logic [1:0]             awlock;    // two bits in AXI3
  logic [1:0]             arlock;

  assign clk          = CDC ? net_clk : bus_clk;
  assign m_axi_awlock = awlock[0];
  assign m_axi_arlock = arlock[0];

  shell #(
    .IN_W(IN_W),
    .IN_BEATS(IN_BEATS),
    .OUT_N(OUT_N),
    .OUT_W(OUT_W),
    .OUT_BEATS(OUT_BEATS),
    .OUT_SIGNED(OUT_SIGNED),
    .ELEM_W(ELEM_W),
    .ADDR_W(ADDR_W),
    .AXI3(AXI3),
    .CDC(CDC),
    .RUNTIME(RUNTIME),
    .MODEL_HASH(MODEL_HASH)
  ) u_shell (
    .bus_clk_i(bus_clk),
    .bus_rst_ni(bus_rst_n),
    .net_clk_i(net_clk),
    .irq_o(irq),
    .s_axi_awaddr, .s_axi_awvalid, .s_axi_awready,
    .s_axi_wdata, .s_axi_wstrb, .s_axi_wvalid, .s_axi_wready,
    .s_axi_bresp, .s_axi_bvalid, .s_axi_bready,
    .s_axi_araddr, .s_axi_arvalid, .s_axi_arready,
    .s_axi_rdata, .s_axi_rresp, .s_axi_rvalid, .s_axi_rready,
    .m_axi_awid, .m_axi_awaddr, .m_axi_awlen, .m_axi_awsize, .m_axi_awburst, .m_axi_awlock(awlock),
    .m_axi_awcache, .m_axi_awprot, .m_axi_awqos, .m_axi_awvalid, .m_axi_awready,
    .m_axi_wid, .m_axi_wdata, .m_axi_wstrb, .m_axi_wlast, .m_axi_wvalid, .m_axi_wready,
    .m_axi_bid, .m_axi_bresp, .m_axi_bvalid, .m_axi_bready,
    .m_axi_arid, .m_axi_araddr, .m_axi_arlen, .m_axi_arsize, .m_axi_arburst, .m_axi_arlock(arlock),
    .m_axi_arcache, .m_axi_arprot, .m_axi_arqos, .m_axi_arvalid, .m_axi_arready,
    .m_axi_rid, .m_axi_rdata, .m_axi_rresp, .m_axi_rlast, .m_axi_rvalid, .m_axi_rready,
    .net_rst_no,
    .net_in_tdata(in_tdata), .net_in_tvalid(in_tvalid), .net_in_tready(in_tready),
    .net_out_tdata(out_tdata), .net_out_tvalid(out_tvalid), .net_out_tready(out_tready),
    .net_out_tlast(out_tlast),
    .load_valid, .load_memory, .load_word_addr, .load_data
  );

  // The network. A result of several beats repeats its sums, each beat with its number added.
  logic [OUT_N*OUT_W-1:0] sum_q;
  logic [OUT_N*OUT_W-1:0] sum_d;
  logic [OUT_W-1:0]       part;
  logic [31:0]            beat_q;
  logic [31:0]            wait_q;
  logic [31:0]            out_beat_q;
  logic                   out_valid_q;
  logic                   again_q;
  logic                   take;
  logic                   last;

  assign last      = (beat_q == IN_BEATS - 1);
  assign in_tready = (wait_q == '0) && (!last || !out_valid_q) && (fault_i != 2'd3);
  assign take      = in_tvalid && in_tready;

  always_comb begin
    sum_d = '0;
    part  = '0;
    for (int unsigned i = 0; i < OUT_N; i++) begin
      part = (beat_q == '0) ? '0 : OUT_W'(sum_q[i*OUT_W +: OUT_W] * 5);
      for (int unsigned j = 0; j < LANES; j++) begin
        part = OUT_W'(32'(part) + (2 * j + 1 + i) * 32'(in_tdata[j*8 +: 8]));
      end
      sum_d[i*OUT_W +: OUT_W] = part;
    end
  end

  logic [OUT_N*OUT_W-1:0] result_q;
  assign out_tvalid = out_valid_q;
  assign out_tlast  = (out_beat_q == OUT_BEATS - 1) && (fault_i != 2'd1);
  for (genvar i = 0; i < OUT_N; i++) begin : gen_out
    assign out_tdata[i*OUT_W +: OUT_W] = OUT_W'(32'(result_q[i*OUT_W +: OUT_W]) + out_beat_q);
  end

  always_ff @(posedge clk) begin
    if (!net_rst_no) begin
      beat_q      <= '0;
      wait_q      <= '0;
      out_beat_q  <= '0;
      out_valid_q <= 1'b0;
      again_q     <= (fault_i == 2'd2);
    end else begin
      if (take) begin
        beat_q <= last ? '0 : beat_q + 1;
        sum_q  <= sum_d;
        wait_q <= INTERVAL - 1;
      end else if (wait_q != '0) begin
        wait_q <= wait_q - 1;
      end
      if (out_valid_q && out_tready) begin
        out_beat_q <= (out_beat_q == OUT_BEATS - 1) ? '0 : out_beat_q + 1;
        if (out_beat_q == OUT_BEATS - 1) begin
          out_valid_q <= again_q;
          again_q     <= 1'b0;
        end
      end
      if (take && last) begin
        out_valid_q <= 1'b1;
        result_q    <= sum_d;
      end
    end
  end

  // Idle cycles are counted up to the beat that ends them, so those after the last beat do not count.
  logic [31:0] gap_q;
  always_ff @(posedge clk) begin
    if (clear_i) begin
      idle_beats_o <= '0;
      beats_o      <= '0;
      gap_q        <= '0;
    end else if (take) begin
      beats_o      <= beats_o + 1;
      idle_beats_o <= idle_beats_o + gap_q;
      gap_q        <= '0;
    end else if (in_tready && (beats_o != '0)) begin
      gap_q <= gap_q + 1;
    end
  end

endmodule
