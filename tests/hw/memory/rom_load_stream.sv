// SPDX-License-Identifier: Apache-2.0
// Bench for rom_load: a stream of commands in, the stream of read words out.
// A command is {load, memory, word, data}; without load it reads the address in data.
module rom_load_stream #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  parameter bit BLOCK = 1'b0,
  parameter FILE = "",
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [64:0]  s_axis_tdata,
  input  logic         s_axis_tvalid,
  output logic         s_axis_tready,
  output logic [W-1:0] m_axis_tdata,
  output logic         m_axis_tvalid,
  input  logic         m_axis_tready
);

  logic valid_q;
  logic take;
  logic load;

  assign s_axis_tready = !valid_q || m_axis_tready;
  assign m_axis_tvalid = valid_q;
  assign take          = s_axis_tvalid && s_axis_tready;
  assign load          = s_axis_tdata[64];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (s_axis_tready) valid_q <= s_axis_tvalid && !load;
  end

  rom_load #(
    .W     (W),
    .DEPTH (DEPTH),
    .BLOCK (BLOCK),
    .FILE  (FILE),
    .MEMORY(5)
  ) u_rom (
    .clk_i,
    .en_i            (take && !load),
    .addr_i          (s_axis_tdata[ADDR_W-1:0]),
    .data_o          (m_axis_tdata),
    .load_valid_i    (take && load),
    .load_memory_i   (s_axis_tdata[63:52]),
    .load_word_addr_i(s_axis_tdata[51:32]),
    .load_data_i     (s_axis_tdata[31:0])
  );

endmodule
