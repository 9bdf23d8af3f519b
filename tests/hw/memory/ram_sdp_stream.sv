// SPDX-License-Identifier: Apache-2.0
// Bench for ram_sdp: a stream of commands {write, read, write address, read address, data} in, the words read out.
module ram_sdp_stream #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  parameter bit BLOCK = 1'b0,
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1,
  localparam int unsigned COMMAND_W = W + 2 * ADDR_W + 2
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic [COMMAND_W-1:0] s_axis_tdata,
  input  logic                 s_axis_tvalid,
  output logic                 s_axis_tready,
  output logic [W-1:0]         m_axis_tdata,
  output logic                 m_axis_tvalid,
  input  logic                 m_axis_tready
);

  logic valid_q;
  logic step;
  logic write;
  logic read;

  assign s_axis_tready = !valid_q || m_axis_tready;
  assign step          = s_axis_tvalid && s_axis_tready;
  assign write         = step && s_axis_tdata[COMMAND_W-1];
  assign read          = step && s_axis_tdata[COMMAND_W-2];
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (s_axis_tready) valid_q <= read;
  end

  ram_sdp #(
    .W    (W),
    .DEPTH(DEPTH),
    .BLOCK(BLOCK)
  ) u_ram (
    .clk_i,
    .we_i   (write),
    .waddr_i(s_axis_tdata[W + ADDR_W +: ADDR_W]),
    .wdata_i(s_axis_tdata[W-1:0]),
    .re_i   (read),
    .raddr_i(s_axis_tdata[W +: ADDR_W]),
    .rdata_o(m_axis_tdata)
  );

endmodule
