// SPDX-License-Identifier: Apache-2.0
// heap_add: adds up a heap, columns of bits of equal weight, pipelined.
//
//   sum_o = sum over columns c of 2^c * (ones in column c of bits_i),  modulo 2^COLUMNS
//
// HEIGHTS: bits in each column, 16 bits each, column 0 lowest; bits_i: column 0 first. Bits of column 0 from POSITIVE on are counted
// inverted, which costs nothing where a table can do it; column 2 must then have fewer than five bits.
//
// Reduction: see heap_plan.svh. A register follows every step; add_ternary adds the three rows that remain, into another register.
// Latency: (steps of the plan) + 1. One heap per cycle. Cuts every path: one LUT and a carry chain of four, or two LUTs and a chain of
// COLUMNS, between registers. Cost: half a LUT per bit that is removed.
module heap_add #(
  parameter int unsigned COLUMNS = 7,
  parameter logic [16*COLUMNS-1:0] HEIGHTS = (16*COLUMNS)'(32'h0020_0008),
  parameter int unsigned BITS_N = 40,
  parameter int unsigned POSITIVE = BITS_N
) (
  input  logic               clk_i,
  input  logic [BITS_N-1:0]  bits_i,
  output logic [COLUMNS-1:0] sum_o
);

  `include "heap_plan.svh"

  localparam logic [PLAN_W-1:0] PLAN = plan(HEIGHTS);
  localparam int unsigned STEPS = {16'd0, PLAN[STEPS_AT+:16]};

  // The fields of a step, and where its results stand in the next one's vector, are read from small vectors: tools copy the operands of
  // a constant function at every call, so a call to the whole plan for every bit would cost minutes.
  localparam int unsigned STEP_W = COLUMNS * FIELDS * 16;
  localparam int unsigned SIDE_W = 2 * FIELDS * 16;  // two empty columns, so that a neighbour can always be named
  localparam int unsigned RESULTS = 11;

  // Where the results of a step's counters stand in their column of the next step's vector: first result k of the gpc_607_5 of column
  // (c - k) for k = 0..4, then result k - 5 of the gpc_7_3 for k = 5..7, then of the gpc_3_2 for k = 8, 9, then bits not touched (10).
  function automatic logic [16*RESULTS*COLUMNS-1:0] places(input logic [STEP_W-1:0] from, input logic [STEP_W-1:0] to);
    int unsigned at, back, field;
    for (int unsigned c = 0; c < COLUMNS; c = c + 1) begin
      at = 32'(to[(c*FIELDS+PLACE)*16+:16]);
      for (int unsigned k = 0; k < RESULTS; k = k + 1) begin
        places[(c*RESULTS+k)*16+:16] = at[15:0];
        back = (k < 5) ? k : (k < 8) ? k - 5 : k - 8;
        field = (k < 5) ? PAIRED : (k < 8) ? SEVENS : THREES;
        if (c >= back) at = at + 32'(from[((c-back)*FIELDS+field)*16+:16]);
      end
    end
  endfunction

  localparam int unsigned PLAN_BITS_N = 32'(PLAN[((COLUMNS-1)*FIELDS+PLACE)*16+:16]) + 32'(PLAN[((COLUMNS-1)*FIELDS+HEIGHT)*16+:16]);
  if (BITS_N != PLAN_BITS_N) $error("heap_add: BITS_N must be the sum of HEIGHTS");

  // Every step is one vector, column 0 first. In a column come the bits that gpc_607_5 of the second column below take, then those that
  // stay, then those for gpc_607_5 of this column, for gpc_7_3, for gpc_3_2.
  for (genvar s = 0; s <= STEPS; s = s + 1) begin : gen_step
    localparam logic [STEP_W-1:0] TO = PLAN[s*STEP_W+:STEP_W];
    localparam int unsigned TOTAL = 32'(TO[((COLUMNS-1)*FIELDS+PLACE)*16+:16]) + 32'(TO[((COLUMNS-1)*FIELDS+HEIGHT)*16+:16]);
    logic [TOTAL-1:0] bits;
    if (s == 0) begin : gen_first
      assign bits = bits_i;
    end else begin : gen_next
      logic [TOTAL-1:0] bits_d, bits_q;
      always_ff @(posedge clk_i) bits_q <= bits_d;
      assign bits = bits_q;

      localparam logic [STEP_W-1:0] ONLY = PLAN[(s-1)*STEP_W+:STEP_W];
      localparam logic [STEP_W+2*SIDE_W-1:0] FROM = (STEP_W + 2 * SIDE_W)'(ONLY) << SIDE_W;
      localparam logic [16*RESULTS*COLUMNS-1:0] PUT = places(ONLY, TO);

      for (genvar c = 0; c < COLUMNS; c = c + 1) begin : gen_column
        localparam int unsigned ALL = 32'(FROM[((c+2)*FIELDS+HEIGHT)*16+:16]);
        localparam int unsigned AT = 32'(FROM[((c+2)*FIELDS+PLACE)*16+:16]);
        localparam int unsigned BELOW_N = 32'(FROM[(c*FIELDS+PAIRED)*16+:16]);
        localparam int unsigned PAIRED_N = 32'(FROM[((c+2)*FIELDS+PAIRED)*16+:16]);
        localparam int unsigned SEVENS_N = 32'(FROM[((c+2)*FIELDS+SEVENS)*16+:16]);
        localparam int unsigned THREES_N = 32'(FROM[((c+2)*FIELDS+THREES)*16+:16]);
        localparam int unsigned FOR_BELOW = (6 * BELOW_N < ALL) ? 6 * BELOW_N : ALL;
        localparam int unsigned LEFT = ALL - FOR_BELOW - 7 * PAIRED_N;
        localparam int unsigned FOR_SEVENS = (7 * SEVENS_N < LEFT) ? 7 * SEVENS_N : LEFT;
        localparam int unsigned FOR_THREES = (3 * THREES_N < LEFT - FOR_SEVENS) ? 3 * THREES_N : LEFT - FOR_SEVENS;
        localparam int unsigned STAY = LEFT - FOR_SEVENS - FOR_THREES;
        localparam int unsigned STAY_AT = AT + FOR_BELOW;
        localparam int unsigned PAIRED_AT = STAY_AT + STAY;
        localparam int unsigned SEVENS_AT = PAIRED_AT + 7 * PAIRED_N;
        localparam int unsigned THREES_AT = SEVENS_AT + FOR_SEVENS;
        // Only column 0 of the first step has inverted bits, and gpc_607_5 never begin there.
        localparam int unsigned PLAIN = (s == 1 && c == 0) ? POSITIVE : TOTAL + ALL;

        if (STAY > 0) begin : gen_stay
          for (genvar i = 0; i < STAY; i = i + 1) begin : gen_bit
            assign bits_d[32'(PUT[(c*RESULTS+10)*16+:16])+i] = gen_step[s-1].bits[STAY_AT+i] ^ (FOR_BELOW + i >= PLAIN);
          end
        end
        if (PAIRED_N > 0) begin : gen_paired
          localparam int unsigned HIGH_N = 32'(FROM[((c+4)*FIELDS+HEIGHT)*16+:16]);
          localparam int unsigned HIGH_AT = 32'(FROM[((c+4)*FIELDS+PLACE)*16+:16]);
          localparam int unsigned FOR_HIGH = (6 * PAIRED_N < HIGH_N) ? 6 * PAIRED_N : HIGH_N;
          logic [6*PAIRED_N-1:0] high;
          logic [5*PAIRED_N-1:0] sums;
          assign high = (6*PAIRED_N)'(gen_step[s-1].bits[HIGH_AT+:FOR_HIGH]);
          gpc_607_5 #(
            .N(PAIRED_N)
          ) u_counters (
            .low_i(gen_step[s-1].bits[PAIRED_AT+:7*PAIRED_N]),
            .high_i(high),
            .sums_o(sums)
          );
          for (genvar k = 0; k < 5; k = k + 1) begin : gen_put
            if (c + k < COLUMNS) begin : gen_used
              assign bits_d[32'(PUT[((c+k)*RESULTS+k)*16+:16])+:PAIRED_N] = sums[k*PAIRED_N+:PAIRED_N];
            end else begin : gen_beyond
              logic unused_sums;
              assign unused_sums = ^sums[k*PAIRED_N+:PAIRED_N];
            end
          end
        end
        if (SEVENS_N > 0) begin : gen_sevens
          localparam int unsigned INVERTED = (SEVENS_AT + FOR_SEVENS > AT + PLAIN) ? SEVENS_AT + FOR_SEVENS - AT - PLAIN : 0;
          localparam int unsigned UPRIGHT = (INVERTED < FOR_SEVENS) ? FOR_SEVENS - INVERTED : 0;
          localparam logic [7*SEVENS_N-1:0] INVERT = ~({7*SEVENS_N{1'b1}} << FOR_SEVENS) & ({7*SEVENS_N{1'b1}} << UPRIGHT);
          logic [7*SEVENS_N-1:0] seven;
          logic [3*SEVENS_N-1:0] sums;
          assign seven = (7*SEVENS_N)'(gen_step[s-1].bits[SEVENS_AT+:FOR_SEVENS]);
          gpc_7_3 #(
            .N(SEVENS_N),
            .INVERT(INVERT)
          ) u_counters (
            .bits_i(seven),
            .sum_o(sums[SEVENS_N-1:0]),
            .near_o(sums[2*SEVENS_N-1:SEVENS_N]),
            .far_o(sums[3*SEVENS_N-1:2*SEVENS_N])
          );
          for (genvar k = 0; k < 3; k = k + 1) begin : gen_put
            if (c + k < COLUMNS) begin : gen_used
              assign bits_d[32'(PUT[((c+k)*RESULTS+(5+k))*16+:16])+:SEVENS_N] = sums[k*SEVENS_N+:SEVENS_N];
            end else begin : gen_beyond
              logic unused_sums;
              assign unused_sums = ^sums[k*SEVENS_N+:SEVENS_N];
            end
          end
        end
        if (THREES_N > 0) begin : gen_three
          logic [2:0] three;
          logic       carry;
          for (genvar i = 0; i < 3; i = i + 1) begin : gen_bit
            if (i < FOR_THREES) begin : gen_used
              assign three[i] = gen_step[s-1].bits[THREES_AT+i] ^ (THREES_AT + i >= AT + PLAIN);
            end else begin : gen_none
              assign three[i] = 1'b0;
            end
          end
          gpc_3_2 u_counter (
            .bits_i(three),
            .sum_o(bits_d[32'(PUT[(c*RESULTS+8)*16+:16])]),
            .carry_o(carry)
          );
          if (c + 1 < COLUMNS) begin : gen_carry
            assign bits_d[32'(PUT[((c+1)*RESULTS+9)*16+:16])] = carry;
          end else begin : gen_beyond
            logic unused_carry;
            assign unused_carry = carry;
          end
        end
      end
    end
  end

  // The rows that remain: columns of one bit at the low end are the sum already, the others are added.
  function automatic int unsigned low_columns(input logic [STEP_W-1:0] last);
    bit single;
    low_columns = 0;
    single = 1'b1;
    for (int unsigned c = 0; c < COLUMNS; c = c + 1) begin
      if (last[(c*FIELDS+HEIGHT)*16+:16] > 1) single = 1'b0;
      if (single) low_columns = c + 1;
    end
  endfunction

  localparam logic [STEP_W-1:0] LAST = PLAN[STEPS*STEP_W+:STEP_W];
  localparam int unsigned LOW = low_columns(LAST);
  localparam int unsigned LAST_PLAIN = (STEPS == 0) ? POSITIVE : COLUMNS + 3;
  logic [2:0][COLUMNS-1:0] row;
  logic [COLUMNS-1:0] sum_d, sum_q;
  for (genvar c = 0; c < COLUMNS; c = c + 1) begin : gen_row
    for (genvar r = 0; r < 3; r = r + 1) begin : gen_bit
      if (r < 32'(LAST[(c*FIELDS+HEIGHT)*16+:16])) begin : gen_real
        assign row[r][c] = gen_step[STEPS].bits[32'(LAST[(c*FIELDS+PLACE)*16+:16])+r] ^ (c == 0 && r >= LAST_PLAIN);
      end else begin : gen_none
        assign row[r][c] = 1'b0;
      end
    end
  end
  logic unused_row;
  assign unused_row = ^row;
  if (LOW > 0) begin : gen_low
    assign sum_d[LOW-1:0] = row[0][LOW-1:0];
  end
  if (LOW < COLUMNS) begin : gen_add
    add_ternary #(
      .W(COLUMNS - LOW)
    ) u_add (
      .a_i(row[0][COLUMNS-1:LOW]),
      .b_i(row[1][COLUMNS-1:LOW]),
      .c_i(row[2][COLUMNS-1:LOW]),
      .sum_o(sum_d[COLUMNS-1:LOW])
    );
  end
  always_ff @(posedge clk_i) sum_q <= sum_d;
  assign sum_o = sum_q;

endmodule
