# SPDX-License-Identifier: Apache-2.0
"""The C driver as a shared library, on a virtual board."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np

from tests.bitstreams.driver.driver import load

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O2")
OK, OTHER_LOGIC, OTHER_NETWORK, BAD_BUFFER, RUN_FAILED, NO_END, STUCK = range(7)
NOT_READY, OTHER_WEIGHTS, FIXED_WEIGHTS, BAD_WEIGHTS, UNFIT_WEIGHTS, WRONG_LOGITS = range(7, 13)
GLUE = '#include "network.h"\nconst xnorflow_network *built(void) { return &xnorflow_built; }\n'


class Platform(ctypes.Structure):
    """`xnorflow_platform`."""

    READ = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint64)
    WRITE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32)
    SECONDS = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)
    PAUSE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_double)
    CACHE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("read32", READ),
        ("write32", WRITE),
        ("seconds", SECONDS),
        ("pause", PAUSE),
        ("flush", CACHE),
        ("invalidate", CACHE),
    )


class Buffer(ctypes.Structure):
    """`xnorflow_buffer`."""

    _fields_ = (("data", ctypes.c_void_p), ("address", ctypes.c_uint64), ("bytes", ctypes.c_size_t))


class Network(ctypes.Structure):
    """`xnorflow_network`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("base", ctypes.c_uint64),
        ("hash", ctypes.c_uint32 * 4),
        ("in_bytes", ctypes.c_uint32),
        ("out_bytes", ctypes.c_uint32),
        ("elements", ctypes.c_uint32),
        ("element_bits", ctypes.c_uint32),
        ("is_signed", ctypes.c_int),
        ("interval_cycles", ctypes.c_uint32),
        ("latency_cycles", ctypes.c_uint32),
        ("clock_mhz", ctypes.c_double),
        ("pixel_table", ctypes.c_void_p),
        ("fit", ctypes.c_uint32 * 4),
    )


class State(ctypes.Structure):
    """`xnorflow`."""

    _fields_ = (
        ("platform", ctypes.c_void_p),
        ("network", ctypes.c_void_p),
        ("pixel_table", ctypes.c_void_p),
        ("known", ctypes.c_int),
        ("ready", ctypes.c_int),
        ("images", ctypes.c_uint32),
        ("code", ctypes.c_int),
        ("error", ctypes.c_uint32),
        ("cycles", ctypes.c_uint64),
        ("latency", ctypes.c_uint32),
    )


def compile_c(folder: Path, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler is not None, "no C compiler on PATH; install gcc"
    command = [compiler, *STRICT, f"-I{folder}", *arguments, "-o", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class CDriver:
    """The C driver on a virtual board.

    Args:
        deployed: network with its deploy folder.
        folder: where it is compiled.

    Attributes:
        network: the Python driver, which loads the bitstream and sets the clock.
        built: facts that the C driver was compiled with; a test may change them.
        state: what the C driver knows.
    """

    def __init__(self, deployed, folder: Path) -> None:
        source = deployed.folder / "c"
        glue = folder / "glue.c"
        glue.write_text(GLUE)
        path = folder / "driver.so"
        files = (str(source / "xnorflow.c"), str(glue))
        done = compile_c(source, path, "-shared", "-fPIC", *files)
        assert (done.returncode, done.stderr) == (0, "")
        self.driver = ctypes.CDLL(str(path))
        self.driver.built.restype = ctypes.POINTER(Network)
        self.driver.xnorflow_bytes.restype = ctypes.c_size_t
        self.driver.xnorflow_golden.restype = ctypes.c_uint32
        self.driver.xnorflow_image.restype = ctypes.c_void_p
        self.driver.xnorflow_logit.restype = ctypes.c_int32
        self.driver.xnorflow_message.restype = ctypes.c_char_p
        self.driver.xnorflow_clock_mhz.restype = ctypes.c_double
        self.network = load("xnorflow_driver").Accelerator(
            deployed.folder, platform="virtual", self_test=False
        )
        self.board = self.network.platform
        self.platform = Platform(
            None,
            Platform.READ(lambda _, address: self.board.read32(address)),
            Platform.WRITE(lambda _, address, value: self.board.write32(address, value)),
            Platform.SECONDS(lambda _: self.board.now()),
            Platform.PAUSE(lambda _, seconds: self.board.sleep(seconds)),
        )
        self.built = Network.from_buffer_copy(self.driver.built().contents)
        self.state = State()
        self.room = self.buffer = None

    def open(self) -> int:
        """Code of xnorflow_open."""
        arguments = (ctypes.byref(part) for part in (self.state, self.platform, self.built))
        return int(self.driver.xnorflow_open(*arguments))

    def allocate(self, images: int) -> None:
        """A buffer for so many images."""
        size = self.driver.xnorflow_bytes(ctypes.byref(self.built), ctypes.c_uint32(images))
        self.room = self.board.allocate(size)
        self.buffer = Buffer(self.room.data.ctypes.data, self.room.address, size)

    def run(self, images: np.ndarray) -> int:
        """Code of xnorflow_run on images in a buffer of their own."""
        self.allocate(len(images))
        for index, image in enumerate(images):
            pixels = image.tobytes()
            self.driver.xnorflow_put(
                ctypes.byref(self.state), ctypes.byref(self.buffer), index, pixels
            )
        return self.go(len(images))

    def load_weights(self, file: bytes) -> int:
        """Code of xnorflow_load_weights."""
        self.file = file  # the driver keeps a pointer to it
        self.allocate(max(1, self.driver.xnorflow_golden(file, ctypes.c_size_t(len(file)))))
        return int(
            self.driver.xnorflow_load_weights(
                ctypes.byref(self.state),
                file,
                ctypes.c_size_t(len(file)),
                ctypes.byref(self.buffer),
                ctypes.c_double(0.002),
            )
        )

    def go(self, count: int) -> int:
        """Code of xnorflow_run on what lies in the buffer."""
        return int(
            self.driver.xnorflow_run(
                ctypes.byref(self.state),
                ctypes.byref(self.buffer),
                ctypes.c_uint32(count),
                ctypes.c_double(0.002),
            )
        )

    def logits(self, count: int, elements: int) -> np.ndarray:
        """(count, elements) int32 of the last run."""
        state, buffer = ctypes.byref(self.state), ctypes.byref(self.buffer)
        values = [
            [self.driver.xnorflow_logit(state, buffer, i, k) for k in range(elements)]
            for i in range(count)
        ]
        return np.array(values, np.int32)

    def message(self) -> str:
        """The last code as a sentence."""
        return self.driver.xnorflow_message(ctypes.byref(self.state)).decode()
