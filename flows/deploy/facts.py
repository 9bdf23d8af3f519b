# SPDX-License-Identifier: Apache-2.0
"""What a deploy folder is made from, and the record of it that the drivers read."""

import base64
import zlib
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from flows.boards import Board
from flows.dataflow.network import Network
from flows.deploy.weights import fit_mark

SCHEMA = "xnorflow-overlay/1"
GOLDEN_IMAGES = 4  # of the self-test; they cost what a few batches of one image cost
FAMILIES = {"xc7": "zynq7000", "xcup": "zynqmp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Images that a board is validated with.

    Attributes:
        images: (N, H, W, C) uint8.
        labels: (N,) int64, -1 where unknown.
        logits: (N, classes) int32 of the reference.
        dataset: name.
    """

    images: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    dataset: str

    @property
    def labelled(self) -> int:
        """Images with a label."""
        return int((self.labels >= 0).sum())

    @property
    def distinct(self) -> int:
        """Different images."""
        flat = self.images.reshape(len(self.images), -1)
        return len(np.unique(flat, axis=0))

    @property
    def top1_percent(self) -> float | None:
        """Of the labelled images, by the reference's logits."""
        known = self.labels >= 0
        if not known.any():
            return None
        hits = self.logits.argmax(axis=1)[known] == self.labels[known]
        return 100 * float(hits.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployFacts:
    """Everything that a deploy folder says.

    Attributes:
        model: name of the network.
        version: of this project.
        board: where it goes.
        clock_mhz: of the network, that the build aimed at; the most that a driver may set.
        bus_mhz: of bus and DMA where that is another clock, None: the same.
        port_bits: width of the control port and of the memory port as the bitstream wants them.
        network: what was built.
        pixel_table: (256,) byte to send for each pixel, None for the pixel itself.
        vectors: of the validation; the first few are the self-test's.
        interval_cycles: between images in steady state, simulated.
        latency_cycles: of an image alone, simulated, without the shell.
        accuracy: words and figures of the whole test set, empty where unknown.
        model_hash: first 128 bits of the manifest's SHA-256, 32 hexadecimal digits.
        element_bits: of a result's element in memory.
        out_bytes: of a result in memory.
        runtime: what weights that are loaded at run time must fit (`runtime_record`), None: none.
    """

    model: str
    version: str
    board: Board
    clock_mhz: float
    port_bits: tuple[int, int]
    network: Network
    pixel_table: np.ndarray | None
    vectors: Vectors
    interval_cycles: float
    latency_cycles: int
    accuracy: str
    model_hash: str
    element_bits: int
    out_bytes: int
    bus_mhz: float | None = None
    runtime: dict[str, Any] | None = None

    @property
    def shell_mhz(self) -> float:
        """Clock of the shell, which counts the cycles that a driver sees."""
        return self.clock_mhz if self.bus_mhz is None else self.bus_mhz

    def in_shell(self, cycles: float) -> float:
        """Cycles of the network in cycles of the shell."""
        return cycles * self.shell_mhz / self.clock_mhz

    @property
    def bus_cycles(self) -> int:
        """Bus cycles that an image or its result takes at least, at 8 bytes a cycle each way."""
        pixels = int(np.prod(self.vectors.images.shape[1:]))
        return max(-(-pixels // 8), self.out_bytes // 8)

    @property
    def elements(self) -> int:
        """Values of a result."""
        return self.network.output.channels * self.network.output.beats


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the deploy folder with its hash."""

    name: str
    sha256: str

    def record(self) -> dict[str, str]:
        """As it stands in `overlay.json`."""
        return {"file": self.name, "sha256": self.sha256}


def port_index(port: str) -> int:
    """Number of a port in the vendor's name: 0 for S_AXI_HP0_FPD."""
    return int(port.removesuffix("_FPD")[-1])


def overlay(facts: DeployFacts, bit: File | None, library: File | None) -> dict[str, Any]:
    """Content of `overlay.json`, the only file that tells a driver what was built.

    Args:
        bit: bitstream of the board, None where none was built.
        library: simulator of the virtual board, None where none was built.
    """
    board, vectors = facts.board, facts.vectors
    golden = vectors.images[:GOLDEN_IMAGES]
    shape = vectors.images.shape[1:]
    return {
        "schema": SCHEMA,
        "model": facts.model,
        "board": board.name,
        "model_hash": facts.model_hash,
        "clock_mhz": facts.shell_mhz,
        "net_clock_mhz": None if facts.bus_mhz is None else facts.clock_mhz,
        "system": {
            "family": FAMILIES[board.family],
            "crystal_mhz": board.clock.crystal_mhz,
            "shell_base": board.ports.control_base,
            "control_port": port_index(board.ports.control),
            "control_bits": facts.port_bits[0],
            "memory_port": port_index(board.ports.memory),
            "memory_bits": facts.port_bits[1],
        },
        "bitstream": {
            "pynq": bit.record() if bit else None,
            "virtual": library.record() if library else None,
        },
        "input": {
            "shape": list(shape),
            "bytes": int(np.prod(shape)),
            "pixel_table": None if facts.pixel_table is None else facts.pixel_table.tolist(),
        },
        "output": {
            "elements": facts.elements,
            "element_bits": facts.element_bits,
            "signed": facts.network.output.signed,
            "bytes": facts.out_bytes,
        },
        "runtime": facts.runtime,
        "expected": {
            "interval_cycles": facts.in_shell(facts.interval_cycles),
            "latency_cycles": facts.in_shell(facts.latency_cycles),
            "top1": vectors.top1_percent,
            "images": len(vectors.images),
            "labelled": vectors.labelled,
        },
        "golden": {
            "images": base64.b64encode(zlib.compress(golden.tobytes(), 9)).decode(),
            "logits": vectors.logits[: len(golden)].tolist(),
        },
    }


def c_header(facts: DeployFacts) -> str:
    """`network.h`: the same facts for the C driver."""
    signed = int(facts.network.output.signed)
    table, name = "", "NULL"
    if facts.pixel_table is not None:
        name = "xnorflow_pixel_table"
        listed = ", ".join(map(str, facts.pixel_table.tolist()))
        table = f"static const uint8_t {name}[256] = {{\n{fill(listed, 100)}\n}};\n\n"
    return f"""/* Generated by xnorflow: {facts.model} for {facts.board.name}. */
#ifndef XNORFLOW_NETWORK_H
#define XNORFLOW_NETWORK_H

#include "xnorflow.h"

{table}static const xnorflow_network xnorflow_built = {{
    "{facts.model}",
    0x{facts.board.ports.control_base:X}u,
    {_words(facts.model_hash)},
    {int(np.prod(facts.vectors.images.shape[1:]))}u, {facts.out_bytes}u, /* bytes in, out */
    {facts.elements}u, {facts.element_bits}u, {signed}, /* elements, bits of each, signed */
    {round(facts.in_shell(facts.interval_cycles))}u, /* cycles from image to image */
    {round(facts.in_shell(facts.latency_cycles))}u, /* cycles of latency */
    {facts.shell_mhz!r}, /* MHz */
    {name}, /* pixel table */
    {_words(fit_mark(facts.runtime).hex())}, /* what weights have to fit */
}};

#endif
"""


def _words(digits: str) -> str:
    """32 hexadecimal digits as four words of C, the most significant one first."""
    return "{" + ", ".join(f"0x{digits[8 * i : 8 * i + 8]}u" for i in range(4)) + "}"


def relative(folder: Path, path: Path) -> str:
    """A path of the folder as `overlay.json` writes it."""
    return path.relative_to(folder).as_posix()
