# SPDX-License-Identifier: Apache-2.0
"""From a QONNX file to a verified IntegerChain."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError, UsageError, VerificationError
from flows.reference import Reference
from flows.streamline import finn_adapter
from flows.streamline.chain import IntegerChain, PoolLayer, evaluate
from flows.streamline.freeze_signs import INPUT, OUTPUT, freeze_signs
from flows.streamline.load import clean, load
from flows.streamline.make_reference import (
    RAW,
    TO_TENSOR,
    PixelScaling,
    check_frozen,
    check_images,
    make_reference,
    run_frozen,
)
from flows.streamline.read_chain import read_chain
from flows.streamline.stages import Stage, read_stages
from flows.streamline.standard import Executor
from flows.streamline.tabulate import (
    Codes,
    FinalAffine,
    SignTable,
    output_scale,
    reachable_sums,
    tabulate_final,
    tabulate_input,
    tabulate_sign,
)

LOGGER = logging.getLogger(__name__)
FOLDER = "intermediate_models"
RESULT = "streamlined.onnx"
_SAMPLES = 8  # images on which the graphs are executed and compared
_PROBES = 1  # random images behind each of FINN's transformations
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What was compared, and found equal; a difference raises.

    Attributes:
        thresholds: (channel, sum) pairs: FINN's thresholds against the truth tables.
        table_values: (channel, sum) pairs: truth tables against the reference's.
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tables:
    """All that was read off a cleaned graph by running it.

    Attributes:
        source: what the pixels become.
        signs: one per layer but the last.
        final: behind the last layer.
        input_scale: float value of 1 at the first layer's input.
        scaling: what a pixel is at the graph's input.
    """

    source: SignTable | Codes
    signs: tuple[SignTable, ...]
    final: FinalAffine
    input_scale: float
    scaling: PixelScaling

    @property
    def all_signs(self) -> tuple[SignTable, ...]:
        """With the input's, where it is binary."""
        source = self.source
        return (source, *self.signs) if isinstance(source, SignTable) else self.signs


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
        model_path: the QONNX file.
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
    if reference is None and images is None:
        raise UsageError(
            f"{model_path}: neither reference vectors nor images given; one of them is needed to"
            " verify the network; name a folder of images."
        )
    log = _Log(out_dir)
    model = log.save("clean", clean(load(model_path)))
    stages = read_stages(model)
    check_images(reference.images if reference is not None else images, stages[0].shape)
    tables = tabulate(model, stages, reference, scaling)
    log.step("tabulate")
    frozen = freeze_signs(stages, tables.source, tables.signs, tables.input_scale)
    log.save("frozen", frozen)
    if reference is None:
        assert images is not None
        label = name if name is not None else model_path.stem
        made = make_reference(
            label, frozen, stages, tables.all_signs, images, tables.final, tables.scaling
        )
        activations = check_frozen(model, frozen, stages, images[:_SAMPLES], tables.scaling)
    else:
        made = reference
        activations = compare_reference(frozen, reference)
    log.step("reference")
    checks = 0
    for step in finn_adapter.apply_steps(frozen, probes(frozen)):
        model = log.save(step.name, step.model)
        checks += step.checks
    read = read_chain(model, stages, tables.source, tables.signs, tables.final)
    compared = compare_chain(read.chain, frozen, made.images[:_SAMPLES])
    log.step("chain")
    if out_dir is not None:
        model.save(str(out_dir / RESULT))
    return StreamlineResult(
        chain=read.chain,
        reference=made,
        model=model,
        models=tuple(log.files),
        checks=Checks(
            thresholds=read.thresholds_checked,
            table_values=sum(table.bits.size for table in tables.all_signs),
            transformations=checks,
            activations=activations,
            chain_values=compared,
        ),
        seconds=log.seconds,
    )


def tabulate(
    model: ModelWrapper,
    stages: Sequence[Stage],
    reference: Reference | None = None,
    scaling: PixelScaling | None = None,
) -> Tables:
    """Run every activation of a cleaned graph on everything it can meet.

    Raises:
        UnsupportedModelError: an activation is no single step, or the input is not quantised.
        VerificationError: a table differs from the reference's.
    """
    scaling = scaling if scaling is not None else _scaling(model, stages, reference)
    source = tabulate_input(model, stages[0], scaling.values())
    if isinstance(source, SignTable) and reference is not None:
        _compare_table(source, reference)
    input_scale = scale = output_scale(model, stages[0])
    codes = source if isinstance(source, Codes) else None
    signs = []
    for stage in stages[1:-1]:
        assert stage.layer is not None
        table = tabulate_sign(model, stage, reachable_sums(stage.layer, codes), scale)
        table.steps()
        if reference is not None:
            _compare_table(table, reference)
        signs.append(table)
        codes, scale = None, output_scale(model, stage)
    last = stages[-1].layer
    assert last is not None
    final = tabulate_final(model, stages[-1], reachable_sums(last, codes), scale)
    return Tables(
        source=source,
        signs=tuple(signs),
        final=final,
        input_scale=input_scale,
        scaling=scaling,
    )


def _scaling(
    model: ModelWrapper, stages: Sequence[Stage], reference: Reference | None
) -> PixelScaling:
    """Pixels as they are, unless pixel / 255 gives the input quantiser as much to tell apart."""
    if reference is not None:
        return RAW
    best, most = TO_TENSOR, 1
    for candidate in (TO_TENSOR, RAW):
        try:
            table = tabulate_input(model, stages[0], candidate.values())
        except UnsupportedModelError:
            continue
        values = table.codes if isinstance(table, Codes) else table.bits[0]
        distinct = len(np.unique(values))
        if distinct > most:
            best, most = candidate, distinct
    return best


def _compare_table(table: SignTable, reference: Reference) -> None:
    """Refuse a table that differs from the one the trainer froze."""
    names = [sign.name for sign in reference.signs]
    if table.name not in names:
        raise UsageError(
            f"{table.name}: a sign in the model that the reference lacks; it has"
            f" {', '.join(names)}; give the reference of the same export."
        )
    sign = reference.sign(table.name)
    found = (table.acc_min, table.acc_step, table.bits.shape[1])
    expected = (sign.acc_min, sign.acc_step, sign.table.shape[1])
    rows = np.broadcast_to(sign.table, table.bits.shape) if found == expected else sign.table
    if found != expected or rows.shape != table.bits.shape:
        raise UsageError(
            f"{table.name}: sums (first, step, count) {found} in the model, {expected} in the"
            " reference; they must be equal; give the reference of the same export."
        )
    wrong = np.argwhere(rows != table.bits)
    if len(wrong):
        channel, column = (int(i) for i in wrong[0])
        raise VerificationError(
            f"{table.name}, channel {channel}: sum {table.values[column]} gives"
            f" {int(table.bits[channel, column])} in the model, {int(rows[channel, column])} in the"
            f" reference ({len(wrong)} of {table.bits.size} values differ); give the reference of"
            " the same export."
        )


def compare_reference(frozen: ModelWrapper, reference: Reference) -> int:
    """Run the frozen graph on the reference's first images: every activation and the logits.

    Returns:
        Count of compared values.

    Raises:
        VerificationError: names layer, image, row, column, channel, expected and got.
    """
    images = reference.images[:_SAMPLES]
    names = [sign.name for sign in reference.signs]
    outputs = run_frozen(frozen, [*names, OUTPUT], images)
    compared = 0
    for sign in reference.signs:
        got = outputs[sign.name] > 0
        got = got.transpose(0, 2, 3, 1) if got.ndim == 4 else got
        expected = sign.activation[: len(images)]
        compared += _compare(sign.name, got.reshape(expected.shape), expected)
    logits = reference.logits[: len(images)]
    return compared + _compare(reference.last_layer, outputs[OUTPUT].astype(np.int64), logits)


def compare_chain(chain: IntegerChain, frozen: ModelWrapper, images: np.ndarray) -> int:
    """Run the chain in numpy and the frozen graph in onnxruntime: every activation and the logits.

    Returns:
        Count of compared values.

    Raises:
        VerificationError: names layer, image, row, column, channel, expected and got.
    """
    outputs = evaluate(chain, images)
    graph = {layer.name: layer.name for layer in chain.layers if not isinstance(layer, PoolLayer)}
    if chain.input.is_binary:
        graph["input"] = "input"
    last = chain.layers[-1].name
    graph[last] = OUTPUT
    expected = run_frozen(frozen, list(graph.values()), images)
    compared = 0
    for name, tensor in graph.items():
        value = expected[tensor]
        value = value.transpose(0, 2, 3, 1) if value.ndim == 4 else value[:, None, None, :]
        value = value.astype(np.int64) if name == last else value > 0
        compared += _compare(name, outputs[name].reshape(value.shape), value)
    return compared


def _compare(name: str, got: np.ndarray, expected: np.ndarray) -> int:
    wrong = np.argwhere(got != expected)
    if len(wrong):
        at = tuple(int(i) for i in wrong[0])
        where = ", ".join(
            f"{axis} {i}"
            for axis, i in zip(("image", "row", "column", "channel"), at, strict=False)
        )
        raise VerificationError(
            f"{name}: {where}: {int(got[at])} found, {int(expected[at])} expected"
            f" ({len(wrong)} of {got.size} values differ)."
        )
    return int(got.size)


def compare_executors(model: ModelWrapper, values: np.ndarray) -> None:
    """Hold onnxruntime's result of a cleaned graph against qonnx's own execution.

    Args:
        values: the graph's input.

    Raises:
        VerificationError: the two differ.
    """
    found = next(iter(Executor(model)(values).values()))
    expected = finn_adapter.execute(model, values)
    if not np.array_equal(found, expected):
        at = tuple(int(i) for i in np.argwhere(found != expected)[0])
        raise VerificationError(
            f"graph output {at}: {found[at]!r} in onnxruntime, {expected[at]!r} in qonnx; both must"
            " agree; use operators that the two define alike."
        )


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
