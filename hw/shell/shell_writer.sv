// SPDX-License-Identifier: Apache-2.0
// AXI write master: words and bursts in. Full width, incrementing, one ID, up to OPEN bursts open.
// A burst is announced only when all its words are in the FIFO, so it never waits for the network in the middle; its
// first word follows its address. The address of the next burst goes out beside the words of this one.
// answered_o: the response of the last burst of a result is in. error_o: a response was an error.
// stop_i: no further burst is announced; those that are open are led to their end. idle_o: none is open.
// flush_i empties the FIFO; only while idle.
`include "axis_assert.svh"

module shell_writer #(
  parameter int unsigned ADDR_W = 32,
  parameter int unsigned BURST = 16,
  parameter int unsigned OPEN = 8,
  parameter int unsigned DEPTH = 32,
  localparam int unsigned DATA_W = 64,
  localparam int unsigned LEN_W = $clog2(BURST),
  localparam int unsigned OPEN_W = $clog2(OPEN + 1),
  localparam int unsigned LAST_W = (OPEN > 1) ? $clog2(OPEN) : 1,
  localparam int unsigned COUNT_W = $clog2(DEPTH + 1)
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              flush_i,
  input  logic              stop_i,
  output logic              idle_o,
  output logic              error_o,
  output logic              beat_o,
  output logic              answered_o,
  output logic              waiting_o,
  input  logic [DATA_W-1:0]       s_axis_tdata,
  input  logic              s_axis_tvalid,
  output logic              s_axis_tready,
  input  logic              burst_valid_i,
  output logic              burst_ready_o,
  input  logic [ADDR_W-1:0] burst_addr_i,
  input  logic [LEN_W-1:0]  burst_len_i,
  input  logic              burst_last_i,
  output logic [ADDR_W-1:0] m_axi_awaddr,
  output logic [7:0]        m_axi_awlen,
  output logic              m_axi_awvalid,
  input  logic              m_axi_awready,
  output logic [DATA_W-1:0]       m_axi_wdata,
  output logic              m_axi_wlast,
  output logic              m_axi_wvalid,
  input  logic              m_axi_wready,
  input  logic [1:0]        m_axi_bresp,
  input  logic              m_axi_bvalid,
  output logic              m_axi_bready
);

  if (DEPTH < 2 * BURST) $error("shell_writer: DEPTH must hold two bursts");
  if (OPEN < 1) $error("shell_writer: OPEN must be at least 1");

  logic               aw_valid_q = 1'b0;
  logic               aw_done_q = 1'b0;   // the address is taken, its words have not begun
  logic [ADDR_W-1:0]  addr_q;
  logic [LEN_W-1:0]   len_q;
  logic               w_valid_q = 1'b0;
  logic [LEN_W-1:0]   w_left_q;           // words after this one
  logic [OPEN_W-1:0]  open_q = '0;
  logic [OPEN_W-1:0]  open_left;          // bursts open after this cycle's response
  logic [OPEN-1:0]    last_q;             // of the bursts that are open, oldest first: last of its result
  logic [OPEN-1:0]    last_left;
  logic [COUNT_W-1:0] words_q;            // words of the FIFO that no burst has claimed
  logic [COUNT_W-1:0] claimed;
  logic               ready_q = 1'b0;
  logic               accept;
  logic               push;
  logic               begin_w;
  logic               fifo_valid;

  assign push          = s_axis_tvalid && s_axis_tready;
  assign accept        = burst_valid_i && burst_ready_o;
  // ready_q lags a cycle. It falls with a burst, and whatever it says grows worse only by bursts.
  assign burst_ready_o = ready_q && !stop_i;
  assign claimed       = accept ? COUNT_W'(burst_len_i) + 1'b1 : '0;
  assign begin_w       = aw_done_q && (!w_valid_q || (m_axi_wready && m_axi_wlast));
  assign open_left     = open_q - OPEN_W'(m_axi_bvalid && (open_q != '0));
  assign last_left     = m_axi_bvalid ? (last_q >> 1) : last_q;

  assign idle_o        = (open_q == '0);
  assign error_o       = m_axi_bvalid && (m_axi_bresp != 2'b00);
  assign beat_o        = (m_axi_wvalid && m_axi_wready) || m_axi_bvalid;
  assign answered_o    = m_axi_bvalid && last_q[0] && (open_q != '0);
  assign waiting_o     = fifo_valid;
  assign m_axi_awaddr  = addr_q;
  assign m_axi_awlen   = 8'(len_q);
  assign m_axi_awvalid = aw_valid_q;
  assign m_axi_wvalid  = w_valid_q;
  assign m_axi_wlast   = (w_left_q == '0);
  assign m_axi_bready  = 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      aw_valid_q <= 1'b0;
      aw_done_q  <= 1'b0;
      w_valid_q  <= 1'b0;
      open_q     <= '0;
    end else begin
      if (accept) aw_valid_q <= 1'b1;
      else if (m_axi_awready) aw_valid_q <= 1'b0;
      if (aw_valid_q && m_axi_awready) aw_done_q <= 1'b1;
      else if (begin_w) aw_done_q <= 1'b0;
      if (begin_w) w_valid_q <= 1'b1;
      else if (m_axi_wready && m_axi_wlast) w_valid_q <= 1'b0;
      open_q <= open_left + OPEN_W'(accept);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || flush_i) begin
      words_q <= '0;
      ready_q <= 1'b0;
    end else begin
      words_q <= COUNT_W'(words_q - claimed + COUNT_W'(push));
      ready_q <= !accept && burst_valid_i && (words_q > COUNT_W'(burst_len_i))
              && (open_q != OPEN_W'(OPEN)) && !aw_valid_q && !aw_done_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      addr_q <= burst_addr_i;
      len_q  <= burst_len_i;
    end
    if (begin_w) w_left_q <= len_q;
    else if (m_axi_wready) w_left_q <= w_left_q - 1'b1;
    last_q <= last_left;
    if (accept) last_q[LAST_W'(open_left)] <= burst_last_i;
  end

  stream_fifo #(
    .W(DATA_W),
    .DEPTH(DEPTH)
  ) u_fifo (
    .clk_i,
    .rst_ni(rst_ni && !flush_i),
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata(m_axi_wdata),
    .m_axis_tvalid(fifo_valid),
    .m_axis_tready(m_axi_wvalid && m_axi_wready)
  );

  `AXIS_ASSERT(check_words_are_there, fifo_valid || !m_axi_wvalid)
  `AXIS_ASSERT_STREAM(check_aw, m_axi_awvalid, m_axi_awready, ({m_axi_awaddr, m_axi_awlen}), ADDR_W + 8)
  `AXIS_ASSERT_STREAM(check_w, m_axi_wvalid, m_axi_wready, ({m_axi_wdata, m_axi_wlast}), DATA_W + 1)

`ifdef FORMAL
  `include "shell_writer_props.svh"
`endif

endmodule
