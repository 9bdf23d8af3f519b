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
from pathlib import Path

from flows import cosim
from flows.config import BuildConfig
from flows.sim.run import run
from flows.sim.streams import FREE_RUNNING
from tests.support.zoo import FOLDINGS, Zoo, make_zoo

SPEED_IMAGES = {True: 128, False: 8}  # enough for a speed, of the fast and of the plain form


def cnv(root: Path, images: int, data: Path | None) -> Zoo:
    """CNV-W1A1 for xc7z020, as recorded for an interval of 8,192 cycles."""
    recorded = FOLDINGS / "cnv_w1a1-8192.json"
    return make_zoo(
        BuildConfig(model="cnv_w1a1", board="Pynq-Z2", images=images, data=data, folding=recorded),
        root,
    )


def speed(zoo: Zoo, *, fast: bool) -> float:
    """Cycles per second of processor time, of one process that simulates the first images.

    Raises:
        VerificationError: with the first logit that differs.
    """
    simulator = zoo.simulator(fast=fast)
    images = min(SPEED_IMAGES[fast], len(zoo.reference.images))
    job = cosim.network_job(
        zoo.network, zoo.project, zoo.reference.head(images).images, FREE_RUNNING, 0
    )
    began = time.process_time()
    result = run(simulator, job.input_beats, expect=job.expect, options=job.options)
    seconds = time.process_time() - began
    cosim.check_logits(zoo.network, zoo.reference, result, 0, images, job.name)
    return result.total_cycles / seconds


def whole_set(zoo: Zoo, jobs: int) -> tuple[int, float]:
    """Images whose logits were all equal, and the wall seconds that all of them took.

    Raises:
        VerificationError: with the first logit that differs.
    """
    simulator = zoo.simulator()
    began = time.perf_counter()
    found = zoo.simulate(simulator, FREE_RUNNING.name, jobs=jobs)
    return found.images, time.perf_counter() - began


def main(arguments: list[str]) -> int:
    """Prints both speeds, their ratio, and the time of all images."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        zoo = cnv(Path(folder), options.images, options.data)
        plain, fast = (speed(zoo, fast=form) for form in (False, True))
        print(f"interval {zoo.schedule.initiation_interval:,} cycles; cycles/s of one core:")
        print(f"plain {plain:,.0f}, fast {fast:,.0f}: {fast / plain:.1f} times")
        images, seconds = whole_set(zoo, options.jobs)
    print(
        f"{images:,} images of {zoo.reference.dataset}, 0 logits differ: {seconds:.1f} s "
        f"in {options.jobs} processes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
