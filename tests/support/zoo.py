# SPDX-License-Identifier: Apache-2.0
"""A network of the zoo at every stage of a build, from its checkpoint or seed to emitted RTL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows import cosim, pipeline
from flows.boards import Board, load_board
from flows.config import BuildConfig
from flows.dataflow.network import Network
from flows.dataflow.schedule import Schedule, schedule, size_fifos
from flows.emit.project import RtlProject, emit
from flows.export import Source, export
from flows.front import Folded, Front, open_front
from flows.reference import Reference
from flows.sim.verilate import SimulatorBuild
from tests.support.battery import CACHE

FOLDINGS = Path(pipeline.__file__).parent / "foldings"


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """What the steps of a build made; its checks are for the test to call.

    Attributes:
        board: that the network is folded for.
        source: file, and PyTorch's images and logits.
        front: its reference has as many images as the build was asked to verify.
        folded: its folding, and the solver's plan.
        network: kernels and FIFOs.
        schedule: exact cycles.
        project: emitted files.
    """

    board: Board
    source: Source
    front: Front
    folded: Folded
    network: Network
    schedule: Schedule
    project: RtlProject

    @property
    def reference(self) -> Reference:
        return self.front.reference

    def simulator(
        self,
        *,
        trace: bool = False,
        fast: bool = True,
        jobs: int = 1,
        optimize: int = 3,
        cache: Path = CACHE,
    ) -> SimulatorBuild:
        """The compiled network; see `cosim.build_network_simulator`."""
        return cosim.build_network_simulator(
            self.project,
            self.network,
            trace=trace,
            waves=False,
            cache_dir=cache,
            jobs=jobs,
            fast=fast,
            optimize=optimize,
        )

    def simulate(self, simulator: SimulatorBuild, *patterns: str, jobs: int = 1) -> cosim.Measured:
        """All images under stall patterns; every logit is compared, and what is traced."""
        return cosim.simulate(
            simulator,
            self.network,
            self.project,
            self.reference,
            cosim.stall_patterns(patterns, self.schedule.initiation_interval),
            jobs=jobs,
        )


def make_zoo(config: BuildConfig, root: Path, *, runtime: bool = False) -> Zoo:
    """Exports, streamlines, folds, lowers and emits.

    Args:
        config: of the build.
        root: folder to fill.
        runtime: memories can be loaded.
    """
    board = load_board(config.board)
    source = export(config, root / "export")
    front = open_front(source, name=config.model, root=root)
    folded = front.fold(config, board, config.clock_mhz or board.clock.default_mhz)
    network = size_fifos(front.lower(folded, pipeline.identifier(config.model)))
    return Zoo(
        board=board,
        source=source,
        front=front,
        folded=folded,
        network=network,
        schedule=schedule(network),
        project=emit(network, root / "rtl", runtime=runtime),
    )
