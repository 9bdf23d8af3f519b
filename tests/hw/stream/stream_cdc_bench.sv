// SPDX-License-Identifier: Apache-2.0
// stream_cdc, and the events of its writer counted in the reader's clock.
module stream_cdc_bench #(
  parameter int unsigned W = 16,
  parameter int unsigned DEPTH = 16
) (
  input  logic         s_clk,
  input  logic         m_clk,
  input  logic         s_rst_n,
  input  logic         m_rst_n,
  input  logic [W-1:0] s_tdata,
  input  logic         s_tvalid,
  output logic         s_tready,
  output logic [W-1:0] m_tdata,
  output logic         m_tvalid,
  input  logic         m_tready,
  output logic [31:0]  events,
  output logic [31:0]  seen
);

  logic [3:0] more;

  stream_cdc #(
    .W(W),
    .DEPTH(DEPTH)
  ) u_cdc (
    .s_clk_i(s_clk),
    .s_rst_ni(s_rst_n),
    .s_axis_tdata(s_tdata),
    .s_axis_tvalid(s_tvalid),
    .s_axis_tready(s_tready),
    .m_clk_i(m_clk),
    .m_rst_ni(m_rst_n),
    .m_axis_tdata(m_tdata),
    .m_axis_tvalid(m_tvalid),
    .m_axis_tready(m_tready)
  );

  stream_cdc_count #(
    .W(4)
  ) u_count (
    .s_clk_i(s_clk),
    .event_i(s_tvalid && s_tready),
    .m_clk_i(m_clk),
    .count_o(more)
  );

  always_ff @(posedge s_clk) begin
    if (!s_rst_n) events <= '0;
    else if (s_tvalid && s_tready) events <= events + 1;
  end
  always_ff @(posedge m_clk) begin
    if (!m_rst_n) seen <= '0;
    else seen <= seen + 32'(more);
  end

endmodule
