// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_fifo under FORMAL: it is a queue of at most DEPTH beats.
logic [7:0]         f_count_q;
logic [DEPTH*W-1:0] f_queue_q;   // oldest beat in the low bits
logic [DEPTH*W-1:0] f_queue_d;
logic [7:0]         f_slot;
logic [7:0]         f_end;       // where the next beat belongs, before it wraps
logic [DEPTH-1:0]   f_equal;     // memory word of the i-th oldest beat against the queue

assign f_slot = f_count_q - 8'(pop);
assign f_end  = 8'(read_q) + f_count_q;

always_comb begin
  f_queue_d = pop ? (f_queue_q >> W) : f_queue_q;
  if (push) f_queue_d[32'(f_slot)*W +: W] = s_axis_tdata;
end

always_ff @(posedge clk_i) begin
  f_queue_q <= f_queue_d;
  if (!rst_ni) f_count_q <= '0;
  else f_count_q <= f_slot + 8'(push);
end

for (genvar i = 0; i < DEPTH; i++) begin : gen_f_word
  logic [7:0]       f_sum;
  logic [PTR_W-1:0] f_address;
  logic [W-1:0]     f_word;
  assign f_sum     = 8'(read_q) + 8'(i);
  assign f_address = PTR_W'((f_sum >= 8'(DEPTH)) ? f_sum - 8'(DEPTH) : f_sum);
  if (BLOCK) begin : gen_f_block
    assign f_word = gen_block.mem[f_address];
  end else begin : gen_f_lut
    assign f_word = gen_lut.mem[f_address];
  end
  assign f_equal[i] = (8'(i) >= f_count_q) || (f_word == f_queue_q[i*W +: W]);
end

always_ff @(posedge clk_i) begin
  if (rst_ni) begin
    f_occupancy: assert (f_count_q <= 8'(DEPTH));
    f_count: assert (f_count_q == 8'(count_q));
    f_pointers: assert ((8'(read_q) < 8'(DEPTH)) && (8'(write_q) < 8'(DEPTH)));
    f_distance: assert (8'(write_q) == ((f_end >= 8'(DEPTH)) ? f_end - 8'(DEPTH) : f_end));
    f_valid: assert (m_axis_tvalid == (f_count_q != '0));
    f_ready: assert (s_axis_tready == (f_count_q != 8'(DEPTH)));
    f_words: assert (&f_equal);
    f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_queue_q[W-1:0]));
  end
end
