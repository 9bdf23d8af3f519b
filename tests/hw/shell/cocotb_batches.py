# SPDX-License-Identifier: Apache-2.0
"""Registers and batches of the shell; runs inside the simulator, started by test_shell.py."""

from collections import Counter

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from bitstreams.driver.registers import MAP_MAJOR, MAP_MINOR, OFFSET, RESET
from tests.hw.shell.bench import BASE, Bench, bit, watch_masters

NET_PERIODS = (10.0, 6.2, 23.0)  # ns; as fast as the bus, faster, slower


def net_periods(bench: Bench) -> tuple[float, ...]:
    return NET_PERIODS if bench.get("CDC") else NET_PERIODS[:1]


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def registers(dut):
    bench = Bench(dut)
    await bench.start()
    assert await bench.read("ID") == RESET["ID"] == int.from_bytes(b"XNOR", "big")
    assert await bench.read("VERSION") == MAP_MAJOR << 16 | MAP_MINOR
    words = [await bench.read(f"MODEL_HASH{n}") for n in range(4)]
    assert words == [0x00112233, 0x44556677, 0x8899AABB, 0xCCDDEEFF]
    lanes, beats = bench.get("IN_W") // 8, bench.get("IN_BEATS")
    assert await bench.read("IN_BYTES") == lanes * beats
    elements, size = bench.get("OUT_N") * bench.get("OUT_BEATS"), bench.get("ELEM_W")
    assert await bench.read("OUT_BYTES") == -(-elements * size // 64) * 8
    assert await bench.read("OUT_SHAPE") == size << 24 | elements
    flags = [bench.get(name) for name in ("CDC", "AXI3", "RUNTIME")]
    config = sum(flag << n for n, flag in enumerate(flags)) | bench.get("ADDR_W") << 8
    assert await bench.read("CONFIG") == config
    assert await bench.read("TIMEOUT") == RESET["TIMEOUT"]

    for name in ("IMAGES", "IN_STRIDE", "OUT_STRIDE", "TIMEOUT", "IN_BASE_LO", "OUT_BASE_LO"):
        value = int(bench.rng.integers(1 << 32))
        await bench.write(name, value)
        assert await bench.read(name) == value, name
        await bench.lite.write(OFFSET[name], b"\xff\xff")  # two bytes: ignored
        assert await bench.read(name) == value, name
    for name in ("ID", "IN_BYTES", "STATUS"):
        before = await bench.read(name)
        await bench.write(name, 0xFFFF_FFFF)
        assert await bench.read(name) == before, name
    known = set(OFFSET.values())
    for offset in (0x008, 0x0FC, 0x100, 0x124, 0x8024, 0xFFFC):
        assert offset not in known
        await bench.lite.write(offset, b"\xff" * 4)
        assert not any((await bench.lite.read(offset, 4)).data)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def addresses_beyond_the_space_are_kept_as_one_bit(dut):
    bench = Bench(dut)
    await bench.start()
    high = bench.get("ADDR_W") - 32
    await bench.write("IN_BASE_HI", 0xFFFF_FFFF)
    assert await bench.read("IN_BASE_HI") == (1 << high + 1) - 1
    await bench.write("IN_BASE_LO", BASE)
    await bench.write("IMAGES", 1)
    await bench.write("IN_STRIDE", 1 << 16)
    await bench.write("OUT_STRIDE", 1 << 16)
    await bench.write("CONTROL", bit("CONTROL.START"))
    assert await bench.read("ERROR") == bit("ERROR.RANGE")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def batches(dut):
    bench = Bench(dut)
    for period in net_periods(bench):
        await bench.start(period)
        for count, in_gap, out_gap in ((1, 0, 0), (2, 8, 0), (7, 0, 48), (19, 1000, 4088)):
            await bench.batch(count, in_gap=in_gap, out_gap=out_gap)
        assert await bench.read("IMAGES_IN") == await bench.read("IMAGES_OUT") == 29
        assert await bench.read("LATENCY") < await bench.read("CYCLES_LO")
        await bench.write("CONTROL", bit("CONTROL.CLEAR"))
        for name in ("IMAGES_IN", "IMAGES_OUT", "CYCLES_LO", "INPUT_STALLS_LO"):
            assert await bench.read(name) == 0, name


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def long_batch(dut):
    bench = Bench(dut)
    await bench.start()
    await bench.batch(300 if bench.get("IN_BEATS") < 50 else 40)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def random_back_pressure(dut):
    bench = Bench(dut)
    await bench.start()
    seen: Counter[str] = Counter()
    watch = cocotb.start_soon(watch_masters(dut, seen))
    for seed, share in enumerate((0.2, 0.5, 0.8)):
        bench.stall(share, 10 * seed)
        await bench.batch(9, in_gap=8 * seed, out_gap=8 * seed)
        await bench.batch(9)  # without a gap the stream of bursts runs over a page border
    watch.cancel()
    dut._log.info("judged: %s", dict(seen))
    # The shell takes read data and responses at once, whatever the network does.
    assert seen["r waits"] == seen["b waits"] == 0
    for channel in ("aw", "w", "ar"):
        assert seen[f"{channel} waits"] > 20, seen
    for channel in ("aw", "ar"):
        assert seen[f"{channel} border"] >= 1 and seen[f"{channel} short"] >= 1, seen
    assert seen["ar open"] > 1, seen  # small results may all fit in a burst that is answered first


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def clocks_are_counted(dut):
    bench = Bench(dut)
    for period in net_periods(bench):
        await bench.start(period)
        bus, net = await bench.read("FREE_LO"), await bench.read("NET_FREE_LO")
        await ClockCycles(dut.bus_clk, 5000)
        bus = await bench.read("FREE_LO") - bus
        net = await bench.read("NET_FREE_LO") - net
        assert abs(net - bus * 10 / period) <= 5, (period, bus, net)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def upper_half_is_latched(dut):
    """A carry between the two reads of a counter does not show."""
    bench = Bench(dut)
    await bench.start()
    for n, back in enumerate((0, 20, 40)):
        dut.u_shell.u_registers.u_counters.free_o.value = (n + 1 << 32) - 40 + back
        low = await bench.read("FREE_LO")
        high = await bench.read("FREE_HI")
        assert high == n + (low < 1 << 31), (hex(low), high)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def stalls_are_counted(dut):
    """Slow memory starves the input; a memory that takes no results stalls the output."""
    bench = Bench(dut)
    await bench.start()
    await bench.batch(8)
    input_before = await bench.read("INPUT_STALLS_LO")
    output_before = await bench.read("OUTPUT_STALLS_LO")
    bench.slave.read_if.r_channel.set_pause_generator(bench.coin(0.9, 1))
    await bench.batch(8)
    cycles = await bench.read("CYCLES_LO")
    starved = await bench.read("INPUT_STALLS_LO") - input_before
    assert cycles // 4 < starved < cycles
    bench.free(bench.slave.read_if.r_channel)
    bench.slave.write_if.w_channel.pause = True

    async def release():
        await ClockCycles(dut.bus_clk, 9000)
        bench.slave.write_if.w_channel.pause = False

    cocotb.start_soon(release())
    await bench.batch(70)  # more results than all the FIFOs hold
    assert await bench.read("OUTPUT_STALLS_LO") - output_before > 100


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def no_idle_cycle_at_the_input(dut):
    """Memory brings a word a cycle, the network takes a beat a cycle: no bubble between images."""
    bench = Bench(dut)
    if bench.get("CDC"):
        return
    await bench.start()
    for count in (2, 30):
        dut.clear_i.value = 1
        await ClockCycles(dut.bus_clk, 2)
        dut.clear_i.value = 0
        await bench.batch(count)
        beats = count * bench.get("IN_BEATS")
        assert int(dut.beats_o.value) == beats
        assert int(dut.idle_beats_o.value) == 0, f"{int(dut.idle_beats_o.value)} idle cycles"
    dut.clear_i.value = 1
    await ClockCycles(dut.bus_clk, 2)
    dut.clear_i.value = 0
    bench.stall(0.9, 1)  # the counter itself: a slow memory must show
    await bench.batch(4)
    assert int(dut.idle_beats_o.value) > 0


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def interrupt(dut):
    bench = Bench(dut)
    await bench.start()
    await bench.batch(1)
    assert dut.irq.value == 0
    await bench.write("IRQ_ENABLE", 1)
    await ClockCycles(dut.bus_clk, 4)
    assert dut.irq.value == 1
    await bench.write("IRQ_ENABLE", 0)
    await ClockCycles(dut.bus_clk, 4)
    assert dut.irq.value == 0


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def words_for_memories(dut):
    """LOAD_DATA comes out in the network's clock, in order, with addresses that count up."""
    bench = Bench(dut)
    await bench.start()
    address = 7 << 20 | 0xFFF0
    seen = []

    async def watch():
        clock = dut.net_clk if bench.get("CDC") else dut.bus_clk
        while True:
            await clock.rising_edge
            if dut.load_valid.value == 1:
                names = ("load_memory", "load_word_addr", "load_data")
                seen.append(tuple(int(getattr(dut, name).value) for name in names))

    watcher = cocotb.start_soon(watch())
    await bench.write("LOAD_ADDR", address)
    words = [int(value) for value in np.random.default_rng(3).integers(1 << 32, size=12)]
    for word in words:
        await bench.write("LOAD_DATA", word)
    await ClockCycles(dut.bus_clk, 30)
    watcher.cancel()
    if bench.get("RUNTIME"):
        assert seen == [(7, 0xFFF0 + n, word) for n, word in enumerate(words)]
        assert await bench.read("LOAD_ADDR") == address + len(words)
    else:
        assert not seen
        assert await bench.read("LOAD_ADDR") == 0
