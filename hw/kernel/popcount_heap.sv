// SPDX-License-Identifier: Apache-2.0
// popcount_heap: pipelined counter of agreeing bits, one or more bit planes, no handshake.
//
//   count_o = sum over lanes i, planes b of 2^b * (act_i[i*BITS + b] XNOR weight_i[i])
//
// One weight bit serves all planes of its lane: with BITS = 1 this is the XNOR popcount; with BITS > 1 a lane contributes x where
// the weight is 1 and (2^BITS - 1) - x where it is 0, the one's complement form of +x and -x.
//
// Structure: three lanes enter two LUT6 and leave as two bits, sum and carry (popcount_lanes); then the heap of bits is reduced column
// by column by 6:3 counters (popcount_six) and, for a remainder of three or four bits, a full adder, with a register after every
// step; when no column is higher than three bits, the rows are added on carry chains, one addition per register.
//
// Latency: STEPS + ROWS, both from plan(): N = 27: 4, 64: 6, 256: 7, 576: 9, 1152: 9, 4608: 11; 27 lanes of 8 planes: 6. One set of
// operands per cycle. EXTRA_FOR > BITS delays the result to the latency of a counter of EXTRA_FOR planes and the same N, so that two
// counters can be aligned without knowing either latency. `tag_i` leaves as `tag_o` with its count; only tags are reset.
// Cuts every path: one LUT, or one carry chain of COUNT_W, between registers.
// Cost (Yosys 0.70, xc7, steps mapped apart, see popcount_lanes), LUT / FF: N = 64: 88 / 108, 256: 342 / 376, 576: 776 / 814,
// 1152: 1,543 / 1,581; 27 lanes of 8 planes: 293 / 320 (a pipelined tree of `+`: 341; one loop of `+`: 575).
//
// XNORFLOW_FAST_SIM: body for simulators, $countones of the whole word, only the result is delayed. Same results, same latency.
module popcount_heap #(
  parameter int unsigned N         = 64,
  parameter int unsigned BITS      = 1,
  parameter int unsigned EXTRA_FOR = BITS,
  parameter int unsigned TAG_W     = 1,
  localparam int unsigned COUNT_W  = $clog2(N * ((32'd1 << BITS) - 32'd1) + 32'd1)
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic [N*BITS-1:0]  act_i,
  input  logic [N-1:0]       weight_i,
  input  logic [TAG_W-1:0]   tag_i,
  output logic [COUNT_W-1:0] count_o,
  output logic [TAG_W-1:0]   tag_o
);
  if (N < 1 || N > 4608) $error("popcount_heap: N must be 1 to 4608");
  if (BITS < 1 || BITS > 8) $error("popcount_heap: BITS must be 1 to 8");
  if (EXTRA_FOR < BITS || EXTRA_FOR > 8) $error("popcount_heap: EXTRA_FOR must be BITS to 8");
  if (TAG_W < 1) $error("popcount_heap: TAG_W must be at least 1");

  // The plan: height of every column after every step, 16 bits each, column 0 of step 0 first. Columns that no sum can reach are
  // not built. The last two fields are the number of steps and the rows that remain.
  localparam int unsigned COLS = 24;
  localparam int unsigned STEPS_MAX = 12;
  localparam int unsigned STEPS_AT = STEPS_MAX * COLS * 16;
  localparam int unsigned ROWS_AT = STEPS_AT + 16;
  localparam int unsigned PLAN_W = ROWS_AT + 16;

  // A column of `bits` is reduced by 6:3 counters (one may lack an input) and at most one full adder; the rest stays.
  function automatic int unsigned sixes(input int unsigned bits);
    sixes = (bits + 1) / 6;
  endfunction

  function automatic int unsigned threes(input int unsigned bits);
    threes = (bits % 6 == 3 || bits % 6 == 4) ? 1 : 0;
  endfunction

  function automatic int unsigned stays(input int unsigned bits);
    stays = (bits + 1) / 6 + ((bits % 6 == 5) ? 0 : (bits % 6 == 4) ? 2 : (bits % 6 == 3) ? 1 : bits % 6);
  endfunction

  function automatic logic [PLAN_W-1:0] plan(input int unsigned lanes, input int unsigned planes);
    logic [PLAN_W-1:0] heights;
    int unsigned width, bits, here, rows, near, far, next_far;
    logic [15:0] steps;
    heights = '0;
    steps = 0;
    rows = 4;
    width = $clog2(lanes * ((32'd1 << planes) - 32'd1) + 32'd1);
    for (int unsigned s = 0; s < STEPS_MAX; s = s + 1) begin
      if (rows > 3) begin
        steps = 16'(s);
        rows = 0;
        near = 0;      // carries from the column below
        far = 0;       // carries from two columns below
        next_far = 0;
        for (int unsigned c = 0; c < width; c = c + 1) begin
          if (s == 0) bits = (c < planes) ? lanes : 0;
          else bits = {16'd0, heights[((s-1)*COLS+c)*16+:16]};
          here = near + far + ((s == 0) ? (bits + 2) / 3 : stays(bits));
          heights[(s*COLS+c)*16+:16] = here[15:0];
          if (here > rows) rows = here;
          near = (s == 0) ? (bits + 1) / 3 : sixes(bits) + threes(bits);
          far = next_far;
          next_far = (s == 0) ? 0 : sixes(bits);
        end
      end
    end
    heights[STEPS_AT+:16] = steps;
    heights[ROWS_AT+:16] = rows[15:0];
    plan = heights;
  endfunction

  localparam logic [PLAN_W-1:0] PLAN = plan(N, BITS);
  localparam logic [PLAN_W-1:0] REF_PLAN = plan(N, EXTRA_FOR);
  localparam int unsigned STEPS = {16'd0, PLAN[STEPS_AT+:16]};
  localparam int unsigned ROWS = {16'd0, PLAN[ROWS_AT+:16]};
  localparam int unsigned OWN_LAT = STEPS + ROWS;
  localparam int unsigned REF_LAT = {16'd0, REF_PLAN[STEPS_AT+:16]} + {16'd0, REF_PLAN[ROWS_AT+:16]};
  localparam int unsigned LAT = (REF_LAT > OWN_LAT) ? REF_LAT : OWN_LAT;

  // Tags
  logic [LAT-1:0][TAG_W-1:0] tag_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tag_q <= '0;
    else begin
      for (int unsigned i = 0; i < LAT; i = i + 1) tag_q[i] <= (i == 0) ? tag_i : tag_q[i-1];
    end
  end
  assign tag_o = tag_q[LAT-1];

`ifdef XNORFLOW_FAST_SIM
  logic [COUNT_W-1:0] count;
  if (BITS == 1) begin : gen_count_bits
    assign count = COUNT_W'(N) - COUNT_W'($countones(act_i ^ weight_i));
  end else begin : gen_count_planes
    always_comb begin
      count = '0;
      for (int unsigned i = 0; i < N; i = i + 1) count = count + COUNT_W'(act_i[i*BITS+:BITS] ^ {BITS{!weight_i[i]}});
    end
  end
  for (genvar i = 0; i < LAT; i = i + 1) begin : gen_delay
    logic [COUNT_W-1:0] count_q;
    if (i == 0) begin : gen_first
      always_ff @(posedge clk_i) count_q <= count;
    end else begin : gen_next
      always_ff @(posedge clk_i) count_q <= gen_delay[i-1].count_q;
    end
  end
  assign count_o = gen_delay[LAT-1].count_q;
`else
  function automatic int unsigned height(input int unsigned step, input int unsigned column);
    height = {16'd0, PLAN[(step*COLS+column)*16+:16]};
  endfunction

  function automatic int unsigned starts(input int unsigned step, input int unsigned column);
    starts = 0;
    for (int unsigned c = 0; c < column; c = c + 1) starts = starts + {16'd0, PLAN[(step*COLS+c)*16+:16]};
  endfunction

  // Every step is one vector, column 0 first. In a column the bits that stay come first (of 6:3 counters, of the full adder,
  // untouched), then the carries of the column below, then those of two columns below.
  for (genvar s = 0; s <= STEPS; s = s + 1) begin : gen_step
    localparam int unsigned TOTAL = starts(s, COUNT_W);
    logic [TOTAL-1:0] bits_d;
    logic [TOTAL-1:0] bits_q;
    always_ff @(posedge clk_i) bits_q <= bits_d;

    for (genvar c = 0; c < COUNT_W; c = c + 1) begin : gen_column
      localparam int unsigned STAY_AT = starts(s, c);
      if (s == 0) begin : gen_lanes
        if (c < BITS) begin : gen_plane
          // Groups of three lanes; the last group may lack one or two. The column above begins with its own groups, if it is a plane.
          localparam int unsigned A_N = (N + 2) / 3;
          localparam int unsigned B_N = (N + 1) / 3;
          logic [N-1:0]   plane;
          logic [A_N-1:0] carry;
          always_comb begin
            for (int unsigned i = 0; i < N; i = i + 1) plane[i] = act_i[i*BITS+c];
          end
          popcount_lanes #(
            .N(N)
          ) u_lanes (
            .act_i(plane),
            .weight_i,
            .sum_o(bits_d[STAY_AT+:A_N]),
            .carry_o(carry)
          );
          if (B_N > 0) begin : gen_carry
            assign bits_d[starts(s, c+1)+((c + 1 < BITS) ? A_N : 0)+:B_N] = carry[B_N-1:0];
          end
          if (B_N < A_N) begin : gen_no_carry
            logic unused_carry;
            assign unused_carry = carry[A_N-1];
          end
        end
      end else begin : gen_bits
        localparam int unsigned IN_N = height(s - 1, c);
        localparam int unsigned IN_AT = starts(s - 1, c);
        localparam int unsigned SIX = sixes(IN_N);
        localparam int unsigned SIXTH = (IN_N < 6 * SIX) ? SIX - 1 : SIX;  // counters with six inputs, the others have five
        localparam int unsigned USED = 5 * SIX + SIXTH;
        localparam int unsigned THREE = threes(IN_N);
        localparam int unsigned PASS = IN_N - USED - 3 * THREE;
        localparam int unsigned NEAR_AT = starts(s, c + 1) + ((c + 1 < COUNT_W) ? stays(height(s - 1, c + 1)) : 0);
        localparam int unsigned FAR_AT = starts(s, c + 2)
            + ((c + 2 < COUNT_W) ? stays(height(s - 1, c + 2)) + sixes(height(s - 1, c + 1)) + threes(height(s - 1, c + 1)) : 0);
        if (SIX > 0) begin : gen_six
          logic [6*SIX-1:0] bits;
          logic [SIX-1:0]   near;
          logic [SIX-1:0]   far;
          assign bits = (6*SIX)'(gen_step[s-1].bits_q[IN_AT+:USED]);
          popcount_six #(
            .N(SIX)
          ) u_six (
            .bits_i(bits),
            .sum_o(bits_d[STAY_AT+:SIX]),
            .carry_o(near),
            .far_o(far)
          );
          if (c + 1 < COUNT_W) begin : gen_near
            assign bits_d[NEAR_AT+:SIX] = near;
          end else begin : gen_no_near
            logic unused_near;
            assign unused_near = ^near;
          end
          if (c + 2 < COUNT_W) begin : gen_far
            assign bits_d[FAR_AT+:SIX] = far;
          end else begin : gen_no_far
            logic unused_far;
            assign unused_far = ^far;
          end
        end
        if (THREE > 0) begin : gen_full_adder
          logic [2:0] three;
          assign three = gen_step[s-1].bits_q[IN_AT+USED+:3];
          assign bits_d[STAY_AT+SIX] = ^three;
          if (c + 1 < COUNT_W) begin : gen_near
            assign bits_d[NEAR_AT+SIX] = (three[0] & three[1]) | (three[0] & three[2]) | (three[1] & three[2]);
          end
        end
        if (PASS > 0) begin : gen_stay
          assign bits_d[STAY_AT+SIX+THREE+:PASS] = gen_step[s-1].bits_q[IN_AT+USED+3*THREE+:PASS];
        end
      end
    end
  end

  // The rows that remain, one addition per register, then the delay that EXTRA_FOR asks for.
  logic [ROWS-1:0][COUNT_W-1:0] row;
  for (genvar c = 0; c < COUNT_W; c = c + 1) begin : gen_row
    for (genvar r = 0; r < ROWS; r = r + 1) begin : gen_bit
      if (r < height(STEPS, c)) begin : gen_real
        assign row[r][c] = gen_step[STEPS].bits_q[starts(STEPS, c)+r];
      end else begin : gen_none
        assign row[r][c] = 1'b0;
      end
    end
  end

  logic [COUNT_W-1:0] count;
  if (ROWS == 3) begin : gen_add_three
    logic [COUNT_W-1:0] first_q, rest_q, count_q;
    always_ff @(posedge clk_i) begin
      first_q <= row[0] + row[1];
      rest_q  <= row[2];
      count_q <= first_q + rest_q;
    end
    assign count = count_q;
  end else if (ROWS == 2) begin : gen_add_two
    logic [COUNT_W-1:0] count_q;
    always_ff @(posedge clk_i) count_q <= row[0] + row[1];
    assign count = count_q;
  end else begin : gen_add_none
    assign count = row[0];
  end

  if (LAT > OWN_LAT) begin : gen_align
    localparam int unsigned WAIT_W = (LAT - OWN_LAT) * COUNT_W;
    logic [WAIT_W-1:0] wait_q;
    always_ff @(posedge clk_i) wait_q <= WAIT_W'({wait_q, count});
    assign count_o = wait_q[WAIT_W-COUNT_W+:COUNT_W];
  end else begin : gen_direct
    assign count_o = count;
  end
`endif
endmodule
