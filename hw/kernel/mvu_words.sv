// SPDX-License-Identifier: Apache-2.0
// mvu_words: a read-only memory as an endless stream: words 0, 1, ... DEPTH-1, 0, 1, ...; `pop_i` moves on.
//
// The address runs one word ahead, so `word_o` (the memory's own output register) is always the word for the current step and the next
// one stands there in the cycle after `pop_i`: one word per cycle. Valid from the first cycle after the first clock edge out of
// reset; a word can be used by whatever was itself registered at that edge. `last_o` marks word DEPTH-1.
// Cuts the path from `pop_i` to `word_o`. Cost: the memory, and an address counter; a single word is a constant and costs nothing.
module mvu_words #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  parameter bit BLOCK = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter FILE = "",
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [64:0]  load_i,
  input  logic         pop_i,
  output logic [W-1:0] word_o,
  output logic         last_o
);

  if (W < 1) $error("mvu_words: W must be at least 1");
  if (DEPTH < 1) $error("mvu_words: DEPTH must be at least 1");

  logic [ADDR_W-1:0] address_q;  // of the word after the current one
  logic              last_q;     // address_q == 0, in a register of its own, because much hangs on it
  logic              primed_q;
  logic              read;

  assign read   = pop_i || !primed_q;
  assign last_o = last_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      address_q <= '0;
      last_q    <= 1'b1;
      primed_q  <= 1'b0;
    end else begin
      primed_q <= 1'b1;
      if (read) begin
        address_q <= (address_q == ADDR_W'(DEPTH - 1)) ? '0 : ADDR_W'(address_q + 1'b1);
        last_q    <= (address_q == ADDR_W'(DEPTH - 1));
      end
    end
  end

  if (DEPTH == 1 && !RUNTIME) begin : gen_constant
    (* ram_style = "registers" *) logic [W-1:0] mem [0:0];
    logic unused_load;
    if (FILE != "") begin : gen_load
      initial $readmemh(FILE, mem);
    end
    assign word_o      = mem[0];
    assign unused_load = ^load_i;
  end else begin : gen_rom
    rom #(
      .W(W),
      .DEPTH(DEPTH),
      .BLOCK(BLOCK),
      .RUNTIME(RUNTIME),
      .MEMORY(MEMORY),
      .FILE(FILE)
    ) u_rom (
      .clk_i,
      .load_i,
      .en_i(read),
      .addr_i(address_q),
      .data_o(word_o)
    );
  end

endmodule
