// SPDX-License-Identifier: Apache-2.0
// Test harness around popcount_heap: operands as a stream that is never stalled; the beat number rides along as tag.
module popcount_probe #(
  parameter int unsigned N = 64,
  parameter int unsigned BITS = 1,
  parameter int unsigned EXTRA_FOR = BITS,
  localparam int unsigned COUNT_W = $clog2(N * ((32'd1 << BITS) - 32'd1) + 32'd1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic [N*BITS+N+15:0]  s_axis_tdata,
  input  logic                  s_axis_tvalid,
  output logic                  s_axis_tready,
  output logic [COUNT_W+15:0]   m_axis_tdata,
  output logic                  m_axis_tvalid,
  input  logic                  m_axis_tready
);

  logic unused_ready;
  assign unused_ready  = m_axis_tready;
  assign s_axis_tready = 1'b1;

  if (BITS == 1 && EXTRA_FOR == 1) begin : gen_bits
    xnor_popcount #(
      .N(N),
      .TAG_W(17)
    ) u_unit (
      .clk_i,
      .rst_ni,
      .act_i(s_axis_tdata[N-1:0]),
      .weight_i(s_axis_tdata[2*N-1:N]),
      .tag_i({s_axis_tdata[2*N+:16], s_axis_tvalid}),
      .count_o(m_axis_tdata[COUNT_W-1:0]),
      .tag_o({m_axis_tdata[COUNT_W+:16], m_axis_tvalid})
    );
  end else begin : gen_planes
    popcount_heap #(
      .N(N),
      .BITS(BITS),
      .EXTRA_FOR(EXTRA_FOR),
      .TAG_W(17)
    ) u_unit (
      .clk_i,
      .rst_ni,
      .act_i(s_axis_tdata[N*BITS-1:0]),
      .weight_i(s_axis_tdata[N*BITS+:N]),
      .tag_i({s_axis_tdata[N*BITS+N+:16], s_axis_tvalid}),
      .count_o(m_axis_tdata[COUNT_W-1:0]),
      .tag_o({m_axis_tdata[COUNT_W+:16], m_axis_tvalid})
    );
  end

endmodule
