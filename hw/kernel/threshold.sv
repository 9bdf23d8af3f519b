// SPDX-License-Identifier: Apache-2.0
// One threshold per channel on unsigned values: out[c] = (x[c] >= T[c]), PE channels per beat.
// A vector of C channels is NF = C / PE beats; beat nf carries channels nf*PE to nf*PE + PE - 1, lane 0 first.
// THRESHOLD_FILE: word nf holds PE fields of IN_BITS + 1 bits, 0 <= T <= 2^IN_BITS; field pe is channel nf*PE + pe.
// Latency 1 cycle, one beat per cycle, NF cycles per vector. Cuts valid and data; ready passes through.
// The word of the next beat is read one beat ahead, so data needs no second register. With equal thresholds the
// ROM folds away.
// Cost (Yosys 0.70, xc7), 8 bit, C = PE = 3, all 128: 3 LUT, 4 FF; C = 64, PE = 1, random: 24 LUT, 16 FF.
`include "axis_assert.svh"

module threshold #(
  parameter int unsigned C = 3,
  parameter int unsigned PE = 3,
  parameter int unsigned IN_BITS = 8,
  parameter THRESHOLD_FILE = "",
  localparam int unsigned T_W = IN_BITS + 1,
  localparam int unsigned NF = C / PE
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic [PE*IN_BITS-1:0] s_axis_tdata,
  input  logic                  s_axis_tvalid,
  output logic                  s_axis_tready,
  output logic [PE-1:0]         m_axis_tdata,
  output logic                  m_axis_tvalid,
  input  logic                  m_axis_tready
);

  localparam int unsigned ADDR_W = (NF > 1) ? $clog2(NF) : 1;

  if (C < 1) $error("threshold: C must be at least 1");
  if (PE < 1) $error("threshold: PE must be at least 1");
  if (C % PE != 0) $error("threshold: PE must divide C");
  if (IN_BITS < 1) $error("threshold: IN_BITS must be at least 1");

  logic [ADDR_W-1:0]       fold_q;
  logic [ADDR_W-1:0]       next_fold;
  logic [PE-1:0][T_W-1:0]  thresholds;
  logic [PE-1:0]           above;
  logic [PE-1:0]           data_q;
  logic                    valid_q;
  logic                    step;

  assign s_axis_tready = !valid_q || m_axis_tready;
  assign step          = s_axis_tvalid && s_axis_tready;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

  // Reset itself fetches the first word.
  assign next_fold = (!rst_ni || fold_q == ADDR_W'(NF - 1)) ? '0 : fold_q + 1'b1;

  rom #(
    .W    (PE * T_W),
    .DEPTH(NF),
    .BLOCK(1'b0),
    .FILE (THRESHOLD_FILE)
  ) u_thresholds (
    .clk_i,
    .en_i  (step || !rst_ni),
    .addr_i(next_fold),
    .data_o(thresholds)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fold_q  <= '0;
      valid_q <= 1'b0;
    end else if (step) begin
      fold_q  <= next_fold;
      valid_q <= 1'b1;
    end else if (m_axis_tready) begin
      valid_q <= 1'b0;
    end
  end

  for (genvar pe = 0; pe < PE; pe++) begin : gen_compare
    assign above[pe] = ({1'b0, s_axis_tdata[pe*IN_BITS +: IN_BITS]} >= thresholds[pe]);
  end

  always_ff @(posedge clk_i) begin
    if (step) data_q <= above;
  end

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, PE)
  `AXIS_ASSERT(check_fold, 32'(fold_q) < NF)

endmodule
