// SPDX-License-Identifier: Apache-2.0
// What a batch cost, in cycles of the bus clock. All but FREE and NET_FREE start again at clear_i.
// latency_o counts from begin_i to the first answered result, that cycle included.
module shell_counters (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,
  input  logic        begin_i,
  input  logic        running_i,
  input  logic        answered_i,
  input  logic        input_stall_i,
  input  logic        output_stall_i,
  input  logic [3:0]  images_in_i,     // images that the network took since the last cycle
  input  logic [3:0]  net_cycles_i,    // its clock cycles since then
  output logic [63:0] cycles_o,
  output logic [31:0] latency_o,
  output logic [31:0] images_in_o,
  output logic [31:0] images_out_o,
  output logic [63:0] input_stalls_o,
  output logic [63:0] output_stalls_o,
  output logic [63:0] free_o,
  output logic [63:0] net_free_o
);

  logic first_q;   // no result of this batch is answered yet

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      cycles_o        <= '0;
      images_in_o     <= '0;
      images_out_o    <= '0;
      input_stalls_o  <= '0;
      output_stalls_o <= '0;
    end else begin
      cycles_o        <= cycles_o + 64'(running_i);
      images_in_o     <= images_in_o + 32'(images_in_i);
      images_out_o    <= images_out_o + 32'(answered_i);
      input_stalls_o  <= input_stalls_o + 64'(input_stall_i);
      output_stalls_o <= output_stalls_o + 64'(output_stall_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (begin_i) first_q <= 1'b1;
    else if (answered_i) first_q <= 1'b0;
    if (begin_i) latency_o <= '0;
    else if (running_i && first_q) latency_o <= latency_o + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_o     <= '0;
      net_free_o <= '0;
    end else begin
      free_o     <= free_o + 1'b1;
      net_free_o <= net_free_o + 64'(net_cycles_i);
    end
  end

endmodule
