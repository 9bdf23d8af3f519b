# SPDX-License-Identifier: Apache-2.0
"""From a network in its shell to what runs on a board: virtual board and deploy folder."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.bitstream import port_bits
from flows.boards import Board
from flows.dataflow.network import Network
from flows.deploy.facts import DeployFacts, Vectors
from flows.deploy.folder import write_deploy
from flows.deploy.weights import runtime_record
from flows.shell.emit import ShellProject
from flows.virtual import VirtualBoardBuild, build_virtual_board


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is delivered.

    Attributes:
        model: name of the network.
        version: of this project.
        board: where it goes.
        clock_mhz: of the network, that the build aims at.
        bus_mhz: of bus and DMA where that is another clock, None: the same.
        network: what was emitted.
        shell: the network in its shell.
        pixel_table: (256,) byte to send for each pixel, None for the pixel itself.
        vectors: images of the validation.
        interval_cycles, latency_cycles: of the network alone, simulated.
        accuracy: of the whole test set in words, empty where unknown.
    """

    model: str
    version: str
    board: Board
    clock_mhz: float
    network: Network
    shell: ShellProject
    pixel_table: np.ndarray | None
    vectors: Vectors
    interval_cycles: float
    latency_cycles: int
    accuracy: str = ""
    bus_mhz: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What was delivered.

    Attributes:
        folder: the deploy folder.
        board: the compiled virtual board.
    """

    folder: Path
    board: VirtualBoardBuild


def deliver(subject: Subject, build: Path, *, cache_dir: Path, jobs: int) -> Delivery:
    """Compiles the virtual board and writes `build/deploy`.

    Args:
        subject: what is delivered.
        build: the build's folder.
        cache_dir: where compiled simulators are kept.
        jobs: compiler processes side by side.

    Raises:
        ToolError: the simulator cannot be built.
        UsageError: a folder cannot be written.
    """
    shell = subject.shell
    board = build_virtual_board(
        top=shell.top,
        sources=[shell.root / path for path in shell.sources],
        include=[shell.root / path for path in shell.include_dirs],
        cache_dir=cache_dir,
        jobs=jobs,
    )
    facts = DeployFacts(
        model=subject.model,
        version=subject.version,
        board=subject.board,
        clock_mhz=subject.clock_mhz,
        bus_mhz=subject.bus_mhz,
        port_bits=port_bits(subject.board),
        network=subject.network,
        pixel_table=subject.pixel_table,
        vectors=subject.vectors,
        interval_cycles=subject.interval_cycles,
        latency_cycles=subject.latency_cycles,
        accuracy=subject.accuracy,
        model_hash=shell.model_hash,
        element_bits=shell.element_bits,
        out_bytes=shell.out_bytes,
        runtime=runtime_record(json.loads((shell.root / "manifest.json").read_text())),
    )
    folder = write_deploy(facts, build, board.library, shell.data_files, shell.root)
    return Delivery(folder=folder, board=board)
