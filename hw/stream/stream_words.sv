// SPDX-License-Identifier: Apache-2.0
// A beat of N words as N beats of one word, word 0 (least significant) first, straight from the input: the beat
// stands still until its last word has left, as the stream contract promises, and is taken with it.
//   for n in N: out = in[n*W +: W]
// Latency 0, N cycles per input beat. Cuts nothing. Costs an N:1 multiplexer of W bits and a counter where
// stream_dwc would keep a copy of the beat; the price is that the sender is held for N cycles. N = 1 is wires.
`include "axis_assert.svh"

module stream_words #(
  parameter int unsigned W = 8,
  parameter int unsigned N = 4
) (
  input  logic           clk_i,
  input  logic           rst_ni,
  input  logic [N*W-1:0] s_axis_tdata,
  input  logic           s_axis_tvalid,
  output logic           s_axis_tready,
  output logic [W-1:0]   m_axis_tdata,
  output logic           m_axis_tvalid,
  input  logic           m_axis_tready
);

  if (W < 1) $error("stream_words: W must be at least 1");
  if (N < 1) $error("stream_words: N must be at least 1");

  localparam int unsigned COUNT_W = (N > 1) ? $clog2(N) : 1;

  logic [N-1:0][W-1:0] words;
  assign words         = s_axis_tdata;
  assign m_axis_tvalid = s_axis_tvalid;

  if (N > 1) begin : gen_count
    logic [COUNT_W-1:0] count_q;
    logic               last;

    assign last          = (count_q == COUNT_W'(N - 1));
    assign s_axis_tready = last && m_axis_tready;
    assign m_axis_tdata  = words[count_q];

    always_ff @(posedge clk_i) begin
      if (!rst_ni) count_q <= '0;
      else if (s_axis_tvalid && m_axis_tready) count_q <= last ? '0 : count_q + 1'b1;
    end

    `AXIS_ASSERT(check_count, 32'(count_q) < N)
  end else begin : gen_same
    assign s_axis_tready = m_axis_tready;
    assign m_axis_tdata  = words;

    // Nothing to clock; the ports belong to the common port list.
    logic unused;
    assign unused = clk_i ^ rst_ni;
  end

`ifdef FORMAL
  `include "stream_words_props.svh"
`endif

endmodule
