// SPDX-License-Identifier: Apache-2.0
// Turns result beats into pixel beats: N beats of M pixels x W bits in, M beats of N*W bits out.
//   out[m][n*W +: W] = in[n][m*W +: W]      pixel 0 first
// Double-buffered: the next tile fills while the previous one drains. Initiation interval max(N, M) cycles per
// tile, so with N >= M it accepts a beat in every cycle. Latency: pixel 0 is valid 1 cycle after beat N-1.
// N = M = 1 is a register slice. Cuts valid and data; ready passes through (only the last beat of a tile waits
// for the drain). Storage M*(N-1)*W + M*N*W flip-flops and one M:1 multiplexer of N*W bits.
`include "axis_assert.svh"

module stream_gather #(
  parameter int unsigned M = 2,
  parameter int unsigned W = 1,
  parameter int unsigned N = 8
) (
  input  logic           clk_i,
  input  logic           rst_ni,
  input  logic [M*W-1:0] s_axis_tdata,
  input  logic           s_axis_tvalid,
  output logic           s_axis_tready,
  output logic [N*W-1:0] m_axis_tdata,
  output logic           m_axis_tvalid,
  input  logic           m_axis_tready
);

  if (M < 1) $error("stream_gather: M must be at least 1");
  if (W < 1) $error("stream_gather: W must be at least 1");
  if (N < 1) $error("stream_gather: N must be at least 1");

  localparam int unsigned BEAT_W = (N > 1) ? $clog2(N) : 1;
  localparam int unsigned PIXEL_W = (M > 1) ? $clog2(M) : 1;

  logic [N*M*W-1:0]      tile;    // beat n at [n*M*W +: M*W]; the newest beat is the input itself
  logic [M-1:0][N*W-1:0] hold_q;  // one pixel per element
  logic                  hold_valid_q;
  logic [BEAT_W-1:0]     beat_q;
  logic [PIXEL_W-1:0]    pixel_q;
  logic                  last_beat;
  logic                  last_pixel;
  logic                  hold_free;
  logic                  take;
  logic                  load;

  assign last_beat     = (beat_q == BEAT_W'(N - 1));
  assign last_pixel    = (pixel_q == PIXEL_W'(M - 1));
  assign hold_free     = !hold_valid_q || (last_pixel && m_axis_tready);
  assign s_axis_tready = !last_beat || hold_free;
  assign take          = s_axis_tvalid && s_axis_tready;
  assign load          = take && last_beat;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q       <= '0;
      pixel_q      <= '0;
      hold_valid_q <= 1'b0;
    end else begin
      if (take) beat_q <= last_beat ? '0 : BEAT_W'(beat_q + 1'b1);
      if (hold_valid_q && m_axis_tready) pixel_q <= last_pixel ? '0 : PIXEL_W'(pixel_q + 1'b1);
      if (load) hold_valid_q <= 1'b1;
      else if (last_pixel && m_axis_tready) hold_valid_q <= 1'b0;
    end
  end

  if (N > 1) begin : gen_fill
    logic [(N-1)*M*W-1:0] fill_q;
    assign tile = {s_axis_tdata, fill_q};
    always_ff @(posedge clk_i) begin
      if (take) fill_q <= tile[N*M*W-1:M*W];
    end
  end else begin : gen_no_fill
    assign tile = s_axis_tdata;
  end

  always_ff @(posedge clk_i) begin
    if (load) begin
      for (int unsigned m = 0; m < M; m++) begin
        for (int unsigned n = 0; n < N; n++) hold_q[m][n*W +: W] <= tile[(n*M + m)*W +: W];
      end
    end
  end

  assign m_axis_tvalid = hold_valid_q;
  assign m_axis_tdata  = hold_q[pixel_q];

  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, N*W)
  `AXIS_ASSERT(check_beat, 32'(beat_q) < N)
  `AXIS_ASSERT(check_pixel, 32'(pixel_q) < M)

`ifdef FORMAL
  `include "stream_gather_props.svh"
`endif

endmodule
