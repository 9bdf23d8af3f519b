// SPDX-License-Identifier: Apache-2.0
// popcount_heap: pipelined counter of agreeing bits, one or more bit planes, no handshake; adds a number if wanted.
//
//   sum_o = sum over lanes i, planes b of 2^b * (act_i[i*BITS + b] XNOR weight_i[i])   + carry_i (CARRY = 1)   + addend_i (ADDEND_W > 0)
//
// modulo 2^SUM_W. One weight bit serves all planes of its lane: with BITS = 1 this is the XNOR popcount; with BITS > 1 a lane contributes
// x where the weight is 1 and (2^BITS - 1) - x where it is 0.
//
// A comparison costs next to nothing: with T the threshold, ~T as addend and a carry of 1, sum bit ADDEND_W is (count >= T).
// `addend_i` is taken in the cycle in which `addend_tag_o` shows the tag of its operands.
//
// Structure: popcount_ripple adds eight lanes at a time. The bits that leave it, and those of the addend, form a heap: columns of bits of
// equal weight. As long as there are seven bits in a column, counters reduce it, gpc_607_5 first and gpc_7_3 where it does not fit; then
// at most one step with counters that are not full leaves three bits to a column; add_ternary ends it. A register follows every step.
// CONSTANT = 1: WEIGHTS stand for weight_i, one plane. There is no XNOR: lanes enter the heap at once, and the tables of the counters
// hold the weights' signs. Lanes of weight 1 come first, where the counters pass bits to their carry chains.
//
// Latency: see plan(); N = 8: 3, 64: 5, 576: 6, 1152: 8, 4608: 10. One set of operands per cycle. `tag_i` leaves as `tag_o` with its sum;
// only tags are reset. Cuts every path: four LUTs in the first step, one LUT and a carry chain of four, or two LUTs and a chain of
// SUM_W, between registers.
//
// XNORFLOW_FAST_SIM: body for simulators, $countones of the whole word, only the result is delayed. Same results, same latency.
module popcount_heap #(
  parameter int unsigned N = 64,
  parameter int unsigned BITS = 1,
  parameter bit CARRY = 1'b0,
  parameter int unsigned ADDEND_W = 0,
  parameter int unsigned SUM_W = $clog2(N * ((32'd1 << BITS) - 32'd1) + 32'(CARRY) + 32'd1),
  parameter int unsigned TAG_W = 1,
  parameter bit CONSTANT = 1'b0,
  parameter logic [N-1:0] WEIGHTS = '0,
  localparam int unsigned ADDEND_PORT_W = (ADDEND_W > 0) ? ADDEND_W : 1
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic [N*BITS-1:0]        act_i,
  input  logic [N-1:0]             weight_i,
  input  logic                     carry_i,
  input  logic [TAG_W-1:0]         tag_i,
  input  logic [ADDEND_PORT_W-1:0] addend_i,
  output logic [TAG_W-1:0]         addend_tag_o,
  output logic [SUM_W-1:0]         sum_o,
  output logic [TAG_W-1:0]         tag_o
);

  if (N < 1 || N > 4608) $error("popcount_heap: N must be 1 to 4608");
  if (BITS < 1 || BITS > 8) $error("popcount_heap: BITS must be 1 to 8");
  if (SUM_W < 1 || SUM_W > 24) $error("popcount_heap: SUM_W must be 1 to 24");
  if (ADDEND_W > SUM_W) $error("popcount_heap: ADDEND_W must be at most SUM_W");
  if (TAG_W < 1) $error("popcount_heap: TAG_W must be at least 1");
  if (CONSTANT && BITS != 1) $error("popcount_heap: CONSTANT weights have one bit plane");

  localparam int unsigned GROUPS = (N + 7) / 8;
  localparam int unsigned PAIRS = (N + 1) / 2;

  // The heap that the lanes leave, with one bit per column of the addend.
  function automatic int unsigned height(input int unsigned column);
    if (CONSTANT) height = (column == 0) ? N + 32'(CARRY) : 0;
    else height = ((column < BITS) ? GROUPS : 0) + ((column > 0 && column <= BITS) ? PAIRS : 0);
    if (column + 1 <= ADDEND_W) height = height + 1;
  endfunction

  function automatic int unsigned start(input int unsigned column);
    start = 0;
    for (int unsigned c = 0; c < column; c = c + 1) start = start + height(c);
  endfunction

  // In a column the addend's bit stands first, then the carry, then what the lanes give.
  function automatic int unsigned lanes_at(input int unsigned column);
    lanes_at = start(column) + ((column + 1 <= ADDEND_W) ? 1 : 0) + ((CONSTANT && column == 0) ? 32'(CARRY) : 0);
  endfunction

  localparam int unsigned COLUMNS = (SUM_W > 0) ? SUM_W : 1;  // so that a width of 0 meets its message
  function automatic logic [16*COLUMNS-1:0] all_heights(input int unsigned columns);
    for (int unsigned c = 0; c < columns; c = c + 1) all_heights[16*c+:16] = 16'(height(c));
  endfunction

  localparam logic [16*COLUMNS-1:0] HEIGHTS = all_heights(COLUMNS);
  `include "heap_plan.svh"
  localparam logic [PLAN_W-1:0] PLAN = plan(HEIGHTS);
  localparam int unsigned STEPS = {16'd0, PLAN[STEPS_AT+:16]};
  localparam int unsigned ADDEND_LAT = CONSTANT ? 0 : 1;
  localparam int unsigned LAT = ADDEND_LAT + STEPS + 1;

  // Tags
  logic [LAT-1:0][TAG_W-1:0] tag_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tag_q <= '0;
    else begin
      for (int unsigned i = 0; i < LAT; i = i + 1) tag_q[i] <= (i == 0) ? tag_i : tag_q[i-1];
    end
  end
  assign tag_o = tag_q[LAT-1];
  if (CONSTANT) begin : gen_tag_at_once
    assign addend_tag_o = tag_i;
  end else begin : gen_tag_later
    assign addend_tag_o = tag_q[0];
  end

`ifdef XNORFLOW_FAST_SIM
  logic [N-1:0]     weight;
  logic [SUM_W-1:0] count, addend;
  if (CONSTANT) begin : gen_constant
    logic unused_weight;
    assign unused_weight = ^weight_i;
    assign weight = WEIGHTS;
  end else begin : gen_variable
    assign weight = weight_i;
  end
  if (ADDEND_W > 0) begin : gen_addend
    assign addend = SUM_W'(addend_i);
  end else begin : gen_no_addend
    logic unused_addend;
    assign unused_addend = ^addend_i;
    assign addend = '0;
  end
  if (BITS == 1) begin : gen_count_bits
    assign count = SUM_W'(N) - SUM_W'($countones(act_i ^ weight)) + SUM_W'(carry_i && CARRY);
  end else begin : gen_count_planes
    always_comb begin
      count = SUM_W'(carry_i && CARRY);
      for (int unsigned i = 0; i < N; i = i + 1) count = count + SUM_W'(act_i[i*BITS+:BITS] ^ {BITS{!weight[i]}});
    end
  end
  for (genvar i = 0; i < LAT; i = i + 1) begin : gen_delay
    logic [SUM_W-1:0] sum_d, sum_q;
    if (i == 0) begin : gen_first
      assign sum_d = count + (CONSTANT ? addend : '0);
    end else begin : gen_next
      assign sum_d = gen_delay[i-1].sum_q + ((i == ADDEND_LAT) ? addend : '0);
    end
    always_ff @(posedge clk_i) sum_q <= sum_d;
  end
  assign sum_o = gen_delay[LAT-1].sum_q;
`else
  localparam int unsigned FIRST_N = start(SUM_W);
  logic [FIRST_N-1:0] first;

  function automatic int unsigned count_ones(input logic [N-1:0] word);
    count_ones = 0;
    for (int unsigned i = 0; i < N; i = i + 1) if (word[i]) count_ones = count_ones + 1;
  endfunction

  localparam int unsigned INDEX_W = (N > 1) ? $clog2(N) : 1;

  // Lanes of weight 1, then those of weight 0, which are counted inverted.
  function automatic logic [INDEX_W*N-1:0] order(input logic [N-1:0] word);
    int unsigned one_at, zero_at;
    one_at = 0;
    zero_at = count_ones(word);
    for (int unsigned i = 0; i < N; i = i + 1) begin
      if (word[i]) begin
        order[INDEX_W*one_at+:INDEX_W] = INDEX_W'(i);
        one_at = one_at + 1;
      end else begin
        order[INDEX_W*zero_at+:INDEX_W] = INDEX_W'(i);
        zero_at = zero_at + 1;
      end
    end
  endfunction

  localparam int unsigned POSITIVE = CONSTANT ? lanes_at(0) + count_ones(WEIGHTS) : FIRST_N;

  if (CONSTANT) begin : gen_constant
    localparam logic [INDEX_W*N-1:0] ORDER = order(WEIGHTS);
    logic unused_weight;
    assign unused_weight = ^weight_i;
    for (genvar i = 0; i < N; i = i + 1) begin : gen_lane
      assign first[lanes_at(0)+i] = act_i[ORDER[INDEX_W*i+:INDEX_W]];
    end
    if (CARRY) begin : gen_carry
      assign first[lanes_at(0)-1] = carry_i;
    end else begin : gen_no_carry
      logic unused_carry;
      assign unused_carry = carry_i;
    end
  end else begin : gen_variable
    for (genvar b = 0; b < BITS; b = b + 1) begin : gen_plane
      logic [N-1:0]      plane;
      logic [GROUPS-1:0] sum, sum_q;
      logic [PAIRS-1:0]  carry, carry_q;
      always_comb begin
        for (int unsigned i = 0; i < N; i = i + 1) plane[i] = act_i[i*BITS+b];
      end
      popcount_ripple #(
        .N(N)
      ) u_ripple (
        .act_i(plane),
        .weight_i,
        .carry_i((b == 0) ? carry_i && CARRY : 1'b0),
        .sum_o(sum),
        .carry_o(carry)
      );
      always_ff @(posedge clk_i) begin
        sum_q   <= sum;
        carry_q <= carry;
      end
      assign first[lanes_at(b)+:GROUPS] = sum_q;
      if (b + 1 < SUM_W) begin : gen_carry
        assign first[lanes_at(b+1)+((b + 1 < BITS) ? GROUPS : 0)+:PAIRS] = carry_q;
      end else begin : gen_no_carry
        logic unused_carry;
        assign unused_carry = ^carry_q;
      end
    end
  end
  for (genvar c = 0; c < ADDEND_W; c = c + 1) begin : gen_addend
    assign first[start(c)] = addend_i[c];
  end
  if (ADDEND_W == 0) begin : gen_no_addend
    logic unused_addend;
    assign unused_addend = ^addend_i;
  end

  heap_add #(
    .COLUMNS(COLUMNS),
    .HEIGHTS(HEIGHTS),
    .BITS_N(FIRST_N),
    .POSITIVE(POSITIVE)
  ) u_add (
    .clk_i,
    .bits_i(first),
    .sum_o
  );
`endif

endmodule
