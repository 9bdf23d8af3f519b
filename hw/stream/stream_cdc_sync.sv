// SPDX-License-Identifier: Apache-2.0
// Two registers in the receiving clock. Bits are independent: a word must change one bit at a time (Gray code).
// data_i comes straight from registers. Latency two cycles of clk_i. Starts at zero; no reset.
// Cost: 2*W FF. ASYNC_REG keeps the pair together in Vivado and out of shift registers.
module stream_cdc_sync #(
  parameter int unsigned W = 1
) (
  input  logic         clk_i,
  input  logic [W-1:0] data_i,
  output logic [W-1:0] data_o
);

  if (W < 1) $error("stream_cdc_sync: W must be at least 1");

  (* ASYNC_REG = "TRUE", shreg_extract = "no", keep *) logic [W-1:0] first_q = '0;
  (* ASYNC_REG = "TRUE", shreg_extract = "no", keep *) logic [W-1:0] second_q = '0;

  assign data_o = second_q;

  always_ff @(posedge clk_i) begin
    first_q  <= data_i;
    second_q <= first_q;
  end

`ifdef FORMAL
  `include "stream_cdc_sync_props.svh"
`endif

endmodule
