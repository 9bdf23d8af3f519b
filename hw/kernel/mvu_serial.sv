// SPDX-License-Identifier: Apache-2.0
// mvu_serial: input-stationary matrix-vector unit, for layers with one output pixel: the last convolution, dense layers, a head over an image.
//
//   W_BITS = 1, bits: agree[o] = sum over sf, i of (x[sf*SIMD + i] XNOR w[o][sf*SIMD + i])
//   THRESHOLD = 1: bit = (agree >= t[o]), 0 <= t <= MW + 1;    THRESHOLD = 0: 2*agree - MW in ACC_W bits
//   W_BITS > 1, integers: sum over sf, i of x[sf*SIMD + i] * w[o][sf*SIMD + i] + bias[o] in ACC_W bits; elements and products as in mvu_int
//
//   for sf in MW/SIMD: for nf in MH/PE: one step: PE channels x SIMD inputs
//
// Input beat: the next SIMD inputs (a word, for instance a pixel); output beat: the next PE results, MH/PE beats per vector.
// A word is held while it is added to all MH sums, so work begins with the first word, nothing is multiplexed, and after the last word
// results leave one by one: a consumer of the same kind works on them at once. Sums lie in a memory of NF words; the addresses
// of its read and its write differ by one step, so no sum is read in the cycle in which it is written.
//
// Memory images: weights: address sf*NF + nf, field pe*SIMD + i of W_BITS. Start words (THRESHOLD_FILE): address nf, field pe, as in mvu_core:
// sums begin with ~t and one more, which the counter of the first word adds, and the bit above is the activation; of integers, with the bias.
//
// Flow control as in mvu_core: a step that ends a sum needs a place in the result FIFO, so the pipeline has no enables. A word is accepted in the
// cycle of its predecessor's last step. With FIFO_DEPTH >= LAT + 3 there is no bubble: SF*NF cycles per vector, NF = MH/PE, SF = MW/SIMD.
// Latency, from the transfer of the last word to its first output beat: LAT + 3 cycles (LAT of popcount_heap or dot_product), then one beat a cycle.
// Cuts valid, data and ready.
`include "axis_assert.svh"

module mvu_serial #(
  parameter int unsigned MW = 2304,
  parameter int unsigned MH = 256,
  parameter int unsigned PE = 1,
  parameter int unsigned SIMD = 256,
  parameter int unsigned IN_BITS = 1,
  parameter bit IN_SIGNED = 1'b0,
  parameter int unsigned W_BITS = 1,
  parameter bit THRESHOLD = 1'b1,
  parameter int unsigned ACC_W = 16,
  parameter int unsigned FIFO_DEPTH = 32,
  parameter bit ROM_BLOCK = 1'b1,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter WEIGHT_FILE = "",
  parameter THRESHOLD_FILE = "",
  localparam int unsigned OUT_W = THRESHOLD ? 1 : ACC_W
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic [64:0]             load_i,
  input  logic [SIMD*IN_BITS-1:0] s_axis_tdata,
  input  logic                    s_axis_tvalid,
  output logic                    s_axis_tready,
  output logic [PE*OUT_W-1:0]     m_axis_tdata,
  output logic                    m_axis_tvalid,
  input  logic                    m_axis_tready
);

  localparam int unsigned NF = MH / PE;
  localparam int unsigned SF = MW / SIMD;
  localparam int unsigned NF_W = (NF > 1) ? $clog2(NF) : 1;
  localparam int unsigned SF_W = (SF > 1) ? $clog2(SF) : 1;
  localparam int unsigned USED_W = $clog2(FIFO_DEPTH + 1);
  localparam bit INTEGERS = W_BITS > 1;
  localparam int unsigned COUNT_W = INTEGERS ? ACC_W : $clog2(SIMD + 32'(THRESHOLD) + 32'd1);
  // Raw bits: the result is 2*agree - MW = 2*(agree - HALF) + MW % 2, so only agree - HALF is computed.
  localparam int unsigned START_W = THRESHOLD ? $clog2(MW + 2) : (INTEGERS ? ACC_W : ACC_W - 1);
  localparam int unsigned SUM_W = THRESHOLD ? START_W + 1 : START_W;
  localparam int unsigned HALF = (MW + 1) / 2;
  localparam int unsigned TAG_W = 3;

  if (MW < 1) $error("mvu_serial: MW must be at least 1");
  if (PE < 1 || MH < 1 || MH % PE != 0) $error("mvu_serial: PE must divide MH");
  if (SIMD < 1 || MW % SIMD != 0) $error("mvu_serial: SIMD must divide MW");
  if (!THRESHOLD && ACC_W < $clog2(MW + 1) + 1) $error("mvu_serial: ACC_W must hold +-MW");
  if ((W_BITS > 1) != (IN_BITS > 1)) $error("mvu_serial: bits have weights of one bit, integers of more");
  if (W_BITS > 1 && THRESHOLD) $error("mvu_serial: sums of integers leave as they are");
  if (FIFO_DEPTH < 2) $error("mvu_serial: FIFO_DEPTH must be at least 2");

  // Sequencer
  logic                    busy_q;
  logic [SIMD*IN_BITS-1:0] word_q;
  logic [NF_W-1:0]         nf_q;
  logic [SF_W-1:0]         sf_q;
  logic [USED_W-1:0]       used_q;
  logic                    full_q;  // used_q == FIFO_DEPTH, in a register of its own, because much hangs on it
  logic                    load;
  logic                    step;
  logic                    last_nf_q;  // nf_q == NF - 1, and alike: registers of their own for the same reason
  logic                    first_sf_q;
  logic                    last_sf_q;
  logic                    result_leaves;

  assign step          = busy_q && (!full_q || !last_sf_q);
  assign s_axis_tready = !busy_q || (step && last_nf_q);
  assign load          = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q     <= 1'b0;
      nf_q       <= '0;
      last_nf_q  <= (NF == 1);
      sf_q       <= '0;
      first_sf_q <= 1'b1;
      last_sf_q  <= (SF == 1);
      used_q     <= '0;
      full_q     <= 1'b0;
    end else begin
      if (load) busy_q <= 1'b1;
      else if (step && last_nf_q) busy_q <= 1'b0;
      if (step) begin
        nf_q      <= last_nf_q ? '0 : NF_W'(nf_q + 1'b1);
        last_nf_q <= (NF == 1) || (!last_nf_q && nf_q == NF_W'(NF - 2));
      end
      if (step && last_nf_q) begin
        sf_q       <= last_sf_q ? '0 : SF_W'(sf_q + 1'b1);
        first_sf_q <= last_sf_q;
        last_sf_q  <= (SF == 1) || (!last_sf_q && sf_q == SF_W'(SF - 2));
      end
      if ((step && last_sf_q) != result_leaves) begin
        used_q <= result_leaves ? used_q - 1'b1 : used_q + 1'b1;
        full_q <= !result_leaves && (used_q == USED_W'(FIFO_DEPTH - 1));
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (load) word_q <= s_axis_tdata;
  end

  // Weights: the word of the current step stands at the memory's output.
  logic [PE*SIMD*W_BITS-1:0] weight;
  logic                      unused_last_word;

  mvu_words #(
    .W(PE * SIMD * W_BITS),
    .DEPTH(NF * SF),
    .BLOCK(ROM_BLOCK),
    .RUNTIME(RUNTIME),
    .MEMORY(MEMORY),
    .FILE(WEIGHT_FILE)
  ) u_weights (
    .clk_i,
    .rst_ni,
    .load_i,
    .pop_i(step),
    .word_o(weight),
    .last_o(unused_last_word)
  );

  // Counters or products: all have the same latency, the first one's tag stands for all.
  logic [PE*COUNT_W-1:0] count;
  logic [PE*TAG_W-1:0]   unit_tag;
  logic                  count_valid;
  logic                  count_first;
  logic                  count_last;

  for (genvar pe = 0; pe < PE; pe = pe + 1) begin : gen_channel
    if (INTEGERS) begin : gen_products
      dot_product #(
        .N(SIMD),
        .IN_BITS(IN_BITS),
        .IN_SIGNED(IN_SIGNED),
        .W_BITS(W_BITS),
        .SUM_W(ACC_W),
        .TAG_W(TAG_W)
      ) u_unit (
        .clk_i,
        .rst_ni,
        .act_i(word_q),
        .weight_i(weight[pe*SIMD*W_BITS+:SIMD*W_BITS]),
        .tag_i({first_sf_q, last_sf_q, step}),
        .sum_o(count[pe*COUNT_W+:COUNT_W]),
        .tag_o(unit_tag[pe*TAG_W+:TAG_W])
      );
    end else begin : gen_counter
      logic [TAG_W-1:0] unused_addend_tag;
      popcount_heap #(
        .N(SIMD),
        .CARRY(THRESHOLD),
        .TAG_W(TAG_W)
      ) u_unit (
        .clk_i,
        .rst_ni,
        .act_i(word_q),
        .weight_i(weight[pe*SIMD+:SIMD]),
        .carry_i(first_sf_q),
        .tag_i({first_sf_q, last_sf_q, step}),
        .addend_i(1'b0),
        .addend_tag_o(unused_addend_tag),
        .sum_o(count[pe*COUNT_W+:COUNT_W]),
        .tag_o(unit_tag[pe*TAG_W+:TAG_W])
      );
    end
  end

  assign {count_first, count_last, count_valid} = unit_tag[TAG_W-1:0];
  if (PE > 1) begin : gen_other_tags
    logic unused_tags;
    assign unused_tags = ^unit_tag[PE*TAG_W-1:TAG_W];
  end

  // Starts of the sums
  logic [PE*START_W-1:0] start;

  if (THRESHOLD || INTEGERS) begin : gen_starts
    logic unused_last;
    mvu_words #(
      .W(PE * START_W),
      .DEPTH(NF),
      .BLOCK(1'b0),
      .RUNTIME(RUNTIME),
      .MEMORY(MEMORY + 1),
      .FILE(THRESHOLD_FILE)
    ) u_starts (
      .clk_i,
      .rst_ni,
      .load_i,
      .pop_i(count_valid && count_first),
      .word_o(start),
      .last_o(unused_last)
    );
  end else begin : gen_no_starts
    assign start = {PE{START_W'(0 - HALF)}};
  end

  // Sums: read, added to and written back in one cycle, in the order of the steps.
  logic [PE*SUM_W-1:0] sum_before;
  logic [PE*SUM_W-1:0] sum_after;

  for (genvar pe = 0; pe < PE; pe = pe + 1) begin : gen_sum
    logic [SUM_W-1:0] from;
    assign from = count_first ? SUM_W'(start[pe*START_W+:START_W]) : sum_before[pe*SUM_W+:SUM_W];
    assign sum_after[pe*SUM_W+:SUM_W] = SUM_W'(count[pe*COUNT_W+:COUNT_W]) + from;
  end

  if (NF > 1) begin : gen_memory
    logic [NF_W-1:0] address_q;
    logic [NF_W-1:0] address_next;
    assign address_next = (address_q == NF_W'(NF - 1)) ? '0 : NF_W'(address_q + 1'b1);
    always_ff @(posedge clk_i) begin
      if (!rst_ni) address_q <= '0;
      else if (count_valid) address_q <= address_next;
    end
    ram_sdp #(
      .W(PE * SUM_W),
      .DEPTH(NF),
      .BLOCK(NF > 64)
    ) u_sums (
      .clk_i,
      .we_i(count_valid),
      .waddr_i(address_q),
      .wdata_i(sum_after),
      .re_i(count_valid),
      .raddr_i(address_next),
      .rdata_o(sum_before)
    );
  end else begin : gen_register
    logic [PE*SUM_W-1:0] sum_q;
    always_ff @(posedge clk_i) begin
      if (count_valid) sum_q <= sum_after;
    end
    assign sum_before = sum_q;
  end

  // Results
  logic [PE*OUT_W-1:0] result_q;
  logic                result_valid_q;

  for (genvar pe = 0; pe < PE; pe = pe + 1) begin : gen_result
    if (THRESHOLD) begin : gen_reached
      always_ff @(posedge clk_i) result_q[pe] <= sum_after[(pe+1)*SUM_W-1];
    end else if (INTEGERS) begin : gen_whole
      always_ff @(posedge clk_i) result_q[pe*OUT_W+:OUT_W] <= sum_after[pe*SUM_W+:SUM_W];
    end else begin : gen_double
      always_ff @(posedge clk_i) result_q[pe*OUT_W+:OUT_W] <= {sum_after[pe*SUM_W+:SUM_W], 1'(MW % 2)};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) result_valid_q <= 1'b0;
    else result_valid_q <= count_valid && count_last;
  end

  // Output: the FIFO always has the place that was counted for a result.
  logic fifo_ready;

  assign result_leaves = m_axis_tvalid && m_axis_tready;

  stream_fifo #(
    .W(PE * OUT_W),
    .DEPTH(FIFO_DEPTH)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .s_axis_tdata(result_q),
    .s_axis_tvalid(result_valid_q),
    .s_axis_tready(fifo_ready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

  `AXIS_ASSERT(check_place, fifo_ready || !result_valid_q)
  `AXIS_ASSERT(check_flags, last_nf_q == (32'(nf_q) == NF - 1) && first_sf_q == (sf_q == '0) && last_sf_q == (32'(sf_q) == SF - 1))
  `AXIS_ASSERT(check_places, !(result_leaves && used_q == '0) && full_q == (32'(used_q) == FIFO_DEPTH))

endmodule
