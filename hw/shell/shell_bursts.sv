// SPDX-License-Identifier: Apache-2.0
// Splits a batch of items (images or results) in memory into bursts.
// Item i lies at base + i*stride and has WORDS words of 8 bytes. A burst has at most BURST beats, stays in one item and does not leave
// an aligned block of BURST*8 bytes; so it never crosses 4 KiB.
//   for item in count: for burst in item: addr, len (beats - 1), last (of its item)
// A burst that leaves [limit_base, limit_end) is not given out; range_o rises instead and the batch ends.
// One burst takes four cycles, one sum or comparison each; so items of 32 bytes and more come at the bus's full speed.
// Addresses have a bit above ADDR_W, which is set for whatever lies beyond the address space; it is beyond every limit.
// A stop withdraws the burst that waits.
module shell_bursts #(
  parameter int unsigned ADDR_W = 32,
  parameter int unsigned WORDS = 98,
  parameter int unsigned BURST = 16,
  localparam int unsigned LEN_W = $clog2(BURST),
  localparam int unsigned WORD_W = $clog2(WORDS + 1),
  // The smaller of two sizes is compared at the width of the larger.
  localparam int unsigned SIZE_W = (WORD_W > LEN_W + 1) ? WORD_W : LEN_W + 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              start_i,
  input  logic              stop_i,
  input  logic [ADDR_W:0]   base_i,
  input  logic [31:0]       stride_i,
  input  logic [31:0]       count_i,
  input  logic [ADDR_W:0]   limit_base_i,
  input  logic [ADDR_W:0]   limit_end_i,
  output logic              busy_o,
  output logic              range_o,
  output logic              burst_valid_o,
  input  logic              burst_ready_i,
  output logic [ADDR_W-1:0] burst_addr_o,
  output logic [LEN_W-1:0]  burst_len_o,
  output logic              burst_last_o
);

  if (BURST < 2 || BURST > 256 || (BURST & (BURST - 1)) != 0) $error("shell_bursts: BURST must be a power of two, 2 to 256");
  if (WORDS < 1) $error("shell_bursts: WORDS must be at least 1");
  if (ADDR_W < 32 || ADDR_W > 63) $error("shell_bursts: ADDR_W must lie in 32..63");

  typedef enum logic [2:0] {StIdle, StSize, StStep, StCheck, StGive} state_e;
  state_e            state_q = StIdle;
  logic [ADDR_W:0]   item_q;    // address of the item
  logic [ADDR_W:0]   addr_q;    // of the burst
  logic [ADDR_W:0]   next_q;    // behind the burst
  logic [ADDR_W:0]   item_next;
  logic [31:0]       items_q;   // items after this one
  logic [SIZE_W-1:0] left_q;    // words of the item from addr_q on
  logic [SIZE_W-1:0] rest_q;    // words of the item behind the burst
  logic [LEN_W-1:0]  behind;    // words of the block behind the first of the burst
  logic [SIZE_W-1:0] beats_q;
  logic [LEN_W-1:0]  len_q;
  logic              outside;
  logic              valid_q = 1'b0;
  logic              range_q = 1'b0;
  logic              last_item_q;

  assign behind        = ~addr_q[3 +: LEN_W];
  assign item_next     = item_q + (ADDR_W+1)'(stride_i);
  assign busy_o        = (state_q != StIdle);
  assign outside       = addr_q[ADDR_W] || (addr_q < limit_base_i) || (next_q > limit_end_i);
  assign range_o       = range_q;
  assign burst_valid_o = valid_q;
  assign burst_addr_o  = addr_q[ADDR_W-1:0];
  assign burst_len_o   = len_q;
  assign burst_last_o  = (rest_q == '0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || stop_i) begin
      state_q <= StIdle;
      valid_q <= 1'b0;
      range_q <= 1'b0;
    end else begin
      range_q <= 1'b0;
      unique case (state_q)
        StIdle:  if (start_i) state_q <= StSize;
        StSize:  state_q <= StStep;
        StStep:  state_q <= StCheck;
        StCheck: begin
          state_q <= outside ? StIdle : StGive;
          valid_q <= !outside;
          range_q <= outside;
        end
        StGive: begin
          if (burst_ready_i) begin
            state_q <= (burst_last_o && last_item_q) ? StIdle : StSize;
            valid_q <= 1'b0;
          end
        end
        default: state_q <= StIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        item_q  <= base_i;
        addr_q  <= base_i;
        items_q <= count_i - 1'b1;
        left_q  <= SIZE_W'(WORDS);
      end
      StSize: begin
        beats_q     <= (left_q <= SIZE_W'(behind)) ? left_q : SIZE_W'(behind) + 1'b1;
        last_item_q <= (items_q == '0);
      end
      StStep: begin
        len_q  <= LEN_W'(beats_q - 1'b1);
        next_q <= addr_q + (ADDR_W+1)'({beats_q, 3'b000});
        rest_q <= left_q - beats_q;
      end
      StGive: begin
        if (burst_ready_i) begin
          addr_q <= burst_last_o ? item_next : next_q;
          left_q <= burst_last_o ? SIZE_W'(WORDS) : rest_q;
          if (burst_last_o) begin
            item_q  <= item_next;
            items_q <= items_q - 1'b1;
          end
        end
      end
      default: ;
    endcase
  end

`ifdef FORMAL
  `include "shell_bursts_props.svh"
`endif

endmodule
