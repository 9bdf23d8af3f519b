# SPDX-License-Identifier: Apache-2.0
"""stream_cdc under pairs of clocks; runs inside the simulator, started by test_stream_cdc.py."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotb.utils import get_sim_time

PERIODS = ((10, 10), (10, 9.99), (10, 3.1), (3.1, 10), (10, 47), (13, 7))  # ns, writer and reader


async def write(dut, values, share, rng):
    for value in values:
        while rng.random() < share:
            dut.s_tvalid.value = 0
            await RisingEdge(dut.s_clk)
        dut.s_tdata.value = value
        dut.s_tvalid.value = 1
        await RisingEdge(dut.s_clk)
        while not dut.s_tready.value:
            await RisingEdge(dut.s_clk)
    dut.s_tvalid.value = 0


async def read(dut, count, share, rng, out):
    held = None
    while len(out) < count:
        ready = rng.random() >= share
        dut.m_tready.value = int(ready)
        await RisingEdge(dut.m_clk)
        valid, data = int(dut.m_tvalid.value), int(dut.m_tdata.value)
        assert held is None or (valid and data == held), "a beat that was not taken has changed"
        held = data if valid and not ready else None
        if valid and ready:
            out.append(data)
    dut.m_tready.value = 0


async def start(dut, periods):
    """Both resets low together, then high one after the other."""
    dut.s_tvalid.value = dut.m_tready.value = 0
    dut.s_rst_n.value = dut.m_rst_n.value = 0
    await Timer(1, "ns")
    clocks = [Clock(dut.s_clk, periods[0], "ns"), Clock(dut.m_clk, periods[1], "ns")]
    for clock in clocks:
        clock.start()
    await ClockCycles(dut.s_clk, 8)
    await ClockCycles(dut.m_clk, 8)
    dut.m_rst_n.value = 1
    await ClockCycles(dut.m_clk, 3)
    dut.s_rst_n.value = 1
    await ClockCycles(dut.s_clk, 3)
    return clocks


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def every_beat_once_and_in_order(dut):
    rng = random.Random(1)
    for periods in PERIODS:
        for stalls in ((0, 0), (0.6, 0), (0, 0.6), (0.4, 0.4)):
            clocks = await start(dut, periods)
            values = [rng.randrange(1 << 16) for _ in range(120)]
            out = []
            writer = cocotb.start_soon(write(dut, values, stalls[0], rng))
            await read(dut, len(values), stalls[1], rng, out)
            await writer
            assert out == values, (periods, stalls)
            await ClockCycles(dut.m_clk, 12)
            assert not dut.m_tvalid.value, "a surplus beat"
            assert int(dut.seen.value) == int(dut.events.value) == len(values)
            for clock in clocks:
                clock.stop()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def one_beat_per_cycle_of_the_slower_clock(dut):
    for periods in PERIODS:
        clocks = await start(dut, periods)
        rng, out = random.Random(2), []
        writer = cocotb.start_soon(write(dut, range(100), 0, rng))
        await read(dut, 20, 0, rng, out)
        before = get_sim_time("ns")
        await read(dut, 80, 0, rng, out)
        spent = get_sim_time("ns") - before
        assert spent <= 62 * max(periods) + min(periods), (periods, spent)
        assert out == list(range(80))
        writer.cancel()  # it still has beats, which the next pair of clocks must not see
        for clock in clocks:
            clock.stop()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def full_means_full(dut):
    """A reader that takes nothing: DEPTH beats fill the memory, one more stands at the output."""
    await start(dut, (10, 7))
    writer = cocotb.start_soon(write(dut, range(100), 0, random.Random(3)))
    await ClockCycles(dut.s_clk, 150)
    assert int(dut.events.value) == int(dut.DEPTH.value) + 1
    writer.cancel()
