# SPDX-License-Identifier: Apache-2.0
"""What a build is asked to do; made from the command line, read by the pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Objective = Literal["cost", "latency", "fps"]
Stem = Literal["auto", "lut", "dsp"]

# Frames per second aimed at when neither --target-fps nor --folding is given, at 100 MHz.
DEFAULT_TARGET_FPS = {
    "cnv_w1a1": 12_207,
    "tfc_w1a1": 900_000,
    "sfc_w1a1": 390_000,
    "lfc_w1a1": 97_000,
}
OTHER_TARGET_FPS = 1_000
SUFFIX_TARGET_FPS = {"_cifar10": 3_000, "_imagenet": 300}

# Images verified when --images is not given.
DEFAULT_IMAGES = {"cnv_w1a1": 256}
OTHER_IMAGES = 1_000
# Networks with integer streams are large, and every stream of every image is recorded.
SUFFIX_IMAGES = {"_cifar10": 16, "_imagenet": 1}

# Images that a deploy folder carries at least, where the reference is PyTorch, which is fast.
DEPLOY_IMAGES = 1_000

# Share of the board's part that --maximize and --minimize fill when --budget is not given.
DEFAULT_BUDGET = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig:
    """Choices of one build.

    Attributes:
        model: name of a network of the zoo; names the folder for a QONNX file too.
        board: name of a board or path of its TOML file.
        qonnx: QONNX file to build instead of a network of the zoo.
        checkpoint: weights to use instead of the shipped ones.
        untrained: seed of random weights to use instead of trained ones.
        clock_mhz: clock of the network; the board's default if None.
        bus_clock_mhz: clock of bus and DMA; the network's if None.
        target_fps: frames per second that folding aims at; the model's default if None.
        objective: what folding looks for: the cheapest network at the target, the least latency
            (within the target, if one is given), or the most frames per second.
        budget: share of the board's resources that the network may fill, in (0, 1]; None for the
            objective's default.
        stem: hardware of the layer that takes 8-bit pixels; "auto" is what costs less.
        folding: file with a folding for each layer, instead of a target.
        images: images to verify; the model's default if None.
        data: folder with the published dataset; the shipped fixture if None.
        stalls: names of the stall patterns.
        trace_layers: compare every layer's stream in simulation, not only the logits.
        waves: write a waveform of the first image.
        stop_after: name of the last step to run, or None.
        output_dir: parent of the build's folder.
        jobs: processes side by side.
        runtime_weights: weights and thresholds can be loaded into the running hardware.
        bitstream: flow to run after the hand-over: `none`, `open` or `vivado`.
    """

    model: str
    board: str
    qonnx: Path | None = None
    checkpoint: Path | None = None
    untrained: int | None = None
    clock_mhz: float | None = None
    target_fps: float | None = None
    objective: Objective = "cost"
    budget: float | None = None
    stem: Stem = "auto"
    folding: Path | None = None
    images: int | None = None
    data: Path | None = None
    stalls: tuple[str, ...] = ("none", "random", "burst")
    trace_layers: bool = False
    waves: bool = False
    stop_after: str | None = None
    output_dir: Path = Path("build")
    jobs: int = 2
    bitstream: str = "none"
    runtime_weights: bool = False
    bus_clock_mhz: float | None = None

    @property
    def image_count(self) -> int:
        """Images to verify."""
        default = _by_suffix(self.model, SUFFIX_IMAGES, OTHER_IMAGES)
        return self.images or DEFAULT_IMAGES.get(self.model, int(default))

    @property
    def deploy_count(self) -> int:
        """Images that the deploy folder carries, where they come from PyTorch."""
        if any(self.model.endswith(suffix) for suffix in SUFFIX_IMAGES):
            return self.image_count
        return max(self.image_count, DEPLOY_IMAGES)

    @property
    def fps(self) -> float:
        """Frames per second that folding aims at."""
        default = _by_suffix(self.model, SUFFIX_TARGET_FPS, OTHER_TARGET_FPS)
        return self.target_fps or float(DEFAULT_TARGET_FPS.get(self.model, 0)) or default

    @property
    def has_target(self) -> bool:
        """Whether folding aims at a frame rate."""
        return self.objective == "cost" or self.target_fps is not None

    @property
    def budget_share(self) -> float | None:
        """Share of the board that must not be exceeded; None where a target comes first."""
        if self.budget is not None or self.objective == "cost":
            return self.budget
        return DEFAULT_BUDGET


def _by_suffix(model: str, values: Mapping[str, int], other: int) -> float:
    return next((value for end, value in values.items() if model.endswith(end)), other)
