# SPDX-License-Identifier: Apache-2.0
"""Runs a network on a Zynq board. One file, numpy only, Python 3.8 and up.

    from xnorflow_driver import Accelerator

    with Accelerator("deploy") as network:      # loads, sets the clock, tests itself
        logits = network.execute(images)        # (N, H, W, C) uint8 -> (N, classes) int32
        labels = network.classify(images)       # (N,) int64
        print(network.throughput_test(256))

The folder holds `overlay.json`, which says what was built, and the bitstream. Every fault ends in a
`BoardError` with one sentence, and the object stays usable. What could stop a processor for good (a
register access while the logic has no clock) is ruled out before the first access.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import time
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

# <registers> the tables of registers.py; `python -m flows.deploy.registers` copies them here
MAP_MAJOR = 1
MAP_MINOR = 1
WINDOW = 0x10000

OFFSET = {
    "ID": 0x000,
    "VERSION": 0x004,
    "MODEL_HASH0": 0x010,
    "MODEL_HASH1": 0x014,
    "MODEL_HASH2": 0x018,
    "MODEL_HASH3": 0x01C,
    "CONTROL": 0x020,
    "STATUS": 0x024,
    "ERROR": 0x028,
    "IRQ_ENABLE": 0x02C,
    "IN_BASE_LO": 0x030,
    "IN_BASE_HI": 0x034,
    "OUT_BASE_LO": 0x038,
    "OUT_BASE_HI": 0x03C,
    "IMAGES": 0x040,
    "IN_STRIDE": 0x044,
    "OUT_STRIDE": 0x048,
    "TIMEOUT": 0x04C,
    "LIMIT_BASE_LO": 0x050,
    "LIMIT_BASE_HI": 0x054,
    "LIMIT_END_LO": 0x058,
    "LIMIT_END_HI": 0x05C,
    "IN_BYTES": 0x060,
    "OUT_BYTES": 0x064,
    "OUT_SHAPE": 0x068,
    "CONFIG": 0x06C,
    "CYCLES_LO": 0x080,
    "CYCLES_HI": 0x084,
    "LATENCY": 0x088,
    "IMAGES_IN": 0x08C,
    "IMAGES_OUT": 0x090,
    "INPUT_STALLS_LO": 0x098,
    "INPUT_STALLS_HI": 0x09C,
    "OUTPUT_STALLS_LO": 0x0A0,
    "OUTPUT_STALLS_HI": 0x0A4,
    "FREE_LO": 0x0A8,
    "FREE_HI": 0x0AC,
    "NET_FREE_LO": 0x0B0,
    "NET_FREE_HI": 0x0B4,
    "LOAD_ADDR": 0x0C0,
    "LOAD_DATA": 0x0C4,
    "LOADED_HASH0": 0x0D0,
    "LOADED_HASH1": 0x0D4,
    "LOADED_HASH2": 0x0D8,
    "LOADED_HASH3": 0x0DC,
}
"""Byte offset of each register."""

RESET = {
    "ID": 0x584E4F52,
    "TIMEOUT": 0x989680,
}
"""Values after reset that are not zero."""

FIELDS = {
    "VERSION.MINOR": (15, 0),
    "VERSION.MAJOR": (31, 16),
    "CONTROL.START": (0, 0),
    "CONTROL.STOP": (1, 1),
    "CONTROL.CLEAR": (2, 2),
    "STATUS.IDLE": (0, 0),
    "STATUS.DONE": (1, 1),
    "STATUS.ERROR": (2, 2),
    "STATUS.NET_RESET": (3, 3),
    "ERROR.READ": (0, 0),
    "ERROR.WRITE": (1, 1),
    "ERROR.ALIGN": (2, 2),
    "ERROR.RANGE": (3, 3),
    "ERROR.LENGTH": (4, 4),
    "ERROR.TIMEOUT": (5, 5),
    "ERROR.FRAME": (6, 6),
    "ERROR.BUSY": (7, 7),
    "IRQ_ENABLE.ENABLE": (0, 0),
    "OUT_SHAPE.ELEMENTS": (23, 0),
    "OUT_SHAPE.OUT_ELEMENT": (31, 24),
    "CONFIG.CDC": (0, 0),
    "CONFIG.AXI3": (1, 1),
    "CONFIG.RUNTIME": (2, 2),
    "CONFIG.ADDR_W": (15, 8),
    "LOAD_ADDR.WORD": (19, 0),
    "LOAD_ADDR.MEMORY": (31, 20),
}
"""Highest and lowest bit of each field."""
# </registers>

SCHEMA = "xnorflow-overlay/1"
_FACTS = ("model", "board", "model_hash", "clock_mhz", "system", "bitstream", "input", "output",
          "expected", "golden")  # fmt: skip
WEIGHTS_SCHEMA = "xnorflow-weights/1"
_ALIGN = 64  # bytes: what the shell wants of addresses, and a cache line of every Zynq
_BUFFER_BYTES = 16 << 20  # of one transfer at most; boards reserve 128 MB for all of them
_SMALLEST_BUFFER = 8192  # PYNQ 3.1.0 gives wrong addresses for buffers of 4 KiB and less
_CLOCK_ERROR = 0.01  # of the measured clock, relative; a wrong divisor or crystal is off by more
_FAULTS = {
    "READ": "the memory answered a read with an error",
    "WRITE": "the memory answered a write with an error",
    "ALIGN": "the shell refused an address or a stride that is not aligned",
    "RANGE": "the shell refused an address outside the buffer",
    "LENGTH": "the shell refused the number of images or a stride",
    "TIMEOUT": "no data moved between memory and network for {timeout_ms:.3g} ms",
    "FRAME": "the network ended a result too early or too late",
    "BUSY": "the shell was started while it ran",
}


# What numpy raises for a file that is no archive of arrays, a damaged one, or one of other content.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


class BoardError(RuntimeError):
    """Something is wrong with the board, the files or the arguments; the text says what to do."""


class Zynq7000:
    """Clocks and memory ports of Zynq-7000: SLCR and AFI registers of UG585."""

    clock_name = "FCLK"
    _UNLOCK, _IO_PLL = 0xF8000008, 0xF8000108
    _CLOCK, _GATE = (0xF8000170, 0xF8000180), (0xF8000178, 0xF8000188)
    _RESET, _SHIFTERS = 0xF8000240, 0xF8000900

    def __init__(self, platform: Any, system: dict[str, Any]) -> None:
        self._platform = platform
        self._crystal_mhz = float(system["crystal_mhz"])
        port = 0xF8008000 + 0x1000 * int(system["memory_port"])
        self._port = (port, port + 0x14)

    def pll_mhz(self) -> float:
        """Frequency of the IO PLL, which the clock of the logic is divided from."""
        return self._crystal_mhz * (self._platform.read32(self._IO_PLL) >> 12 & 127)

    def clock_mhz(self, index: int = 0) -> float:
        """Frequency that the registers stand for; 0 where the clock is off."""
        control = self._platform.read32(self._CLOCK[index])
        divisor = (control >> 8 & 63) * (control >> 20 & 63)
        if divisor == 0 or self._platform.read32(self._GATE[index]) & 1:
            return 0.0
        return self.pll_mhz() / divisor

    def set_clock(self, divisors: tuple[int, int], index: int = 0) -> None:
        """Program two divisors, source IO PLL, and switch the clock on."""
        self._platform.write32(self._UNLOCK, 0xDF0D)
        self._platform.write32(self._CLOCK[index], divisors[1] << 20 | divisors[0] << 8)
        self._platform.write32(self._GATE[index], 0)  # Linux stops clocks that nobody claims

    def connect(self) -> None:
        """Release the reset of the logic and set the memory port to 64 bits."""
        read, write = self._platform.read32, self._platform.write32
        write(self._RESET, read(self._RESET) & ~1)
        for register in self._port:
            write(register, read(register) & ~1)

    def obstacle(self) -> str | None:
        """What would let an access to the logic hang, None where nothing would."""
        if self.clock_mhz() == 0:
            return "the logic has no clock (FCLK0 stays off)"
        if self._platform.read32(self._RESET) & 1:
            return "the logic is held in reset (FPGA_RST_CTRL bit 0 stays 1)"
        if self._platform.read32(self._SHIFTERS) & 0xF != 0xF:
            return "the level shifters between processor and logic are off (LVL_SHFTR_EN)"
        return None


class ZynqUltraScale:
    """Clocks and ports of Zynq UltraScale+: CRL_APB, AFIFM and FPD_SLCR of UG1085."""

    clock_name = "PL"
    _IO_PLL, _CLOCK, _FPD_SLCR = 0xFF5E0020, (0xFF5E00C0, 0xFF5E00C4), 0xFD615000

    def __init__(self, platform: Any, system: dict[str, Any]) -> None:
        self._platform = platform
        self._crystal_mhz = float(system["crystal_mhz"])
        port = 0xFD380000 + 0x10000 * int(system["memory_port"])
        self._port = (port, port + 0x14)
        self._port_code = {128: 0, 64: 1, 32: 2}[system["memory_bits"]]
        self._control_shift = 8 + 2 * int(system["control_port"])
        self._control_code = {32: 0, 64: 1, 128: 2}[system["control_bits"]]

    def pll_mhz(self) -> float:
        """Frequency of the IO PLL, which the clock of the logic is divided from."""
        control = self._platform.read32(self._IO_PLL)
        return self._crystal_mhz * (control >> 8 & 127) / (2 if control >> 16 & 1 else 1)

    def clock_mhz(self, index: int = 0) -> float:
        """Frequency that the registers stand for; 0 where the clock is off."""
        control = self._platform.read32(self._CLOCK[index])
        divisor = (control >> 8 & 63) * (control >> 16 & 63)
        return self.pll_mhz() / divisor if divisor and control >> 24 & 1 else 0.0

    def set_clock(self, divisors: tuple[int, int], index: int = 0) -> None:
        """Program two divisors, source IO PLL, and switch the clock on."""
        value = 1 << 24 | divisors[1] << 16 | divisors[0] << 8
        self._platform.write32(self._CLOCK[index], value)

    def connect(self) -> None:
        """Set the width of both ports: no bitstream does, and a wrong one garbles data."""
        read, write = self._platform.read32, self._platform.write32
        for register in self._port:
            write(register, read(register) & ~3 | self._port_code)
        others = read(self._FPD_SLCR) & ~(3 << self._control_shift)
        write(self._FPD_SLCR, others | self._control_code << self._control_shift)

    def obstacle(self) -> str | None:
        """What would let an access to the logic hang, None where nothing would."""
        return None if self.clock_mhz() else "the logic has no clock (PL0 stays off)"


_FAMILIES: dict[str, Any] = {"zynq7000": Zynq7000, "zynqmp": ZynqUltraScale}


def divisors(pll_mhz: float, wanted_mhz: float) -> tuple[int, int]:
    """Two divisors of 1 to 63 that give the highest clock which is not above the wanted one.

    Raises:
        BoardError: the wanted clock is too low for two divisors.
    """
    least = pll_mhz / wanted_mhz * (1 - 1e-4)  # a crystal of 33.333 MHz is one of 33.3333
    pairs = [(a * b, a, b) for a in range(1, 64) for b in range(1, a + 1) if a * b >= least]
    if not pairs:
        raise BoardError(
            f"clock of {wanted_mhz:g} MHz: below {pll_mhz / 63 / 63:.3g} MHz, the lowest that"
            f" divides {pll_mhz:g} MHz; ask for more"
        )
    return min(pairs)[1:]


class PynqBuffer:
    """Memory that the logic can reach, with the alignment that the shell wants."""

    def __init__(self, whole: Any, nbytes: int) -> None:
        self._whole = whole
        start = -int(whole.device_address) % _ALIGN
        self.address = int(whole.device_address) + start
        self.data = np.asarray(whole)[start : start + nbytes]

    def flush(self) -> None:
        """Make what the processor wrote visible to the logic."""
        self._whole.flush()

    def invalidate(self) -> None:
        """Make what the logic wrote visible to the processor."""
        self._whole.invalidate()

    def free(self) -> None:
        """Give the memory back."""
        self._whole.freebuffer()


class PynqPlatform:
    """A board under PYNQ 2.7 to 3.1, as root: needs a .bit; a .hwh is used where it is."""

    name = "pynq"
    _STATE = Path("/sys/class/fpga_manager/fpga0/state")

    def __init__(self) -> None:
        try:
            import pynq
        except ImportError as error:
            raise BoardError(
                f"the Python package pynq cannot be imported ({error}); on a board run under"
                " `sudo -E` after `source /etc/profile.d/pynq_venv.sh`; without a board use"
                " platform='virtual' (validate.py --platform virtual)"
            ) from None
        self._pynq = pynq
        self._windows: dict[int, Any] = {}
        self.overlay: Any = None

    def open(self) -> None:
        """Nothing to open: the board is there."""

    def program(self, path: Path) -> None:
        """Load a bitstream, with its metadata where there is any."""
        if path.with_suffix(".hwh").is_file():
            try:
                self.overlay = self._pynq.Overlay(str(path))
                return
            except Exception as error:
                text = f"{path.stem}.hwh: not usable here ({error}); loading the .bit alone"
                warnings.warn(text, stacklevel=2)
        self._pynq.Bitstream(str(path)).download()

    def programmed(self) -> bool:
        """Whether the configuration port says that the logic operates."""
        return not self._STATE.is_file() or self._STATE.read_text().strip() == "operating"

    def _window(self, address: int) -> Any:
        page = address & ~0xFFF
        if page not in self._windows:
            self._windows[page] = self._pynq.MMIO(page, 0x1000)
        return self._windows[page]

    def read32(self, address: int) -> int:
        """Read a register by its bus address."""
        return int(self._window(address).read(address & 0xFFF))

    def write32(self, address: int, value: int) -> None:
        """Write a register by its bus address."""
        self._window(address).write(address & 0xFFF, value)

    def allocate(self, nbytes: int) -> PynqBuffer:
        """Memory of at least so many bytes; cacheable, because reads of other memory are slow."""
        size = max(nbytes + _ALIGN, _SMALLEST_BUFFER)
        return PynqBuffer(self._pynq.allocate((size,), dtype=np.uint8, cacheable=1), nbytes)

    now = staticmethod(time.perf_counter)
    sleep = staticmethod(time.sleep)


def _virtual_platform(folder: Path, facts: dict[str, Any]) -> Any:
    """The virtual board that the deploy folder carries."""
    path = folder / "virtual_board.py"
    spec = importlib.util.spec_from_file_location("virtual_board", str(path))
    if not path.is_file() or spec is None or spec.loader is None:
        raise BoardError(f"{path}: no such file; copy the whole deploy folder, with virtual/")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.VirtualBoard(folder, facts)


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / "overlay.json"
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BoardError(
            f"{path}: cannot be read ({error}); copy the deploy folder again"
        ) from None
    found = facts.get("schema") if isinstance(facts, dict) else None
    if found != SCHEMA:
        raise BoardError(
            f"{path}: schema {found!r}, this driver reads {SCHEMA}; take driver and overlay.json"
            " of one build"
        )
    lacking = [name for name in _FACTS if name not in facts]
    if lacking:
        raise BoardError(f"{path}: lacks {', '.join(lacking)}; copy the deploy folder again")
    return dict(facts)


class Weights:
    """Content of a `weights.npz`: the memories of a network that was built with --runtime-weights.

    Attributes:
        facts: model, model_hash, layers, memories, pixel_table, golden.
        words: number of a memory to its (words, parts) uint32.

    Raises:
        BoardError: the file cannot be read, or is none of its kind.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            with np.load(str(path)) as arrays:
                self.facts = json.loads(str(arrays["facts"]))
                if self.facts["schema"] != WEIGHTS_SCHEMA:
                    raise ValueError(f"schema {self.facts['schema']!r}")
                self.words = {
                    memory["number"]: arrays[f"m{memory['number']}"]
                    for memory in self.facts["memories"].values()
                }
        except UNREADABLE as error:
            raise BoardError(
                f"{path}: no weights that can be read ({error}); take weights.npz of a deploy"
                " folder that was built with --runtime-weights"
            ) from None

    def misfit(self, built: dict[str, Any]) -> str | None:
        """The first difference from `runtime` of `overlay.json`, None where they fit."""
        for kind in ("layers", "memories"):
            ours, theirs = built[kind], self.facts[kind]
            for name in [*ours, *(name for name in theirs if name not in ours)]:
                if ours.get(name) != theirs.get(name):
                    return f"{kind[:-1] if kind == 'layers' else 'memory'} {name}"
        for memory in built["memories"].values():
            words = self.words[memory["number"]]
            if words.shape != (memory["depth"], -(-memory["width"] // 32)):
                return f"memory {memory['number']}"
        return None


class Accelerator:
    """A network on a board.

    Args:
        folder: deploy folder; the driver's own by default.
        platform: "pynq", "virtual", or "auto": the board where there is one.
        clock_mhz: clock of the logic, at most the one that the bitstream was closed for.
        net_clock_mhz: the same for the network where it has a clock of its own.
        timeout_s: seconds without any movement of data after which a run is given up.
        self_test: run the golden vectors of `overlay.json` after loading.

    Attributes:
        facts: content of `overlay.json`.
        clock_mhz: measured clock of the logic, which cycles are counted in.
        net_clock_mhz: measured clock of the network, the same one unless built with two.
        weights: loaded by `load_weights`; None: those of the bitstream.

    Raises:
        BoardError: no board, wrong files, no clock, another network, or wrong results.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        platform: str = "auto",
        clock_mhz: float | None = None,
        timeout_s: float = 0.01,
        self_test: bool = True,
        net_clock_mhz: float | None = None,
    ) -> None:
        self.folder = Path(folder) if folder is not None else Path(__file__).resolve().parent
        self.facts = _read_facts(self.folder)
        if platform not in ("auto", "pynq", "virtual"):
            raise BoardError(f"platform {platform!r}: allowed are auto, pynq and virtual")
        virtual = platform == "virtual"
        self.platform = _virtual_platform(self.folder, self.facts) if virtual else PynqPlatform()
        system = self.facts["system"]
        self._base = int(system["shell_base"])
        self._ps = _FAMILIES[system["family"]](self.platform, system)
        self._wanted = [self._wish("clock_mhz", clock_mhz)]
        if self.facts.get("net_clock_mhz") is not None:
            self._wanted.append(self._wish("net_clock_mhz", net_clock_mhz))
        elif net_clock_mhz is not None:
            raise BoardError("net_clock_mhz: this bitstream has one clock; set clock_mhz")
        self._timeout_s = timeout_s
        self._input, self._output = self.facts["input"], self.facts["output"]
        self._in_stride = -(-int(self._input["bytes"]) // 8) * 8
        self._out_stride = int(self._output["bytes"])
        self._buffer: Any = None
        self._loaded = False
        self.weights: Weights | None = None
        self.clock_mhz = self.net_clock_mhz = 0.0
        self._runs: list[tuple[int, int, int]] = []
        try:
            self.load()
            if self_test:
                self.self_test()
        except BoardError:
            self.close()
            raise

    def _wish(self, name: str, asked: float | None) -> float:
        """A clock that was asked for, or the one that the bitstream was closed for."""
        closed = float(self.facts[name])
        wanted = closed if asked is None else float(asked)
        if not 0 < wanted <= closed:
            raise BoardError(
                f"{name}={asked:g}: this bitstream is closed for {closed:g} MHz; ask for that or"
                " less"
            )
        return wanted

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the shell and give the memory back."""
        if self._loaded and self._ps.obstacle() is None:
            self._stop()
        self._free()

    # ---- loading ----

    def load(self) -> None:
        """Load the bitstream, set the clock, and make sure that the right network answers.

        Weights of `load_weights` are written again.

        Raises:
            BoardError: see the class.
        """
        path = self._bitstream()
        try:
            self.platform.open()
        except OSError as error:
            raise BoardError(
                f"{path.name}: cannot be opened ({error}); the virtual board runs on the kind of"
                " computer that built this folder, a real one with --platform pynq"
            ) from None
        if self._loaded and self._ps.obstacle() is None:
            self._stop()  # a transfer that a new bitstream cuts off can wedge the memory port
        self._loaded = False
        self._set_clocks()
        self.platform.program(path)
        self._set_clocks()  # metadata may have set others
        if not self.platform.programmed():
            raise BoardError(
                f"{path.name}: the configuration port did not take it; the bitstream has to be for"
                f" the part of a {self.facts['board']}"
            )
        self._ps.connect()
        self._reach()
        self._identify()
        if not self._settle():
            raise BoardError(
                "the shell does not become idle after it was loaded: a transfer of an earlier"
                " network may still hold the memory port; restart the board"
            )
        self._loaded = True
        self._measure_clocks()
        if self._buffer is None:
            self.allocate(256)
        if self.weights is not None:
            self._write_weights(self.weights)

    def _bitstream(self) -> Path:
        record = self.facts["bitstream"][self.platform.name]
        if record is None:
            raise BoardError(
                f"{self.folder}: holds no bitstream for platform {self.platform.name!r};"
                " README.md says how to build one"
            )
        path = self.folder / record["file"]
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise BoardError(f"{path}: {error.strerror}; copy the deploy folder again") from None
        if digest != record["sha256"]:
            raise BoardError(
                f"{path.name}: its SHA-256 begins {digest[:12]}, overlay.json expects"
                f" {record['sha256'][:12]}: the file is damaged or of another build; copy the"
                " deploy folder again"
            )
        return path

    def _set_clocks(self) -> None:
        pll = self._ps.pll_mhz()
        if pll <= 0:
            raise BoardError("the IO PLL is off, so that the logic has no clock; restart the board")
        for index, wanted in enumerate(self._wanted):
            self._ps.set_clock(divisors(pll, wanted), index)
            found = self._ps.clock_mhz(index)
            if found > wanted * 1.001:
                raise BoardError(
                    f"clock {index} stays at {found:.4g} MHz where {wanted:g} MHz is the most that"
                    " was asked for; something else drives it, or the board is locked; restart it"
                )

    def _reach(self) -> None:
        """Make sure that an access to the logic cannot hang: it would be for good."""
        obstacle = self._ps.obstacle()
        if obstacle is not None:
            raise BoardError(
                f"{obstacle}, so that an access to it would hang; load the bitstream again, and if"
                " that does not help, restart the board"
            )
        if len(self._wanted) > 1 and self._ps.clock_mhz(1) == 0:
            raise BoardError(
                f"the network has no clock ({self._ps.clock_name}1 stays off), so that no batch"
                " would end; load the bitstream again, and if that does not help, restart the board"
            )

    def _ready(self) -> None:
        if not self._loaded:
            raise BoardError("no network is loaded, because the last load failed; call load()")
        self._reach()

    def _identify(self) -> None:
        """Compare what answers with what was built."""
        if self._get("ID") != RESET["ID"]:
            raise BoardError(
                f"at {self._base:#x} answers {self._get('ID'):#010x} instead of"
                f" {RESET['ID']:#010x}: another bitstream is loaded; load this one"
            )
        major = self._get("VERSION") >> 16
        if major != MAP_MAJOR:
            raise BoardError(
                f"the register map has version {major}, this driver knows {MAP_MAJOR}; take driver"
                " and bitstream of one build"
            )
        words = [self._get("MODEL_HASH0", index) for index in range(4)]
        found = "".join(f"{word:08x}" for word in words)
        if found != self.facts["model_hash"]:
            raise BoardError(
                f"the bitstream holds network {found[:12]}, overlay.json describes"
                f" {self.facts['model_hash'][:12]}; take both from one build"
            )
        sizes = (self._get("IN_BYTES"), self._get("OUT_BYTES"))
        if sizes != (self._input["bytes"], self._output["bytes"]):
            raise BoardError(
                f"the shell takes {sizes[0]} bytes an image and gives {sizes[1]}, overlay.json says"
                f" {self._input['bytes']} and {self._output['bytes']}; take both from one build"
            )

    def _measure_clocks(self) -> None:
        self.clock_mhz = self.net_clock_mhz = self._measured("the logic", "FREE_LO", 0)
        if len(self._wanted) > 1:
            self.net_clock_mhz = self._measured("the network", "NET_FREE_LO", 1)

    def _measured(self, what: str, counter: str, index: int) -> float:
        """Count clocks against the processor's clock; MHz."""
        expected, found = self._ps.clock_mhz(index), 0.0
        for _ in range(3):  # a processor that is called away between two reads measures nonsense
            start, first = self.platform.now(), self._get64(counter)
            self.platform.sleep(0.002)
            end, last = self.platform.now(), self._get64(counter)
            found = (last - first) / (end - start) / 1e6
            if abs(found / expected - 1) < _CLOCK_ERROR:
                return found
        raise BoardError(
            f"{what} runs at {found:.4g} MHz where its divisors stand for"
            f" {expected:.4g} MHz; the board's crystal is not the {self.facts['board']}'s, so say"
            " the right one in overlay.json (crystal_mhz)"
        )

    def allocate(self, images: int) -> None:
        """Memory for batches of up to so many images; `execute` splits what is more.

        Raises:
            BoardError: the memory lies where the shell cannot reach it.
        """
        self._ready()
        self._free()
        each = self._in_stride + self._out_stride
        self.batch = max(1, min(images, _BUFFER_BYTES // each))
        self._results = -(-self.batch * self._in_stride // _ALIGN) * _ALIGN
        size = self._results + self.batch * self._out_stride
        self._buffer = self.platform.allocate(size)
        end = self._buffer.address + self._buffer.data.nbytes
        width = self._get("CONFIG") >> 8 & 0xFF
        if end > 1 << width:
            raise BoardError(
                f"memory at {self._buffer.address:#x} is beyond the {width} address bits of the"
                " shell; restart the board and load the network first"
            )

    def _free(self) -> None:
        if self._buffer is not None:
            self._buffer.free()
            self._buffer = None

    def load_weights(self, path: str | Path | None) -> None:
        """Write other weights and thresholds into the network that runs, and test them.

        Args:
            path: `weights.npz` of a build of the same layers, folded the same; None: back to the
                bitstream's own.

        Raises:
            BoardError: the file is wrong, or of other hardware, or its golden vectors fail; the
                network is then the one that it was before.
        """
        if path is None:
            self.weights = None
            self.load()
            return
        self._ready()
        if not self._get("CONFIG") & mask("CONFIG.RUNTIME") or not self.facts.get("runtime"):
            raise BoardError(
                "this bitstream cannot take other weights: it was built without --runtime-weights"
            )
        weights, before = Weights(path), self.weights
        misfit = weights.misfit(self.facts["runtime"])
        if misfit is not None:
            raise BoardError(
                f"{path}: for other hardware, {misfit} differs; build it for the"
                f" {self.facts['board']} with --runtime-weights and --folding"
                " final_hw_config.json of this network's build"
            )
        try:
            self.weights = weights
            self._write_weights(weights)
            self.self_test()
        except BoardError:
            self.weights = before
            self.load()
            raise

    def _write_weights(self, weights: Weights) -> None:
        """Write all words; a reset of the network then makes it begin with them."""
        self._loaded = False  # until all of them are there
        self._stop()
        self._note_loaded("f" * 32)
        for number, words in weights.words.items():
            parts = words.shape[1]
            places = 1 << (parts - 1).bit_length()
            for index, word in enumerate(words.tolist()):
                if index == 0 or places != parts:
                    self._set("LOAD_ADDR", number << 20 | index * places)
                for part in word:
                    self._set("LOAD_DATA", part)
        self._note_loaded(weights.facts["model_hash"])
        if self._get("ERROR") & mask("ERROR.BUSY"):
            raise BoardError("the shell refused weights: something else uses it; load() again")
        if not self._stop():
            raise BoardError("the shell does not become idle after weights were written; load()")
        self._loaded = True

    def _note_loaded(self, digest: str) -> None:
        """LOADED_HASH, for others that look at the shell."""
        for index in range(4):
            address = self._base + OFFSET["LOADED_HASH0"] + 4 * index
            self.platform.write32(address, int(digest[8 * index : 8 * index + 8], 16))

    def _golden(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixels and logits of the network that is loaded."""
        golden = (self.weights or self).facts["golden"]
        pixels = np.frombuffer(zlib.decompress(base64.b64decode(golden["images"])), np.uint8)
        logits = np.array(golden["logits"], np.int32)
        return pixels.reshape((len(logits), *self._input["shape"])), logits

    def self_test(self) -> None:
        """Run the golden vectors of `overlay.json`, or of the weights that were loaded.

        Raises:
            BoardError: a logit differs.
        """
        pixels, expected = self._golden()
        found = self.execute(pixels)
        wrong = np.argwhere(found.reshape(expected.shape) != expected)
        if len(wrong):
            image, logit = (int(index) for index in wrong[0])
            raise BoardError(
                f"self-test: {len(wrong)} of {expected.size} logits are wrong, the first is logit"
                f" {logit} of image {image}: {int(found[image, logit])} instead of"
                f" {int(expected[image, logit])}; lower clock_mhz, and if it stays, rebuild"
            )

    # ---- running ----

    def execute(self, images: Any) -> np.ndarray:
        """Logits of images, in batches of at most `batch`.

        Args:
            images: (N, H, W, C), or one image; integers of 0 to 255. (N, H, W) where C is 1.

        Returns:
            (N, classes) int32: the integers that PyTorch's last layer adds up. For one image
            (classes,).

        Raises:
            BoardError: wrong shape or values, or a fault of the board; the text says which.
        """
        pixels, single = self._pixels(images)
        parts = [
            self._batch(pixels[start : start + self.batch])
            for start in range(0, len(pixels), self.batch)
        ]
        none = np.zeros((0, int(self._output["elements"])), np.int32)
        logits = np.concatenate([none, *parts])
        return logits[0] if single else logits

    def classify(self, images: Any) -> np.ndarray:
        """Index of the largest logit of each image, the lowest where several are equal."""
        return np.argmax(self.execute(images), axis=-1)

    def _pixels(self, images: Any) -> tuple[np.ndarray, bool]:
        shape = tuple(self._input["shape"])
        array = np.asarray(images)
        if shape[-1] == 1 and array.shape[-2:] == shape[:2] and array.shape[-3:] != shape:
            array = array[..., np.newaxis]
        single = array.ndim == 3
        if single:
            array = array[np.newaxis]
        if array.shape[1:] != shape:
            raise BoardError(
                f"images of shape {np.shape(images)}: expected (N, {', '.join(map(str, shape))}),"
                " row, column, channel"
            )
        if array.dtype != np.uint8:
            whole = array.dtype.kind in "iu"
            if not whole or (array.size and not 0 <= array.min() <= array.max() < 256):
                raise BoardError(
                    f"images of type {array.dtype}: expected integers of 0 to 255; for floats of"
                    " 0 to 1 pass np.rint(images * 255).astype(np.uint8)"
                )
            array = array.astype(np.uint8)
        table = (self.weights.facts if self.weights else self._input)["pixel_table"]
        return (array if table is None else np.array(table, np.uint8)[array]), single

    def _batch(self, pixels: np.ndarray) -> np.ndarray:
        """(n, H, W, C) uint8 of at most `batch` images to (n, elements) int32."""
        count = len(pixels)
        self._fill(pixels)
        self._run(count)
        return self._collect(count)

    def _fill(self, pixels: np.ndarray) -> None:
        count, size = len(pixels), int(self._input["bytes"])
        room = self._buffer.data[: count * self._in_stride].reshape(count, self._in_stride)
        room[:, :size] = pixels.reshape(count, size)
        self._buffer.data[self._results :] = 0
        self._buffer.flush()

    def _collect(self, count: int) -> np.ndarray:
        self._buffer.invalidate()
        rows = self._buffer.data[self._results :][: count * self._out_stride]
        sign = "i" if self._output["signed"] else "u"
        elements = rows.copy().view(f"<{sign}{int(self._output['element_bits']) // 8}")
        return elements.reshape(count, -1)[:, : int(self._output["elements"])].astype(np.int32)

    def _run(self, count: int) -> None:
        """Start a batch that lies in the buffer and wait for its end."""
        self._ready()
        base, end = self._buffer.address, self._buffer.address + self._buffer.data.nbytes
        self._set64("LIMIT_BASE_LO", base)
        self._set64("LIMIT_END_LO", end)
        self._set64("IN_BASE_LO", base)
        self._set64("OUT_BASE_LO", base + self._results)
        self._set("IN_STRIDE", self._in_stride)
        self._set("OUT_STRIDE", self._out_stride)
        self._set("IMAGES", count)
        pace = self.facts["expected"]
        pause = 4 * (pace["interval_cycles"] + pace["latency_cycles"])
        cycles = min(int(max(self._timeout_s * self.clock_mhz * 1e6, pause)), 0xFFFFFFFF)
        self._set("TIMEOUT", cycles)
        self._set("CONTROL", mask("CONTROL.CLEAR"))
        self._set("CONTROL", mask("CONTROL.START"))
        work = pace["latency_cycles"] + count * pace["interval_cycles"]
        self._wait(count, work / self.clock_mhz / 1e6, cycles / self.clock_mhz / 1e6)
        self._runs.append((count, self._get64("CYCLES_LO"), self._get("LATENCY")))

    def _wait(self, count: int, expected_s: float, timeout_s: float) -> None:
        start = self.platform.now()
        while True:
            passed = self.platform.now() - start
            status = self._get("STATUS")
            if status & mask("STATUS.ERROR"):
                self._give_up(count, status, timeout_s)
            if status & mask("STATUS.DONE"):
                return
            if passed > 4 * expected_s + 3 * timeout_s:
                self._give_up(count, status, timeout_s)
            # Half of what is left: few accesses on the way, a short wait at the end.
            self.platform.sleep(min(max((expected_s - passed) / 2, 20e-6), 1e-3))

    def _give_up(self, count: int, status: int, timeout_s: float) -> None:
        """Say what went wrong, after the shell was made ready for the next batch."""
        error = self._get("ERROR")
        taken, written = self._get("IMAGES_IN"), self._get("IMAGES_OUT")
        causes = [
            text.format(timeout_ms=1e3 * timeout_s)
            for name, text in _FAULTS.items()
            if error & mask(f"ERROR.{name}")
        ]
        silence = f"no end was reported (STATUS {status:#x}, ERROR {error:#x})"
        cause = " and ".join(causes) or silence
        remedy = "the shell is ready again"
        if not self._stop():
            self._loaded = False
            self.load()
            remedy = (
                "a transfer stayed open, so the bitstream was loaded again; if this repeats,"
                " restart the board"
            )
        raise BoardError(
            f"batch of {count}: {cause}; {taken} images were taken, {written} results answered;"
            f" {remedy}"
        )

    def _stop(self) -> bool:
        """End what runs and clear errors; False where a burst stays open."""
        self._set("CONTROL", mask("CONTROL.STOP"))
        return self._settle()

    def _settle(self) -> bool:
        """Wait until the shell is idle and clear errors; False where it does not become idle."""
        deadline = self.platform.now() + 0.001
        while not self._get("STATUS") & mask("STATUS.IDLE"):
            if self.platform.now() > deadline:
                return False
            self.platform.sleep(20e-6)
        self._set("ERROR", 0xFFFFFFFF)
        return True

    # ---- measuring ----

    def statistics(self) -> dict[str, Any]:
        """What the shell's counters said since the last call.

        Returns:
            images, batches; cycles_per_image: all cycles of all batches by images;
            interval_cycles: between results in steady state, None without a batch of two;
            latency_cycles: from the start of a batch to its first result in memory, the mean.
        """
        runs, self._runs = self._runs, []
        images = sum(count for count, _, _ in runs)
        steady = sum(count - 1 for count, _, _ in runs)
        tail = sum(cycles - latency for count, cycles, latency in runs if count > 1)
        return {
            "images": images,
            "batches": len(runs),
            "cycles_per_image": sum(cycles for _, cycles, _ in runs) / images if images else None,
            "interval_cycles": tail / steady if steady else None,
            "latency_cycles": sum(r[2] for r in runs) / len(runs) if runs else None,
        }

    def throughput_test(self, batch: int = 256) -> dict[str, float]:
        """Time one batch of golden images, with the keys that FINN's drivers have.

        Args:
            batch: images; memory is allocated for them.

        Returns:
            Times in ms, rates in images/s and MB/s (10**6 bytes), clock in MHz; `fold_input` and
            `unfold_output` are zero, because memory holds images and results as they are.
        """
        self.allocate(batch)
        images = np.resize(self._golden()[0], (self.batch, *self._input["shape"]))
        times = [self.platform.now()]
        room = self._buffer.data[: self.batch * self._in_stride].reshape(self.batch, -1)
        room[:, : int(self._input["bytes"])] = images.reshape(self.batch, -1)
        times.append(self.platform.now())
        self._buffer.flush()
        times.append(self.platform.now())
        self._run(self.batch)
        times.append(self.platform.now())
        self._buffer.invalidate()
        times.append(self.platform.now())
        self._collect(self.batch)
        times.append(self.platform.now())
        pack, copy_in, runtime, copy_out, unpack = (b - a for a, b in zip(times, times[1:]))
        _, cycles, latency = self._runs[-1]
        return {
            "runtime[ms]": runtime * 1e3,
            "throughput[images/s]": self.batch / runtime,
            "DRAM_in_bandwidth[MB/s]": self._in_stride * self.batch / runtime / 1e6,
            "DRAM_out_bandwidth[MB/s]": self._out_stride * self.batch / runtime / 1e6,
            "fclk[mhz]": self.clock_mhz,
            "batch_size": self.batch,
            "fold_input[ms]": 0.0,
            "pack_input[ms]": pack * 1e3,
            "copy_input_data_to_device[ms]": copy_in * 1e3,
            "copy_output_data_from_device[ms]": copy_out * 1e3,
            "unpack_output[ms]": unpack * 1e3,
            "unfold_output[ms]": 0.0,
            "cycles": cycles,
            "latency[cycles]": latency,
        }

    # ---- registers ----

    def _get(self, name: str, index: int = 0) -> int:
        return int(self.platform.read32(self._base + OFFSET[name] + 4 * index))

    def _set(self, name: str, value: int) -> None:
        self.platform.write32(self._base + OFFSET[name], value)

    def _get64(self, name: str) -> int:
        low = self._get(name)  # latches the high half
        return self._get(name, 1) << 32 | low

    def _set64(self, name: str, value: int) -> None:
        self._set(name, value & 0xFFFFFFFF)
        self.platform.write32(self._base + OFFSET[name] + 4, value >> 32)


def mask(field: str) -> int:
    """Bits of a register's field, written REGISTER.FIELD."""
    high, low = FIELDS[field]
    return (2 << high) - (1 << low)
