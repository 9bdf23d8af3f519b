// SPDX-License-Identifier: Apache-2.0
// AXI3 slave (M_AXI_GP0 of a Zynq-7000) to AXI4-Lite master: a burst becomes single accesses, one after the other.
// INCR, FIXED and WRAP, any size up to 4 bytes, any ID; one write burst and one read burst at a time, side by side.
// The response of a write burst is the worst of its accesses (the code that is larger). RID, BID and RLAST are registers.
// Every burst is answered, whatever its length and address, as long as the other side answers: a processor without an answer stands still.
`include "axis_assert.svh"

module axi3_to_lite #(
  parameter int unsigned ADDR_W = 32,
  parameter int unsigned ID_W = 12
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [ID_W-1:0]   s_axi_awid,
  input  logic [ADDR_W-1:0] s_axi_awaddr,
  input  logic [3:0]        s_axi_awlen,
  input  logic [2:0]        s_axi_awsize,
  input  logic [1:0]        s_axi_awburst,
  input  logic              s_axi_awvalid,
  output logic              s_axi_awready,
  input  logic [31:0]       s_axi_wdata,
  input  logic [3:0]        s_axi_wstrb,
  input  logic              s_axi_wvalid,
  output logic              s_axi_wready,
  output logic [ID_W-1:0]   s_axi_bid,
  output logic [1:0]        s_axi_bresp,
  output logic              s_axi_bvalid,
  input  logic              s_axi_bready,
  input  logic [ID_W-1:0]   s_axi_arid,
  input  logic [ADDR_W-1:0] s_axi_araddr,
  input  logic [3:0]        s_axi_arlen,
  input  logic [2:0]        s_axi_arsize,
  input  logic [1:0]        s_axi_arburst,
  input  logic              s_axi_arvalid,
  output logic              s_axi_arready,
  output logic [ID_W-1:0]   s_axi_rid,
  output logic [31:0]       s_axi_rdata,
  output logic [1:0]        s_axi_rresp,
  output logic              s_axi_rlast,
  output logic              s_axi_rvalid,
  input  logic              s_axi_rready,
  output logic [ADDR_W-1:0] m_axi_awaddr,
  output logic              m_axi_awvalid,
  input  logic              m_axi_awready,
  output logic [31:0]       m_axi_wdata,
  output logic [3:0]        m_axi_wstrb,
  output logic              m_axi_wvalid,
  input  logic              m_axi_wready,
  input  logic [1:0]        m_axi_bresp,
  input  logic              m_axi_bvalid,
  output logic              m_axi_bready,
  output logic [ADDR_W-1:0] m_axi_araddr,
  output logic              m_axi_arvalid,
  input  logic              m_axi_arready,
  input  logic [31:0]       m_axi_rdata,
  input  logic [1:0]        m_axi_rresp,
  input  logic              m_axi_rvalid,
  output logic              m_axi_rready
);

  if (ADDR_W < 12) $error("axi3_to_lite: ADDR_W must be at least 12");

  // Address of the next access: the low bits count up, stay (FIXED), or count within the burst's own block (WRAP).
  // A burst stays within 4 KiB, so twelve bits are enough.
  function automatic logic [11:0] following(
    input logic [11:0] addr, input logic [2:0] size, input logic [3:0] len, input logic [1:0] burst
  );
    logic [11:0] step;
    logic [11:0] block;
    step  = 12'd1 << size;
    block = ((12'(len) + 12'd1) << size) - 12'd1;
    following = addr + step;
    if (burst == 2'b00) following = addr;
    if (burst == 2'b10) following = (addr & ~block) | ((addr + step) & block);
  endfunction

  typedef enum logic [2:0] {StAddr, StData, StSend, StWait, StAnswer} state_e;

  // Writes: take the address; then for each word: take it, pass it on, await its response.
  state_e            w_state_q = StAddr;
  logic              aw_valid_q = 1'b0;
  logic              w_valid_q = 1'b0;
  logic [ADDR_W-1:0] w_addr_q;
  logic [3:0]        w_len_q;
  logic [3:0]        w_left_q;
  logic [2:0]        w_size_q;
  logic [1:0]        w_burst_q;

  assign s_axi_awready = (w_state_q == StAddr);
  assign s_axi_wready  = (w_state_q == StData);
  assign s_axi_bvalid  = (w_state_q == StAnswer);
  assign m_axi_awaddr  = w_addr_q;
  assign m_axi_awvalid = aw_valid_q;
  assign m_axi_wvalid  = w_valid_q;
  assign m_axi_bready  = (w_state_q == StWait);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      w_state_q  <= StAddr;
      aw_valid_q <= 1'b0;
      w_valid_q  <= 1'b0;
    end else begin
      if (m_axi_awready) aw_valid_q <= 1'b0;
      if (m_axi_wready) w_valid_q <= 1'b0;
      unique case (w_state_q)
        StAddr: if (s_axi_awvalid) w_state_q <= StData;
        StData: begin
          if (s_axi_wvalid) begin
            w_state_q  <= StSend;
            aw_valid_q <= 1'b1;
            w_valid_q  <= 1'b1;
          end
        end
        StSend: if ((!aw_valid_q || m_axi_awready) && (!w_valid_q || m_axi_wready)) w_state_q <= StWait;
        StWait: if (m_axi_bvalid) w_state_q <= (w_left_q == '0) ? StAnswer : StData;
        StAnswer: if (s_axi_bready) w_state_q <= StAddr;
        default: w_state_q <= StAddr;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    unique case (w_state_q)
      StAddr: begin
        s_axi_bid   <= s_axi_awid;
        s_axi_bresp <= 2'b00;
        w_addr_q    <= s_axi_awaddr;
        w_len_q     <= s_axi_awlen;
        w_left_q    <= s_axi_awlen;
        w_size_q    <= s_axi_awsize;
        w_burst_q   <= s_axi_awburst;
      end
      StData: begin
        m_axi_wdata <= s_axi_wdata;
        m_axi_wstrb <= s_axi_wstrb;
      end
      StWait: begin
        if (m_axi_bvalid) begin
          if (m_axi_bresp > s_axi_bresp) s_axi_bresp <= m_axi_bresp;
          w_left_q       <= w_left_q - 1'b1;
          w_addr_q[11:0] <= following(w_addr_q[11:0], w_size_q, w_len_q, w_burst_q);
        end
      end
      default: ;
    endcase
  end

  // Reads: take the address; then for each word: ask, await, answer.
  state_e            r_state_q = StAddr;
  logic [ADDR_W-1:0] r_addr_q;
  logic [3:0]        r_len_q;
  logic [3:0]        r_left_q;
  logic [2:0]        r_size_q;
  logic [1:0]        r_burst_q;

  assign s_axi_arready = (r_state_q == StAddr);
  assign s_axi_rvalid  = (r_state_q == StAnswer);
  assign s_axi_rlast   = (r_left_q == '0);
  assign m_axi_araddr  = r_addr_q;
  assign m_axi_arvalid = (r_state_q == StSend);
  assign m_axi_rready  = (r_state_q == StWait);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      r_state_q <= StAddr;
    end else begin
      unique case (r_state_q)
        StAddr: if (s_axi_arvalid) r_state_q <= StSend;
        StSend: if (m_axi_arready) r_state_q <= StWait;
        StWait: if (m_axi_rvalid) r_state_q <= StAnswer;
        StAnswer: if (s_axi_rready) r_state_q <= s_axi_rlast ? StAddr : StSend;
        default: r_state_q <= StAddr;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    unique case (r_state_q)
      StAddr: begin
        s_axi_rid <= s_axi_arid;
        r_addr_q  <= s_axi_araddr;
        r_len_q   <= s_axi_arlen;
        r_left_q  <= s_axi_arlen;
        r_size_q  <= s_axi_arsize;
        r_burst_q <= s_axi_arburst;
      end
      StWait: begin
        s_axi_rdata <= m_axi_rdata;
        s_axi_rresp <= m_axi_rresp;
      end
      StAnswer: begin
        if (s_axi_rready) begin
          r_left_q       <= r_left_q - 1'b1;
          r_addr_q[11:0] <= following(r_addr_q[11:0], r_size_q, r_len_q, r_burst_q);
        end
      end
      default: ;
    endcase
  end

  `AXIS_ASSERT_STREAM(check_b, s_axi_bvalid, s_axi_bready, ({s_axi_bid, s_axi_bresp}), ID_W + 2)
  `AXIS_ASSERT_STREAM(check_r, s_axi_rvalid, s_axi_rready, ({s_axi_rid, s_axi_rdata, s_axi_rresp, s_axi_rlast}), ID_W + 35)
  `AXIS_ASSERT_STREAM(check_aw, m_axi_awvalid, m_axi_awready, m_axi_awaddr, ADDR_W)
  `AXIS_ASSERT_STREAM(check_w, m_axi_wvalid, m_axi_wready, ({m_axi_wdata, m_axi_wstrb}), 36)
  `AXIS_ASSERT_STREAM(check_ar, m_axi_arvalid, m_axi_arready, m_axi_araddr, ADDR_W)

`ifdef FORMAL
  `include "axi3_to_lite_props.svh"
`endif

endmodule
