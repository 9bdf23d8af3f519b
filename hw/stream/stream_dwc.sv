// SPDX-License-Identifier: Apache-2.0
// Width converter by a whole factor R; the first narrow beat is the least significant part of the wide one.
//   up:   R beats of IN_W -> 1 of OUT_W   latency 1 after the last narrow beat, interval R cycles per wide beat
//   down: 1 beat of IN_W -> R of OUT_W    latency 1, interval R cycles per wide beat
//   same: wires, latency 0
// Full throughput: the narrow side moves a beat in every cycle. Cuts valid and data (unless same); ready passes through.
`include "axis_assert.svh"

module stream_dwc #(
  parameter int unsigned IN_W = 8,
  parameter int unsigned OUT_W = 24
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [IN_W-1:0]  s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,
  output logic [OUT_W-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready
);

  if (IN_W < 1) $error("stream_dwc: IN_W must be at least 1");
  if (OUT_W < 1) $error("stream_dwc: OUT_W must be at least 1");
  if (IN_W % OUT_W != 0 && OUT_W % IN_W != 0) $error("stream_dwc: one of IN_W and OUT_W must divide the other");

  if (OUT_W > IN_W) begin : gen_up
    localparam int unsigned R = OUT_W / IN_W;
    localparam int unsigned COUNT_W = $clog2(R);
    logic [OUT_W-1:0]   shift_q;
    logic [COUNT_W-1:0] count_q;
    logic               full_q;
    logic               take;

    assign s_axis_tready = !full_q || m_axis_tready;
    assign take          = s_axis_tvalid && s_axis_tready;
    assign m_axis_tvalid = full_q;
    assign m_axis_tdata  = shift_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q <= '0;
        full_q  <= 1'b0;
      end else begin
        if (take) count_q <= (count_q == COUNT_W'(R - 1)) ? '0 : count_q + 1'b1;
        if (take) full_q <= (count_q == COUNT_W'(R - 1));
        else if (m_axis_tready) full_q <= 1'b0;
      end
    end

    always_ff @(posedge clk_i) begin
      if (take) shift_q <= {s_axis_tdata, shift_q[OUT_W-1:IN_W]};
    end

    `AXIS_ASSERT(check_count, (32'(count_q) < R) && (!full_q || (count_q == '0)))
  end

  if (IN_W > OUT_W) begin : gen_down
    localparam int unsigned R = IN_W / OUT_W;
    localparam int unsigned COUNT_W = $clog2(R);
    logic [IN_W-1:0]    shift_q;
    logic [COUNT_W-1:0] count_q;
    logic               valid_q;
    logic               last;
    logic               take;

    assign last          = (count_q == COUNT_W'(R - 1));
    assign s_axis_tready = !valid_q || (last && m_axis_tready);
    assign take          = s_axis_tvalid && s_axis_tready;
    assign m_axis_tvalid = valid_q;
    assign m_axis_tdata  = shift_q[OUT_W-1:0];

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q <= '0;
        valid_q <= 1'b0;
      end else begin
        if (valid_q && m_axis_tready) count_q <= last ? '0 : count_q + 1'b1;
        if (take) valid_q <= 1'b1;
        else if (last && m_axis_tready) valid_q <= 1'b0;
      end
    end

    always_ff @(posedge clk_i) begin
      if (take) shift_q <= s_axis_tdata;
      else if (m_axis_tready) shift_q <= IN_W'(shift_q[IN_W-1:OUT_W]);
    end

    `AXIS_ASSERT(check_count, (32'(count_q) < R) && (valid_q || (count_q == '0)))
  end

  if (IN_W == OUT_W) begin : gen_same
    assign s_axis_tready = m_axis_tready;
    assign m_axis_tvalid = s_axis_tvalid;
    assign m_axis_tdata  = s_axis_tdata;

    // Nothing to clock; the ports belong to the common port list.
    logic unused;
    assign unused = clk_i ^ rst_ni;
  end

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, OUT_W)

`ifdef FORMAL
  `include "stream_dwc_props.svh"
`endif

endmodule
