// SPDX-License-Identifier: Apache-2.0
// Immediate, labelled assertions for stream modules; the same text serves simulation and proof.
//
// Convention: SYNTHESIS removes them all. Vivado defines it for synthesis, Yosys' read_verilog defines it
// unless called with -formal, Verilator never does: so they are live in simulation and in proofs only.
// Every macro opens a scope of its own name and expects clk_i and rst_ni in the surrounding module. Labels carry
// the name as well, since Yosys does not scope them.
//
//   `AXIS_ASSERT_STREAM(NAME, VALID, READY, DATA, W)  valid is low after reset; valid and data hold until ready
//   `AXIS_ASSERT(NAME, CONDITION)                     CONDITION holds at every clock edge outside reset
//   `AXIS_ASSUME_STREAM(NAME, VALID, READY, DATA, W)  in proofs only: a sender that keeps the contract, for modules
//                                                     that use a beat while it still stands at their input
`ifndef AXIS_ASSERT_SVH
`define AXIS_ASSERT_SVH

`ifdef SYNTHESIS
`define AXIS_ASSERT(NAME, CONDITION)
`define AXIS_ASSERT_STREAM(NAME, VALID, READY, DATA, W)
`else
`define AXIS_ASSERT(NAME, CONDITION) \
  if (1) begin : NAME \
    always_ff @(posedge clk_i) begin \
      if (rst_ni) begin \
        NAME``_holds: assert (CONDITION); \
      end \
    end \
  end

`define AXIS_ASSERT_STREAM(NAME, VALID, READY, DATA, W) \
  if (1) begin : NAME \
    logic was_reset; \
    logic was_stalled; \
    logic [(W)-1:0] last_data; \
    always_ff @(posedge clk_i) begin \
      was_reset   <= !rst_ni; \
      was_stalled <= rst_ni && (VALID) && !(READY); \
      last_data   <= (DATA); \
      if (rst_ni && was_reset) begin \
        NAME``_low_after_reset: assert (!(VALID)); \
      end \
      if (rst_ni && was_stalled) begin \
        NAME``_valid_holds: assert (VALID); \
        NAME``_data_holds: assert ((DATA) == last_data); \
      end \
    end \
  end
`endif

`ifdef FORMAL
`define AXIS_ASSUME_STREAM(NAME, VALID, READY, DATA, W) \
  if (1) begin : NAME \
    logic was_reset; \
    logic was_stalled; \
    logic [(W)-1:0] last_data; \
    always_ff @(posedge clk_i) begin \
      was_reset   <= !rst_ni; \
      was_stalled <= rst_ni && (VALID) && !(READY); \
      last_data   <= (DATA); \
      if (rst_ni) begin \
        NAME``_low_after_reset: assume (!was_reset || !(VALID)); \
        NAME``_holds: assume (!was_stalled || ((VALID) && ((DATA) == last_data))); \
      end \
    end \
  end
`endif

`endif
