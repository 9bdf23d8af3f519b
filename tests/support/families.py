# SPDX-License-Identifier: Apache-2.0
"""A network of the zoo with random weights, from PyTorch to a simulator of every stream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows import cosim, pipeline
from flows.boards import load_board
from flows.config import BuildConfig
from flows.dataflow.network import Network
from flows.dataflow.schedule import Schedule, schedule, size_fifos
from flows.emit.project import RtlProject, emit
from flows.exact import ThresholdCheck
from flows.front import Front, open_front
from flows.sim.verilate import SimulatorBuild


@dataclass(frozen=True, kw_only=True)
class Family:
    """A network at every stage."""

    front: Front
    network: Network
    schedule: Schedule
    project: RtlProject
    simulator: SimulatorBuild
    units: ThresholdCheck
    tensor_values: int

    def simulate(self, *patterns: str) -> cosim.Measured:
        """All images under stall patterns; every stream is compared."""
        return cosim.simulate(
            self.simulator,
            self.network,
            self.project,
            self.front.reference,
            cosim.stall_patterns(patterns, self.schedule.initiation_interval),
            jobs=1,
        )


def family(
    name: str, root: Path, cache: Path, *, images: int, fps: float, seed: int = 1, optimize: int = 3
) -> Family:
    """The steps of a build up to its simulator.

    Args:
        name: in the zoo.
        root: folder for what is made.
        cache: folder for the simulator.
        images: to verify.
        fps: that folding aims at, at the board's clock.
        seed: of the weights.
        optimize: level of the C++ compiler; 1 for small networks.
    """
    config = BuildConfig(
        model=name, board="ZCU104", untrained=seed, images=images, target_fps=fps, trace_layers=True
    )
    board = load_board(config.board)
    source = pipeline._export(config, root / "export")
    front = open_front(
        source.model,
        source.vectors,
        source.images,
        source.labels,
        source.dataset,
        name=name,
        root=root,
    )
    folded = front.fold(config, board, board.clock.default_mhz)
    network = size_fifos(front.lower(folded, name))
    project = emit(network, root / "rtl")
    units, values = front.verify(network, project)
    simulator = cosim.build_network_simulator(
        project, network, trace=True, waves=False, cache_dir=cache, jobs=1, optimize=optimize
    )
    return Family(
        front=front,
        network=network,
        schedule=schedule(network),
        project=project,
        simulator=simulator,
        units=units,
        tensor_values=values,
    )
