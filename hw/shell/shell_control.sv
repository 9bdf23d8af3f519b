// SPDX-License-Identifier: Apache-2.0
// Life of a batch: start, run, end; stop or fault, drain, reset of the network.
//   Reset -> Release -> Idle -> Run -> Idle       all results answered: done
//                              Run -> Drain -> Reset   STOP, or a fault: no new burst, open ones are led to their end
// It comes up in Reset, so the network starts from a known state without any help. net_reset_o asks for the network's
// reset, net_held_i tells that it holds; both FIFOs are emptied meanwhile (flush_o).
module shell_control #(
  parameter int unsigned RESET_CYCLES = 16
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  // commands, one cycle each, and checks of the parameters that stand in the registers
  input  logic        start_i,
  input  logic        stop_i,
  input  logic        refused_i,      // a command that is not allowed in a batch came in one
  input  logic [7:0]  error_clear_i,
  input  logic        bad_align_i,
  input  logic        bad_length_i,
  input  logic        bad_range_i,
  input  logic [31:0] images_i,
  input  logic [31:0] timeout_i,
  // the two masters
  output logic        begin_o,        // one cycle: bursts begin
  output logic        stop_o,
  output logic        flush_o,
  input  logic        bursts_busy_i,  // some burst of the batch has not been given out
  input  logic        masters_idle_i,
  input  logic        read_error_i,
  input  logic        write_error_i,
  input  logic        range_error_i,
  input  logic        beat_i,
  input  logic        answered_i,
  input  logic        surplus_i,      // words of a result lie in the FIFO
  // the network
  output logic        net_reset_o,
  input  logic        net_held_i,
  input  logic        frame_error_i,
  // state
  output logic        idle_o,
  output logic        running_o,
  output logic        done_o,
  output logic [7:0]  error_o
);

  if (RESET_CYCLES < 4) $error("shell_control: RESET_CYCLES must be at least 4");

  localparam int unsigned HOLD_W = $clog2(RESET_CYCLES + 1);

  // Each output has a bit of its own: idle, stop, flush, running, begin.
  typedef enum logic [4:0] {
    StReset   = 5'b01100,
    StRelease = 5'b00100,
    StIdle    = 5'b10000,
    StBegin   = 5'b00001,
    StRun     = 5'b00010,
    StDrain   = 5'b01000
  } state_e;
  state_e            state_q = StReset;
  logic [HOLD_W-1:0] hold_q = HOLD_W'(RESET_CYCLES);
  logic              net_reset_q = 1'b1;
  logic [7:0]        error_q = '0;
  logic [7:0]        found;
  logic              fault;
  logic              done_q = 1'b0;
  logic [31:0]       left_q;          // results without an answer
  logic              none_left_q;
  logic              settled_q;       // no burst is open, and none will be
  logic [32:0]       quiet_q;         // cycles left until the time-out; below zero, it is over
  logic              limited_q;       // there is a time-out
  logic              bad;
  logic              accept;
  logic              in_batch;

  assign bad      = bad_align_i || bad_length_i || bad_range_i;
  assign accept   = idle_o && start_i && !bad;
  assign in_batch = running_o || (stop_o && !flush_o);

  assign found = {
    (start_i && !idle_o) || refused_i,
    frame_error_i || (idle_o && surplus_i),
    in_batch && limited_q && quiet_q[32],
    idle_o && start_i && bad_length_i,
    (idle_o && start_i && bad_range_i) || range_error_i,
    idle_o && start_i && bad_align_i,
    write_error_i,
    read_error_i
  };

  // A command at the wrong time hurts nobody; everything else ends the batch. Registered, so that
  // it is one level deep: some words more move meanwhile, into places that were kept for them.
  always_ff @(posedge clk_i) begin
    fault <= rst_ni && (|{found[6:5], range_error_i, found[1:0]});
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q     <= StReset;
      net_reset_q <= 1'b1;
      hold_q      <= HOLD_W'(RESET_CYCLES);
    end else begin
      unique case (state_q)
        StReset: begin
          if (hold_q != '0) hold_q <= hold_q - 1'b1;
          if ((hold_q == '0) && net_held_i) begin
            state_q     <= StRelease;
            net_reset_q <= 1'b0;
          end
        end
        StRelease: begin
          hold_q <= HOLD_W'(RESET_CYCLES);
          if (!net_held_i) state_q <= StIdle;
        end
        StIdle: begin
          if (accept) state_q <= StBegin;
          else if (stop_i || fault) begin
            state_q     <= StReset;
            net_reset_q <= 1'b1;
          end
        end
        StBegin: state_q <= StRun;
        StRun: begin
          if (stop_i || fault) state_q <= StDrain;
          else if (settled_q) state_q <= StIdle;
        end
        StDrain: begin
          if (settled_q) begin
            state_q     <= StReset;
            net_reset_q <= 1'b1;
          end
        end
        default: state_q <= StReset;
      endcase
    end
  end

  assign {idle_o, stop_o, flush_o, running_o, begin_o} = state_q;
  assign net_reset_o = net_reset_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      error_q <= '0;
      done_q  <= 1'b0;
    end else begin
      error_q <= (error_q & ~error_clear_i) | found;
      if (idle_o && start_i) done_q <= 1'b0;
      else if (running_o && settled_q && !stop_i && !fault) done_q <= 1'b1;
    end
  end

  assign done_o  = done_q;
  assign error_o = error_q;

  always_ff @(posedge clk_i) begin
    if (accept) left_q <= images_i;
    else if (answered_i) left_q <= left_q - 1'b1;
    none_left_q <= (left_q == '0) && running_o;
    settled_q   <= masters_idle_i && (stop_o || (none_left_q && !bursts_busy_i));
    limited_q   <= (timeout_i != '0);
    if (beat_i || !in_batch) quiet_q <= {1'b0, timeout_i};
    else if (!quiet_q[32]) quiet_q <= quiet_q - 1'b1;
  end

endmodule
