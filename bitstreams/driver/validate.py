# SPDX-License-Identifier: Apache-2.0
"""Runs the validation images on a board and compares every logit with PyTorch's.

    sudo -E python3 validate.py                        on the board
    python3 validate.py --platform virtual --images 100    the Verilated shell instead

Exit code 0: all logits are equal. 1: some differ. 2: the board or the files have a fault, which the
message names.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from xnorflow_driver import UNREADABLE, Accelerator, BoardError

HERE = Path(__file__).resolve().parent


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--platform", default="auto", choices=("auto", "pynq", "virtual"))
    parser.add_argument("--images", type=int, help="how many; all by default")
    parser.add_argument("--batch", "--batchsize", type=int, default=256, help="images of a batch")
    parser.add_argument("--clock-mhz", type=float, help="below the clock of the bitstream")
    parser.add_argument("--net-clock-mhz", type=float, help="the same for the network's own clock")
    parser.add_argument("--folder", type=Path, default=HERE, help="deploy folder")
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FOLDER",
        help="deploy folder of a retrained network to load into this one (--runtime-weights)",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    for name in ("images", "batch"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            parser.error(f"--{name} {value}: at least 1")
    for name in ("folder", "weights"):
        path = getattr(arguments, name)
        if path is not None and not (path / "overlay.json").is_file():
            parser.error(f"--{name} {path}: no deploy folder; name one, with overlay.json in it")
    return arguments


def _vectors(folder: Path, wanted: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """Images, labels (-1: none), logits, and the name of the data set."""
    path = folder / "validation.npz"
    try:
        with np.load(str(path)) as arrays:
            held = len(arrays["images"])
            if wanted is not None and wanted > held:
                raise BoardError(f"--images {wanted}: {path.name} holds {held}; ask for fewer")
            images, labels, logits = (arrays[n][:wanted] for n in ("images", "labels", "logits"))
            return images, labels, logits, str(arrays["dataset"])
    except UNREADABLE as error:
        raise BoardError(
            f"{path}: cannot be read ({error}); copy the deploy folder again"
        ) from None


def validate(
    network: Accelerator, images: np.ndarray, labels: np.ndarray, logits: np.ndarray, batch: int
) -> dict[str, Any]:
    """Run all images and compare.

    Args:
        network: loaded and tested.
        images: (N, H, W, C) uint8.
        labels: (N,) int, -1 where unknown; top1 counts the others.
        logits: (N, classes) int32 of PyTorch.
        batch: images of a batch.

    Returns:
        images, mismatches (logits that differ), top1 in percent or None, labelled,
        cycles_per_image, interval_cycles, latency_cycles (of the logic's clock), clock_mhz,
        net_clock_mhz, fps, platform, batch.
    """
    network.allocate(batch)
    network.statistics()  # forgets the self-test
    found = network.execute(images)
    counters = network.statistics()
    known = labels >= 0
    hits = np.count_nonzero(np.argmax(found, axis=1)[known] == labels[known])
    labelled = int(np.count_nonzero(known))
    return {
        "images": len(images),
        "mismatches": int(np.count_nonzero(found != logits)),
        "top1": 100.0 * hits / labelled if labelled else None,
        "labelled": labelled,
        "cycles_per_image": counters["cycles_per_image"],
        "interval_cycles": counters["interval_cycles"],
        "latency_cycles": counters["latency_cycles"],
        "clock_mhz": network.clock_mhz,
        "net_clock_mhz": network.net_clock_mhz,
        "fps": network.clock_mhz * 1e6 / counters["cycles_per_image"],
        "platform": network.platform.name,
        "batch": network.batch,
    }


def _say(figures: dict[str, Any], facts: dict[str, Any], dataset: str) -> None:
    images = figures["images"]
    total = images * int(facts["output"]["elements"])
    print(f"{facts['model']} on {facts['board']}, platform {figures['platform']}")
    print(f"  {images} images of {dataset}, {total} logits: {figures['mismatches']} differ")
    if figures["top1"] is not None:
        print(f"  top-1 {figures['top1']:.2f} % of {figures['labelled']} images with a label")
    print(f"  batches of {figures['batch']}: {figures['cycles_per_image']:.0f} cycles an image")
    print(f"  first result of a batch in memory after {figures['latency_cycles']:.0f} cycles")
    clocks = f"{figures['clock_mhz']:.2f} MHz"
    if figures["net_clock_mhz"] != figures["clock_mhz"]:
        clocks += f", the network at {figures['net_clock_mhz']:.2f} MHz"
    print(f"  {figures['fps']:.0f} images/s at {clocks} (measured)")


def main() -> int:
    """Exit code of the command."""
    arguments = _arguments()
    try:
        folder = arguments.weights or arguments.folder
        images, labels, logits, dataset = _vectors(folder, arguments.images)
        with Accelerator(
            arguments.folder,
            platform=arguments.platform,
            clock_mhz=arguments.clock_mhz,
            net_clock_mhz=arguments.net_clock_mhz,
        ) as network:
            if arguments.weights:
                network.load_weights(arguments.weights / "weights.npz")
            figures = validate(network, images, labels, logits, arguments.batch)
            facts = network.facts
    except BoardError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if arguments.json:
        print(json.dumps(figures))
    else:
        _say(figures, facts, dataset)
    return 1 if figures["mismatches"] else 0


if __name__ == "__main__":
    sys.exit(main())
