// SPDX-License-Identifier: Apache-2.0
// FIFO between two clocks that know nothing of each other; DEPTH is a power of two. One beat more stands at the output.
// Each side tells the other its pointer in Gray code, of which one bit changes at a time, so a sample is the old or the new value.
// Both resets must be low together for some cycles of both clocks before either rises; the shell sees to that.
// Latency one cycle of the writer and four of the reader; one beat per cycle of the slower clock while DEPTH >= 16.
// Cuts valid, ready and data, which are registers: a beat goes to the output register as soon as that is free.
`include "axis_assert.svh"

module stream_cdc #(
  parameter int unsigned W = 8,
  parameter int unsigned DEPTH = 16,
  localparam int unsigned PTR_W = $clog2(DEPTH) + 1
) (
  input  logic         s_clk_i,
  input  logic         s_rst_ni,
  input  logic [W-1:0] s_axis_tdata,
  input  logic         s_axis_tvalid,
  output logic         s_axis_tready,
  input  logic         m_clk_i,
  input  logic         m_rst_ni,
  output logic [W-1:0] m_axis_tdata,
  output logic         m_axis_tvalid,
  input  logic         m_axis_tready
);

  if (W < 1) $error("stream_cdc: W must be at least 1");
  if (DEPTH < 4 || (DEPTH & (DEPTH - 1)) != 0) $error("stream_cdc: DEPTH must be a power of two from 4");

  // A pointer has one bit more than an address: equal pointers mean empty, a distance of DEPTH means full.
  (* ram_style = "distributed" *) logic [W-1:0] mem [0:DEPTH-1];
  logic [PTR_W-1:0] write_q;        // binary, and in Gray code for the other side
  logic [PTR_W-1:0] write_gray_q;
  logic [PTR_W-1:0] write_d;
  logic [PTR_W-1:0] write_gray_d;
  logic [PTR_W-1:0] read_q;
  logic [PTR_W-1:0] read_gray_q;
  logic [PTR_W-1:0] read_d;
  logic [PTR_W-1:0] read_gray_d;
  logic [PTR_W-1:0] seen_write_gray;  // the writer's pointer as the reader knows it
  logic [PTR_W-1:0] seen_read_gray;   // and the other way round
  logic             ready_q;
  logic             valid_q;
  logic [W-1:0]     data_q;
  logic             push;
  logic             free;             // the output register is, or becomes so
  logic             fetch;

  assign s_axis_tready = ready_q;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;
  assign push          = s_axis_tvalid && ready_q;
  assign free          = !valid_q || m_axis_tready;
  assign fetch         = free && (read_gray_q != seen_write_gray);
  assign write_d       = write_q + PTR_W'(push);
  assign read_d        = read_q + PTR_W'(fetch);
  assign write_gray_d  = write_d ^ (write_d >> 1);
  assign read_gray_d   = read_d ^ (read_d >> 1);

  // In Gray code a distance of DEPTH is the inversion of the two upper bits.
  always_ff @(posedge s_clk_i) begin
    if (!s_rst_ni) begin
      write_q      <= '0;
      write_gray_q <= '0;
      ready_q      <= 1'b0;
    end else begin
      write_q      <= write_d;
      write_gray_q <= write_gray_d;
      ready_q      <= (write_gray_d != {~seen_read_gray[PTR_W-1 -: 2], seen_read_gray[PTR_W-3:0]});
    end
  end

  always_ff @(posedge m_clk_i) begin
    if (!m_rst_ni) begin
      read_q      <= '0;
      read_gray_q <= '0;
      valid_q     <= 1'b0;
    end else begin
      read_q      <= read_d;
      read_gray_q <= read_gray_d;
      if (free) valid_q <= fetch;
    end
  end

  always_ff @(posedge s_clk_i) begin
    if (push) mem[write_q[PTR_W-2:0]] <= s_axis_tdata;
  end

  always_ff @(posedge m_clk_i) begin
    if (fetch) data_q <= mem[read_q[PTR_W-2:0]];
  end

  stream_cdc_sync #(
    .W(PTR_W)
  ) u_to_reader (
    .clk_i(m_clk_i),
    .data_i(write_gray_q),
    .data_o(seen_write_gray)
  );

  stream_cdc_sync #(
    .W(PTR_W)
  ) u_to_writer (
    .clk_i(s_clk_i),
    .data_i(read_gray_q),
    .data_o(seen_read_gray)
  );

`ifdef FORMAL
  `include "stream_cdc_props.svh"
`endif

endmodule
