// SPDX-License-Identifier: Apache-2.0
// Read-only memory: data_o = mem[addr_i] one cycle later, held while en_i is low.
// Words come from FILE ($readmemh, one word a line); an empty FILE loads nothing.
// BLOCK = 1 asks for block RAM, 0 for a LUT ROM, which synthesis folds away where words are equal.
// RUNTIME = 1: words can be loaded, see rom_load; load_i is {valid, memory, word_addr, data}, and this memory is number MEMORY.
// Latency 1, one word per cycle. data_o is not reset.
module rom #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  parameter bit BLOCK = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter int unsigned MEMORY = 0,
  parameter FILE = "",
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic              clk_i,
  input  logic [64:0]       load_i,
  input  logic              en_i,
  input  logic [ADDR_W-1:0] addr_i,
  output logic [W-1:0]      data_o
);

  if (W < 1) $error("rom: W must be at least 1");
  if (DEPTH < 1) $error("rom: DEPTH must be at least 1");

  if (RUNTIME) begin : gen_runtime
    rom_load #(
      .W(W),
      .DEPTH(DEPTH),
      .BLOCK(BLOCK),
      .FILE(FILE),
      .MEMORY(MEMORY)
    ) u_load (
      .clk_i,
      .en_i,
      .addr_i,
      .data_o,
      .load_valid_i(load_i[64]),
      .load_memory_i(load_i[63:52]),
      .load_word_addr_i(load_i[51:32]),
      .load_data_i(load_i[31:0])
    );
  end else if (BLOCK) begin : gen_block
    (* rom_style = "block", ram_style = "block" *) logic [W-1:0] mem [0:DEPTH-1];
    if (FILE != "") begin : gen_load
      initial $readmemh(FILE, mem);
    end
    always_ff @(posedge clk_i) begin
      if (en_i) data_o <= mem[addr_i];
    end
  end else begin : gen_lut
    // Vivado obeys rom_style; Yosys looks at ram_style first, and has no distributed form for a ROM.
    (* rom_style = "distributed", ram_style = "registers" *) logic [W-1:0] mem [0:DEPTH-1];
    if (FILE != "") begin : gen_load
      initial $readmemh(FILE, mem);
    end
    always_ff @(posedge clk_i) begin
      if (en_i) data_o <= mem[addr_i];
    end
  end

  if (!RUNTIME) begin : gen_fixed
    logic unused_load;
    assign unused_load = ^{load_i, MEMORY};
  end

endmodule
