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

  function automatic int unsigned get(input int unsigned step, input int unsigned column, input int unsigned field);
    get = (column < COLUMNS) ? {16'd0, PLAN[((step*COLUMNS+column)*FIELDS+field)*16+:16]} : 0;
  endfunction

  // Where the results of a step's counters stand in their column of the next step's vector: first result k of the gpc_607_5 of column
  // (c - k) for k = 0..4, then result k - 5 of the gpc_7_3 for k = 5..7, then of the gpc_3_2 for k = 8, 9, then bits not touched (10).
  function automatic int unsigned put(input int unsigned step, input int unsigned column, input int unsigned which);
    int unsigned back;
    put = get(step + 1, column, PLACE);
    for (int unsigned k = 0; k < which; k = k + 1) begin
      back = (k < 5) ? k : (k < 8) ? k - 5 : k - 8;
      if (column >= back) put = put + get(step, column - back, (k < 5) ? PAIRED : (k < 8) ? SEVENS : THREES);
    end
  endfunction

  if (BITS_N != get(0, COLUMNS - 1, PLACE) + get(0, COLUMNS - 1, HEIGHT)) $error("heap_add: BITS_N must be the sum of HEIGHTS");

  // Every step is one vector, column 0 first. In a column come the bits that gpc_607_5 of the second column below take, then those that
  // stay, then those for gpc_607_5 of this column, for gpc_7_3, for gpc_3_2.
  for (genvar s = 0; s <= STEPS; s = s + 1) begin : gen_step
    localparam int unsigned TOTAL = get(s, COLUMNS - 1, PLACE) + get(s, COLUMNS - 1, HEIGHT);
    logic [TOTAL-1:0] bits;
    if (s == 0) begin : gen_first
      assign bits = bits_i;
    end else begin : gen_next
      logic [TOTAL-1:0] bits_d, bits_q;
      always_ff @(posedge clk_i) bits_q <= bits_d;
      assign bits = bits_q;

      for (genvar c = 0; c < COLUMNS; c = c + 1) begin : gen_column
        localparam int unsigned ALL = get(s - 1, c, HEIGHT);
        localparam int unsigned AT = get(s - 1, c, PLACE);
        localparam int unsigned BELOW_N = (c >= 2) ? get(s - 1, c - 2, PAIRED) : 0;
        localparam int unsigned PAIRED_N = get(s - 1, c, PAIRED);
        localparam int unsigned SEVENS_N = get(s - 1, c, SEVENS);
        localparam int unsigned THREES_N = get(s - 1, c, THREES);
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
            assign bits_d[put(s-1, c, 10)+i] = gen_step[s-1].bits[STAY_AT+i] ^ (FOR_BELOW + i >= PLAIN);
          end
        end
        if (PAIRED_N > 0) begin : gen_paired
          localparam int unsigned HIGH_N = get(s - 1, c + 2, HEIGHT);
          localparam int unsigned FOR_HIGH = (6 * PAIRED_N < HIGH_N) ? 6 * PAIRED_N : HIGH_N;
          logic [6*PAIRED_N-1:0] high;
          logic [5*PAIRED_N-1:0] sums;
          assign high = (6*PAIRED_N)'(gen_step[s-1].bits[get(s-1, c+2, PLACE)+:FOR_HIGH]);
          gpc_607_5 #(
            .N(PAIRED_N)
          ) u_counters (
            .low_i(gen_step[s-1].bits[PAIRED_AT+:7*PAIRED_N]),
            .high_i(high),
            .sums_o(sums)
          );
          for (genvar k = 0; k < 5; k = k + 1) begin : gen_put
            if (c + k < COLUMNS) begin : gen_used
              assign bits_d[put(s-1, c+k, k)+:PAIRED_N] = sums[k*PAIRED_N+:PAIRED_N];
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
              assign bits_d[put(s-1, c+k, 5+k)+:SEVENS_N] = sums[k*SEVENS_N+:SEVENS_N];
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
            .sum_o(bits_d[put(s-1, c, 8)]),
            .carry_o(carry)
          );
          if (c + 1 < COLUMNS) begin : gen_carry
            assign bits_d[put(s-1, c+1, 9)] = carry;
          end else begin : gen_beyond
            logic unused_carry;
            assign unused_carry = carry;
          end
        end
      end
    end
  end

  // The rows that remain: columns of one bit at the low end are the sum already, the others are added.
  function automatic int unsigned low_columns(input int unsigned step);
    bit single;
    low_columns = 0;
    single = 1'b1;
    for (int unsigned c = 0; c < COLUMNS; c = c + 1) begin
      if (get(step, c, HEIGHT) > 1) single = 1'b0;
      if (single) low_columns = c + 1;
    end
  endfunction

  localparam int unsigned LOW = low_columns(STEPS);
  localparam int unsigned LAST_PLAIN = (STEPS == 0) ? POSITIVE : COLUMNS + 3;
  logic [2:0][COLUMNS-1:0] row;
  logic [COLUMNS-1:0] sum_d, sum_q;
  for (genvar c = 0; c < COLUMNS; c = c + 1) begin : gen_row
    for (genvar r = 0; r < 3; r = r + 1) begin : gen_bit
      if (r < get(STEPS, c, HEIGHT)) begin : gen_real
        assign row[r][c] = gen_step[STEPS].bits[get(STEPS, c, PLACE)+r] ^ (c == 0 && r >= LAST_PLAIN);
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
