# SPDX-License-Identifier: Apache-2.0
"""Latencies of the modules in cycles, as their headers in hw/ state them.

From the transfer of an input beat to the first cycle in which the output beat that depends on it is
valid. tests/e2e/test_network.py and the modules' tests compare them with simulation.
"""

from functools import cache

from flows.dataflow.kernels import (
    Affine,
    MatrixUnit,
    MvuDsp,
    MvuInt,
    MvuProduct,
    MvuSerial,
    Requant,
)

FIFO = 1
WINDOW = 1
POOL = 2
CONVERTER = 1
THRESHOLD = 1
ADD = 1

# Registers around the counter: tile, result FIFO (mvu_core.sv).
_UNIT = 2


@cache
def counter(
    lanes: int,
    planes: int = 1,
    *,
    carry: bool = False,
    addend: int = 0,
    total: int | None = None,
    constant: bool = False,
) -> int:
    """Latency of `popcount_heap`, in cycles.

    Args:
        lanes: N, activations with a weight each.
        planes: BITS of an activation.
        carry: CARRY, whether one more bit is counted.
        addend: ADDEND_W, bits of the number that is added.
        total: SUM_W, bits of the result; by default those of the count.
        constant: CONSTANT, whether weights are parameters: then lanes need no step of their own.
    """
    columns = total or (lanes * (2**planes - 1) + carry).bit_length()
    groups, pairs = -(-lanes // 8), -(-lanes // 2)
    if constant:
        heap = [lanes + carry] + [0] * (columns - 1)
    else:
        heap = [
            (groups if c < planes else 0) + (pairs if 0 < c <= planes else 0)
            for c in range(columns)
        ]
    heap = [height + (c < addend) for c, height in enumerate(heap)]
    return (not constant) + _heap(heap)


def shared_sums(lanes: int, planes: int) -> int:
    """Latency of `shared_sums` with N lanes of BITS planes, in cycles."""
    fours = -(-lanes // 4)
    columns = (lanes * (2**planes - 1) + 1).bit_length()
    heap = [fours if c < planes + 2 else 0 for c in range(columns)]
    return 1 + _heap(heap) + 1  # sums of four, the heap, the comparison


def _heap(heap: list[int]) -> int:
    """Latency of `heap_add` for columns of these heights: its steps and the last addition."""
    steps = 0
    while max(heap) > 3:
        heap = _reduce(heap)
        steps += 1
    return steps + 1


def _reduce(heap: list[int]) -> list[int]:
    """Heights of the columns after one step, as `plan` in heap_plan.svh has them."""
    columns = len(heap)
    rest = [*heap, 0, 0]
    out = [0] * (columns + 5)
    full = False
    for c in range(columns):
        paired = min(rest[c] // 7, (rest[c + 2] + 1) // 6)
        rest[c + 2] -= min(6 * paired, rest[c + 2])
        sevens, rest[c] = divmod(rest[c] - 7 * paired, 7)
        full = full or paired + sevens > 0
        for k in range(5):
            out[c + k] += paired + (sevens if k < 3 else 0)
    for c in range(columns):
        if not full and rest[c] + out[c] > 3:
            out[c + 1] += 1
            out[c + 2] += rest[c] > 3
            rest[c] = 1
    return [rest[c] + out[c] for c in range(columns)]


def unit(kernel: MatrixUnit) -> int:
    """Cycles from the transfer of a tile to its first output beat, beyond the NF*SF steps."""
    if isinstance(kernel, MvuDsp):
        return kernel.latency()
    return _sums(kernel) + (0 if kernel.affine is None else lane(kernel.affine)) + _UNIT


def lane(affine: Affine) -> int:
    """Latency of `requant_lane`."""
    return 3 + affine.slopes


def _sums(kernel: MatrixUnit) -> int:
    """Cycles from a step to the sum that it ends."""
    if isinstance(kernel, MvuProduct):
        return 2 + (kernel.simd - 1).bit_length() + 1  # dot_product, accumulator
    if isinstance(kernel, MvuInt) and kernel.shared:
        return shared_sums(kernel.simd, kernel.in_bits)
    compares = kernel.thresholds is not None
    if kernel.sf > 1 or isinstance(kernel, MvuSerial):
        return counter(kernel.simd, kernel.in_bits, carry=compares) + 1
    start = kernel.start_bits
    total = start + compares
    return counter(kernel.simd, kernel.in_bits, carry=compares, addend=start, total=total)


def requant(kernel: Requant) -> int:
    """Cycles from a beat's last step to its output, with one fold (requant.sv)."""
    return lane(kernel.affine) + 1
