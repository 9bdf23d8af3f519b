# SPDX-License-Identifier: Apache-2.0
"""From a QONNX file to a verified IntegerChain."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flows.reference import Reference
from flows.streamline import finn_adapter
from flows.streamline.chain import IntegerChain
from flows.streamline.compare import (
    SAMPLES,
    compare_chain,
    compare_executors,
    compare_original,
    compare_reference,
    compare_tables,
)
from flows.streamline.freeze_signs import INPUT, freeze_signs
from flows.streamline.load import clean, load
from flows.streamline.make_reference import check_images, make_reference, nchw
from flows.streamline.pixels import RAW, PixelScaling, choose_scaling
from flows.streamline.read_chain import read_chain
from flows.streamline.stages import read_stages
from flows.streamline.tables import renumber_pixels, tabulate

LOGGER = logging.getLogger(__name__)
FOLDER = "intermediate_models"
RESULT = "streamlined.onnx"
_PROBES = 1  # random images behind each of FINN's transformations
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What was compared, and found equal; a difference raises.

    Attributes:
        thresholds: (channel, sum) pairs: FINN's thresholds against the truth tables.
        table_values: (channel, sum) pairs put through the model, and compared with the
            reference's tables where there is a reference.
        transformations: of FINN, executed and compared.
        activations: values of the frozen graph against the original graph or the reference.
        chain_values: values of the integer chain against the frozen graph.
    """

    thresholds: int
    table_values: int
    transformations: int
    activations: int
    chain_values: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamlineResult:
    """The integer network and how it came about.

    Attributes:
        reference: the one that was given, or the one made from the graph.
        model: FINN's streamlined graph.
        models: files that were written, in order.
        seconds: of each step.
    """

    chain: IntegerChain
    reference: Reference
    model: ModelWrapper
    models: tuple[Path, ...]
    checks: Checks
    seconds: dict[str, float]


def streamline(
    model_path: Path,
    reference: Reference | None = None,
    images: np.ndarray | None = None,
    *,
    name: str | None = None,
    scaling: PixelScaling | None = None,
    out_dir: Path | None = None,
) -> StreamlineResult:
    """Turn a QONNX file into an integer chain, checking every step.

    Args:
        reference: of the PyTorch model; None makes one from the file by onnxruntime.
        images: (N, H, W, C) uint8 to make the reference on, where none is given.
        name: of the model, for a new reference; the file's name by default.
        scaling: what a pixel is at the graph's input. By default the pixel itself where a reference
            is given, else pixel / 255 or the pixel, whichever the input quantiser tells apart.
        out_dir: where to write the graph after each step; None writes nothing.

    Raises:
        UsageError: the file cannot be read, or images are missing or of the wrong size.
        UnsupportedModelError: the graph holds something that cannot be lowered.
        VerificationError: two forms of the network differ.
    """
    log = _Log(out_dir)
    model = log.save("clean", clean(load(model_path)))
    stages = read_stages(model)
    samples = check_images(reference.images if reference is not None else images, stages[0].shape)
    if scaling is None:
        scaling = RAW if reference is not None else choose_scaling(model, stages)
    tables = tabulate(model, stages, scaling)
    if reference is None:
        tables = renumber_pixels(tables)
        samples = samples if tables.pixel_table is None else tables.pixel_table[samples]
    log.step("tabulate")
    frozen = log.save("frozen", freeze_signs(stages, tables))
    compare_executors(model, tables.byte_values[nchw(samples[0], stages[0].shape)])
    activations = compare_original(model, frozen, stages, samples[:SAMPLES], tables)
    if reference is None:
        reference = make_reference(name or model_path.stem, frozen, stages, samples, tables)
    else:
        compare_tables(tables, reference)
        activations += compare_reference(frozen, reference)
    log.step("reference")
    model, transformations = _transform(frozen, log)
    read = read_chain(model, stages, tables)
    compared = compare_chain(read.chain, frozen, samples[:SAMPLES])
    log.step("chain")
    if out_dir is not None:
        model.save(str(out_dir / RESULT))
    checks = Checks(
        thresholds=read.thresholds_checked,
        table_values=sum(table.bits.size for table in tables.all_signs),
        transformations=transformations,
        activations=activations,
        chain_values=compared,
    )
    return StreamlineResult(
        chain=read.chain,
        reference=reference,
        model=model,
        models=tuple(log.files),
        checks=checks,
        seconds=log.seconds,
    )


def _transform(frozen: ModelWrapper, log: "_Log") -> tuple[ModelWrapper, int]:
    """FINN's graph, and how many of its transformations were executed and compared."""
    model, checks = frozen, 0
    for step in finn_adapter.apply_steps(frozen, probes(frozen)):
        model = log.save(step.name, step.model)
        checks += step.checks
    return model, checks


def probes(frozen: ModelWrapper) -> list[np.ndarray]:
    """Fixed random images, (1, C, H, W) float32."""
    rng = np.random.default_rng(_SEED)
    shape = tuple(frozen.get_tensor_shape(INPUT))
    return [rng.integers(0, 256, shape).astype(np.float32) for _ in range(_PROBES)]


class _Log:
    """Writes the graph after each step and takes the time."""

    def __init__(self, out_dir: Path | None) -> None:
        self._folder = out_dir / FOLDER if out_dir is not None else None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._start = time.perf_counter()
        self.files: list[Path] = []
        self.seconds: dict[str, float] = {}

    def save(self, name: str, model: ModelWrapper) -> ModelWrapper:
        """Write step_NUMBER_NAME.onnx and end the step."""
        if self._folder is not None:
            path = self._folder / f"step_{len(self.files)}_{name}.onnx"
            model.save(str(path))
            self.files.append(path)
        self.step(name)
        return model

    def step(self, name: str) -> None:
        """End a step."""
        now = time.perf_counter()
        self.seconds[name] = now - self._start
        self._start = now
        LOGGER.info("streamline: %s %.2f s", name, self.seconds[name])
