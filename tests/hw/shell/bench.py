# SPDX-License-Identifier: Apache-2.0
"""What the cocotb tests of the shell share: clocks, register access, memory, expected results."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiResp, AxiSlave, SparseMemoryRegion
from numpy.typing import NDArray

from bitstreams.driver.registers import FIELDS, OFFSET

BASE = 0x1000_0000
SIZE = 0x0100_0000


def bit(name: str) -> int:
    """Mask of a one-bit field, for instance ``STATUS.IDLE``."""
    high, low = FIELDS[name]
    assert high == low
    return 1 << low


class Memory(SparseMemoryRegion):
    """Memory as the processor sees it."""

    def __init__(self) -> None:
        super().__init__(1 << 40)
        self.bad_reads: set[int] = set()
        self.bad_writes: set[int] = set()


class Port:
    """The same memory as the shell sees it: notes every access; one to a bad address fails."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.touched: list[tuple[int, int]] = []

    async def read(self, address: int, length: int) -> bytes:
        self.touched.append((address, length))
        if address in self.memory.bad_reads:
            raise ValueError("read refused")
        return await self.memory.read(address, length)

    async def write(self, address: int, data: bytes) -> None:
        self.touched.append((address, len(data)))
        if address in self.memory.bad_writes:
            raise ValueError("write refused")
        await self.memory.write(address, data)


class Bench:
    """A shell with a processor and a memory."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.get = lambda name: int(getattr(dut, name).value)
        self.lite = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axi"), dut.bus_clk, dut.bus_rst_n, False
        )
        self.memory = Memory()
        self.port = Port(self.memory)
        self.touched = self.port.touched
        self.error = AxiResp.SLVERR
        self.slave = AxiSlave(
            AxiBus.from_prefix(dut, "m_axi"),
            dut.bus_clk,
            dut.bus_rst_n,
            self.port,
            reset_active_level=False,
        )
        self.clocks: list[Clock] = []
        self.rng = np.random.default_rng(1)
        self._answer_with(self.slave.read_if.r_channel, "rresp")
        self._answer_with(self.slave.write_if.b_channel, "bresp")

    def _answer_with(self, channel: Any, field: str) -> None:
        """Lets error responses be ``self.error``; the model itself knows SLVERR only."""
        send = channel.send

        async def changed(item: Any) -> None:
            if getattr(item, field) == AxiResp.SLVERR:
                setattr(item, field, self.error)
            await send(item)

        channel.send = changed

    async def start(self, net_period: float = 10.0) -> None:
        """Clocks, reset, and the wait until the shell is idle."""
        dut = self.dut
        dut.fault_i.value = 0
        dut.clear_i.value = 0
        dut.bus_rst_n.value = 0
        await Timer(1, "ns")  # the reset is there before the first edge
        for clock in self.clocks:
            clock.stop()
        self.clocks = [Clock(dut.bus_clk, 10, "ns"), Clock(dut.net_clk, net_period, "ns")]
        for clock in self.clocks:
            clock.start()
        await ClockCycles(dut.bus_clk, 8)
        dut.bus_rst_n.value = 1
        await self.wait("IDLE")
        await self.write("LIMIT_BASE_LO", BASE)
        await self.write("LIMIT_END_LO", BASE + SIZE)

    async def write(self, name: str, value: int) -> None:
        response = await self.lite.write(OFFSET[name], value.to_bytes(4, "little"))
        assert response.resp == 0

    async def read(self, name: str) -> int:
        response = await self.lite.read(OFFSET[name], 4)
        assert response.resp == 0
        return int.from_bytes(response.data, "little")

    async def wait(self, *names: str, limit: int = 3000) -> int:
        """Polls STATUS until all the named bits are set."""
        mask = sum(bit(f"STATUS.{name}") for name in names)
        for _ in range(limit):
            status = await self.read("STATUS")
            if status & mask == mask:
                return status
        raise AssertionError(f"STATUS {status:#x} after {limit} reads, waited for {names}")

    @staticmethod
    def free(channel: Any) -> None:
        """Ends the stalls of a channel; the model would keep the last one."""
        channel.clear_pause_generator()
        channel.pause = False

    @staticmethod
    def coin(share: float, seed: int) -> Iterator[bool]:
        """True with probability share."""
        rng = random.Random(seed)
        while True:
            yield rng.random() < share

    def stall(self, share: float, seed: int) -> None:
        """Random back-pressure on all channels of the memory: each cycle with probability share."""
        channels = [
            self.slave.write_if.aw_channel,
            self.slave.write_if.w_channel,
            self.slave.write_if.b_channel,
            self.slave.read_if.ar_channel,
            self.slave.read_if.r_channel,
        ]
        for number, channel in enumerate(channels):
            if share:
                channel.set_pause_generator(self.coin(share, seed + number))
            else:
                self.free(channel)

    # The network of shell_bench.sv, in numpy.

    def images(self, count: int) -> NDArray[np.uint8]:
        """(count, bytes) of random pixels."""
        size = self.get("IN_W") // 8 * self.get("IN_BEATS")
        return self.rng.integers(0, 256, (count, size), dtype=np.uint8)

    def results(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(count, elements) that the network gives, as signed or unsigned elements."""
        lanes, width = self.get("IN_W") // 8, self.get("OUT_W")
        beats = images.reshape(len(images), -1, lanes).astype(np.int64)
        element = np.arange(self.get("OUT_N"))
        weights = 2 * np.arange(lanes)[:, None] + 1 + element[None, :]
        total = np.zeros((len(images), len(element)), dtype=np.int64)
        for beat in range(beats.shape[1]):
            total = (total * 5 + beats[:, beat] @ weights) % (1 << width)
        number = np.arange(self.get("OUT_BEATS"))
        total = ((total[:, None, :] + number[None, :, None]) % (1 << width)).reshape(
            len(images), -1
        )
        if self.get("OUT_SIGNED"):
            total = np.where(total >> (width - 1), total - (1 << width), total)
        return total

    async def fill(self, images: NDArray[np.uint8], base: int, stride: int) -> None:
        for index, image in enumerate(images):
            await self.memory.write(base + index * stride, image.tobytes())

    async def collect(self, count: int, base: int, stride: int) -> NDArray[np.int64]:
        """(count, elements) from memory; also checks that padding is zero."""
        elements = self.get("OUT_N") * self.get("OUT_BEATS")
        size = self.get("ELEM_W") // 8
        words = -(-elements * size // 8)
        found = []
        for index in range(count):
            raw = bytes(await self.memory.read(base + index * stride, words * 8))
            assert not any(raw[elements * size :]), f"result {index}: padding is not zero"
            kind = f"<{'i' if self.get('OUT_SIGNED') else 'u'}{size}"
            found.append(np.frombuffer(raw[: elements * size], kind).astype(np.int64))
        return np.stack(found)

    async def prepare(
        self, count: int, in_base: int, out_base: int, in_stride: int, out_stride: int
    ) -> None:
        for name, value in (
            ("IN_BASE_LO", in_base),
            ("OUT_BASE_LO", out_base),
            ("IMAGES", count),
            ("IN_STRIDE", in_stride),
            ("OUT_STRIDE", out_stride),
        ):
            await self.write(name, value)

    async def batch(
        self, count: int, *, in_gap: int = 0, out_gap: int = 0, limit: int = 3000
    ) -> None:
        """Runs a batch and compares every result; strides are the sizes and a gap."""
        in_stride = await self.read("IN_BYTES")
        in_stride = -(-in_stride // 8) * 8 + in_gap
        out_stride = await self.read("OUT_BYTES") + out_gap
        in_base, out_base = BASE + 0xFC0, BASE + SIZE // 2 + 0xFC0
        images = self.images(count)
        await self.fill(images, in_base, in_stride)
        await self.prepare(count, in_base, out_base, in_stride, out_stride)
        await self.write("CONTROL", bit("CONTROL.START"))
        await self.wait("IDLE", "DONE", limit=limit)
        assert await self.read("ERROR") == 0
        found = await self.collect(count, out_base, out_stride)
        np.testing.assert_array_equal(found, self.results(images))


async def watch_masters(dut: Any, seen: Counter[str]) -> None:
    """Rules that the memory model does not check, cycle by cycle: lengths, blocks, open bursts.

    ``seen`` counts what was there to be judged: cycles in which a channel waited ("aw waits"),
    bursts on the two sides of a page border ("ar border"), bursts cut short of the longest
    ("ar short"), error responses ("r error"), and the most bursts that were open ("ar open").
    """
    reads = writes = ahead = 0
    last = {"ar": 0, "aw": 0}
    longest = 16
    while True:
        await RisingEdge(dut.bus_clk)
        value = {name: int(getattr(dut, f"m_axi_{name}").value) for name in _WATCHED}
        for channel in ("aw", "w", "b", "ar", "r"):
            waits = value[f"{channel}valid"] and not value[f"{channel}ready"]
            seen[f"{channel} waits"] += bool(waits)
        for channel in ("ar", "aw"):
            if value[f"{channel}valid"] and value[f"{channel}ready"]:
                address, length = value[f"{channel}addr"], value[f"{channel}len"] + 1
                assert length <= longest and address % 8 == 0
                end = address + 8 * length
                assert address // 4096 == (end - 1) // 4096
                seen[f"{channel} border"] += last[channel] == address and not address % 4096
                seen[f"{channel} short"] += length < longest
                last[channel] = end
                reads += channel == "ar"
                if channel == "aw":
                    writes += 1
                    ahead += length
        if value["wvalid"] and value["wready"]:
            ahead -= 1
            assert ahead >= 0, "a word of data before its address"
        reads -= value["rvalid"] and value["rready"] and value["rlast"]
        writes -= value["bvalid"] and value["bready"]
        assert 0 <= reads <= 8 and 0 <= writes <= 8, (reads, writes)
        seen["ar open"] = max(seen["ar open"], reads)
        seen["aw open"] = max(seen["aw open"], writes)
        seen["r error"] += bool(value["rvalid"] and value["rready"] and value["rresp"])
        seen["b error"] += bool(value["bvalid"] and value["bready"] and value["bresp"])


_WATCHED = (
    *("arvalid", "arready", "araddr", "arlen", "awvalid", "awready", "awaddr", "awlen"),
    *("wvalid", "wready", "rvalid", "rready", "rlast", "bvalid", "bready"),
    *("rresp", "bresp"),
)
