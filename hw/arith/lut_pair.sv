// SPDX-License-Identifier: Apache-2.0
// lut_pair: two functions of the same five bits in one LUT; combinational.
//
//   o6_o = INIT6[in_i]     o5_o = INIT5[in_i]
//
// The only place that names a LUT primitive. Under SYNTHESIS it is a LUT6_2, which no mapper takes apart; with XNORFLOW_NO_LUT6_2, for
// routers without that cell (nextpnr-xilinx), two LUT5 on the same nets, which share a site all the same. Otherwise, and with
// XNORFLOW_GENERIC, the tables themselves. Cost: one LUT.
module lut_pair #(
  parameter logic [31:0] INIT6 = 32'h96696996,
  parameter logic [31:0] INIT5 = 32'hE8E8E8E8
) (
  input  logic [4:0] in_i,
  output logic       o6_o,
  output logic       o5_o
);

`ifdef SYNTHESIS
  `ifndef XNORFLOW_GENERIC
    `define XNORFLOW_LUT_CELLS
  `endif
`endif

`ifdef XNORFLOW_LUT_CELLS
  `ifdef XNORFLOW_NO_LUT6_2
  LUT5 #(.INIT(INIT6)) u_o6 (.O(o6_o), .I0(in_i[0]), .I1(in_i[1]), .I2(in_i[2]), .I3(in_i[3]), .I4(in_i[4]));
  LUT5 #(.INIT(INIT5)) u_o5 (.O(o5_o), .I0(in_i[0]), .I1(in_i[1]), .I2(in_i[2]), .I3(in_i[3]), .I4(in_i[4]));
  `else
  LUT6_2 #(.INIT({INIT6, INIT5})) u_lut (
    .O6(o6_o), .O5(o5_o), .I0(in_i[0]), .I1(in_i[1]), .I2(in_i[2]), .I3(in_i[3]), .I4(in_i[4]), .I5(1'b1)
  );
  `endif
  `undef XNORFLOW_LUT_CELLS
`else
  assign o6_o = INIT6[in_i];
  assign o5_o = INIT5[in_i];
`endif

endmodule
