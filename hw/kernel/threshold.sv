// SPDX-License-Identifier: Apache-2.0
// One threshold per channel: out[c] = (x[c] >= T[c]), inverted where channel c falls (POLARITY); PE channels at a time.
//   for nf in C/PE: PE channels
// x has IN_BITS bits, two's complement where IN_SIGNED. Beats are words of PE channels, NF = C/PE beats per vector,
// or with PIXELS the whole vector, which stands at the input until its last word is compared (stream_words).
// THRESHOLD_FILE: word nf holds PE fields, field pe is channel nf*PE + pe: T in IN_BITS + 1 bits in the coding of x,
// from the least value of x to one more than its largest; above it, with POLARITY, a bit that is 1 for falling.
// Latency 1 cycle, with PIXELS and PE < C 2; one word per cycle, NF cycles per vector. Cuts valid and data; ready
// passes through. The word of the next step is read one step ahead, so data needs no second register. With equal
// thresholds the ROM folds away.
`include "axis_assert.svh"

module threshold #(
  parameter int unsigned C = 3,
  parameter int unsigned PE = 3,
  parameter int unsigned IN_BITS = 8,
  parameter bit IN_SIGNED = 1'b0,
  parameter bit POLARITY = 1'b0,
  parameter bit PIXELS = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter THRESHOLD_FILE = "",
  localparam int unsigned T_W = IN_BITS + 1,
  localparam int unsigned FIELD_W = T_W + (POLARITY ? 1 : 0),
  localparam int unsigned NF = C / PE,
  localparam int unsigned BEAT = PIXELS ? C : PE
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic [64:0]             load_i,
  input  logic [BEAT*IN_BITS-1:0] s_axis_tdata,
  input  logic                    s_axis_tvalid,
  output logic                    s_axis_tready,
  output logic [BEAT-1:0]         m_axis_tdata,
  output logic                    m_axis_tvalid,
  input  logic                    m_axis_tready
);

  localparam int unsigned ADDR_W = (NF > 1) ? $clog2(NF) : 1;

  if (C < 1) $error("threshold: C must be at least 1");
  if (PE < 1) $error("threshold: PE must be at least 1");
  if (C % PE != 0) $error("threshold: PE must divide C");
  if (IN_BITS < 1) $error("threshold: IN_BITS must be at least 1");

  logic [PE*IN_BITS-1:0]      word;
  logic                       word_valid;
  logic                       word_ready;
  logic [ADDR_W-1:0]          fold_q;
  logic [ADDR_W-1:0]          next_fold;
  logic [PE-1:0][FIELD_W-1:0] fields;
  logic [PE-1:0]              bits;
  logic [PE-1:0]              data_q;
  logic                       valid_q;
  logic                       out_ready;
  logic                       step;

  assign word_ready = !valid_q || out_ready;
  assign step       = word_valid && word_ready;

  stream_words #(
    .W(PE * IN_BITS),
    .N(BEAT / PE)
  ) u_words (
    .clk_i,
    .rst_ni,
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata (word),
    .m_axis_tvalid(word_valid),
    .m_axis_tready(word_ready)
  );

  // Reset itself fetches the first word.
  assign next_fold = (!rst_ni || fold_q == ADDR_W'(NF - 1)) ? '0 : fold_q + 1'b1;

  rom #(
    .W    (PE * FIELD_W),
    .DEPTH(NF),
    .BLOCK(1'b0),
    .RUNTIME(RUNTIME),
    .MEMORY(MEMORY + 1),
    .FILE (THRESHOLD_FILE)
  ) u_thresholds (
    .clk_i,
    .load_i,
    .en_i  (step || !rst_ni),
    .addr_i(next_fold),
    .data_o(fields)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fold_q  <= '0;
      valid_q <= 1'b0;
    end else if (step) begin
      fold_q  <= next_fold;
      valid_q <= 1'b1;
    end else if (out_ready) begin
      valid_q <= 1'b0;
    end
  end

  for (genvar pe = 0; pe < PE; pe++) begin : gen_compare
    logic [IN_BITS-1:0] x;
    logic [T_W-1:0]     t;
    logic               above;
    assign x         = word[pe*IN_BITS +: IN_BITS];
    assign t         = fields[pe][T_W-1:0];
    if (IN_SIGNED) begin : gen_signed
      assign above = ($signed({x[IN_BITS-1], x}) >= $signed(t));
    end else begin : gen_unsigned
      assign above = ({1'b0, x} >= t);
    end
    assign bits[pe] = above ^ (POLARITY && fields[pe][FIELD_W-1]);
  end

  always_ff @(posedge clk_i) begin
    if (step) data_q <= bits;
  end

  stream_dwc #(
    .IN_W (PE),
    .OUT_W(BEAT)
  ) u_pixel (
    .clk_i,
    .rst_ni,
    .s_axis_tdata (data_q),
    .s_axis_tvalid(valid_q),
    .s_axis_tready(out_ready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, BEAT)
  `AXIS_ASSERT(check_fold, 32'(fold_q) < NF)

`ifdef FORMAL
  `include "threshold_props.svh"
`endif

endmodule
