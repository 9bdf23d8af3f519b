// SPDX-License-Identifier: Apache-2.0
// Bench for rom: a stream of addresses in, the stream of words out.
module rom_stream #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  parameter bit BLOCK = 1'b0,
  parameter FILE = "",
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [ADDR_W-1:0] s_axis_tdata,
  input  logic              s_axis_tvalid,
  output logic              s_axis_tready,
  output logic [W-1:0]      m_axis_tdata,
  output logic              m_axis_tvalid,
  input  logic              m_axis_tready
);

  logic valid_q;

  assign s_axis_tready = !valid_q || m_axis_tready;
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (s_axis_tready) valid_q <= s_axis_tvalid;
  end

  rom #(
    .W    (W),
    .DEPTH(DEPTH),
    .BLOCK(BLOCK),
    .RUNTIME(1'b0),
    .MEMORY(0),
    .FILE (FILE)
  ) u_rom (
    .clk_i,
    .load_i(65'd0),
    .en_i  (s_axis_tvalid && s_axis_tready),
    .addr_i(s_axis_tdata),
    .data_o(m_axis_tdata)
  );

endmodule
