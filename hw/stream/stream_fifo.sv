// SPDX-License-Identifier: Apache-2.0
// First-word fall-through FIFO of DEPTH beats; any DEPTH >= 2, also not a power of two.
// Latency 1 cycle, initiation interval 1. Cuts valid and ready: ready falls while DEPTH beats are inside, also in
// a cycle in which one leaves. Data comes out of LUT RAM through a read multiplexer, or of block RAM where
// DEPTH > 128 and DEPTH * W >= 8192.
// In simulation high_water_q keeps the largest occupancy since reset.
`include "axis_assert.svh"

module stream_fifo #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  localparam int unsigned PTR_W = (DEPTH > 2) ? $clog2(DEPTH) : 1,
  localparam int unsigned COUNT_W = $clog2(DEPTH + 1),
  localparam bit BLOCK = (DEPTH > 128) && (DEPTH * W >= 8192)
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic [W-1:0] s_axis_tdata,
  input  logic         s_axis_tvalid,
  output logic         s_axis_tready,
  output logic [W-1:0] m_axis_tdata,
  output logic         m_axis_tvalid,
  input  logic         m_axis_tready
);

  if (W < 1) $error("stream_fifo: W must be at least 1");
  if (DEPTH < 2) $error("stream_fifo: DEPTH must be at least 2");

  logic [PTR_W-1:0]   write_q;
  logic [PTR_W-1:0]   read_q;
  logic [PTR_W-1:0]   read_d;
  logic [COUNT_W-1:0] count_q;
  logic               push;
  logic               pop;

  assign s_axis_tready = (count_q != COUNT_W'(DEPTH));
  assign push = s_axis_tvalid && s_axis_tready;
  assign pop  = m_axis_tvalid && m_axis_tready;

  always_comb begin
    read_d = read_q;
    if (pop) read_d = (read_q == PTR_W'(DEPTH - 1)) ? '0 : PTR_W'(read_q + 1'b1);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= '0;
      count_q <= '0;
    end else begin
      read_q <= read_d;
      if (push) write_q <= (write_q == PTR_W'(DEPTH - 1)) ? '0 : PTR_W'(write_q + 1'b1);
      if (push && !pop) count_q <= count_q + 1'b1;
      if (pop && !push) count_q <= count_q - 1'b1;
    end
  end

  if (BLOCK) begin : gen_block
    // The head is read one cycle ahead; a beat that is written right there, because nothing else is inside, goes around the memory.
    // What stands behind a deep FIFO hangs on valid, which is a register, not a comparison.
    (* ram_style = "block" *) logic [W-1:0] mem [0:DEPTH-1];
    logic [W-1:0] head_q;
    logic [W-1:0] around_q;
    logic         use_around_q;
    logic         valid_q;
    logic         many;  // more than one beat is inside
    assign many          = (count_q[COUNT_W-1:1] != '0);
    assign m_axis_tvalid = valid_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= 1'b0;
      else valid_q <= push || many || (valid_q && !pop);
    end
    always_ff @(posedge clk_i) begin
      if (push) mem[write_q] <= s_axis_tdata;
    end
    always_ff @(posedge clk_i) begin
      head_q       <= mem[read_d];
      use_around_q <= push && (!valid_q || (pop && !many));
      around_q     <= s_axis_tdata;
    end
    assign m_axis_tdata = use_around_q ? around_q : head_q;
  end else begin : gen_lut
    (* ram_style = "distributed" *) logic [W-1:0] mem [0:DEPTH-1];
    assign m_axis_tvalid = (count_q != '0);
    always_ff @(posedge clk_i) begin
      if (push) mem[write_q] <= s_axis_tdata;
    end
    assign m_axis_tdata = mem[read_q];
  end

`ifndef SYNTHESIS
  logic [COUNT_W-1:0] high_water_q /* verilator public_flat_rd */;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) high_water_q <= '0;
    else if (count_q > high_water_q) high_water_q <= count_q;
  end
`endif

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, W)
  `AXIS_ASSERT(check_occupancy, 32'(count_q) <= DEPTH)

`ifdef FORMAL
  `include "stream_fifo_props.svh"
`endif

endmodule
