// SPDX-License-Identifier: Apache-2.0
// Joins two streams by addition: out[c] = clip(a[c] + b[c], LOW, HIGH), OUT_BITS a channel.
// Elements of a have A_BITS bits, two's complement where A_SIGNED, those of b B_BITS and B_SIGNED; a single bit
// stands for -1 or +1. out is two's complement where LOW < 0.
//   for nf in C/PE: PE channels
// A beat of a and a beat of b are taken together, in the cycle of their last step (stream_words: they stand at
// the inputs meanwhile), and none is lost: ready of one input needs the other's valid. Interval C/PE cycles.
// Latency from that transfer to the output: 1 cycle with PE = C, else 2. Cuts valid and data; ready passes through.
`include "axis_assert.svh"

module stream_add #(
  parameter int unsigned C = 8,
  parameter int unsigned PE = C,
  parameter int unsigned A_BITS = 8,
  parameter int unsigned B_BITS = 8,
  parameter bit A_SIGNED = 1'b1,
  parameter bit B_SIGNED = 1'b1,
  parameter int unsigned OUT_BITS = 8,
  parameter int LOW = -128,
  parameter int HIGH = 127
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic [C*A_BITS-1:0]   s_axis_a_tdata,
  input  logic                  s_axis_a_tvalid,
  output logic                  s_axis_a_tready,
  input  logic [C*B_BITS-1:0]   s_axis_b_tdata,
  input  logic                  s_axis_b_tvalid,
  output logic                  s_axis_b_tready,
  output logic [C*OUT_BITS-1:0] m_axis_tdata,
  output logic                  m_axis_tvalid,
  input  logic                  m_axis_tready
);

  if (C < 1) $error("stream_add: C must be at least 1");
  if (PE < 1 || C % PE != 0) $error("stream_add: PE must divide C");
  if (A_BITS < 1 || B_BITS < 1) $error("stream_add: A_BITS and B_BITS must be at least 1");

  localparam int unsigned NF = C / PE;
  // Widths in two's complement.
  localparam int unsigned A_W = A_BITS + ((A_SIGNED && A_BITS > 1) ? 0 : 1);
  localparam int unsigned B_W = B_BITS + ((B_SIGNED && B_BITS > 1) ? 0 : 1);
  localparam int unsigned SUM_W = ((A_W > B_W) ? A_W : B_W) + 1;

  logic [PE*A_BITS-1:0]   a;
  logic [PE*B_BITS-1:0]   b;
  logic                   a_valid;
  logic                   b_valid;
  logic                   free;
  logic                   step;
  logic [PE*OUT_BITS-1:0] sum;
  logic [PE*OUT_BITS-1:0] sum_q;
  logic                   valid_q;
  logic                   pixel_ready;

  stream_words #(
    .W(PE * A_BITS),
    .N(NF)
  ) u_a (
    .clk_i,
    .rst_ni,
    .s_axis_tdata (s_axis_a_tdata),
    .s_axis_tvalid(s_axis_a_tvalid),
    .s_axis_tready(s_axis_a_tready),
    .m_axis_tdata (a),
    .m_axis_tvalid(a_valid),
    .m_axis_tready(free && b_valid)
  );

  stream_words #(
    .W(PE * B_BITS),
    .N(NF)
  ) u_b (
    .clk_i,
    .rst_ni,
    .s_axis_tdata (s_axis_b_tdata),
    .s_axis_tvalid(s_axis_b_tvalid),
    .s_axis_tready(s_axis_b_tready),
    .m_axis_tdata (b),
    .m_axis_tvalid(b_valid),
    .m_axis_tready(free && a_valid)
  );

  assign free = !valid_q || pixel_ready;
  assign step = a_valid && b_valid && free;

  for (genvar pe = 0; pe < PE; pe++) begin : gen_lane
    logic [A_W-1:0]   a_element;
    logic [B_W-1:0]   b_element;
    logic [SUM_W-1:0] exact;
    assign a_element = (A_BITS == 1) ? A_W'({!a[pe*A_BITS], 1'b1}) : A_W'(a[pe*A_BITS +: A_BITS]);
    assign b_element = (B_BITS == 1) ? B_W'({!b[pe*B_BITS], 1'b1}) : B_W'(b[pe*B_BITS +: B_BITS]);
    assign exact     = SUM_W'($signed(a_element)) + SUM_W'($signed(b_element));
    saturate #(
      .IN_W    (SUM_W),
      .OUT_BITS(OUT_BITS),
      .LOW     (LOW),
      .HIGH    (HIGH)
    ) u_clip (
      .value_i(exact),
      .code_o (sum[pe*OUT_BITS +: OUT_BITS])
    );
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (free) valid_q <= step;
  end

  always_ff @(posedge clk_i) begin
    if (step) sum_q <= sum;
  end

  stream_dwc #(
    .IN_W (PE * OUT_BITS),
    .OUT_W(C * OUT_BITS)
  ) u_pixel (
    .clk_i,
    .rst_ni,
    .s_axis_tdata (sum_q),
    .s_axis_tvalid(valid_q),
    .s_axis_tready(pixel_ready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, C*OUT_BITS)

`ifdef FORMAL
  `include "stream_add_props.svh"
`endif

endmodule
