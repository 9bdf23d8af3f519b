// SPDX-License-Identifier: Apache-2.0
// A beat of N words as N beats of one word, word 0 (least significant) first, straight from the input: the beat
// stands still until its last word has left, as the stream contract promises, and is taken with it.
//   for n in N: out = in[n*W +: W]
// Latency 0, N cycles per input beat. Cuts nothing, but the long way through the N:1 multiplexer: word n + 1 is chosen
// while word n leaves, into a register, and word 0 needs no choice. stream_dwc would keep a copy of the beat; the
// price is that the sender is held for N cycles. N = 1 is wires.
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

  assign m_axis_tvalid = s_axis_tvalid;

  if (N > 1) begin : gen_count
    logic [COUNT_W-1:0] next_q;   // the word after the one at the output
    logic               first_q;  // word 0 is at the output
    logic               last_q;   // word N-1 is
    logic [W-1:0]       next_word;
    logic [W-1:0]       word_q;
    logic               step;

    assign step          = s_axis_tvalid && m_axis_tready;
    assign s_axis_tready = last_q && m_axis_tready;
    assign m_axis_tdata  = first_q ? s_axis_tdata[W-1:0] : word_q;

    // Bit by bit, so that choosing is a multiplexer of single bits; an index of whole words becomes a shifter.
    for (genvar b = 0; b < W; b = b + 1) begin : gen_bit
      logic [N-1:0] bits;
      for (genvar n = 0; n < N; n = n + 1) begin : gen_word
        assign bits[n] = s_axis_tdata[n*W+b];
      end
      assign next_word[b] = bits[next_q];
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        next_q  <= COUNT_W'(1);
        first_q <= 1'b1;
        last_q  <= 1'b0;
      end else if (step) begin
        next_q  <= (next_q == COUNT_W'(N - 1)) ? '0 : next_q + 1'b1;
        first_q <= last_q;
        last_q  <= (next_q == COUNT_W'(N - 1));
      end
    end

    always_ff @(posedge clk_i) begin
      if (step) word_q <= next_word;
    end

    `AXIS_ASSERT(check_count, 32'(next_q) < N && first_q == (32'(next_q) == 1) && last_q == (next_q == '0))
  end else begin : gen_same
    assign s_axis_tready = m_axis_tready;
    assign m_axis_tdata  = s_axis_tdata;

    // Nothing to clock; the ports belong to the common port list.
    logic unused;
    assign unused = clk_i ^ rst_ni;
  end

`ifdef FORMAL
  `include "stream_words_props.svh"
`endif

endmodule
