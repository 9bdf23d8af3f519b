# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around the shell: each fault has its own bit, and the next batch is right."""

from collections import Counter

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp

from tests.hw.shell.bench import BASE, SIZE, Bench, bit, watch_masters

OUT = BASE + SIZE // 2


async def begin(bench: Bench, count: int, **change: int) -> None:
    """Starts a batch of random images; ``change`` overrides registers."""
    in_stride = (await bench.read("IN_BYTES") + 7) // 8 * 8
    out_stride = await bench.read("OUT_BYTES")
    await bench.fill(bench.images(count), BASE, in_stride)
    await bench.prepare(count, BASE, OUT, in_stride, out_stride)
    for name, value in change.items():
        await bench.write(name, value)
    await bench.write("CONTROL", bit("CONTROL.START"))


async def recover(bench: Bench, *errors: str) -> None:
    """Expects exactly these errors once idle, clears them, and runs a batch."""
    status = await bench.wait("IDLE")
    assert not status & bit("STATUS.DONE")
    assert bool(status & bit("STATUS.ERROR")) == bool(errors)
    expected = sum(bit(f"ERROR.{name}") for name in errors)
    assert await bench.read("ERROR") == expected
    await bench.write("ERROR", 0xFF)
    assert await bench.read("ERROR") == 0
    await bench.write("TIMEOUT", 0)
    await bench.batch(3)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def bus_errors(dut):
    bench = Bench(dut)
    await bench.start()
    image = (await bench.read("IN_BYTES") + 7) // 8 * 8
    result = await bench.read("OUT_BYTES")
    seen: Counter[str] = Counter()
    watch = cocotb.start_soon(watch_masters(dut, seen))
    for response in (AxiResp.SLVERR, AxiResp.DECERR):
        bench.error = response
        for word in (0, image - 8, 3 * image + 8):
            bench.memory.bad_reads = {BASE + word}
            await begin(bench, 6)
            await recover(bench, "READ")
        bench.memory.bad_reads = set()
        for word in (0, 4 * result):
            bench.memory.bad_writes = {OUT + word}
            await begin(bench, 6)
            await recover(bench, "WRITE")
        bench.memory.bad_writes = set()
    watch.cancel()
    assert seen["r error"] >= 6 and seen["b error"] >= 4, seen  # each case at least once


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def refused_parameters(dut):
    bench = Bench(dut)
    await bench.start()
    image = (await bench.read("IN_BYTES") + 7) // 8 * 8
    result = await bench.read("OUT_BYTES")
    for error, change in (
        ("ALIGN", {"IN_BASE_LO": BASE + 32}),
        ("ALIGN", {"OUT_BASE_LO": OUT + 8}),
        ("ALIGN", {"IN_STRIDE": image + 4}),
        ("ALIGN", {"OUT_STRIDE": result + 2}),
        ("LENGTH", {"IMAGES": 0}),
        ("LENGTH", {"IN_STRIDE": image - 8}),
        ("LENGTH", {"OUT_STRIDE": result - 8}),
    ):
        await begin(bench, 2, **change)
        assert await bench.read("ERROR") == bit(f"ERROR.{error}"), change
        await recover(bench, error)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def nothing_beyond_the_limits_is_touched(dut):
    bench = Bench(dut)
    await bench.start()
    image = (await bench.read("IN_BYTES") + 7) // 8 * 8
    result = await bench.read("OUT_BYTES")
    for change, untouched in (
        ({"LIMIT_BASE_LO": BASE + 128}, None),
        ({"LIMIT_END_LO": BASE + 3 * image - 8}, None),
        ({"LIMIT_END_LO": OUT + 3 * result}, OUT + 3 * result),
        ({"LIMIT_BASE_LO": 0, "LIMIT_END_LO": 0}, None),
    ):
        mark = b"\xa5" * 8 * result
        await bench.memory.write(OUT, mark)
        bench.touched.clear()
        await begin(bench, 8, **change)
        await bench.wait("IDLE")
        low, high = await bench.read("LIMIT_BASE_LO"), await bench.read("LIMIT_END_LO")
        assert all(low <= address and address + size <= high for address, size in bench.touched)
        if untouched is not None:
            left = bytes(await bench.memory.read(untouched, OUT + len(mark) - untouched))
            assert left == mark[: len(left)]
            assert bytes(await bench.memory.read(OUT, result)) != mark[:result]
        await bench.write("LIMIT_BASE_LO", BASE)
        await bench.write("LIMIT_END_LO", BASE + SIZE)
        await recover(bench, "RANGE")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def stop_in_every_phase(dut):
    bench = Bench(dut)
    await bench.start()
    bench.stall(0.5, 5)
    for delay in (0, 3, 17, 40, 77, 130, 260):
        await begin(bench, 30)
        await ClockCycles(dut.bus_clk, delay)
        await bench.write("CONTROL", bit("CONTROL.STOP"))
        await recover(bench)
    await bench.write("CONTROL", bit("CONTROL.STOP"))  # in no batch: resets the network
    await bench.wait("IDLE")
    await bench.batch(2)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def start_in_a_batch(dut):
    bench = Bench(dut)
    await bench.start()
    bench.stall(0.5, 6)
    await begin(bench, 12)
    await bench.write("CONTROL", bit("CONTROL.START"))
    await bench.wait("IDLE", "DONE")  # the batch is not disturbed
    assert await bench.read("ERROR") == bit("ERROR.BUSY")
    if bench.get("RUNTIME"):
        await bench.write("ERROR", 0xFF)
        await begin(bench, 12)
        await bench.write("LOAD_DATA", 1)
        await bench.wait("IDLE", "DONE")
        assert await bench.read("ERROR") == bit("ERROR.BUSY")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def faulty_network(dut):
    bench = Bench(dut)
    await bench.start()
    dut.fault_i.value = 1  # no tlast
    await begin(bench, 4)
    await bench.wait("ERROR")
    dut.fault_i.value = 0
    await recover(bench, "FRAME")

    dut.fault_i.value = 2  # a result too many, armed by a reset
    await bench.write("CONTROL", bit("CONTROL.STOP"))
    await bench.wait("IDLE")
    dut.fault_i.value = 0
    await begin(bench, 1)
    await bench.wait("ERROR")
    await bench.wait("IDLE")
    assert await bench.read("ERROR") == bit("ERROR.FRAME")
    await bench.write("ERROR", 0xFF)
    await bench.batch(3)

    dut.fault_i.value = 3  # takes nothing
    await begin(bench, 4, TIMEOUT=300)
    await bench.wait("ERROR")
    dut.fault_i.value = 0
    await recover(bench, "TIMEOUT")


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def dead_memory(dut):
    """Without an answer the shell says so, waits for its bursts, and works again after them."""
    bench = Bench(dut)
    await bench.start()
    for channel in (bench.slave.read_if.r_channel, bench.slave.write_if.b_channel):
        channel.pause = True
        await begin(bench, 12, TIMEOUT=300)
        status = await bench.wait("ERROR")
        assert not status & bit("STATUS.IDLE")
        assert await bench.read("ERROR") == bit("ERROR.TIMEOUT")
        await ClockCycles(dut.bus_clk, 1000)
        assert not await bench.read("STATUS") & bit("STATUS.IDLE")
        channel.pause = False
        await recover(bench, "TIMEOUT")
