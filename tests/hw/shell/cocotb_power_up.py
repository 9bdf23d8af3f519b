# SPDX-License-Identifier: Apache-2.0
"""The shell before its first reset; runs inside the simulator, started by test_shell.py.

Registers without an initial value start at random here, those of assertions too; so they are off.
"""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer

VALIDS = ("m_axi_arvalid", "m_axi_awvalid", "m_axi_wvalid", "s_axi_bvalid", "s_axi_rvalid")


@cocotb.test()
async def nothing_is_asked_for(dut):
    """On UltraScale+ logic runs for a while between its configuration and its reset."""
    for name in ("s_axi_awvalid", "s_axi_wvalid", "s_axi_arvalid", "m_axi_rvalid", "m_axi_bvalid"):
        getattr(dut, name).value = 0
    dut.fault_i.value = 0
    dut.bus_rst_n.value = 1
    await Timer(1, "ns")
    Clock(dut.bus_clk, 10, "ns").start()
    Clock(dut.net_clk, 7, "ns").start()
    assert dut.net_rst_no.value == 0
    for _ in range(300):
        for name in (*VALIDS, "irq"):
            assert getattr(dut, name).value == 0, name
        await ClockCycles(dut.bus_clk, 1)
