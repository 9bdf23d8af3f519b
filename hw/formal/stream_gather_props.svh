// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_gather under FORMAL: every N beats taken make one tile, every tile gives M pixels,
// there is never a second finished tile, and each output bit is the right bit of the right beat.
logic [7:0]       f_beat_q;    // beats of the tile that fills
logic [7:0]       f_pixel_q;   // next pixel of the tile that drains
logic [7:0]       f_tiles_q;   // finished tiles inside
logic [N*M*W-1:0] f_fill_q;    // beat n at [n*M*W +: M*W], written in place
logic [N*M*W-1:0] f_fill_d;
logic [N*M*W-1:0] f_drain_q;
logic             f_push;
logic             f_pop;
logic             f_made;
logic             f_gone;
logic [N-1:0]     f_filled;
logic [M*N-1:0]   f_held;
logic [N*W-1:0]   f_pixel;

assign f_push = s_axis_tvalid && s_axis_tready;
assign f_pop  = m_axis_tvalid && m_axis_tready;
assign f_made = f_push && (f_beat_q == 8'(N - 1));
assign f_gone = f_pop && (f_pixel_q == 8'(M - 1));

always_comb begin
  f_fill_d = f_fill_q;
  if (f_push) f_fill_d[32'(f_beat_q)*M*W +: M*W] = s_axis_tdata;
end

always_ff @(posedge clk_i) begin
  f_fill_q <= f_fill_d;
  if (f_made) f_drain_q <= f_fill_d;
  if (!rst_ni) begin
    f_beat_q  <= '0;
    f_pixel_q <= '0;
    f_tiles_q <= '0;
  end else begin
    if (f_push) f_beat_q <= f_made ? 8'd0 : f_beat_q + 8'd1;
    if (f_pop) f_pixel_q <= f_gone ? 8'd0 : f_pixel_q + 8'd1;
    f_tiles_q <= f_tiles_q + 8'(f_made) - 8'(f_gone);
  end
end

always_comb begin
  for (int unsigned n = 0; n < N; n++) f_pixel[n*W +: W] = f_drain_q[n*M*W + 32'(f_pixel_q)*W +: W];
  for (int unsigned m = 0; m < M; m++) begin
    for (int unsigned n = 0; n < N; n++) begin
      f_held[m*N + n] = !hold_valid_q || (hold_q[m][n*W +: W] == f_drain_q[(n*M + m)*W +: W]);
    end
  end
end

if (N > 1) begin : gen_f_fill
  always_comb begin
    f_filled[N-1] = 1'b1;
    for (int unsigned n = 0; n < N - 1; n++) begin
      f_filled[n] = (8'(n) >= f_beat_q)
                 || (gen_fill.fill_q[(N - 1 - 32'(f_beat_q) + n)*M*W +: M*W] == f_fill_q[n*M*W +: M*W]);
    end
  end
end else begin : gen_f_no_fill
  assign f_filled = '1;
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_occupancy: assert (f_tiles_q <= 8'd1);
    f_counters: assert ((f_beat_q == 8'(beat_q)) && (f_pixel_q == 8'(pixel_q)));
    f_bounds: assert ((f_beat_q < 8'(N)) && (f_pixel_q < 8'(M)));
    f_valid: assert (m_axis_tvalid == (f_tiles_q != '0));
    f_idle: assert (m_axis_tvalid || (f_pixel_q == '0));
    f_ready: assert (s_axis_tready || (m_axis_tvalid && (f_beat_q == 8'(N - 1))));
    f_parts: assert (&f_filled);
    f_tile: assert (&f_held);
    f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_pixel));
  end
end
