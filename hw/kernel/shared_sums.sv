// SPDX-License-Identifier: Apache-2.0
// shared_sums: many channels add up the same N elements under weights that do not change, and compare with their thresholds.
//
//   count[o] = sum over i of (weight_i[o][i] ? x_i : (2^BITS - 1) - x_i)        reached_o[o] = (count[o] >= t[o])
//
// start_i[o] is the complement of t[o], as in the start words of mvu_core. Weights and start words may be any inputs; where they are
// constants, which is what this is for, choosing among sums costs nothing.
//
// Structure: for four elements there are sixteen sums, whatever the channels do with them; they are computed once. A channel chooses
// one sum of each four, adds up what it chose and compares (shared_channel). So a channel adds N/4 numbers instead of N.
//
// Latency: (steps of the plan of N/4 numbers, see heap_plan.svh) + 3. One set of elements per cycle. `tag_i` leaves as `tag_o`; only
// tags are reset. Cuts every path: two carry chains, or a LUT and a carry chain, or the comparison between registers.
module shared_sums #(
  parameter int unsigned N = 27,
  parameter int unsigned BITS = 8,
  parameter int unsigned CHANNELS = 64,
  parameter int unsigned TAG_W = 1,
  localparam int unsigned COUNT_W = $clog2(N * ((32'd1 << BITS) - 32'd1) + 32'd2)
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  input  logic [N*BITS-1:0]           act_i,
  input  logic [CHANNELS*N-1:0]       weight_i,
  input  logic [CHANNELS*COUNT_W-1:0] start_i,
  input  logic [TAG_W-1:0]            tag_i,
  output logic [CHANNELS-1:0]         reached_o,
  output logic [TAG_W-1:0]            tag_o
);

  if (N < 1 || N > 4608) $error("shared_sums: N must be 1 to 4608");
  if (BITS < 1 || BITS > 8) $error("shared_sums: BITS must be 1 to 8");
  if (CHANNELS < 1) $error("shared_sums: CHANNELS must be at least 1");
  if (TAG_W < 1) $error("shared_sums: TAG_W must be at least 1");

  localparam int unsigned FOURS = (N + 3) / 4;
  localparam int unsigned FOUR_W = BITS + 2;

  // Tags: beside the sums of four here, then with the first channel.
  logic [CHANNELS-1:0][TAG_W-1:0] tag;
  logic [TAG_W-1:0]               four_tag_q;
  logic                           unused_tags;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) four_tag_q <= '0;
    else four_tag_q <= tag_i;
  end
  assign tag_o       = tag[0];
  assign unused_tags = ^tag;

  // The sums of each four elements, by their weights; elements beyond the last one add nothing.
  logic [4*FOURS-1:0][1:0][BITS-1:0] lane;
  logic [FOURS-1:0][FOUR_W-1:0][15:0] four_q;  // bit by bit, so that choosing is a multiplexer of single bits
  for (genvar i = 0; i < 4 * FOURS; i = i + 1) begin : gen_lane
    if (i < N) begin : gen_used
      assign lane[i] = {act_i[i*BITS+:BITS], ~act_i[i*BITS+:BITS]};
    end else begin : gen_none
      assign lane[i] = '0;
    end
  end
  for (genvar g = 0; g < FOURS; g = g + 1) begin : gen_four
    logic [4*(BITS+1)-1:0] low, high;
    for (genvar w = 0; w < 4; w = w + 1) begin : gen_pair
      assign low[w*(BITS+1)+:BITS+1]  = (BITS + 1)'(lane[4*g][w%2]) + (BITS + 1)'(lane[4*g+1][w/2]);
      assign high[w*(BITS+1)+:BITS+1] = (BITS + 1)'(lane[4*g+2][w%2]) + (BITS + 1)'(lane[4*g+3][w/2]);
    end
    for (genvar w = 0; w < 16; w = w + 1) begin : gen_sum
      logic [FOUR_W-1:0] four;
      assign four = FOUR_W'(low[(w%4)*(BITS+1)+:BITS+1]) + FOUR_W'(high[(w/4)*(BITS+1)+:BITS+1]);
      for (genvar c = 0; c < FOUR_W; c = c + 1) begin : gen_bit
        always_ff @(posedge clk_i) four_q[g][c][w] <= four[c];
      end
    end
  end

  for (genvar o = 0; o < CHANNELS; o = o + 1) begin : gen_channel
    shared_channel #(
      .FOURS(FOURS),
      .FOUR_W(FOUR_W),
      .COUNT_W(COUNT_W),
      .TAG_W(TAG_W)
    ) u_channel (
      .clk_i, .rst_ni,
      .sums_i(four_q),
      .weight_i((4*FOURS)'(weight_i[o*N+:N])),
      .start_i(start_i[o*COUNT_W+:COUNT_W]),
      .tag_i(four_tag_q),
      .reached_o(reached_o[o]),
      .tag_o(tag[o])
    );
  end

endmodule
