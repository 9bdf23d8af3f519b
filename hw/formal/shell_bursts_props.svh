// SPDX-License-Identifier: Apache-2.0
// Included at the end of shell_bursts under FORMAL: bursts follow each other through an item without gap or overlap, stay in their block
// of BURST*8 bytes and in the limits. Bases and strides are multiples of 8, as the registers demand; parameters hold during a batch.
logic [15:0]     f_given_q;   // words of the item that have been given out
logic [ADDR_W:0] f_base_q;
logic [ADDR_W:0] f_low_q;
logic [ADDR_W:0] f_high_q;
logic [31:0]     f_stride_q;

always_ff @(posedge clk_i) begin
  f_base_q   <= base_i;
  f_low_q    <= limit_base_i;
  f_high_q   <= limit_end_i;
  f_stride_q <= stride_i;
  if (!rst_ni || (start_i && !busy_o)) f_given_q <= '0;
  else if (burst_valid_o && burst_ready_i) f_given_q <= burst_last_o ? '0 : f_given_q + 16'(burst_len_o) + 16'd1;
end

always_comb begin
  assume ((base_i[2:0] == '0) && (stride_i[2:0] == '0));
  if (busy_o) begin
    assume ((base_i == f_base_q) && (limit_base_i == f_low_q) && (limit_end_i == f_high_q) && (stride_i == f_stride_q));
  end
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_state: assert (state_q <= StGive);
    f_range_ends: assert (!range_q || !busy_o);
    f_valid: assert (valid_q == (state_q == StGive));
    if (busy_o) begin
      f_aligned: assert ((addr_q[2:0] == '0) && (item_q[2:0] == '0));
      f_place: assert (addr_q == item_q + (ADDR_W+1)'({f_given_q, 3'b000}));
      f_left: assert ((16'(left_q) == 16'(WORDS) - f_given_q) && (left_q != '0) && (f_given_q < 16'(WORDS)));
    end
    if ((state_q == StStep) || (state_q == StCheck) || (state_q == StGive)) begin
      f_size: assert ((beats_q != '0) && (beats_q <= left_q) && (beats_q <= SIZE_W'(behind) + 1'b1));
    end
    if ((state_q == StCheck) || (state_q == StGive)) begin
      f_next: assert (next_q == addr_q + (ADDR_W+1)'({beats_q, 3'b000}));
      f_rest: assert (rest_q == left_q - beats_q);
      f_length: assert (SIZE_W'(len_q) + 1'b1 == beats_q);
    end
    if (burst_valid_o) begin
      f_block: assert (16'(burst_addr_o[3 +: LEN_W]) + 16'(burst_len_o) < 16'(BURST));
      f_page: assert (13'(burst_addr_o[11:0]) + ((13'(burst_len_o) + 13'd1) << 3) <= 13'd4096);
      f_low: assert ((ADDR_W+1)'(burst_addr_o) >= limit_base_i);
      f_high: assert (!addr_q[ADDR_W]);
      f_end: assert (next_q <= limit_end_i);
      f_last: assert (burst_last_o == (f_given_q + 16'(burst_len_o) + 16'd1 == 16'(WORDS)));
    end
  end
end
