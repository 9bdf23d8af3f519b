# SPDX-License-Identifier: Apache-2.0
"""A small network as a deploy folder with its virtual board."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flows.boards import load_board
from flows.dataflow.fold import fold_network
from flows.dataflow.lower import lower, unit_shapes
from flows.dataflow.schedule import schedule, size_fifos
from flows.delivery import Delivery, Subject, deliver
from flows.deploy.facts import Vectors
from flows.emit.project import emit
from flows.shell.emit import emit_shell
from flows.streamline.chain import IntegerChain
from tests.support.battery import CACHE
from tests.support.chains import reference_of, tiny_cnv

IMAGES, LABELLED = 12, 6  # of the labelled ones, the second is labelled wrong


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A deploy folder and what it should compute.

    Attributes:
        folder: the deploy folder.
        images: (N, H, W, C) uint8; the first half carries labels.
        logits: (N, classes) int32 of the reference.
        interval: cycles between images, of the network alone.
        latency: cycles of an image, of the network alone.
        delivery: how the folder was made.
    """

    folder: Path
    images: np.ndarray
    logits: np.ndarray
    interval: int
    latency: int
    delivery: Delivery


def deploy_chain(
    chain: IntegerChain,
    cycles: int,
    build: Path,
    board: str = "Pynq-Z2",
    *,
    runtime: bool = False,
    clock_mhz: float = 100.0,
    bus_mhz: float | None = None,
) -> Deployed:
    """Lowers, emits and delivers a chain; the virtual board is compiled or comes from the cache.

    Args:
        chain: the network.
        cycles: interval that folding aims at.
        build: folder to make; its name names the package.
        board: name of a board.
        runtime: weights can be loaded.
        clock_mhz: of the network.
        bus_mhz: of bus and DMA where that is another clock.
    """
    images = np.random.default_rng(5).integers(0, 256, (IMAGES, *chain.input.shape), np.uint8)
    network = size_fifos(lower(chain, fold_network(unit_shapes(chain), cycles), "net"))
    plan = schedule(network)
    build.mkdir(parents=True)
    logits = reference_of(chain, images).logits
    labels = logits.argmax(axis=1)
    labels[1] = (labels[1] + 1) % logits.shape[1]
    labels[LABELLED:] = -1
    target = load_board(board)
    project = emit(network, build / "rtl", runtime=runtime)
    subject = Subject(
        model="net",
        version="0.1.0",
        board=target,
        clock_mhz=clock_mhz,
        bus_mhz=bus_mhz,
        network=network,
        shell=emit_shell(network, project, target, build / "shell", cdc=bus_mhz is not None),
        pixel_table=chain.input.pixel_table,
        vectors=Vectors(images=images, labels=labels, logits=logits, dataset="random"),
        interval_cycles=plan.initiation_interval,
        latency_cycles=plan.latency,
        accuracy="",
    )
    delivery = deliver(subject, build, cache_dir=CACHE, jobs=1)
    return Deployed(
        folder=delivery.folder,
        images=images,
        logits=logits,
        interval=plan.initiation_interval,
        latency=plan.latency,
        delivery=delivery,
    )


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """One small convolutional network on a virtual Pynq-Z2."""
    folder = tmp_path_factory.mktemp("deploy") / "net-pynq_z2"
    return deploy_chain(tiny_cnv(np.random.default_rng(11)), 420, folder)
