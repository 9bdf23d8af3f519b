// SPDX-License-Identifier: Apache-2.0
// Joins two streams channel by channel: out = a's CA elements, then b's CB elements, each extended to OUT_BITS
// (with its sign where A_SIGNED or B_SIGNED, else with zeros). A beat of a and a beat of b leave together.
// Latency 0, one beat a cycle. Cuts nothing: valid needs both valids, and ready of one input needs the other's
// valid, so neither is lost; valid never depends on ready.
`include "axis_assert.svh"

module stream_concat #(
  parameter int unsigned CA = 4,
  parameter int unsigned CB = 4,
  parameter int unsigned A_BITS = 1,
  parameter int unsigned B_BITS = 1,
  parameter bit A_SIGNED = 1'b0,
  parameter bit B_SIGNED = 1'b0,
  parameter int unsigned OUT_BITS = 1,
  localparam int unsigned OUT_W = (CA + CB) * OUT_BITS
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic [CA*A_BITS-1:0] s_axis_a_tdata,
  input  logic                 s_axis_a_tvalid,
  output logic                 s_axis_a_tready,
  input  logic [CB*B_BITS-1:0] s_axis_b_tdata,
  input  logic                 s_axis_b_tvalid,
  output logic                 s_axis_b_tready,
  output logic [OUT_W-1:0]     m_axis_tdata,
  output logic                 m_axis_tvalid,
  input  logic                 m_axis_tready
);

  if (CA < 1 || CB < 1) $error("stream_concat: CA and CB must be at least 1");
  if (A_BITS < 1 || B_BITS < 1) $error("stream_concat: A_BITS and B_BITS must be at least 1");
  if (OUT_BITS < A_BITS || OUT_BITS < B_BITS) $error("stream_concat: OUT_BITS must hold A_BITS and B_BITS");

  assign m_axis_tvalid   = s_axis_a_tvalid && s_axis_b_tvalid;
  assign s_axis_a_tready = m_axis_tready && s_axis_b_tvalid;
  assign s_axis_b_tready = m_axis_tready && s_axis_a_tvalid;

  for (genvar c = 0; c < CA; c++) begin : gen_a
    if (A_SIGNED) begin : gen_sign
      assign m_axis_tdata[c*OUT_BITS +: OUT_BITS] = OUT_BITS'($signed(s_axis_a_tdata[c*A_BITS +: A_BITS]));
    end else begin : gen_zero
      assign m_axis_tdata[c*OUT_BITS +: OUT_BITS] = OUT_BITS'(s_axis_a_tdata[c*A_BITS +: A_BITS]);
    end
  end

  for (genvar c = 0; c < CB; c++) begin : gen_b
    if (B_SIGNED) begin : gen_sign
      assign m_axis_tdata[(CA + c)*OUT_BITS +: OUT_BITS] = OUT_BITS'($signed(s_axis_b_tdata[c*B_BITS +: B_BITS]));
    end else begin : gen_zero
      assign m_axis_tdata[(CA + c)*OUT_BITS +: OUT_BITS] = OUT_BITS'(s_axis_b_tdata[c*B_BITS +: B_BITS]);
    end
  end

  // Nothing to clock; the ports belong to the common port list.
  logic unused;
  assign unused = clk_i ^ rst_ni;

`ifdef FORMAL
  `include "stream_concat_props.svh"
`endif

endmodule
