# SPDX-License-Identifier: Apache-2.0
"""One small network, lowered, emitted and built once for all end-to-end tests of a process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flows.dataflow.cost import Folding
from flows.dataflow.fold import fold_network
from flows.dataflow.kernels import MvuSerial
from flows.dataflow.lower import lower, unit_shapes
from flows.dataflow.network import Layer, Network
from flows.dataflow.schedule import Schedule, schedule, size_fifos
from flows.emit.project import RtlProject, emit
from flows.reference import Reference
from flows.sim.verilate import SimulatorBuild
from flows.streamline.chain import IntegerChain
from tests.support.battery import build_network
from tests.support.chains import (
    DSP_FOLDINGS,
    TAIL_FOLDING,
    reference_of,
    tiny_cnv,
    tiny_fc,
    tiny_tail,
)

IMAGES = 12


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network at every stage from chain to simulator."""

    chain: IntegerChain
    reference: Reference
    network: Network
    schedule: Schedule
    project: RtlProject
    simulator: SimulatorBuild

    @property
    def victim(self) -> Layer:
        """A layer inside the network, with thresholds, whose memories a test damages."""
        inner = [layer for layer in self.network.layers[1:-1] if layer.unit]
        serial = [layer for layer in inner if isinstance(layer.unit, MvuSerial)]
        return (serial or inner)[0]


def make_case(chain: IntegerChain, folding: Folding, root: Path, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (IMAGES, *chain.input.shape), np.uint8)
    network = size_fifos(lower(chain, folding, "net"))
    project = emit(network, root)
    simulator = build_network(project, network, trace=True)
    return Case(
        chain=chain,
        reference=reference_of(chain, images),
        network=network,
        schedule=schedule(network),
        project=project,
        simulator=simulator,
    )


@pytest.fixture(scope="session")
def convolutional(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """M = 2 in the first layers, a folded dense tail; conv0 sets the pace."""
    folder = tmp_path_factory.mktemp("cnv") / "rtl"
    chain = tiny_cnv(np.random.default_rng(11))
    return make_case(chain, fold_network(unit_shapes(chain), 420), folder, 1)


@pytest.fixture(scope="session")
def dense_only(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A binary image and three dense layers."""
    folder = tmp_path_factory.mktemp("fc") / "rtl"
    chain = tiny_fc(np.random.default_rng(12))
    return make_case(chain, fold_network(unit_shapes(chain), 40), folder, 2)


@pytest.fixture(scope="session")
def serial_tail(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Input-stationary units behind convolutions, behind each other and behind a converter."""
    folder = tmp_path_factory.mktemp("tail") / "rtl"
    return make_case(tiny_tail(np.random.default_rng(13)), TAIL_FOLDING, folder, 3)


@pytest.fixture(scope="session")
def dsp_stem(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The first layer in DSP slices, two pixels at a time."""
    folder = tmp_path_factory.mktemp("dsp") / "rtl"
    return make_case(tiny_tail(np.random.default_rng(14)), DSP_FOLDINGS[0], folder, 4)


@pytest.fixture(params=["convolutional", "dense_only", "serial_tail", "dsp_stem"])
def case(request: pytest.FixtureRequest) -> Case:
    return request.getfixturevalue(request.param)
