# SPDX-License-Identifier: Apache-2.0
"""The shipped driver against the whole open top level, with a model in the place of PS7.

The deploy folder is that of any build; only what is compiled into the virtual board differs.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from flows import delivery
from flows.bitstream import Design, hand_over
from flows.boards import load_board
from flows.synth import SynthTarget
from flows.virtual import VirtualBoardBuild, build_virtual_board
from tests.bitstreams.driver.driver import load
from tests.support.chains import tiny_cnv
from tests.support.deployed import Deployed, deploy_chain
from tests.support.open_top import black_boxes

driver = load("xnorflow_driver")
BENCH = Path(__file__).with_name("open_board.sv")
WAIVERS = Path(__file__).with_name("waivers.vlt")


def _open_board(root: Path):
    """A stand-in for `build_virtual_board` that puts the open top level around the shell."""

    def build(
        *, top: str, sources: Sequence[Path], include: Sequence[Path], cache_dir: Path, jobs: int
    ) -> VirtualBoardBuild:
        shell = include[0].parent
        target = SynthTarget(
            name="net",
            top=top,
            root=shell,
            sources=tuple(path.relative_to(shell) for path in sources),
            include_dirs=tuple(path.relative_to(shell) for path in include),
        )
        board = load_board("Pynq-Z2")
        design = Design(name="net", shell=target, board=board, clock_mhz=100.0)
        folder = hand_over(design, root).openxc7
        boxes = root / "boxes.v"
        boxes.write_text("`define OPEN_TOP net_open\n" + black_boxes())
        reading = (folder / "synth.ys").read_text().splitlines()[0].split()
        files = [folder / word for word in reading if word.endswith(".sv")]
        return build_virtual_board(
            top="open_board",
            sources=[WAIVERS, boxes, *files, BENCH],
            include=[folder / word[2:] for word in reading if word.startswith("-I")],
            cache_dir=cache_dir,
            jobs=jobs,
        )

    return build


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    root = tmp_path_factory.mktemp("open")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "build_virtual_board", _open_board(root / "hand-over"))
        return deploy_chain(tiny_cnv(np.random.default_rng(11)), 420, root / "net-pynq_z2")


def test_driver_runs_through_the_open_top_level(deployed: Deployed):
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        for batch in (1, 5, 12):
            network.allocate(batch)
            np.testing.assert_array_equal(network.execute(deployed.images), deployed.logits)
        network.statistics()
        network.execute(np.concatenate([deployed.images] * 8))
        figures = network.statistics()
    # Register slices add latency, not cycles between images.
    assert figures["interval_cycles"] < 1.01 * deployed.interval + 2
