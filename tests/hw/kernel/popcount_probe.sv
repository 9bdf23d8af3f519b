// SPDX-License-Identifier: Apache-2.0
// Test harness around popcount_heap: operands as a stream that is never stalled; the beat number rides along as tag. From low to high
// an input beat is activations, weights, the carry, the addend, the number. The addend waits in registers until it is asked for.
module popcount_probe #(
  parameter int unsigned N = 64,
  parameter int unsigned BITS = 1,
  parameter bit CARRY = 1'b0,
  parameter int unsigned ADDEND_W = 0,
  parameter int unsigned SUM_W = 7,
  parameter bit CONSTANT = 1'b0,
  /* verilator lint_off WIDTH */  // a number from the command line has its own width
  parameter logic [N-1:0] WEIGHTS = '0,
  /* verilator lint_on WIDTH */
  localparam int unsigned IN_W = N * BITS + N + 1 + ADDEND_W + 16
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [IN_W-1:0]   s_axis_tdata,
  input  logic              s_axis_tvalid,
  output logic              s_axis_tready,
  output logic [SUM_W+15:0] m_axis_tdata,
  output logic              m_axis_tvalid,
  input  logic              m_axis_tready
);

  localparam int unsigned PORT_W = (ADDEND_W > 0) ? ADDEND_W : 1;
  localparam int unsigned CARRY_AT = N * BITS + N;

  logic unused_ready;
  assign unused_ready  = m_axis_tready;
  assign s_axis_tready = 1'b1;

  logic [PORT_W-1:0] addend, addend_q;
  logic [16:0]       addend_tag;
  logic              unused_tag;
  assign unused_tag = ^addend_tag[16:1];
  if (ADDEND_W > 0) begin : gen_addend
    assign addend = s_axis_tdata[CARRY_AT+1+:ADDEND_W];
  end else begin : gen_no_addend
    assign addend = '0;
  end
  always_ff @(posedge clk_i) addend_q <= addend;

  // An addend at any time but its own is a trap: the complement.
  logic [PORT_W-1:0] at_its_time;
  assign at_its_time = CONSTANT ? addend : addend_q;

`ifdef POPCOUNT_GATES
  popcount_gates u_unit (  // a netlist, with the parameters inside
`else
  popcount_heap #(
    .N(N),
    .BITS(BITS),
    .CARRY(CARRY),
    .ADDEND_W(ADDEND_W),
    .SUM_W(SUM_W),
    .TAG_W(17),
    .CONSTANT(CONSTANT),
    .WEIGHTS(WEIGHTS)
  ) u_unit (
`endif
    .clk_i,
    .rst_ni,
    .act_i(s_axis_tdata[N*BITS-1:0]),
    .weight_i(s_axis_tdata[N*BITS+:N]),
    .carry_i(s_axis_tdata[CARRY_AT]),
    .tag_i({s_axis_tdata[IN_W-1-:16], s_axis_tvalid}),
    .addend_i(addend_tag[0] ? at_its_time : ~at_its_time),
    .addend_tag_o(addend_tag),
    .sum_o(m_axis_tdata[SUM_W-1:0]),
    .tag_o({m_axis_tdata[SUM_W+:16], m_axis_tvalid})
  );

endmodule
