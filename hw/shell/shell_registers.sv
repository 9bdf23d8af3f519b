// SPDX-License-Identifier: Apache-2.0
// The registers of registers.toml: storage, selection, latches of the 64-bit counters. See docs/registers.md.
// write_i stands for one cycle with address, data and strobes, which hold one cycle more; rdata_o stands in the cycle after read_i.
// Addresses keep one bit above ADDR_W: set for a value beyond the address space, which every check then refuses.
`include "shell_registers.svh"

module shell_registers #(
  parameter int unsigned ADDR_W = 32,
  parameter int unsigned IN_BYTES = 784,
  parameter int unsigned OUT_BYTES = 24,
  parameter int unsigned OUT_ELEMENTS = 10,
  parameter int unsigned ELEM_W = 16,
  parameter bit CDC = 1'b0,
  parameter bit AXI3 = 1'b0,
  parameter bit RUNTIME = 1'b0,
  parameter logic [127:0] MODEL_HASH = '0,
  parameter logic [31:0] TIMEOUT_RESET = shell_map::TIMEOUT_RESET,
  localparam int unsigned HIGH_W = ADDR_W - 31
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic            write_i,
  input  logic [15:0]     waddr_i,
  input  logic [31:0]     wdata_i,
  input  logic [3:0]      wstrb_i,
  input  logic            read_i,
  input  logic [15:0]     raddr_i,
  output logic [31:0]     rdata_o,
  // commands, one cycle each
  output logic            start_o,
  output logic            stop_o,
  output logic [7:0]      error_clear_o,
  output logic            load_addr_o,
  output logic            load_data_o,
  output logic [31:0]     load_o,
  // parameters of a batch
  output logic            irq_enable_o,
  output logic [ADDR_W:0] in_base_o,
  output logic [ADDR_W:0] out_base_o,
  output logic [31:0]     images_o,
  output logic [31:0]     in_stride_o,
  output logic [31:0]     out_stride_o,
  output logic [31:0]     timeout_o,
  output logic [ADDR_W:0] limit_base_o,
  output logic [ADDR_W:0] limit_end_o,
  output logic            bad_align_o,
  output logic            bad_length_o,
  output logic            bad_range_o,
  // what is read
  input  logic            idle_i,
  input  logic            done_i,
  input  logic            net_reset_i,
  input  logic [7:0]      error_i,
  input  logic [31:0]     load_addr_i,
  // what is counted; see shell_counters
  input  logic            begin_i,
  input  logic            running_i,
  input  logic            answered_i,
  input  logic            input_stall_i,
  input  logic            output_stall_i,
  input  logic [3:0]      images_in_i,
  input  logic [3:0]      net_cycles_i
);

  // The upper half of an address as it is kept: its own bits, and above them one that stands for all the rest.
  function automatic logic [HIGH_W-1:0] folded(input logic [31:0] value);
    folded = HIGH_W'(value & (32'hFFFF_FFFF >> (33 - HIGH_W)));
    folded[HIGH_W-1] = ((value >> (HIGH_W - 1)) != '0);
  endfunction

  logic [ADDR_W:0] in_base_q;
  logic [ADDR_W:0] out_base_q;
  logic [ADDR_W:0] limit_base_q;
  logic [ADDR_W:0] limit_end_q;
  logic [31:0]     images_q;
  logic [31:0]     in_stride_q;
  logic [31:0]     out_stride_q;
  logic [31:0]     timeout_q;
  logic            irq_enable_q;
  logic [31:0]     high_q;     // upper half of the counter whose lower half was read last
  logic [63:0][31:0] words;    // what can be read
  logic [3:0][31:0] group_q;   // candidates of a read, one for each 64 bytes
  logic [1:0]      chosen_q;
  logic            upper;      // what is read is the upper half of a counter
  logic            upper_q;
  logic            hit_q;
  logic            write_q;
  logic [15:0]     place;      // the offset that write_q writes to
  logic            command;
  logic            clear;
  logic [63:0]     cycles;
  logic [31:0]     latency;
  logic [31:0]     images_in;
  logic [31:0]     images_out;
  logic [63:0]     input_stalls;
  logic [63:0]     output_stalls;
  logic [63:0]     free_cycles;
  logic [63:0]     net_cycles;
  logic [3:0][31:0] loaded_hash;

  // A write of fewer than four bytes is ignored, and one beyond the registers. What is left of its address is decoded a cycle later.
  always_ff @(posedge clk_i) begin
    write_q <= rst_ni && write_i && (&wstrb_i) && (waddr_i[15:8] == '0) && (waddr_i[1:0] == '0);
  end
  assign place   = {8'b0, waddr_i[7:2], 2'b00};
  assign command = write_q && (place == shell_map::CONTROL);

  // Commands are registers, two cycles behind the write.
  always_ff @(posedge clk_i) begin
    start_o       <= command && rst_ni && wdata_i[shell_map::CONTROL_START_BIT];
    stop_o        <= command && rst_ni && wdata_i[shell_map::CONTROL_STOP_BIT];
    clear         <= command && wdata_i[shell_map::CONTROL_CLEAR_BIT];
    error_clear_o <= (write_q && (place == shell_map::ERROR)) ? wdata_i[7:0] : '0;
    load_addr_o   <= RUNTIME && rst_ni && write_q && (place == shell_map::LOAD_ADDR);
    load_data_o   <= RUNTIME && rst_ni && write_q && (place == shell_map::LOAD_DATA);
    load_o        <= wdata_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      irq_enable_q <= 1'b0;
      in_base_q    <= '0;
      out_base_q   <= '0;
      images_q     <= '0;
      in_stride_q  <= '0;
      out_stride_q <= '0;
      timeout_q    <= TIMEOUT_RESET;
      limit_base_q <= '0;
      limit_end_q  <= '0;
    end else if (write_q) begin
      unique case (place)
        shell_map::IRQ_ENABLE:    irq_enable_q <= wdata_i[shell_map::IRQ_ENABLE_ENABLE_BIT];
        shell_map::IN_BASE_LO:    in_base_q[31:0] <= wdata_i;
        shell_map::IN_BASE_HI:    in_base_q[ADDR_W:32] <= folded(wdata_i);
        shell_map::OUT_BASE_LO:   out_base_q[31:0] <= wdata_i;
        shell_map::OUT_BASE_HI:   out_base_q[ADDR_W:32] <= folded(wdata_i);
        shell_map::IMAGES:        images_q <= wdata_i;
        shell_map::IN_STRIDE:     in_stride_q <= wdata_i;
        shell_map::OUT_STRIDE:    out_stride_q <= wdata_i;
        shell_map::TIMEOUT:       timeout_q <= wdata_i;
        shell_map::LIMIT_BASE_LO: limit_base_q[31:0] <= wdata_i;
        shell_map::LIMIT_BASE_HI: limit_base_q[ADDR_W:32] <= folded(wdata_i);
        shell_map::LIMIT_END_LO:  limit_end_q[31:0] <= wdata_i;
        shell_map::LIMIT_END_HI:  limit_end_q[ADDR_W:32] <= folded(wdata_i);
        default: ;
      endcase
    end
  end

  assign irq_enable_o = irq_enable_q;
  assign in_base_o    = in_base_q;
  assign out_base_o   = out_base_q;
  assign images_o     = images_q;
  assign in_stride_o  = in_stride_q;
  assign out_stride_o = out_stride_q;
  assign timeout_o    = timeout_q;
  assign limit_base_o = limit_base_q;
  assign limit_end_o  = limit_end_q;

  // START comes cycles after the last parameter, so its checks may lag one.
  always_ff @(posedge clk_i) begin
    bad_align_o  <= (in_base_q[5:0] != '0) || (out_base_q[5:0] != '0) || (in_stride_q[2:0] != '0) || (out_stride_q[2:0] != '0);
    bad_length_o <= (images_q == '0) || (in_stride_q < IN_BYTES) || (out_stride_q < OUT_BYTES);
    bad_range_o  <= in_base_q[ADDR_W] || out_base_q[ADDR_W];
  end

  shell_counters u_counters (
    .clk_i, .rst_ni,
    .clear_i(clear),
    .begin_i, .running_i, .answered_i, .input_stall_i, .output_stall_i, .images_in_i, .net_cycles_i,
    .cycles_o(cycles),
    .latency_o(latency),
    .images_in_o(images_in),
    .images_out_o(images_out),
    .input_stalls_o(input_stalls),
    .output_stalls_o(output_stalls),
    .free_o(free_cycles),
    .net_free_o(net_cycles)
  );

  // Lives as long as the memories that it speaks of: set by configuration, by no reset.
  if (RUNTIME) begin : gen_loaded
    logic [127:0] loaded_hash_q = '0;
    always_ff @(posedge clk_i) begin
      if (write_q && (place[15:4] == shell_map::LOADED_HASH0[15:4])) loaded_hash_q[32*place[3:2]+:32] <= wdata_i;
    end
    assign loaded_hash = loaded_hash_q;
  end else begin : gen_as_built
    assign loaded_hash = '0;
  end

  // A read chooses among sixteen words in one cycle, and in the next among four and the upper half of a counter. There the choice
  // does not care, and gives the lower half.
  always_comb begin
    words = '0;
    words[shell_map::ID[7:2]]                = shell_map::ID_RESET;
    words[shell_map::VERSION[7:2]]            = {16'(shell_map::MAJOR), 16'(shell_map::MINOR)};
    words[shell_map::MODEL_HASH0[7:2]]       = MODEL_HASH[127:96];
    words[shell_map::MODEL_HASH1[7:2]]       = MODEL_HASH[95:64];
    words[shell_map::MODEL_HASH2[7:2]]       = MODEL_HASH[63:32];
    words[shell_map::MODEL_HASH3[7:2]]       = MODEL_HASH[31:0];
    words[shell_map::STATUS[7:2]]            = {28'b0, net_reset_i, |error_i, done_i, idle_i};
    words[shell_map::ERROR[7:2]]             = {24'b0, error_i};
    words[shell_map::IRQ_ENABLE[7:2]]        = {31'b0, irq_enable_q};
    words[shell_map::IN_BASE_LO[7:2]]        = in_base_q[31:0];
    words[shell_map::IN_BASE_HI[7:2]]        = 32'(in_base_q[ADDR_W:32]);
    words[shell_map::OUT_BASE_LO[7:2]]       = out_base_q[31:0];
    words[shell_map::OUT_BASE_HI[7:2]]       = 32'(out_base_q[ADDR_W:32]);
    words[shell_map::IMAGES[7:2]]            = images_q;
    words[shell_map::IN_STRIDE[7:2]]         = in_stride_q;
    words[shell_map::OUT_STRIDE[7:2]]        = out_stride_q;
    words[shell_map::TIMEOUT[7:2]]           = timeout_q;
    words[shell_map::LIMIT_BASE_LO[7:2]]     = limit_base_q[31:0];
    words[shell_map::LIMIT_BASE_HI[7:2]]     = 32'(limit_base_q[ADDR_W:32]);
    words[shell_map::LIMIT_END_LO[7:2]]      = limit_end_q[31:0];
    words[shell_map::LIMIT_END_HI[7:2]]      = 32'(limit_end_q[ADDR_W:32]);
    words[shell_map::IN_BYTES[7:2]]          = IN_BYTES;
    words[shell_map::OUT_BYTES[7:2]]         = OUT_BYTES;
    words[shell_map::OUT_SHAPE[7:2]]         = {8'(ELEM_W), 24'(OUT_ELEMENTS)};
    words[shell_map::CONFIG[7:2]]            = {16'b0, 8'(ADDR_W), 5'b0, RUNTIME, AXI3, CDC};
    words[shell_map::CYCLES_LO[7:2]]         = cycles[31:0];
    words[shell_map::CYCLES_HI[7:2]]         = cycles[31:0];
    words[shell_map::LATENCY[7:2]]           = latency;
    words[shell_map::IMAGES_IN[7:2]]         = images_in;
    words[shell_map::IMAGES_OUT[7:2]]        = images_out;
    words[shell_map::INPUT_STALLS_LO[7:2]]   = input_stalls[31:0];
    words[shell_map::INPUT_STALLS_HI[7:2]]   = input_stalls[31:0];
    words[shell_map::OUTPUT_STALLS_LO[7:2]]  = output_stalls[31:0];
    words[shell_map::OUTPUT_STALLS_HI[7:2]]  = output_stalls[31:0];
    words[shell_map::FREE_LO[7:2]]           = free_cycles[31:0];
    words[shell_map::FREE_HI[7:2]]           = free_cycles[31:0];
    words[shell_map::NET_FREE_LO[7:2]]       = net_cycles[31:0];
    words[shell_map::NET_FREE_HI[7:2]]       = net_cycles[31:0];
    words[shell_map::LOAD_ADDR[7:2]]         = load_addr_i;
    words[shell_map::LOADED_HASH0[7:2]]      = loaded_hash[0];
    words[shell_map::LOADED_HASH1[7:2]]      = loaded_hash[1];
    words[shell_map::LOADED_HASH2[7:2]]      = loaded_hash[2];
    words[shell_map::LOADED_HASH3[7:2]]      = loaded_hash[3];
  end

  always_comb begin
    upper = 1'b0;
    if (raddr_i[7:6] == shell_map::CYCLES_HI[7:6]) begin
      unique case (raddr_i[5:2])
        shell_map::CYCLES_HI[5:2], shell_map::INPUT_STALLS_HI[5:2], shell_map::OUTPUT_STALLS_HI[5:2],
        shell_map::FREE_HI[5:2], shell_map::NET_FREE_HI[5:2]: upper = 1'b1;
        default: ;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (read_i) begin
      if (raddr_i[7:6] == shell_map::CYCLES_LO[7:6]) begin
        unique case (raddr_i[5:2])
          shell_map::CYCLES_LO[5:2]:        high_q <= cycles[63:32];
          shell_map::INPUT_STALLS_LO[5:2]:  high_q <= input_stalls[63:32];
          shell_map::OUTPUT_STALLS_LO[5:2]: high_q <= output_stalls[63:32];
          shell_map::FREE_LO[5:2]:          high_q <= free_cycles[63:32];
          shell_map::NET_FREE_LO[5:2]:      high_q <= net_cycles[63:32];
          default: ;
        endcase
      end
      for (int unsigned g = 0; g < 4; g++) group_q[g] <= words[{2'(g), raddr_i[5:2]}];
      chosen_q <= raddr_i[7:6];
      upper_q  <= upper;
      hit_q    <= (raddr_i[15:8] == '0);
    end
  end

  always_comb begin
    rdata_o = upper_q ? high_q : group_q[chosen_q];
    if (!hit_q) rdata_o = '0;
  end

  // A byte or half-word read gets the whole word, and takes its lanes.
  logic unused;
  assign unused = ^raddr_i[1:0];

endmodule
