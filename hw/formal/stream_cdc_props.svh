// SPDX-License-Identifier: Apache-2.0
// Included at the end of stream_cdc under FORMAL: it is a queue of at most DEPTH beats. At each step of the proof each
// clock ticks or not, so all ratios and phases are covered; it begins as the resets leave the registers, all zero.
logic [PTR_W-1:0]     f_to_reader;   // first register of u_to_reader, linked by the proof
logic [PTR_W-1:0]     f_to_writer;   // and of u_to_writer
logic [PTR_W-1:0]     f_write_1_q;   // the writer's pointer in the reader's two registers, in binary
logic [PTR_W-1:0]     f_write_2_q;
logic [PTR_W-1:0]     f_read_1_q;    // and the other way round
logic [PTR_W-1:0]     f_read_2_q;
logic [4:0][PTR_W-1:0] f_behind;
logic [PTR_W+2:0]     f_sum;
logic [2*DEPTH*W-1:0] f_beats_q;     // beat that was the i-th to be taken, modulo 2*DEPTH
logic [DEPTH-1:0]     f_equal;
logic [PTR_W-1:0]     f_out;

function automatic logic [PTR_W-1:0] f_gray(input logic [PTR_W-1:0] number);
  f_gray = number ^ (number >> 1);
endfunction

always_ff @(posedge m_clk_i) begin
  f_write_1_q <= write_q;
  f_write_2_q <= f_write_1_q;
end

always_ff @(posedge s_clk_i) begin
  f_read_1_q <= read_q;
  f_read_2_q <= f_read_1_q;
  if (push) f_beats_q[32'(write_q)*W +: W] <= s_axis_tdata;
end

// From the newest pointer to the oldest knowledge: none overtakes another, and together they are no further than DEPTH.
assign f_behind[0] = write_q - f_write_1_q;
assign f_behind[1] = f_write_1_q - f_write_2_q;
assign f_behind[2] = f_write_2_q - read_q;
assign f_behind[3] = read_q - f_read_1_q;
assign f_behind[4] = f_read_1_q - f_read_2_q;
always_comb begin
  f_sum = '0;
  for (int unsigned i = 0; i < 5; i++) f_sum = f_sum + (PTR_W+3)'(f_behind[i]);
end

for (genvar i = 0; i < DEPTH; i++) begin : gen_f_beat
  logic [PTR_W-1:0] f_at;
  assign f_at = read_q + PTR_W'(i);
  assign f_equal[i] = (PTR_W'(i) >= PTR_W'(write_q - read_q))
                   || (mem[f_at[PTR_W-2:0]] == f_beats_q[32'(f_at)*W +: W]);
end

// The beat in the output register has left the memory.
assign f_out = read_q - PTR_W'(1);

always_comb begin
  f_running: assume (s_rst_ni && m_rst_ni);
  f_write_code: assert (write_gray_q == f_gray(write_q));
  f_read_code: assert (read_gray_q == f_gray(read_q));
  f_write_known: assert ((f_to_reader == f_gray(f_write_1_q)) && (seen_write_gray == f_gray(f_write_2_q)));
  f_read_known: assert ((f_to_writer == f_gray(f_read_1_q)) && (seen_read_gray == f_gray(f_read_2_q)));
  f_occupancy: assert (f_sum <= (PTR_W+3)'(DEPTH));
  f_full: assert (!ready_q || (PTR_W'(write_q - f_read_2_q) != PTR_W'(DEPTH)));
  f_empty: assert (!fetch || (read_q != f_write_2_q));
  f_held: assert (&f_equal);
  f_order: assert (!m_axis_tvalid || (m_axis_tdata == f_beats_q[32'(f_out)*W +: W]));
end

// What crosses changes one bit at a time, so a sample is the old or the new value.
logic [PTR_W-1:0] f_write_gray_q;
logic [PTR_W-1:0] f_read_gray_q;

always_ff @(posedge s_clk_i) f_write_gray_q <= write_gray_q;
always_ff @(posedge m_clk_i) f_read_gray_q <= read_gray_q;

always_comb begin
  f_write_bit: assert ($onehot0(write_gray_q ^ f_write_gray_q));
  f_read_bit: assert ($onehot0(read_gray_q ^ f_read_gray_q));
end

// The contract by the reader's clock; between its ticks too, which the induction needs.
if (1) begin : gen_f_reader
  logic clk_i;
  logic rst_ni;
  assign clk_i  = m_clk_i;
  assign rst_ni = m_rst_ni;
  `AXIS_ASSERT_STREAM(check_output, m_axis_tvalid, m_axis_tready, m_axis_tdata, W)
  always_comb begin
    f_no_reset: assert (!check_output.was_reset);
    f_stands: assert (!check_output.was_stalled || (m_axis_tvalid && (m_axis_tdata == check_output.last_data)));
  end
end
