// SPDX-License-Identifier: Apache-2.0
// carry_chain: N separate carry chains of W positions each; combinational.
//
//   carry c[0] = carry_i;  position p:  sum_o[p] = select_i[p] ^ c[p],  carry_o[p] = c[p+1] = select_i[p] ? c[p] : data_i[p]
//
// Chain n has bits [n*W +: W]. The only place that names a carry primitive. Under SYNTHESIS the chains are CARRY4 (7 series); with
// XNORFLOW_CARRY8 they are CARRY8 (UltraScale+), two chains of up to four positions in one. Otherwise, and with XNORFLOW_GENERIC,
// the formula above.
module carry_chain #(
  parameter int unsigned N = 1,
  parameter int unsigned W = 4
) (
  input  logic [N-1:0]   carry_i,
  input  logic [N*W-1:0] select_i,
  input  logic [N*W-1:0] data_i,
  output logic [N*W-1:0] sum_o,
  output logic [N*W-1:0] carry_o
);

  if (N < 1) $error("carry_chain: N must be at least 1");
  if (W < 1) $error("carry_chain: W must be at least 1");

`ifdef SYNTHESIS
  `ifndef XNORFLOW_GENERIC
    `define XNORFLOW_CARRY_CELLS
  `endif
`endif

`ifdef XNORFLOW_CARRY_CELLS
  `ifdef XNORFLOW_CARRY8
  localparam int unsigned CELL_W = 8;
  localparam bit PAIRED = (W <= 4);
  `else
  localparam int unsigned CELL_W = 4;
  localparam bit PAIRED = 1'b0;
  `endif
  localparam int unsigned CELLS = (W + CELL_W - 1) / CELL_W;
  localparam int unsigned FULL_W = CELLS * CELL_W;

  if (PAIRED) begin : gen_pair
    // Chain 2i in the lower half of cell i, chain 2i + 1 in its upper half, which has a carry input of its own.
    localparam int unsigned PAIRS = (N + 1) / 2;
    logic [2*PAIRS-1:0] first;
    logic [8*PAIRS-1:0] s, d, o, co;
    assign first = (2*PAIRS)'(carry_i);
    for (genvar n = 0; n < 2 * PAIRS; n = n + 1) begin : gen_chain
      if (n < N) begin : gen_used
        assign s[4*n+:4] = 4'(select_i[n*W+:W]);
        assign d[4*n+:4] = 4'(data_i[n*W+:W]);
        assign sum_o[n*W+:W] = o[4*n+:W];
        assign carry_o[n*W+:W] = co[4*n+:W];
      end else begin : gen_unused
        assign s[4*n+:4] = '0;
        assign d[4*n+:4] = '0;
      end
    end
    for (genvar i = 0; i < PAIRS; i = i + 1) begin : gen_cell
      CARRY8 #(.CARRY_TYPE("DUAL_CY4")) u_carry (
        .CI(first[2*i]), .CI_TOP(first[2*i+1]), .S(s[8*i+:8]), .DI(d[8*i+:8]), .O(o[8*i+:8]), .CO(co[8*i+:8])
      );
    end
  end else begin : gen_long
    for (genvar n = 0; n < N; n = n + 1) begin : gen_chain
      logic [FULL_W-1:0] s, d, o, co;
      assign s = FULL_W'(select_i[n*W+:W]);
      assign d = FULL_W'(data_i[n*W+:W]);
      assign sum_o[n*W+:W] = o[W-1:0];
      assign carry_o[n*W+:W] = co[W-1:0];
      for (genvar i = 0; i < CELLS; i = i + 1) begin : gen_cell
        logic below;
        if (i > 0) begin : gen_below
          assign below = co[CELL_W*i-1];
        end else begin : gen_first
          assign below = 1'b0;
        end
  `ifdef XNORFLOW_CARRY8
        CARRY8 u_carry (
          .CI((i == 0) ? carry_i[n] : below), .CI_TOP(1'b0),
          .S(s[8*i+:8]), .DI(d[8*i+:8]), .O(o[8*i+:8]), .CO(co[8*i+:8])
        );
  `else
        CARRY4 u_carry (
          .CI(below), .CYINIT((i == 0) ? carry_i[n] : 1'b0),
          .S(s[4*i+:4]), .DI(d[4*i+:4]), .O(o[4*i+:4]), .CO(co[4*i+:4])
        );
  `endif
      end
    end
  end
  `undef XNORFLOW_CARRY_CELLS
`else
  for (genvar n = 0; n < N; n = n + 1) begin : gen_chain
    logic [W:0] c;
    assign c[0] = carry_i[n];
    for (genvar p = 0; p < W; p = p + 1) begin : gen_position
      assign sum_o[n*W+p] = select_i[n*W+p] ^ c[p];
      assign c[p+1] = select_i[n*W+p] ? c[p] : data_i[n*W+p];
    end
    assign carry_o[n*W+:W] = c[W:1];
  end
`endif

endmodule
