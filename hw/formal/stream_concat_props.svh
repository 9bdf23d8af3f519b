// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_concat under FORMAL: beats of a, of b and of the output pass together or not at all,
// and every element keeps its value.
logic f_a;
logic f_b;
logic f_out;

`AXIS_ASSUME_STREAM(f_sender_a, s_axis_a_tvalid, s_axis_a_tready, s_axis_a_tdata, CA*A_BITS)
`AXIS_ASSUME_STREAM(f_sender_b, s_axis_b_tvalid, s_axis_b_tready, s_axis_b_tdata, CB*B_BITS)
`AXIS_ASSERT_STREAM(f_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, (CA + CB)*OUT_BITS)

assign f_a   = s_axis_a_tvalid && s_axis_a_tready;
assign f_b   = s_axis_b_tvalid && s_axis_b_tready;
assign f_out = m_axis_tvalid && m_axis_tready;

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_together: assert ((f_a == f_out) && (f_b == f_out));
    f_passes: assert (f_out == (s_axis_a_tvalid && s_axis_b_tvalid && m_axis_tready));
  end
end

for (genvar c = 0; c < CA + CB; c++) begin : gen_f_element
  localparam bit SIGNED = (c < CA) ? A_SIGNED : B_SIGNED;
  localparam int unsigned BITS = (c < CA) ? A_BITS : B_BITS;
  logic [OUT_BITS-1:0] f_out_element;
  logic [BITS-1:0]     f_in_element;
  assign f_out_element = m_axis_tdata[c*OUT_BITS +: OUT_BITS];
  if (c < CA) begin : gen_f_a
    assign f_in_element = s_axis_a_tdata[c*A_BITS +: A_BITS];
  end else begin : gen_f_b
    assign f_in_element = s_axis_b_tdata[(c - CA)*B_BITS +: B_BITS];
  end
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      assert (f_out_element[BITS-1:0] == f_in_element);
      assert ((f_out_element >> BITS) == (({OUT_BITS{SIGNED && f_in_element[BITS-1]}}) >> BITS));
    end
  end
end
