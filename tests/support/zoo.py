# SPDX-License-Identifier: Apache-2.0
"""A shipped network, from its checkpoint to emitted RTL, as a build makes it without its checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows import cosim, pipeline
from flows.boards import Board, load_board
from flows.config import BuildConfig
from flows.dataflow.network import Network
from flows.dataflow.schedule import Schedule, schedule, size_fifos
from flows.emit.project import RtlProject, emit
from flows.front import Folded, open_front
from flows.reference import Reference
from flows.sim.verilate import SimulatorBuild
from tests.support.battery import CACHE

FOLDINGS = Path(pipeline.__file__).parent / "foldings"


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """A network of the zoo as RTL.

    Attributes:
        board: that its folding was chosen for.
        reference: PyTorch's logits of as many images as the build was asked to verify.
        folded: its folding, and the solver's plan.
        network: kernels and FIFOs.
        schedule: exact cycles.
        project: emitted files.
    """

    board: Board
    reference: Reference
    folded: Folded
    network: Network
    schedule: Schedule
    project: RtlProject

    def simulator(self, *, fast: bool = True, jobs: int = 1) -> SimulatorBuild:
        """The compiled network; see `cosim.build_network_simulator`."""
        return cosim.build_network_simulator(
            self.project,
            self.network,
            trace=False,
            waves=False,
            cache_dir=CACHE,
            jobs=jobs,
            fast=fast,
        )


def make_zoo(config: BuildConfig, root: Path) -> Zoo:
    """Exports, streamlines, folds, lowers and emits.

    Args:
        config: of the build.
        root: folder to fill.
    """
    board = load_board(config.board)
    source = pipeline._export(config, root / "export")
    front = open_front(
        source.model,
        source.vectors,
        source.images,
        source.labels,
        source.dataset,
        name=config.model,
        root=root,
    )
    folded = front.fold(config, board, config.clock_mhz or board.clock.default_mhz)
    network = size_fifos(front.lower(folded, config.model))
    return Zoo(
        board=board,
        reference=front.reference,
        folded=folded,
        network=network,
        schedule=schedule(network),
        project=emit(network, root / "rtl"),
    )
