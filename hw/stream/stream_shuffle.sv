// SPDX-License-Identifier: Apache-2.0
// Channel shuffle inside a beat: out[c*GROUPS + g] = in[g*(C/GROUPS) + c], elements of BITS bits.
// Wires only: latency 0, one beat a cycle, cuts nothing, costs nothing.
`include "axis_assert.svh"

module stream_shuffle #(
  parameter int unsigned C = 8,
  parameter int unsigned BITS = 1,
  parameter int unsigned GROUPS = 2
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [C*BITS-1:0] s_axis_tdata,
  input  logic              s_axis_tvalid,
  output logic              s_axis_tready,
  output logic [C*BITS-1:0] m_axis_tdata,
  output logic              m_axis_tvalid,
  input  logic              m_axis_tready
);

  if (C < 1) $error("stream_shuffle: C must be at least 1");
  if (BITS < 1) $error("stream_shuffle: BITS must be at least 1");
  if (GROUPS < 1 || C % GROUPS != 0) $error("stream_shuffle: GROUPS must divide C");

  localparam int unsigned PER_GROUP = (GROUPS > 0) ? C / GROUPS : 1;

  for (genvar g = 0; g < GROUPS; g++) begin : gen_group
    for (genvar c = 0; c < PER_GROUP; c++) begin : gen_channel
      assign m_axis_tdata[(c*GROUPS + g)*BITS +: BITS] = s_axis_tdata[(g*PER_GROUP + c)*BITS +: BITS];
    end
  end

  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;

  // Nothing to clock; the ports belong to the common port list.
  logic unused;
  assign unused = clk_i ^ rst_ni;

`ifdef FORMAL
  `include "stream_shuffle_props.svh"
`endif

endmodule
