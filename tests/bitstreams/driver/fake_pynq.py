# SPDX-License-Identifier: Apache-2.0
"""The part of PYNQ that the driver uses, in front of a virtual board.

It behaves as PYNQ 2.7 to 3.1 do where that matters: buffers are cached, so that data which is not
flushed never arrives; nothing can be allocated before a bitstream is loaded; metadata is needed by
Overlay and by nothing else; registers are read and written as aligned words.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


class Buffer(np.ndarray):
    """What `pynq.allocate` returns: the processor's view, apart from what the logic sees."""

    device_address: int
    memory: Any

    def flush(self) -> None:
        self.memory.data[:] = np.asarray(self).view(np.uint8)

    def invalidate(self) -> None:
        np.asarray(self).view(np.uint8)[:] = self.memory.data

    def freebuffer(self) -> None:
        self.memory.free()


class FakePynq(ModuleType):
    """The module `pynq`.

    Args:
        board: virtual board behind it.
        offset: bytes that buffers begin behind a multiple of a page.
        overlay_fails: Overlay() raises, as it does where XRT is missing.
    """

    def __init__(self, board: Any, offset: int = 0, overlay_fails: bool = False) -> None:
        super().__init__("pynq")
        self.board = board
        self.calls: list[str] = []
        loaded = False

        def download(kind: str, path: str) -> None:
            nonlocal loaded
            self.calls.append(f"{kind} {Path(path).name}")
            board.program(Path(path))
            loaded = True

        class Bitstream:
            def __init__(self, name: str) -> None:
                self.name = name

            def download(self) -> None:
                download("Bitstream", self.name)

        class Overlay:
            def __init__(self, name: str) -> None:
                if not Path(name).with_suffix(".hwh").is_file():
                    raise RuntimeError("Unable to find metadata for bitstream")
                if overlay_fails:
                    raise OSError("xclbinutil not found")
                download("Overlay", name)

        class MMIO:
            def __init__(self, base_addr: int, length: int = 4) -> None:
                assert base_addr % 0x1000 == 0
                self.base_addr, self.length = base_addr, length

            def read(self, offset: int = 0) -> int:
                assert offset % 4 == 0 and offset < self.length
                return int(board.read32(self.base_addr + offset))

            def write(self, offset: int, data: int) -> None:
                assert offset % 4 == 0 and offset < self.length
                board.write32(self.base_addr + offset, data)

        def allocate(
            shape: Any, dtype: Any = "u4", target: Any = None, cacheable: int = 0
        ) -> Buffer:
            if not loaded:
                raise RuntimeError("Overlay is not downloaded")
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            memory = board.allocate(size + offset)
            memory.data = memory.data[offset:]
            cached = np.random.default_rng(0).integers(0, 256, size, np.uint8)
            buffer = cached.view(dtype).reshape(shape).view(Buffer)
            buffer.device_address = memory.address + offset
            buffer.memory = memory
            return buffer

        self.Bitstream, self.Overlay, self.MMIO, self.allocate = Bitstream, Overlay, MMIO, allocate
