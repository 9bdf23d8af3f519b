// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite to a plain register bus. One write and one read at a time, side by side; every access is answered with OKAY.
// write_o: one cycle in which address, data and strobes stand, as they do in the next. read_o: one cycle in which the address stands; data_i is taken two cycles later.
// Latency: write response two cycles after the later of address and data, read data four cycles after its address. All outputs are registers.
`include "axis_assert.svh"

module shell_axil #(
  parameter int unsigned ADDR_W = 16
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [ADDR_W-1:0] s_axi_awaddr,
  input  logic              s_axi_awvalid,
  output logic              s_axi_awready,
  input  logic [31:0]       s_axi_wdata,
  input  logic [3:0]        s_axi_wstrb,
  input  logic              s_axi_wvalid,
  output logic              s_axi_wready,
  output logic [1:0]        s_axi_bresp,
  output logic              s_axi_bvalid,
  input  logic              s_axi_bready,
  input  logic [ADDR_W-1:0] s_axi_araddr,
  input  logic              s_axi_arvalid,
  output logic              s_axi_arready,
  output logic [31:0]       s_axi_rdata,
  output logic [1:0]        s_axi_rresp,
  output logic              s_axi_rvalid,
  input  logic              s_axi_rready,
  output logic              write_o,
  output logic [ADDR_W-1:0] waddr_o,
  output logic [31:0]       wdata_o,
  output logic [3:0]        wstrb_o,
  output logic              read_o,
  output logic [ADDR_W-1:0] raddr_o,
  input  logic [31:0]       rdata_i
);

  // A write gathers its two halves in either order.
  logic have_addr_q = 1'b0;
  logic have_data_q = 1'b0;
  logic bvalid_q = 1'b0;
  logic write;

  assign write         = have_addr_q && have_data_q && !bvalid_q;
  assign write_o       = write;
  assign s_axi_awready = !have_addr_q;
  assign s_axi_wready  = !have_data_q;
  assign s_axi_bvalid  = bvalid_q;
  assign s_axi_bresp   = 2'b00;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      have_addr_q <= 1'b0;
      have_data_q <= 1'b0;
      bvalid_q    <= 1'b0;
    end else begin
      if (write) have_addr_q <= 1'b0;
      else if (s_axi_awvalid) have_addr_q <= 1'b1;
      if (write) have_data_q <= 1'b0;
      else if (s_axi_wvalid) have_data_q <= 1'b1;
      if (write) bvalid_q <= 1'b1;
      else if (s_axi_bready) bvalid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!have_addr_q) waddr_o <= s_axi_awaddr;
    if (!have_data_q) begin
      wdata_o <= s_axi_wdata;
      wstrb_o <= s_axi_wstrb;
    end
  end

  // A read walks through its steps, one bit each: address, selection, data.
  logic       busy_q = 1'b0;
  logic [1:0] step_q = 2'b00;
  logic       rvalid_q = 1'b0;

  assign s_axi_arready = !busy_q;
  assign s_axi_rvalid  = rvalid_q;
  assign s_axi_rresp   = 2'b00;
  assign read_o        = step_q[0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q   <= 1'b0;
      step_q   <= 2'b00;
      rvalid_q <= 1'b0;
    end else begin
      step_q <= {step_q[0], s_axi_arvalid && s_axi_arready};
      if (s_axi_arvalid && s_axi_arready) busy_q <= 1'b1;
      else if (rvalid_q && s_axi_rready) busy_q <= 1'b0;
      if (step_q[1]) rvalid_q <= 1'b1;
      else if (s_axi_rready) rvalid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!busy_q) raddr_o <= s_axi_araddr;
    if (step_q[1]) s_axi_rdata <= rdata_i;
  end

  `AXIS_ASSERT_STREAM(check_b, s_axi_bvalid, s_axi_bready, s_axi_bresp, 2)
  `AXIS_ASSERT_STREAM(check_r, s_axi_rvalid, s_axi_rready, ({s_axi_rdata, s_axi_rresp}), 34)

`ifdef FORMAL
  `include "shell_axil_props.svh"
`endif

endmodule
