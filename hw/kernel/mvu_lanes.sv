// SPDX-License-Identifier: Apache-2.0
// mvu_lanes: the units of mvu_core that count or multiply: M windows x PE channels x SIMD inputs in one step.
//
//   sum_o[m][pe] = what a unit makes, modulo 2^SUM_W, of slice m (the part of the channel's group) and the weights of channel pe
//     CARRY: one more where first_i;   ADD_START: plus start_i[pe], or start_i[m][pe] where STARTS = M*PE
//     SHARED: the highest bit alone; start_i[pe] is the complement of a threshold, and the sum reaches it
//
// Which unit: W_BITS > 1 takes dot_product; SHARED (one step is all channels) shared_sums, once per window; else popcount_heap. The
// channels of a group are neighbours among the lanes: they take the same part of a slice.
//
// All units are of one kind, so the first one's tags stand for all: `tag_i` leaves as `tag_o` beside the sums, and as `start_tag_o` in
// the cycle in which the counters take start_i. Latency: that of the unit. One step per cycle, no flow control.
module mvu_lanes #(
  parameter int unsigned M = 1,
  parameter int unsigned PE = 2,
  parameter int unsigned SIMD = 36,
  parameter int unsigned GROUPS = 1,
  parameter int unsigned IN_BITS = 1,
  parameter bit IN_SIGNED = 1'b0,
  parameter int unsigned W_BITS = 1,
  parameter bit SHARED = 1'b0,
  parameter bit CARRY = 1'b1,
  parameter bit ADD_START = 1'b1,
  parameter int unsigned STARTS = PE,
  parameter int unsigned START_W = 6,
  parameter int unsigned SUM_W = START_W + 1,
  parameter int unsigned TAG_W = 1
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic [M*GROUPS*SIMD*IN_BITS-1:0] slice_i,
  input  logic [PE*SIMD*W_BITS-1:0]        weight_i,
  input  logic [STARTS*START_W-1:0]        start_i,
  input  logic                             first_i,
  input  logic [TAG_W-1:0]                 tag_i,
  output logic [TAG_W-1:0]                 start_tag_o,
  output logic [M*PE*SUM_W-1:0]            sum_o,
  output logic [TAG_W-1:0]                 tag_o
);

  if (M < 1) $error("mvu_lanes: M must be at least 1");
  if (GROUPS < 1 || PE % GROUPS != 0) $error("mvu_lanes: GROUPS must divide PE");
  if (STARTS != PE && STARTS != M * PE) $error("mvu_lanes: STARTS must be PE or M*PE");
  if (SHARED && (GROUPS != 1 || STARTS != PE || W_BITS != 1)) $error("mvu_lanes: SHARED needs one group, weights of one bit and STARTS = PE");

  localparam int unsigned SLICE_W = GROUPS * SIMD * IN_BITS;

  logic [M*PE-1:0][TAG_W-1:0] tag;
  logic [M*PE-1:0][TAG_W-1:0] start_tag;

  for (genvar m = 0; m < M; m = m + 1) begin : gen_pixel
    if (SHARED) begin : gen_shared
      logic [PE-1:0] reached;
      shared_sums #(
        .N(SIMD),
        .BITS(IN_BITS),
        .CHANNELS(PE),
        .TAG_W(TAG_W)
      ) u_unit (
        .clk_i, .rst_ni,
        .act_i(slice_i[m*SLICE_W+:SLICE_W]),
        .weight_i,
        .start_i,
        .tag_i,
        .reached_o(reached),
        .tag_o(tag[m*PE])
      );
      for (genvar pe = 0; pe < PE; pe = pe + 1) begin : gen_reached
        assign sum_o[(m*PE+pe)*SUM_W+:SUM_W] = {reached[pe], {SUM_W-1{1'b0}}};
        assign start_tag[m*PE+pe]            = '0;
        if (pe > 0) begin : gen_same_tag
          assign tag[m*PE+pe] = tag[m*PE];
        end
      end
    end

    for (genvar pe = 0; pe < (SHARED ? 0 : PE); pe = pe + 1) begin : gen_channel
      localparam int unsigned LANE = m * PE + pe;
      localparam int unsigned GROUP = pe / (PE / GROUPS);
      logic [SIMD*IN_BITS-1:0] act;
      assign act = slice_i[m*SLICE_W+GROUP*SIMD*IN_BITS+:SIMD*IN_BITS];
      if (W_BITS > 1) begin : gen_products
        dot_product #(
          .N(SIMD),
          .IN_BITS(IN_BITS),
          .IN_SIGNED(IN_SIGNED),
          .W_BITS(W_BITS),
          .SUM_W(SUM_W),
          .TAG_W(TAG_W)
        ) u_unit (
          .clk_i, .rst_ni,
          .act_i(act),
          .weight_i(weight_i[pe*SIMD*W_BITS+:SIMD*W_BITS]),
          .tag_i,
          .sum_o(sum_o[LANE*SUM_W+:SUM_W]),
          .tag_o(tag[LANE])
        );
        assign start_tag[LANE] = '0;
      end else begin : gen_count
        localparam int unsigned ADDEND_W = ADD_START ? START_W : 1;
        popcount_heap #(
          .N(SIMD),
          .BITS(IN_BITS),
          .CARRY(CARRY),
          .ADDEND_W(ADD_START ? START_W : 0),
          .SUM_W(SUM_W),
          .TAG_W(TAG_W)
        ) u_unit (
          .clk_i, .rst_ni,
          .act_i(act),
          .weight_i(weight_i[pe*SIMD+:SIMD]),
          .carry_i(first_i),
          .tag_i,
          .addend_i(ADD_START ? start_i[(LANE%STARTS)*START_W+:ADDEND_W] : ADDEND_W'(0)),
          .addend_tag_o(start_tag[LANE]),
          .sum_o(sum_o[LANE*SUM_W+:SUM_W]),
          .tag_o(tag[LANE])
        );
      end
    end
  end

  logic unused;
  assign tag_o       = tag[0];
  assign start_tag_o = start_tag[0];
  assign unused      = ^{tag, start_tag, start_i, first_i};

endmodule
