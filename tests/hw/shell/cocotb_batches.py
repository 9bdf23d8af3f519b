# SPDX-License-Identifier: Apache-2.0
"""Batches through the shell; runs inside the simulator, started by test_shell.py."""

import cocotb

from tests.hw.shell.bench import Bench


@cocotb.test()
async def test_batches(dut):
    bench = Bench(dut)
    await bench.start()
    for count in (1, 2, 7):
        await bench.batch(count)
