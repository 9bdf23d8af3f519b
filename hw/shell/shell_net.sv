// SPDX-License-Identifier: Apache-2.0
// The network's side of the shell: memory words to input beats, result beats to memory words, reset and events;
// with CDC = 1 across two unrelated clocks, with CDC = 0 without any of it (net_clk_i is then bus_clk_i).
// net_reset_i asks for the reset; held_o tells that it holds. Streams are lost meanwhile.
//   input_stall_o   the network wants a beat that memory has not brought, between the first and the last beat of a batch
//   output_stall_o  a result waits
// With CDC both are samples of the network's clock, taken by the bus clock.
module shell_net #(
  parameter int unsigned IN_W = 24,
  parameter int unsigned IN_BEATS = 1024,
  parameter int unsigned OUT_N = 10,
  parameter int unsigned OUT_W = 12,
  parameter int unsigned OUT_BEATS = 1,
  parameter bit OUT_SIGNED = 1'b1,
  parameter int unsigned ELEM_W = 16,
  parameter bit CDC = 1'b0
) (
  input  logic                   bus_clk_i,
  input  logic                   net_clk_i,
  // bus clock
  input  logic                   net_reset_i,
  input  logic                   flush_i,
  output logic                   held_o,
  input  logic                   feeding_i,       // words of this batch are still to come
  output logic                   input_stall_o,
  output logic                   output_stall_o,
  output logic                   frame_error_o,
  output logic [3:0]             images_in_o,
  output logic [3:0]             net_cycles_o,
  input  logic [63:0]            s_axis_tdata,
  input  logic                   s_axis_tvalid,
  output logic                   s_axis_tready,
  output logic [63:0]            m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  logic                   m_axis_tready,
  // network's clock
  output logic                   net_rst_no,
  output logic [IN_W-1:0]        net_in_tdata,
  output logic                   net_in_tvalid,
  input  logic                   net_in_tready,
  input  logic [OUT_N*OUT_W-1:0] net_out_tdata,
  input  logic                   net_out_tvalid,
  output logic                   net_out_tready,
  input  logic                   net_out_tlast
);

  localparam int unsigned BEAT_W = (IN_BEATS > 1) ? $clog2(IN_BEATS) : 1;

  logic [63:0]       in_tdata;
  logic              in_tvalid;
  logic              in_tready;
  logic [63:0]       out_tdata;
  logic              out_tvalid;
  logic              out_tready;
  logic              reset_here;       // net_reset_i in the network's clock
  logic              feeding_here;
  logic              net_rst_nq = 1'b0;
  logic [BEAT_W-1:0] beat_q;
  logic              first_seen_q;     // the batch has begun
  logic              take;
  logic              image_q;
  logic              input_stall_q;
  logic              output_stall_q;
  logic              frame_error;

  assign net_rst_no = net_rst_nq;
  assign take       = net_in_tvalid && net_in_tready;

  always_ff @(posedge net_clk_i) begin
    net_rst_nq <= !reset_here;
  end

  stream_gearbox #(
    .IN_W(64),
    .OUT_W(IN_W),
    .OUT_BEATS(IN_BEATS)
  ) u_gearbox (
    .clk_i(net_clk_i),
    .rst_ni(net_rst_nq),
    .s_axis_tdata(in_tdata),
    .s_axis_tvalid(in_tvalid),
    .s_axis_tready(in_tready),
    .m_axis_tdata(net_in_tdata),
    .m_axis_tvalid(net_in_tvalid),
    .m_axis_tready(net_in_tready)
  );

  shell_pack #(
    .N(OUT_N),
    .W(OUT_W),
    .BEATS(OUT_BEATS),
    .SIGNED(OUT_SIGNED),
    .ELEM_W(ELEM_W)
  ) u_pack (
    .clk_i(net_clk_i),
    .rst_ni(net_rst_nq),
    .s_axis_tdata(net_out_tdata),
    .s_axis_tvalid(net_out_tvalid),
    .s_axis_tready(net_out_tready),
    .s_axis_tlast(net_out_tlast),
    .frame_o(frame_error),
    .m_axis_tdata(out_tdata),
    .m_axis_tvalid(out_tvalid),
    .m_axis_tready(out_tready)
  );

  always_ff @(posedge net_clk_i) begin
    if (!net_rst_nq) begin
      beat_q         <= '0;
      first_seen_q   <= 1'b0;
      image_q        <= 1'b0;
      input_stall_q  <= 1'b0;
      output_stall_q <= 1'b0;
    end else begin
      if (take) beat_q <= (beat_q == BEAT_W'(IN_BEATS - 1)) ? '0 : BEAT_W'(beat_q + 1'b1);
      image_q        <= take && (beat_q == BEAT_W'(IN_BEATS - 1));
      first_seen_q   <= feeding_here && (first_seen_q || take);
      input_stall_q  <= feeding_here && first_seen_q && net_in_tready && !net_in_tvalid;
      output_stall_q <= net_out_tvalid && !net_out_tready;
    end
  end

  if (CDC) begin : gen_cdc
    logic alive;
    logic frame_error_q;

    always_ff @(posedge net_clk_i) begin
      frame_error_q <= frame_error;
    end

    stream_cdc #(
      .W(64),
      .DEPTH(16)
    ) u_in (
      .s_clk_i(bus_clk_i),
      .s_rst_ni(!flush_i),
      .s_axis_tdata,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_clk_i(net_clk_i),
      .m_rst_ni(net_rst_nq),
      .m_axis_tdata(in_tdata),
      .m_axis_tvalid(in_tvalid),
      .m_axis_tready(in_tready)
    );

    stream_cdc #(
      .W(64),
      .DEPTH(16)
    ) u_out (
      .s_clk_i(net_clk_i),
      .s_rst_ni(net_rst_nq),
      .s_axis_tdata(out_tdata),
      .s_axis_tvalid(out_tvalid),
      .s_axis_tready(out_tready),
      .m_clk_i(bus_clk_i),
      .m_rst_ni(!flush_i),
      .m_axis_tdata,
      .m_axis_tvalid,
      .m_axis_tready
    );

    stream_cdc_sync #(
      .W(2)
    ) u_to_net (
      .clk_i(net_clk_i),
      .data_i({feeding_i, net_reset_i}),
      .data_o({feeding_here, reset_here})
    );

    stream_cdc_sync #(
      .W(4)
    ) u_to_bus (
      .clk_i(bus_clk_i),
      .data_i({net_rst_nq, frame_error_q, output_stall_q, input_stall_q}),
      .data_o({alive, frame_error_o, output_stall_o, input_stall_o})
    );

    stream_cdc_count #(
      .W(4)
    ) u_images (
      .s_clk_i(net_clk_i),
      .event_i(image_q),
      .m_clk_i(bus_clk_i),
      .count_o(images_in_o)
    );

    stream_cdc_count #(
      .W(4)
    ) u_cycles (
      .s_clk_i(net_clk_i),
      .event_i(1'b1),
      .m_clk_i(bus_clk_i),
      .count_o(net_cycles_o)
    );

    assign held_o = !alive;
  end else begin : gen_same
    assign reset_here     = net_reset_i;
    assign feeding_here   = feeding_i;
    assign held_o         = !net_rst_nq;
    assign in_tdata       = s_axis_tdata;
    assign in_tvalid      = s_axis_tvalid;
    assign s_axis_tready  = in_tready;
    assign m_axis_tdata   = out_tdata;
    assign m_axis_tvalid  = out_tvalid;
    assign out_tready     = m_axis_tready;
    assign input_stall_o  = input_stall_q;
    assign output_stall_o = output_stall_q;
    assign frame_error_o  = frame_error;
    assign images_in_o    = {3'b000, image_q};
    assign net_cycles_o   = 4'd1;

    logic unused;
    assign unused = bus_clk_i ^ flush_i;
  end

endmodule
