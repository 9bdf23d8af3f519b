// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_dwc under FORMAL: it is a queue of narrow beats that takes and gives groups of R.
if (OUT_W > IN_W) begin : gen_f_up
  localparam int unsigned R = OUT_W / IN_W;
  logic [7:0]       f_count_q;
  logic [OUT_W-1:0] f_queue_q;   // oldest beat in the low bits
  logic [OUT_W-1:0] f_queue_d;
  logic [7:0]       f_slot;
  logic [R-1:0]     f_equal;
  logic             f_push;
  logic             f_pop;

  assign f_push = s_axis_tvalid && s_axis_tready;
  assign f_pop  = m_axis_tvalid && m_axis_tready;
  assign f_slot = f_pop ? 8'd0 : f_count_q;

  always_comb begin
    f_queue_d = f_queue_q;
    if (f_push) f_queue_d[32'(f_slot)*IN_W +: IN_W] = s_axis_tdata;
  end

  always_ff @(posedge clk_i) begin
    f_queue_q <= f_queue_d;
    if (!rst_ni) f_count_q <= '0;
    else f_count_q <= f_slot + 8'(f_push);
  end

  always_comb begin
    for (int unsigned i = 0; i < R; i++) begin
      f_equal[i] = (8'(i) >= f_count_q)
                || (gen_up.shift_q[(R - 32'(f_count_q) + i)*IN_W +: IN_W] == f_queue_q[i*IN_W +: IN_W]);
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      f_occupancy: assert (f_count_q <= 8'(R));
      f_count: assert (f_count_q == (gen_up.full_q ? 8'(R) : 8'(gen_up.count_q)));
      f_valid: assert (m_axis_tvalid == (f_count_q == 8'(R)));
      f_ready: assert (s_axis_tready || m_axis_tvalid);
      f_parts: assert (&f_equal);
      f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_queue_q));
    end
  end
end

if (IN_W > OUT_W) begin : gen_f_down
  localparam int unsigned R = IN_W / OUT_W;
  logic [7:0]      f_count_q;
  logic [IN_W-1:0] f_queue_q;   // oldest beat in the low bits
  logic [R-1:0]    f_equal;
  logic            f_push;
  logic            f_pop;

  assign f_push = s_axis_tvalid && s_axis_tready;
  assign f_pop  = m_axis_tvalid && m_axis_tready;

  always_ff @(posedge clk_i) begin
    if (f_push) f_queue_q <= s_axis_tdata;
    else if (f_pop) f_queue_q <= f_queue_q >> OUT_W;
    if (!rst_ni) f_count_q <= '0;
    else f_count_q <= f_count_q - 8'(f_pop) + (f_push ? 8'(R) : 8'd0);
  end

  always_comb begin
    for (int unsigned i = 0; i < R; i++) begin
      f_equal[i] = (8'(i) >= f_count_q)
                || (gen_down.shift_q[i*OUT_W +: OUT_W] == f_queue_q[i*OUT_W +: OUT_W]);
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      f_occupancy: assert (f_count_q <= 8'(R));
      f_count: assert (f_count_q == (gen_down.valid_q ? 8'(R) - 8'(gen_down.count_q) : 8'd0));
      f_valid: assert (m_axis_tvalid == (f_count_q != '0));
      f_ready: assert (s_axis_tready || m_axis_tvalid);
      f_parts: assert (&f_equal);
      f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_queue_q[OUT_W-1:0]));
    end
  end
end
