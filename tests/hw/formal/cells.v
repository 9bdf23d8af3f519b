// SPDX-License-Identifier: Apache-2.0
// Cells of a 7 series netlist, as simple as they can be written: what mapped counters are simulated with. Yosys' own
// models of the same cells serve the proofs, so a mistake in either shows.
module LUT1 #(parameter [1:0] INIT = 0) (input I0, output O);
  assign O = INIT[I0];
endmodule

module LUT2 #(parameter [3:0] INIT = 0) (input I0, I1, output O);
  assign O = INIT[{I1, I0}];
endmodule

module LUT3 #(parameter [7:0] INIT = 0) (input I0, I1, I2, output O);
  assign O = INIT[{I2, I1, I0}];
endmodule

module LUT4 #(parameter [15:0] INIT = 0) (input I0, I1, I2, I3, output O);
  assign O = INIT[{I3, I2, I1, I0}];
endmodule

module LUT5 #(parameter [31:0] INIT = 0) (input I0, I1, I2, I3, I4, output O);
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule

module LUT6 #(parameter [63:0] INIT = 0) (input I0, I1, I2, I3, I4, I5, output O);
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

module LUT6_2 #(parameter [63:0] INIT = 0) (input I0, I1, I2, I3, I4, I5, output O6, O5);
  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
endmodule

module MUXF7 (input I0, I1, S, output O);
  assign O = S ? I1 : I0;
endmodule

module MUXF8 (input I0, I1, S, output O);
  assign O = S ? I1 : I0;
endmodule

module INV (input I, output O);
  assign O = !I;
endmodule

// One of CI and CYINIT is tied low.
module CARRY4 (input CI, CYINIT, input [3:0] S, DI, output [3:0] O, CO);
  wire c0 = CI | CYINIT;
  wire c1 = S[0] ? c0 : DI[0];
  wire c2 = S[1] ? c1 : DI[1];
  wire c3 = S[2] ? c2 : DI[2];
  wire c4 = S[3] ? c3 : DI[3];
  assign O  = S ^ {c3, c2, c1, c0};
  assign CO = {c4, c3, c2, c1};
endmodule

// What a register holds before the first clock is not modelled: counters do not rely on it.
module FDRE #(parameter INIT = 1'b0) (input C, CE, R, D, output reg Q);
  always @(posedge C) begin
    if (R) Q <= 1'b0;
    else if (CE) Q <= D;
  end
endmodule

module FDSE #(parameter INIT = 1'b1) (input C, CE, S, D, output reg Q);
  always @(posedge C) begin
    if (S) Q <= 1'b1;
    else if (CE) Q <= D;
  end
endmodule
