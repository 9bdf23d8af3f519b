# SPDX-License-Identifier: Apache-2.0
"""Speed of cycle-accurate simulation: CNV at 8,192 cycles, both forms of the counters in one run.

    python -m tests.bench.simulation                             1,000 images
    python -m tests.bench.simulation --images 10000 --data DIR   all of a published CIFAR-10

The plain form simulates the counters that are synthesised, the fast form, which builds use, one
machine instruction for each of their words. Every logit of every image is compared with PyTorch's.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from flows import cosim
from flows.config import BuildConfig
from flows.sim.streams import FREE_RUNNING
from tests.support.zoo import FOLDINGS, Zoo, make_zoo

PLAIN_IMAGES = 8  # enough for a speed


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One form of a network, simulated.

    Attributes:
        images: all of whose logits were equal.
        cycles: simulated, start and end of the processes included.
        cpu: seconds of simulation, over all processes.
        wall: seconds from the first process's start to the last comparison.
    """

    images: int
    cycles: int
    cpu: float
    wall: float

    @property
    def rate(self) -> float:
        """Cycles per second of one core."""
        return self.cycles / self.cpu


def cnv(root: Path, images: int, data: Path | None) -> Zoo:
    """CNV-W1A1 for xc7z020, as recorded for an interval of 8,192 cycles."""
    recorded = FOLDINGS / "cnv_w1a1-8192.json"
    return make_zoo(
        BuildConfig(model="cnv_w1a1", board="Pynq-Z2", images=images, data=data, folding=recorded),
        root,
    )


def measure(zoo: Zoo, images: int, *, fast: bool, jobs: int) -> Speed:
    """Simulates the first images in processes side by side.

    Raises:
        VerificationError: with the first logit that differs.
    """
    simulator = zoo.simulator(fast=fast, jobs=jobs)
    reference = zoo.reference.head(images)
    began = time.perf_counter()
    found = cosim.simulate(
        simulator, zoo.network, zoo.project, reference, [FREE_RUNNING], jobs=jobs
    )
    return Speed(
        images=found.images,
        cycles=found.cycles,
        cpu=found.seconds,
        wall=time.perf_counter() - began,
    )


def main(arguments: list[str]) -> int:
    """Prints both speeds and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        zoo = cnv(Path(folder), options.images, options.data)
        plain = measure(zoo, min(PLAIN_IMAGES, options.images), fast=False, jobs=1)
        fast = measure(zoo, options.images, fast=True, jobs=options.jobs)
    print(f"{zoo.reference.dataset}; interval {zoo.schedule.initiation_interval:,} cycles")
    for name, speed in (("plain", plain), ("fast", fast)):
        print(
            f"{name:5}  {speed.images:6,} images, 0 logits differ  {speed.rate:11,.0f} cycles/s "
            f"of a core  {speed.wall:7.1f} s"
        )
    print(f"fast / plain: {fast.rate / plain.rate:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
