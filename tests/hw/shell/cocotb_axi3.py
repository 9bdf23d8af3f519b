# SPDX-License-Identifier: Apache-2.0
"""axi3_to_lite between two bus models; runs in the simulator, started by test_axi3_to_lite.py."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer
from cocotbext.axi import (
    AxiBurstType,
    AxiBus,
    AxiLiteBus,
    AxiLiteSlave,
    AxiMaster,
    AxiResp,
    SparseMemoryRegion,
)


class Registers(SparseMemoryRegion):
    """Memory that refuses accesses from 0x8000 on, and notes all others."""

    def __init__(self):
        super().__init__(1 << 16)
        self.seen = []

    async def _read(self, address, length, **kwargs):
        self.seen.append(address)
        if address >= 0x8000:
            raise ValueError("refused")
        return await super()._read(address, length, **kwargs)

    async def _write(self, address, data, **kwargs):
        if address >= 0x8000:
            raise ValueError("refused")
        await super()._write(address, data, **kwargs)


async def start(dut):
    registers = Registers()
    master = AxiMaster(
        AxiBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst_n, False, max_burst_len=16
    )
    AxiLiteSlave(AxiLiteBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst_n, registers, False)
    dut.rst_n.value = 0
    await Timer(1, "ns")
    Clock(dut.clk, 10, "ns").start()
    await ClockCycles(dut.clk, 4)
    dut.rst_n.value = 1
    await ClockCycles(dut.clk, 2)
    return master, registers


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def bursts_of_any_length_and_place(dut):
    """Single words, bursts, odd addresses, byte accesses; with several IDs waiting."""
    master, registers = await start(dut)
    rng = random.Random(1)
    for turn in range(60):
        address, length = rng.randrange(0x7000), rng.choice((1, 2, 3, 4, 8, 17, 64, 150))
        size = rng.choice((0, 1, 2, None))
        data = rng.randbytes(length)
        written = await master.write(address, data, awid=turn, size=size)
        assert written.resp == AxiResp.OKAY
        assert bytes(await registers.read(address, length)) == data
        found = await master.read(address, length, arid=turn + 1, size=size)
        assert bytes(found.data) == data


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def errors_come_back(dut):
    master, _ = await start(dut)
    assert (await master.write(0x9000, bytes(40))).resp == AxiResp.SLVERR
    assert (await master.read(0x9000, 40)).resp == AxiResp.SLVERR
    assert (await master.write(0x100, bytes(40))).resp == AxiResp.OKAY


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def addresses_of_fixed_and_wrapping_bursts(dut):
    master, registers = await start(dut)
    for burst, addresses in (
        (AxiBurstType.INCR, [0x108, 0x10C, 0x110, 0x114]),
        (AxiBurstType.FIXED, [0x108] * 4),
        (AxiBurstType.WRAP, [0x108, 0x10C, 0x100, 0x104]),
    ):
        registers.seen.clear()
        await master.read(0x108, 16, burst=burst)
        assert registers.seen == addresses, burst
