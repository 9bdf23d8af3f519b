// SPDX-License-Identifier: Apache-2.0
// Simple dual-port memory: one write port, one read port, one clock.
// rdata_o = mem[raddr_i] one cycle later, held while re_i is low. The user never reads the word that is
// written in the same cycle, so block RAM and LUT RAM behave alike.
// BLOCK = 1 asks for block RAM, 0 for LUT RAM. Latency 1, one read and one write per cycle. No reset.
module ram_sdp #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  parameter bit BLOCK = 1'b0,
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic              clk_i,
  input  logic              we_i,
  input  logic [ADDR_W-1:0] waddr_i,
  input  logic [W-1:0]      wdata_i,
  input  logic              re_i,
  input  logic [ADDR_W-1:0] raddr_i,
  output logic [W-1:0]      rdata_o
);

  if (W < 1) $error("ram_sdp: W must be at least 1");
  if (DEPTH < 1) $error("ram_sdp: DEPTH must be at least 1");

  if (BLOCK) begin : gen_block
    (* ram_style = "block" *) logic [W-1:0] mem [0:DEPTH-1];
    always_ff @(posedge clk_i) begin
      if (we_i) mem[waddr_i] <= wdata_i;
    end
    always_ff @(posedge clk_i) begin
      if (re_i) rdata_o <= mem[raddr_i];
    end
  end else begin : gen_lut
    (* ram_style = "distributed" *) logic [W-1:0] mem [0:DEPTH-1];
    always_ff @(posedge clk_i) begin
      if (we_i) mem[waddr_i] <= wdata_i;
    end
    always_ff @(posedge clk_i) begin
      if (re_i) rdata_o <= mem[raddr_i];
    end
  end

endmodule
