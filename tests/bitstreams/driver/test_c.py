# SPDX-License-Identifier: Apache-2.0
"""The C driver: it compiles without a warning as C99, and runs against the Verilated shell."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.bitstreams.driver.driver import load

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O2")
OK, OTHER_LOGIC, OTHER_NETWORK, BAD_BUFFER, RUN_FAILED, NO_END, STUCK = range(7)
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


class State(ctypes.Structure):
    """`xnorflow`."""

    _fields_ = (
        ("platform", ctypes.c_void_p),
        ("network", ctypes.c_void_p),
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
    """The C driver on a virtual board."""

    def __init__(self, deployed, folder: Path, **changes: int) -> None:
        source = deployed.folder / "c"
        glue = folder / "glue.c"
        glue.write_text(GLUE)
        path = folder / "driver.so"
        files = (str(source / "xnorflow.c"), str(glue))
        done = compile_c(source, path, "-shared", "-fPIC", *files)
        assert (done.returncode, done.stderr) == (0, "")
        self.library = ctypes.CDLL(str(path))
        self.library.built.restype = ctypes.c_void_p
        self.library.xnorflow_bytes.restype = ctypes.c_size_t
        self.library.xnorflow_bytes.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        self.library.xnorflow_image.restype = ctypes.c_void_p
        self.library.xnorflow_logit.restype = ctypes.c_int32
        self.library.xnorflow_message.restype = ctypes.c_char_p
        self.library.xnorflow_clock_mhz.restype = ctypes.c_double
        # The Python driver loads the bitstream and sets the clock, as it would for a C program.
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
        self.built = self.library.built()
        self.state = State()
        self.room = self.buffer = None

    def open(self) -> int:
        arguments = (ctypes.byref(self.state), ctypes.byref(self.platform))
        return int(self.library.xnorflow_open(*arguments, ctypes.c_void_p(self.built)))

    def run(self, images: np.ndarray) -> int:
        size = self.library.xnorflow_bytes(self.built, len(images))
        self.room = self.board.allocate(size)
        self.buffer = Buffer(self.room.data.ctypes.data, self.room.address, size)
        for index, image in enumerate(images):
            at = self.library.xnorflow_image(
                ctypes.byref(self.state), ctypes.byref(self.buffer), index
            )
            ctypes.memmove(at, image.tobytes(), image.nbytes)
        return self.go(len(images))

    def go(self, count: int) -> int:
        return int(
            self.library.xnorflow_run(
                ctypes.byref(self.state),
                ctypes.byref(self.buffer),
                ctypes.c_uint32(count),
                ctypes.c_double(0.002),
            )
        )

    def logits(self, count: int, elements: int) -> np.ndarray:
        state, buffer = ctypes.byref(self.state), ctypes.byref(self.buffer)
        values = [
            [self.library.xnorflow_logit(state, buffer, i, k) for k in range(elements)]
            for i in range(count)
        ]
        return np.array(values, np.int32)

    def message(self) -> str:
        return self.library.xnorflow_message(ctypes.byref(self.state)).decode()


@pytest.fixture
def c(deployed, tmp_path) -> CDriver:
    return CDriver(deployed, tmp_path)


def test_the_example_compiles_without_a_warning(deployed, tmp_path):
    source = deployed.folder / "c"
    files = (str(source / "example_linux.c"), str(source / "xnorflow.c"))
    done = compile_c(source, tmp_path / "example", *files)
    assert (done.returncode, done.stderr) == (0, "")
    usage = subprocess.run([tmp_path / "example"], capture_output=True, text=True, check=False)
    assert (usage.returncode, usage.stderr) == (2, "usage: example DEVICE IMAGE\n")


def test_a_warning_would_be_found(deployed, tmp_path):
    bad = tmp_path / "bad.c"
    bad.write_text("int f(unsigned long x);\nint f(unsigned long x) { int unused; return x; }\n")
    done = compile_c(deployed.folder / "c", tmp_path / "bad.o", "-c", str(bad))
    assert "unused" in done.stderr and "conver" in done.stderr


@pytest.mark.parametrize("count", [1, 5])
def test_logits_equal_the_reference(c, deployed, count):
    assert c.open() == OK, c.message()
    assert c.run(deployed.images[:count]) == OK, c.message()
    expected = deployed.logits[:count]
    np.testing.assert_array_equal(c.logits(count, expected.shape[1]), expected)
    assert c.state.cycles > c.state.latency > 0 or count == 1
    assert c.library.xnorflow_clock_mhz(ctypes.byref(c.state)) == pytest.approx(100, rel=1e-3)


def test_another_network_is_refused(c):
    record = ctypes.cast(c.built, ctypes.POINTER(ctypes.c_uint32))
    mine = (ctypes.c_uint32 * 18)(*record[:18])
    mine[4] ^= 1  # first word of the hash, behind name and base
    c.built = ctypes.addressof(mine)
    assert c.open() == OTHER_NETWORK
    assert c.message() == "the bitstream holds another network than was built"


def test_a_buffer_that_is_too_small_is_refused(c, deployed):
    assert c.open() == OK
    assert c.run(deployed.images[:2]) == OK
    assert c.go(3) == BAD_BUFFER
    assert c.go(0) == BAD_BUFFER
    c.buffer.address += 4
    assert c.go(1) == BAD_BUFFER


@pytest.mark.parametrize(
    ("fault", "code", "sentence"),
    [
        ("read error", RUN_FAILED, "the memory answered a read with an error"),
        ("write error", RUN_FAILED, "the memory answered a write with an error"),
        ("read stuck", STUCK, "a transfer stays open: load the bitstream again"),
    ],
)
def test_faults_are_named_and_survived(c, deployed, fault, code, sentence):
    assert c.open() == OK
    c.board.inject(fault)
    assert c.run(deployed.images[:3]) == code
    assert c.message() == sentence
    if code == STUCK:
        c.network.load()
    assert c.run(deployed.images[:3]) == OK, c.message()
    np.testing.assert_array_equal(c.logits(3, deployed.logits.shape[1]), deployed.logits[:3])
