// SPDX-License-Identifier: Apache-2.0
// mvu_result: the result stage of mvu_core: from sums as they are computed to beats of pixels.
//
//   REQUANT = 0: result = value;    REQUANT = 1: result = code of the value, see requant_lane; M pixels share a word of AFFINE_FILE
//
// Values come as M pixels x PE channels; the lanes of one fold are PE/GROUPS neighbouring channels of each group:
//   lane pe = g*(PE/GROUPS) + j of fold nf is channel g*(MH/GROUPS) + nf*(PE/GROUPS) + j
// `leaves_o`: a result has left the FIFO; the sender starts no sum that has no place there, so values are never held up.
// Latency, from a value to the first beat that it completes: 2 cycles, with GATHER = 0 1, with REQUANT 3 + SLOPES more. Cuts every path.
`include "axis_assert.svh"

module mvu_result #(
  parameter int unsigned M = 1,
  parameter int unsigned MH = 8,
  parameter int unsigned PE = 2,
  parameter int unsigned GROUPS = 1,
  parameter int unsigned IN_W = 13,
  parameter bit REQUANT = 1'b0,
  parameter int unsigned MUL_W = 13,
  parameter int unsigned ADD_W = 25,
  parameter int unsigned SHIFT = 11,
  parameter int unsigned SLOPES = 1,
  parameter int unsigned OUT_BITS = 8,
  parameter int LOW = -128,
  parameter int HIGH = 127,
  parameter int unsigned FIFO_DEPTH = 32,
  parameter bit GATHER = 1'b1,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter AFFINE_FILE = "",
  localparam int unsigned OUT_W = REQUANT ? OUT_BITS : IN_W,
  localparam int unsigned BEAT_W = (GATHER ? MH : PE) * OUT_W
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic [64:0]          load_i,
  input  logic [M*PE*IN_W-1:0] value_i,
  input  logic                 valid_i,
  output logic                 leaves_o,
  output logic [BEAT_W-1:0]    m_axis_tdata,
  output logic                 m_axis_tvalid,
  input  logic                 m_axis_tready
);

  localparam int unsigned NF = MH / PE;

  if (PE < 1 || MH % PE != 0) $error("mvu_result: PE must divide MH");
  if (GROUPS < 1 || PE % GROUPS != 0) $error("mvu_result: GROUPS must divide PE");
  if (!GATHER && (M != 1 || GROUPS != 1)) $error("mvu_result: GATHER = 0 needs M = 1 and GROUPS = 1");

  logic [M*PE*OUT_W-1:0] result;
  logic                  result_valid;

  if (REQUANT) begin : gen_requant
    localparam int unsigned LAT = 3 + SLOPES;
    localparam int unsigned WORD_W = SLOPES * (MUL_W + ADD_W) + ((SLOPES > 1) ? IN_W + 1 : 0);
    logic [PE*WORD_W-1:0] affine;
    logic [LAT-1:0]       valid_q;
    logic                 unused_last;

    mvu_words #(
      .W(PE * WORD_W),
      .DEPTH(NF),
      .BLOCK(1'b0),
      .RUNTIME(RUNTIME),
      .MEMORY(MEMORY + 2),
      .FILE(AFFINE_FILE)
    ) u_affine (
      .clk_i,
      .rst_ni,
      .load_i,
      .pop_i(valid_i),
      .word_o(affine),
      .last_o(unused_last)
    );

    for (genvar i = 0; i < M * PE; i++) begin : gen_lane
      requant_lane #(
        .IN_BITS(IN_W),
        .IN_SIGNED(1'b1),
        .MUL_W(MUL_W),
        .ADD_W(ADD_W),
        .SHIFT(SHIFT),
        .SLOPES(SLOPES),
        .OUT_BITS(OUT_BITS),
        .LOW(LOW),
        .HIGH(HIGH)
      ) u_lane (
        .clk_i,
        .acc_i(value_i[i*IN_W+:IN_W]),
        .word_i(affine[(i%PE)*WORD_W+:WORD_W]),
        .code_o(result[i*OUT_W+:OUT_W])
      );
    end

    assign result_valid = valid_q[LAT-1];
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= '0;
      else valid_q <= {valid_q[LAT-2:0], valid_i};
    end
  end else begin : gen_same
    logic unused_load;
    assign unused_load  = ^load_i;
    assign result       = value_i;
    assign result_valid = valid_i;
  end

  // The FIFO always has the place that was counted for a result.
  logic                  fifo_ready;
  logic [M*PE*OUT_W-1:0] fifo_data;
  logic                  fifo_valid;
  logic                  fifo_taken;
  logic [BEAT_W-1:0]     beat;

  assign leaves_o = fifo_valid && fifo_taken;

  stream_fifo #(
    .W(M * PE * OUT_W),
    .DEPTH(FIFO_DEPTH)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .s_axis_tdata(result),
    .s_axis_tvalid(result_valid),
    .s_axis_tready(fifo_ready),
    .m_axis_tdata(fifo_data),
    .m_axis_tvalid(fifo_valid),
    .m_axis_tready(fifo_taken)
  );

  if (GATHER) begin : gen_gather
    stream_gather #(
      .M(M),
      .W(PE * OUT_W),
      .N(NF)
    ) u_gather (
      .clk_i,
      .rst_ni,
      .s_axis_tdata(fifo_data),
      .s_axis_tvalid(fifo_valid),
      .s_axis_tready(fifo_taken),
      .m_axis_tdata(beat),
      .m_axis_tvalid,
      .m_axis_tready
    );
    for (genvar i = 0; i < MH; i++) begin : gen_order
      localparam int unsigned PER_FOLD = PE / GROUPS;
      localparam int unsigned GROUP = i / (MH / GROUPS);
      localparam int unsigned INSIDE = i % (MH / GROUPS);
      localparam int unsigned FROM = (INSIDE / PER_FOLD) * PE + GROUP * PER_FOLD + INSIDE % PER_FOLD;
      assign m_axis_tdata[i*OUT_W+:OUT_W] = beat[FROM*OUT_W+:OUT_W];
    end
  end else begin : gen_words
    assign beat          = fifo_data;
    assign m_axis_tdata  = beat;
    assign m_axis_tvalid = fifo_valid;
    assign fifo_taken    = m_axis_tready;
  end

  `AXIS_ASSERT(check_place, fifo_ready || !result_valid)

endmodule
