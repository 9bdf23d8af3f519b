// SPDX-License-Identifier: Apache-2.0
// shared_channel: one channel of shared_sums. Chooses a sum of each four elements, adds up what it chose, compares with its threshold.
//
//   count = sum over g of sums[g][weight_i[4*g +: 4]]        reached_o = (count >= ~start_i)
//
// Bit c of sum w of four g is sums_i[(g*FOUR_W + c)*16 + w]. Where weights and threshold are constants, choosing is wiring and comparing a
// few LUTs. Latency: that of heap_add and one; `tag_i` leaves as `tag_o`; only tags are reset. Cuts every path: a LUT and a carry chain, or the comparison between registers.
// Cost: half a LUT per bit that is added, and that of add_ternary.
//
// XNORFLOW_FAST_SIM: what was chosen is added at once and delayed. Same results, same latency.
module shared_channel #(
  parameter int unsigned FOURS = 7,
  parameter int unsigned FOUR_W = 10,
  parameter int unsigned COUNT_W = 13,
  parameter int unsigned TAG_W = 1
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic [FOURS*FOUR_W*16-1:0] sums_i,
  input  logic [4*FOURS-1:0]         weight_i,
  input  logic [COUNT_W-1:0]         start_i,
  input  logic [TAG_W-1:0]           tag_i,
  output logic                       reached_o,
  output logic [TAG_W-1:0]           tag_o
);

  if (FOURS < 1) $error("shared_channel: FOURS must be at least 1");
  if (FOUR_W < 3) $error("shared_channel: FOUR_W must be at least 3");
  if (COUNT_W < 1) $error("shared_channel: COUNT_W must be at least 1");

  // All numbers have the same columns; few elements do not fill the sum of four.
  localparam int unsigned USED_W = (FOUR_W < COUNT_W) ? FOUR_W : COUNT_W;
  logic [FOURS*USED_W-1:0] chosen;  // column by column
  for (genvar g = 0; g < FOURS; g = g + 1) begin : gen_four
    for (genvar c = 0; c < USED_W; c = c + 1) begin : gen_bit
      logic [15:0] bits;
      assign bits                = sums_i[(g*FOUR_W+c)*16+:16];
      assign chosen[c*FOURS + g] = bits[weight_i[4*g+:4]];
    end
  end
  if (USED_W < FOUR_W) begin : gen_empty_columns
    logic unused_sums;
    assign unused_sums = ^sums_i;
  end

  function automatic logic [16*COUNT_W-1:0] all_heights(input int unsigned columns);
    for (int unsigned c = 0; c < columns; c = c + 1) all_heights[16*c+:16] = (c < USED_W) ? 16'(FOURS) : 16'd0;
  endfunction

  localparam int unsigned COLUMNS = COUNT_W;
  localparam logic [16*COLUMNS-1:0] HEIGHTS = all_heights(COLUMNS);
  `include "heap_plan.svh"
  localparam logic [PLAN_W-1:0] PLAN = plan(HEIGHTS);
  localparam int unsigned ADD_LAT = {16'd0, PLAN[STEPS_AT+:16]} + 1;
  localparam int unsigned LAT = ADD_LAT + 1;

  logic [LAT-1:0][TAG_W-1:0] tag_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tag_q <= '0;
    else begin
      for (int unsigned i = 0; i < LAT; i = i + 1) tag_q[i] <= (i == 0) ? tag_i : tag_q[i-1];
    end
  end
  assign tag_o = tag_q[LAT-1];

  logic [COUNT_W-1:0] sum;

`ifdef XNORFLOW_FAST_SIM
  logic [ADD_LAT-1:0][COUNT_W-1:0] sum_q;
  logic [COUNT_W-1:0]              total;
  always_comb begin
    total = '0;
    for (int unsigned c = 0; c < USED_W; c = c + 1) total = total + (COUNT_W'($countones(chosen[c*FOURS+:FOURS])) << c);
  end
  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < ADD_LAT; i = i + 1) sum_q[i] <= (i == 0) ? total : sum_q[i-1];
  end
  assign sum = sum_q[ADD_LAT-1];
`else
  heap_add #(
    .COLUMNS(COLUMNS),
    .HEIGHTS(HEIGHTS),
    .BITS_N(FOURS * USED_W)
  ) u_add (
    .clk_i,
    .bits_i(chosen),
    .sum_o(sum)
  );
`endif

  // Bit by bit from the lowest: with a constant threshold a few LUTs, where a comparator would be a carry chain.
  logic reached;
  always_comb begin
    reached = 1'b1;
    for (int unsigned c = 0; c < COUNT_W; c = c + 1) reached = start_i[c] ? (reached || sum[c]) : (reached && sum[c]);
  end
  always_ff @(posedge clk_i) reached_o <= reached;

endmodule
