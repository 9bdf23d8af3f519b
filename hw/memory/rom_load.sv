// SPDX-License-Identifier: Apache-2.0
// rom with a write port: the words of FILE until others are loaded. Reads as rom.sv does.
// A load brings 32 bits: part load_word_addr_i % P of word load_word_addr_i / P, where P is the number of parts of a word, ceil(W/32),
// rounded up to a power of two. Parts come in order; the last one stores the word, which is there two cycles later.
// Loads for another memory than MEMORY are none of its business. Nothing may be read that is being stored.
module rom_load #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  parameter bit BLOCK = 1'b0,
  parameter FILE = "",
  parameter int unsigned MEMORY = 0,
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic              clk_i,
  input  logic              en_i,
  input  logic [ADDR_W-1:0] addr_i,
  output logic [W-1:0]      data_o,
  input  logic              load_valid_i,
  input  logic [11:0]       load_memory_i,
  input  logic [19:0]       load_word_addr_i,
  input  logic [31:0]       load_data_i
);

  if (W < 1) $error("rom_load: W must be at least 1");
  if (DEPTH < 1) $error("rom_load: DEPTH must be at least 1");
  if (MEMORY > 4095) $error("rom_load: MEMORY must be below 4096");

  localparam int unsigned PARTS = (W + 31) / 32;
  localparam int unsigned SHIFT = $clog2(PARTS);
  if ((DEPTH << SHIFT) > (1 << 20)) $error("rom_load: the words need more than 20 bits of address");

  logic [PARTS*32-1:0] parts_q;   // newest on top
  logic [ADDR_W-1:0]   waddr_q;
  logic                store_q = 1'b0;
  logic                mine;
  logic [19:0]         part;

  assign mine = load_valid_i && (load_memory_i == 12'(MEMORY));
  assign part = load_word_addr_i & 20'((1 << SHIFT) - 1);

  always_ff @(posedge clk_i) begin
    store_q <= mine && (part == 20'(PARTS - 1));
    if (mine) begin
      parts_q <= (PARTS*32)'({load_data_i, parts_q} >> 32);
      waddr_q <= ADDR_W'(load_word_addr_i >> SHIFT);
    end
  end

  if (BLOCK) begin : gen_block
    (* ram_style = "block" *) logic [W-1:0] mem [0:DEPTH-1];
    if (FILE != "") begin : gen_load
      initial $readmemh(FILE, mem);
    end
    always_ff @(posedge clk_i) begin
      if (store_q) mem[waddr_q] <= parts_q[W-1:0];
    end
    always_ff @(posedge clk_i) begin
      if (en_i) data_o <= mem[addr_i];
    end
  end else begin : gen_lut
    (* ram_style = "distributed" *) logic [W-1:0] mem [0:DEPTH-1];
    if (FILE != "") begin : gen_load
      initial $readmemh(FILE, mem);
    end
    always_ff @(posedge clk_i) begin
      if (store_q) mem[waddr_q] <= parts_q[W-1:0];
    end
    always_ff @(posedge clk_i) begin
      if (en_i) data_o <= mem[addr_i];
    end
  end

  // The upper bits of the last part belong to no word.
  logic unused;
  assign unused = ^parts_q;

endmodule
