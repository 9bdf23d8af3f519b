# SPDX-License-Identifier: Apache-2.0
"""Latencies of the modules in cycles, as their headers in hw/ state them.

From the transfer of an input beat to the first cycle in which the output beat that depends on it is
valid. tests/flows/dataflow/test_schedule.py compares them with simulation.
"""

from functools import cache

from flows.dataflow.kernels import MatrixUnit, MvuDsp, Requant

FIFO = 1
WINDOW = 1
POOL = 1
CONVERTER = 1
THRESHOLD = 1
ADD = 1

# Registers around the counter: tile, weight memory, threshold, result FIFO, gather (mvu_core.sv).
_UNIT = 3


@cache
def counter(lanes: int, planes: int) -> int:
    """Latency of `popcount_heap` for a number of lanes and bit planes.

    Follows the heap as the module's function `plan` does: three lanes become two bits, then 6:3
    counters and full adders reduce each column until no column is higher than three; every step
    and every addition of the remaining rows has a register.
    """
    width = (lanes * (2**planes - 1)).bit_length()
    heights = [-(-lanes // 3) if c < planes else 0 for c in range(width)]
    carries = [(lanes + 1) // 3 if c < planes else 0 for c in range(width)]
    heap = [h + (carries[c - 1] if c else 0) for c, h in enumerate(heights)]
    steps = 0
    while max(heap) > 3:
        heap = [
            _stays(bits) + (_near(heap[c - 1]) if c else 0) + (_far(heap[c - 2]) if c > 1 else 0)
            for c, bits in enumerate(heap)
        ]
        steps += 1
    return steps + max(heap)


def _far(bits: int) -> int:
    return (bits + 1) // 6


def _near(bits: int) -> int:
    return _far(bits) + (bits % 6 in (3, 4))


def _stays(bits: int) -> int:
    return _far(bits) + (0, 1, 2, 1, 2, 0)[bits % 6]


def unit(kernel: MatrixUnit) -> int:
    """Cycles from the transfer of a tile to its first output beat, beyond the NF*SF steps."""
    if isinstance(kernel, MvuDsp):
        return kernel.latency()
    integer = kernel.in_bits > 1
    return counter(kernel.simd, kernel.in_bits) + _UNIT + integer


def requant(kernel: Requant) -> int:
    """Cycles from a beat's last step to its output, with one fold (requant.sv)."""
    return 3 + kernel.affine.slopes + 1
