// SPDX-License-Identifier: Apache-2.0
// popcount_ripple: XNOR of N lanes, added up in groups of eight; combinational, four LUT levels.
//
//   sum over g of sum_o[g] + 2 * sum over p of carry_o[p] = (agreeing lanes) + carry_i
//
// One LUT takes two lanes, which are four bits, and a running bit: their sum runs on, their carry leaves. So half a LUT per lane does the
// XNOR and the first addition. Four LUTs make a group; `carry_i`, one more bit to count, enters the first group. A pair at the end may
// have one lane.
module popcount_ripple #(
  parameter int unsigned N = 64,
  localparam int unsigned PAIRS = (N + 1) / 2,
  localparam int unsigned GROUPS = (PAIRS + 3) / 4
) (
  input  logic [N-1:0]      act_i,
  input  logic [N-1:0]      weight_i,
  input  logic              carry_i,
  output logic [GROUPS-1:0] sum_o,
  output logic [PAIRS-1:0]  carry_o
);

  if (N < 1) $error("popcount_ripple: N must be at least 1");

  // Bit `bit_at` of the sum of the two lanes {weight, act, weight, act} and the running bit 4.
  function automatic logic [31:0] truth_table(input int unsigned bit_at);
    int unsigned agree;
    for (int unsigned i = 0; i < 32; i = i + 1) begin
      agree = (i >> 4) + (((i ^ (i >> 1)) & 32'd1) ^ 32'd1) + ((((i >> 2) ^ (i >> 3)) & 32'd1) ^ 32'd1);
      truth_table[i] = ((agree >> bit_at) & 32'd1) == 32'd1;
    end
  endfunction

  localparam logic [31:0] SUM = truth_table(0);
  localparam logic [31:0] CARRY = truth_table(1);

  // A lane that is missing disagrees.
  logic [2*PAIRS-1:0] act, weight;
  logic [PAIRS-1:0]   running;
  assign act = (2*PAIRS)'(act_i);
  if (2 * PAIRS > N) begin : gen_missing
    assign weight = {1'b1, weight_i};
  end else begin : gen_even
    assign weight = weight_i;
  end

  for (genvar p = 0; p < PAIRS; p = p + 1) begin : gen_pair
    logic from;
    if (p == 0) begin : gen_carry
      assign from = carry_i;
    end else if (p % 4 == 0) begin : gen_start
      assign from = 1'b0;
    end else begin : gen_run
      assign from = running[p-1];
    end
    lut_pair #(
      .INIT6(SUM),
      .INIT5(CARRY)
    ) u_pair (
      .in_i({from, weight[2*p+1], act[2*p+1], weight[2*p], act[2*p]}),
      .o6_o(running[p]),
      .o5_o(carry_o[p])
    );
    if (p % 4 == 3 || p == PAIRS - 1) begin : gen_sum
      assign sum_o[p/4] = running[p];
    end
  end

endmodule
