# SPDX-License-Identifier: Apache-2.0
"""A board for the driver that is none: the Verilated shell, a memory and a processing system.

The driver imports it for platform "virtual". Time is board time: clocks of the logic divided by
their frequency. Numpy only, Python 3.8 and up; runs on the kind of computer that built `virtual/`.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import numpy as np

MEMORY_BASE, MEMORY_BYTES = 0x10000000, 64 << 20
FAULTS = {
    "clock gated": 1,
    "clock fixed": 2,
    "reset held": 3,
    "level shifters off": 4,
    "load fails": 5,
    "read error": 6,
    "write error": 7,
    "short read": 8,
    "read stuck": 9,
    "write stuck": 10,
    "network clock gated": 11,
}
_HUNG, _BROKEN, _UNMAPPED = 1, 2, 3


class _Config(ctypes.Structure):
    """`BoardConfig` of board.h."""

    _fields_ = (
        ("shell_base", ctypes.c_uint64),
        ("shell_bytes", ctypes.c_uint64),
        ("memory_base", ctypes.c_uint64),
        ("memory_bytes", ctypes.c_uint64),
        ("crystal_mhz", ctypes.c_double),
        ("ultrascale", ctypes.c_uint32),
        ("memory_port", ctypes.c_uint32),
        ("memory_bits", ctypes.c_uint32),
        ("read_latency", ctypes.c_uint32),
        ("write_latency", ctypes.c_uint32),
        ("outstanding", ctypes.c_uint32),
        ("gap_per_256", ctypes.c_uint32),
        ("access_cycles", ctypes.c_uint32),
        ("seed", ctypes.c_uint64),
    )


class BoardLostError(Exception):
    """What would need a power cycle on silicon: the driver has to rule it out beforehand."""


class VirtualBuffer:
    """A part of the virtual board's memory."""

    def __init__(self, board: VirtualBoard, address: int, data: np.ndarray) -> None:
        self._board = board
        self.address = address
        self.data = data

    def flush(self) -> None:
        """Nothing to do: the virtual processor has no cache."""

    def invalidate(self) -> None:
        """Nothing to do: the virtual processor has no cache."""

    def free(self) -> None:
        """Give the memory back."""
        self._board.taken.pop(self.address, None)


class VirtualBoard:
    """The platform "virtual" of the driver.

    Args:
        folder: deploy folder.
        facts: content of `overlay.json`.
        crystal_mhz: the board's true crystal; that of `facts` by default.
        options: fields of `BoardConfig` that differ from a Zynq-7000 memory port.
    """

    name = "virtual"

    def __init__(
        self,
        folder: Path,
        facts: dict[str, Any],
        crystal_mhz: float | None = None,
        **options: int,
    ) -> None:
        record, system = facts["bitstream"]["virtual"], facts["system"]
        self._path = (folder / record["file"]).resolve() if record else folder
        self._loaded: Any = None
        self._board: Any = None
        values = {
            "shell_base": system["shell_base"],
            "shell_bytes": 0x10000,
            "memory_base": MEMORY_BASE,
            "memory_bytes": MEMORY_BYTES,
            "crystal_mhz": crystal_mhz or system["crystal_mhz"],
            "ultrascale": system["family"] == "zynqmp",
            "memory_port": system["memory_port"],
            "memory_bits": system["memory_bits"],
            "read_latency": 30,
            "write_latency": 20,
            "outstanding": 8,
            "gap_per_256": 8,
            "access_cycles": 12,
            "seed": 1,
        }
        values.update(options)
        self._config = _Config(**values)
        self.taken: dict[int, int] = {}

    @property
    def _library(self) -> Any:
        """The simulator; opened at the first access at the latest."""
        self.open()
        return self._loaded

    def open(self) -> None:
        """Open the simulator; the driver checks the file first.

        Raises:
            OSError: it is none for this computer.
        """
        if self._loaded is None:
            self._loaded = self._functions()

    def _functions(self) -> Any:
        library = ctypes.CDLL(str(self._path))
        pointer, i32, u32, u64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32, ctypes.c_uint64
        signatures = {
            "create": (pointer, [ctypes.POINTER(_Config)]),
            "destroy": (None, [pointer]),
            "program": (i32, [pointer, ctypes.POINTER(i32)]),
            "programmed": (i32, [pointer]),
            "read": (i32, [pointer, u64, ctypes.POINTER(u32)]),
            "write": (i32, [pointer, u64, u32]),
            "sleep": (i32, [pointer, ctypes.c_double]),
            "now": (ctypes.c_double, [pointer]),
            "cycles": (u64, [pointer]),
            "memory": (ctypes.POINTER(ctypes.c_uint8), [pointer]),
            "inject": (None, [pointer, i32, u32]),
            "text": (ctypes.c_char_p, [pointer]),
        }
        for name, (result, arguments) in signatures.items():
            function = getattr(library, "board_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(library, name, function)
        self._board = library.create(ctypes.byref(self._config))
        whole = library.memory(self._board)
        self._memory = np.ctypeslib.as_array(whole, (int(self._config.memory_bytes),))
        return library

    def __del__(self) -> None:
        if self._board is not None:
            self._library.destroy(self._board)

    def _check(self, status: int, what: str) -> None:
        if status == _HUNG:
            raise BoardLostError(f"{what}: nothing answers; a processor would hang here")
        if status == _BROKEN:
            raise BoardLostError(f"{what}: {self._library.text(self._board).decode()}")
        if status == _UNMAPPED:
            raise BoardLostError(f"{what}: no such address; a processor would take a bus error")

    def program(self, path: Path) -> None:
        """Start the logic anew; memory images are read from the library's folder."""
        done, here = ctypes.c_int32(0), Path.cwd()
        os.chdir(str(self._path.parent))
        try:
            self._check(self._library.program(self._board, ctypes.byref(done)), f"load {path.name}")
        finally:
            os.chdir(str(here))

    def programmed(self) -> bool:
        """Whether the logic operates."""
        return bool(self._library.programmed(self._board))

    def read32(self, address: int) -> int:
        """Read a register by its bus address."""
        value = ctypes.c_uint32(0)
        status = self._library.read(self._board, address, ctypes.byref(value))
        self._check(status, f"read of {address:#x}")
        return int(value.value)

    def write32(self, address: int, value: int) -> None:
        """Write a register by its bus address."""
        status = self._library.write(self._board, address, value)
        self._check(status, f"write of {address:#x}")

    def allocate(self, nbytes: int) -> VirtualBuffer:
        """Memory of so many bytes, aligned to a page, behind what is taken already."""
        ends = [start + size for start, size in self.taken.items()]
        start = -(-max(ends, default=MEMORY_BASE + 0x1000) // 0x1000) * 0x1000
        if start + nbytes > MEMORY_BASE + MEMORY_BYTES:
            raise MemoryError(f"virtual board: {nbytes} bytes do not fit")
        self.taken[start] = nbytes
        offset = start - MEMORY_BASE
        return VirtualBuffer(self, start, self._memory[offset : offset + nbytes])

    def now(self) -> float:
        """Seconds of board time."""
        return float(self._library.now(self._board))

    def sleep(self, seconds: float) -> None:
        """Let board time pass."""
        self._check(self._library.sleep(self._board, seconds), "sleep")

    def cycles(self) -> int:
        """Clocks of the logic since the board was switched on."""
        return int(self._library.cycles(self._board))

    def inject(self, fault: str, after: int = 0) -> None:
        """Make something go wrong: a key of `FAULTS`, on the `after`-th burst from now."""
        self._library.inject(self._board, FAULTS[fault], after)

    def mend(self) -> None:
        """Take back a fault that stays: of clock, reset, level shifters or loading."""
        self._library.inject(self._board, 0, 0)
