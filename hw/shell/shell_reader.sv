// SPDX-License-Identifier: Apache-2.0
// AXI read master: bursts in, words out. Full width, incrementing, one ID, up to OPEN bursts open.
// A burst is asked for only when the FIFO has a place for all its words, so read data is never refused: RREADY is always high.
// stop_i: no further burst is asked for; those that are open are taken to their end. idle_o: none is open and ARVALID is low.
// flush_i empties the FIFO; only while idle. Latency from ARVALID: that of the memory and 1; one word a cycle.
`include "axis_assert.svh"

module shell_reader #(
  parameter int unsigned ADDR_W = 32,
  parameter int unsigned BURST = 16,
  parameter int unsigned OPEN = 8,
  parameter int unsigned DEPTH = 512,
  localparam int unsigned DATA_W = 64,
  localparam int unsigned LEN_W = $clog2(BURST),
  localparam int unsigned OPEN_W = $clog2(OPEN + 1),
  localparam int unsigned SPACE_W = $clog2(DEPTH + 1)
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              flush_i,
  input  logic              stop_i,
  output logic              idle_o,
  output logic              error_o,
  output logic              beat_o,
  input  logic              burst_valid_i,
  output logic              burst_ready_o,
  input  logic [ADDR_W-1:0] burst_addr_i,
  input  logic [LEN_W-1:0]  burst_len_i,
  output logic [ADDR_W-1:0] m_axi_araddr,
  output logic [7:0]        m_axi_arlen,
  output logic              m_axi_arvalid,
  input  logic              m_axi_arready,
  input  logic [DATA_W-1:0]       m_axi_rdata,
  input  logic [1:0]        m_axi_rresp,
  input  logic              m_axi_rlast,
  input  logic              m_axi_rvalid,
  output logic              m_axi_rready,
  output logic [DATA_W-1:0]       m_axis_tdata,
  output logic              m_axis_tvalid,
  input  logic              m_axis_tready
);

  if (DEPTH < 2 * BURST) $error("shell_reader: DEPTH must hold two bursts");
  if (OPEN < 1) $error("shell_reader: OPEN must be at least 1");

  logic               valid_q = 1'b0;
  logic [ADDR_W-1:0]  addr_q;
  logic [LEN_W-1:0]   len_q;
  logic [OPEN_W-1:0]  open_q = '0;    // bursts asked for, or about to be, and not ended
  logic [SPACE_W-1:0] space_q;        // places of the FIFO that no burst has claimed
  logic [SPACE_W-1:0] claimed;
  logic               accept;
  logic               ended;
  logic               ready_q = 1'b0;
  logic               pop;
  logic               unused_fifo_ready;   // but by the assertion

  // ready_q lags a cycle. It falls with a burst, and whatever it says grows worse only by bursts.
  assign accept        = burst_valid_i && burst_ready_o;
  assign burst_ready_o = ready_q && !stop_i;
  assign ended         = m_axi_rvalid && m_axi_rlast;
  assign claimed       = accept ? SPACE_W'(burst_len_i) + 1'b1 : '0;
  assign pop           = m_axis_tvalid && m_axis_tready;

  assign idle_o        = (open_q == '0);
  assign error_o       = m_axi_rvalid && (m_axi_rresp != 2'b00);
  assign beat_o        = m_axi_rvalid;
  assign m_axi_araddr  = addr_q;
  assign m_axi_arlen   = 8'(len_q);
  assign m_axi_arvalid = valid_q;
  assign m_axi_rready  = 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      open_q  <= '0;
    end else begin
      if (accept) valid_q <= 1'b1;
      else if (m_axi_arready) valid_q <= 1'b0;
      if (accept && !ended) open_q <= open_q + 1'b1;
      if (ended && !accept && (open_q != '0)) open_q <= open_q - 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || flush_i) begin
      space_q <= SPACE_W'(DEPTH);
      ready_q <= 1'b0;
    end else begin
      space_q <= SPACE_W'(space_q - claimed + SPACE_W'(pop));
      ready_q <= !accept && (space_q >= SPACE_W'(BURST)) && (open_q != OPEN_W'(OPEN))
              && (!valid_q || m_axi_arready);
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      addr_q <= burst_addr_i;
      len_q  <= burst_len_i;
    end
  end

  stream_fifo #(
    .W(DATA_W),
    .DEPTH(DEPTH)
  ) u_fifo (
    .clk_i,
    .rst_ni(rst_ni && !flush_i),
    .s_axis_tdata(m_axi_rdata),
    .s_axis_tvalid(m_axi_rvalid),
    .s_axis_tready(unused_fifo_ready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

  `AXIS_ASSERT(check_never_refused, unused_fifo_ready || !m_axi_rvalid)
  `AXIS_ASSERT_STREAM(check_ar, m_axi_arvalid, m_axi_arready, ({m_axi_araddr, m_axi_arlen}), ADDR_W + 8)

`ifdef FORMAL
  `include "shell_reader_props.svh"
`endif

endmodule
