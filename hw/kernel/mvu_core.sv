// SPDX-License-Identifier: Apache-2.0
// mvu_core: the compute core of conv_xnor, mvu_xnor and mvu_int. Holds a tile, streams weights past it.
//
//   acc[m][o] = sum over i of w[o][i] * window_m[i]   BIPOLAR: bits are +-1; W_BITS = 1: unsigned elements, w = +-1; W_BITS > 1: integers
//   THRESHOLD = 1: bit = (acc >= t[o]);    REQUANT = 1: the code of acc, see mvu_result;    else acc itself, ACC_W bits
//
//   for nf in MH/PE: for sf in K*K*C/GROUPS/SIMD: one step: M windows x PE channels x SIMD inputs
//
// Input beat: a tile of K rows x T = (M-1)*STRIDE + K columns x C channels, element ((kh*T + t)*C + c); window m starts at column
// m*STRIDE, so windows are wiring. Output beat: a pixel of MH results, M beats per tile; with GATHER = 0 (and M = 1) words of PE results as
// they are computed, MH/PE beats per pixel, the first SF + LAT + 2 cycles after the tile.
//
// Arithmetic: the units count. A lane gives x where the weight is 1 and its complement where it is -1, so a count exceeds acc by an amount
// that depends on the weights only (or is half of acc, for bits). Both that and the threshold are in the start word of a channel: the
// complement of a threshold on the count, or minus the excess; with ZERO_PAD also what -1 beside the image adds, by border class. Where a
// step is the whole sum, the start word enters the counter, whose carry is the activation; else, and for products, the accumulator.
// Where one step is all channels of a pixel, weights and thresholds are constants, and integers are added up by shared_sums.
//
// Flow control: a step that ends a sum starts only when the result FIFO has a place for it (`used_q` counts places from that step on),
// so results never wait in the pipeline and the pipeline has no enables. A tile is accepted in the cycle of its predecessor's last
// step. With FIFO_DEPTH * SF >= UNIT + 2 the interval is NF*SF cycles per tile (where the output takes M beats in that time).
// Latency, from the transfer of a tile to its first output beat: NF*SF + UNIT + 2 cycles, NF = MH/PE, SF = K*K*C/GROUPS/SIMD; UNIT is the
// latency of popcount_heap, one more with SF > 1, or of shared_sums, or of dot_product and one; with REQUANT 3 + SLOPES more.
// Interval: max(NF*SF, M) cycles.
// RUNTIME: words can be loaded, see rom; weights are memory MEMORY, start words the next, words of codes the one after. shared_sums then
// chooses by multiplexers of sixteen, which cost more than separate sums would, and take six LUT levels.
// Cuts valid, data and ready: no path between the two streams. In simulation the counters have a fast form, see popcount_heap.
`include "axis_assert.svh"

module mvu_core #(
  parameter int unsigned C = 64,
  parameter int unsigned K = 3,
  parameter int unsigned STRIDE = 1,
  parameter int unsigned M = 1,
  parameter int unsigned MH = 64,
  parameter int unsigned GROUPS = 1,
  parameter int unsigned PE = 1,
  parameter int unsigned SIMD = K * K * C / GROUPS,
  parameter bit BIPOLAR = 1'b1,
  parameter int unsigned IN_BITS = 1,
  parameter bit IN_SIGNED = 1'b0,
  parameter int unsigned W_BITS = 1,
  parameter bit THRESHOLD = 1'b1,
  parameter int unsigned ACC_W = 16,
  parameter int unsigned FIFO_DEPTH = 32,
  parameter bit GATHER = 1'b1,
  parameter bit ROM_BLOCK = 1'b1,
  parameter bit ZERO_PAD = 1'b0,
  parameter int unsigned H = K,
  parameter int unsigned WIDTH = (M - 1) * STRIDE + K,
  parameter int unsigned PAD = 0,
  parameter bit REQUANT = 1'b0,
  parameter int unsigned MUL_W = 13,
  parameter int unsigned ADD_W = 25,
  parameter int unsigned SHIFT = 11,
  parameter int unsigned SLOPES = 1,
  parameter int unsigned OUT_BITS = 8,
  parameter int LOW = -128,
  parameter int HIGH = 127,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter WEIGHT_FILE = "",
  parameter THRESHOLD_FILE = "",
  parameter AFFINE_FILE = "",
  localparam int unsigned T = (M - 1) * STRIDE + K,
  localparam int unsigned VALUE_W = THRESHOLD ? 1 : ACC_W,
  localparam int unsigned OUT_W = REQUANT ? OUT_BITS : VALUE_W,
  localparam int unsigned BEAT_W = (GATHER ? MH : PE) * OUT_W
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic [64:0]              load_i,
  input  logic [K*T*C*IN_BITS-1:0] s_axis_tdata,
  input  logic                     s_axis_tvalid,
  output logic                     s_axis_tready,
  output logic [BEAT_W-1:0]        m_axis_tdata,
  output logic                     m_axis_tvalid,
  input  logic                     m_axis_tready
);

  localparam bit PRODUCTS = (W_BITS > 1);
  localparam int unsigned GROUP_C = C / GROUPS;
  localparam int unsigned MW = K * K * GROUP_C;
  localparam int unsigned NF = MH / PE;
  localparam int unsigned SF = MW / SIMD;
  localparam int unsigned SF_W = (SF > 1) ? $clog2(SF) : 1;
  localparam int unsigned USED_W = $clog2(FIFO_DEPTH + 1);
  localparam bit ACCUMULATE = (SF > 1) || PRODUCTS;
  localparam int unsigned TAG_W = ACCUMULATE ? 3 : 1;
  localparam bit SHARED = !PRODUCTS && IN_BITS > 1 && NF * SF == 1 && THRESHOLD && GROUPS == 1 && !ZERO_PAD;
  localparam int unsigned COUNT_MAX = MW * ((32'd1 << IN_BITS) - 32'd1);
  // Start words: the complement of a threshold of 0 to COUNT_MAX + 1, so that with one more from the carry the bit above it is set
  // when the count reaches the threshold; or a number in two's complement. A bipolar sum is 2*agree - MW = 2*(agree - HALF) + MW % 2,
  // so all channels start with -HALF.
  localparam int unsigned HALF = (MW + 1) / 2;
  // Products: minus the threshold, or what is added to the sum, in two's complement.
  localparam int unsigned COUNT_W = THRESHOLD ? $clog2(COUNT_MAX + 2) : (BIPOLAR ? ACC_W - 1 : ACC_W);
  localparam int unsigned START_W = PRODUCTS ? ACC_W + 32'(THRESHOLD) : COUNT_W;
  localparam int unsigned SUM_W = (THRESHOLD && !PRODUCTS) ? START_W + 1 : START_W;
  localparam int unsigned PART_W = $clog2(SIMD * ((32'd1 << IN_BITS) - 32'd1) + 32'(THRESHOLD) + 32'd1);
  localparam int unsigned STEP_W = (ACCUMULATE && !PRODUCTS) ? PART_W : SUM_W;
  // Pixels of a tile have start words of their own where they may lie at different distances from the border.
  localparam int unsigned STARTS = ZERO_PAD ? M * PE : PE;

  if (C < 1) $error("mvu_core: C must be at least 1");
  if (K < 1) $error("mvu_core: K must be at least 1");
  if (STRIDE < 1) $error("mvu_core: STRIDE must be at least 1");
  if (M < 1) $error("mvu_core: M must be at least 1");
  if (PE < 1 || MH < 1 || MH % PE != 0) $error("mvu_core: PE must divide MH");
  if (GROUPS < 1 || C % GROUPS != 0 || PE % GROUPS != 0) $error("mvu_core: GROUPS must divide C and PE");
  if (SIMD < 1 || MW % SIMD != 0) $error("mvu_core: SIMD must divide K*K*C/GROUPS");
  if (!PRODUCTS && (IN_BITS < 1 || IN_BITS > 8)) $error("mvu_core: IN_BITS must be 1 to 8");
  if (!PRODUCTS && IN_SIGNED) $error("mvu_core: weights of one bit need unsigned elements");
  if (PRODUCTS && BIPOLAR) $error("mvu_core: BIPOLAR weights have one bit");
  if (REQUANT && THRESHOLD) $error("mvu_core: REQUANT needs THRESHOLD = 0");
  if (BIPOLAR && ZERO_PAD && !THRESHOLD && GROUP_C % 2 != 0)
    $error("mvu_core: sums with ZERO_PAD need an even number of channels in a group");
  if (BIPOLAR && IN_BITS != 1) $error("mvu_core: BIPOLAR elements have one bit");
  if (FIFO_DEPTH < 2) $error("mvu_core: FIFO_DEPTH must be at least 2");
  if (!GATHER && M != 1) $error("mvu_core: GATHER = 0 needs M = 1");
  if (!BIPOLAR && !PRODUCTS && ACC_W < $clog2(MW * ((32'd1 << IN_BITS) - 32'd1) + 32'd1) + 1)
    $error("mvu_core: ACC_W must hold +-K*K*C*(2^IN_BITS - 1)");
  if (BIPOLAR && !THRESHOLD && ACC_W < $clog2(MW + 1) + 1) $error("mvu_core: ACC_W must hold +-K*K*C");

  // Sequencer
  logic              busy_q;
  logic              load;
  logic              step;
  logic              first_sf, last_sf, last_word;
  logic [SF_W-1:0]   sf;
  logic [USED_W-1:0] used_q;
  logic              full_q;  // used_q == FIFO_DEPTH, in a register of its own, because much hangs on it
  logic              result_leaves;

  assign step          = busy_q && (!full_q || !last_sf);
  assign s_axis_tready = !busy_q || (step && last_word);
  assign load          = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      used_q <= '0;
      full_q <= 1'b0;
    end else begin
      if (load) busy_q <= 1'b1;
      else if (step && last_word) busy_q <= 1'b0;
      if ((step && last_sf) != result_leaves) begin
        used_q <= result_leaves ? used_q - 1'b1 : used_q + 1'b1;
        full_q <= !result_leaves && (used_q == USED_W'(FIFO_DEPTH - 1));
      end
    end
  end

  if (SF > 1) begin : gen_sf
    logic [SF_W-1:0] sf_q;
    assign sf       = sf_q;
    assign first_sf = (sf_q == '0);
    assign last_sf  = (sf_q == SF_W'(SF - 1));
    always_ff @(posedge clk_i) begin
      if (!rst_ni) sf_q <= '0;
      else if (step) sf_q <= last_sf ? '0 : sf_q + 1'b1;
    end
  end else begin : gen_no_sf
    logic unused_sf;
    assign sf        = '0;
    assign first_sf  = 1'b1;
    assign last_sf   = 1'b1;
    assign unused_sf = first_sf ^ sf[0];
  end

  // Weights: the word of the current step stands at the memory's output.
  logic [PE*SIMD*W_BITS-1:0] weight;

  mvu_words #(
    .W(PE * SIMD * W_BITS),
    .DEPTH(NF * SF),
    .BLOCK(ROM_BLOCK),
    .RUNTIME(RUNTIME),
    .MEMORY(MEMORY),
    .FILE(WEIGHT_FILE)
  ) u_weights (
    .clk_i, .rst_ni, .load_i,
    .pop_i(step),
    .word_o(weight),
    .last_o(last_word)
  );

  // What the current step takes of each window.
  logic [M-1:0][GROUPS*SIMD*IN_BITS-1:0] slice;

  mvu_windows #(
    .C(C),
    .K(K),
    .STRIDE(STRIDE),
    .M(M),
    .GROUPS(GROUPS),
    .SIMD(SIMD),
    .IN_BITS(IN_BITS)
  ) u_windows (
    .clk_i,
    .tile_i(s_axis_tdata),
    .load_i(load),
    .sf_i(sf),
    .slice_o(slice)
  );

  // What the units make of it. Tags: a sum begins, a sum ends, there is one.
  logic [STARTS*START_W-1:0] start;
  logic [M*PE*STEP_W-1:0]    unit_sum;
  logic [TAG_W-1:0]          tag, start_tag, sum_tag;
  logic                      unused_start_tag;

  mvu_lanes #(
    .M(M),
    .PE(PE),
    .SIMD(SIMD),
    .GROUPS(GROUPS),
    .IN_BITS(IN_BITS),
    .IN_SIGNED(IN_SIGNED),
    .W_BITS(W_BITS),
    .SHARED(SHARED),
    .CARRY(THRESHOLD),
    .ADD_START(!ACCUMULATE),
    .STARTS(STARTS),
    .START_W(START_W),
    .SUM_W(STEP_W),
    .TAG_W(TAG_W)
  ) u_lanes (
    .clk_i, .rst_ni,
    .slice_i(slice),
    .weight_i(weight),
    .start_i(start),
    .first_i(first_sf),
    .tag_i(tag),
    .start_tag_o(start_tag),
    .sum_o(unit_sum),
    .tag_o(sum_tag)
  );

  if (ACCUMULATE) begin : gen_tag
    assign tag = {first_sf, last_sf, step};
  end else begin : gen_tag_single
    assign tag = step;
  end
  assign unused_start_tag = ^start_tag;

  // Start words: read when the counters or the accumulators take them.
  logic start_pop;

  if (ZERO_PAD) begin : gen_border
    border_words #(
      .W(STARTS * START_W),
      .NF(NF),
      .H(H),
      .WIDTH(WIDTH),
      .K(K),
      .STRIDE(STRIDE),
      .PAD(PAD),
      .M(M),
      .RUNTIME(RUNTIME),
      .MEMORY(MEMORY + 1),
      .FILE(THRESHOLD_FILE)
    ) u_starts (
      .clk_i, .rst_ni, .load_i,
      .pop_i(start_pop),
      .word_o(start)
    );
  end else if (THRESHOLD || !BIPOLAR) begin : gen_starts
    logic unused_last;
    mvu_words #(
      .W(PE * START_W),
      .DEPTH(NF),
      .BLOCK(1'b0),
      .RUNTIME(RUNTIME),
      .MEMORY(MEMORY + 1),
      .FILE(THRESHOLD_FILE)
    ) u_starts (
      .clk_i, .rst_ni, .load_i,
      .pop_i(start_pop),
      .word_o(start),
      .last_o(unused_last)
    );
  end else begin : gen_half
    logic unused_pop;
    assign unused_pop = start_pop;
    assign start      = {PE{START_W'(0) - START_W'(HALF)}};
  end

  // Sums and results
  logic [M*PE*SUM_W-1:0]   sum;
  logic [M*PE*VALUE_W-1:0] value;
  logic                    value_valid;

  if (ACCUMULATE) begin : gen_accumulate
    logic sum_first;
    logic sum_last;
    logic last_q;
    assign sum_first   = sum_tag[2];
    assign sum_last    = sum_tag[1];
    assign start_pop   = sum_tag[0] && sum_first;
    assign value_valid = last_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) last_q <= 1'b0;
      else last_q <= sum_tag[0] && sum_last;
    end
    for (genvar i = 0; i < M * PE; i = i + 1) begin : gen_lane
      logic [SUM_W-1:0] acc_q;
      logic [SUM_W-1:0] from;
      assign from = sum_first ? SUM_W'(start[(i%STARTS)*START_W+:START_W]) : acc_q;
      always_ff @(posedge clk_i) begin
        if (sum_tag[0]) acc_q <= SUM_W'(unit_sum[i*STEP_W+:STEP_W]) + from;
      end
      assign sum[i*SUM_W+:SUM_W] = acc_q;
    end
  end else begin : gen_single
    assign start_pop   = start_tag[0];
    assign value_valid = sum_tag[0];
    assign sum         = unit_sum;
  end

  for (genvar i = 0; i < M * PE; i = i + 1) begin : gen_result
    if (THRESHOLD) begin : gen_reached
      logic unused_sum;
      // Counts carry into the highest bit; what products add up to is less than the threshold where it is negative.
      assign value[i]   = sum[i*SUM_W+SUM_W-1] ^ PRODUCTS;
      assign unused_sum = ^sum[i*SUM_W+:SUM_W-1];
    end else if (BIPOLAR) begin : gen_double
      assign value[i*VALUE_W+:VALUE_W] = {sum[i*SUM_W+:SUM_W], 1'(MW % 2)};
    end else begin : gen_plain
      assign value[i*VALUE_W+:VALUE_W] = sum[i*SUM_W+:SUM_W];
    end
  end

  // Results, and the beats that they make.
  mvu_result #(
    .M(M),
    .MH(MH),
    .PE(PE),
    .GROUPS(GROUPS),
    .IN_W(VALUE_W),
    .REQUANT(REQUANT),
    .MUL_W(MUL_W),
    .ADD_W(ADD_W),
    .SHIFT(SHIFT),
    .SLOPES(SLOPES),
    .OUT_BITS(OUT_BITS),
    .LOW(LOW),
    .HIGH(HIGH),
    .FIFO_DEPTH(FIFO_DEPTH),
    .GATHER(GATHER),
    .RUNTIME(RUNTIME),
    .MEMORY(MEMORY),
    .AFFINE_FILE(AFFINE_FILE)
  ) u_result (
    .clk_i, .rst_ni, .load_i,
    .value_i(value),
    .valid_i(value_valid),
    .leaves_o(result_leaves),
    .m_axis_tdata, .m_axis_tvalid, .m_axis_tready
  );

  `AXIS_ASSERT(check_places, !(result_leaves && used_q == '0) && full_q == (32'(used_q) == FIFO_DEPTH))

endmodule
