# SPDX-License-Identifier: Apache-2.0
"""Two forms of a network side by side: original graph, frozen graph, reference, integer chain.

Every function returns how many values it compared, or raises at the first that differs.
"""

from collections.abc import Sequence

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UsageError, VerificationError
from flows.reference import Reference
from flows.streamline import finn_adapter
from flows.streamline.chain import IntegerChain, PoolLayer, evaluate
from flows.streamline.freeze_signs import OUTPUT
from flows.streamline.make_reference import run_frozen, run_original
from flows.streamline.stages import Stage
from flows.streamline.standard import Executor
from flows.streamline.tables import Tables
from flows.streamline.tabulate import SignTable

SAMPLES = 8  # images on which graphs are executed and compared


def compare_tables(tables: Tables, reference: Reference) -> int:
    """Hold every truth table against the reference's.

    Raises:
        UsageError: they are of different networks.
        VerificationError: names layer, channel and sum.
    """
    for table in tables.all_signs:
        _compare_table(table, reference)
    return sum(table.bits.size for table in tables.all_signs)


def _compare_table(table: SignTable, reference: Reference) -> None:
    """Refuse a table that differs from the one the trainer froze."""
    names = [sign.name for sign in reference.signs]
    if table.name not in names:
        raise UsageError(
            f"{table.name}: a sign in the model that the reference lacks; it has"
            f" {', '.join(names)}; give the reference of the same export."
        )
    sign = reference.sign(table.name)
    # One row of the reference may stand for all channels, as for the sign of the pixels.
    rows = np.repeat(sign.table, len(table.bits), axis=0) if len(sign.table) == 1 else sign.table
    found = (table.acc_min, table.acc_step, table.bits.shape)
    expected = (sign.acc_min, sign.acc_step, rows.shape)
    if found != expected:
        raise UsageError(
            f"{table.name}: sums (first, step, channels and count) {found} in the model, {expected}"
            " in the reference; they must be equal; give the reference of the same export."
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
    images = reference.images[:SAMPLES]
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


def compare_original(
    model: ModelWrapper,
    frozen: ModelWrapper,
    stages: Sequence[Stage],
    images: np.ndarray,
    tables: Tables,
) -> int:
    """Hold the frozen graph against the original one, both in onnxruntime.

    Returns:
        Count of compared values: every activation, and the sums of the last layer.

    Raises:
        VerificationError: names the layer, the image and the first differing index.
    """
    signs = {stage.name: stage for stage in stages if stage.name in tables.names}
    tensors = {name: stage.output for name, stage in signs.items()}
    last = stages[-1]
    original = run_original(
        model, stages, [*tensors.values(), last.source], images, tables.byte_values
    )
    names = {name: f"{name}.pool" if stage.pool > 1 else name for name, stage in signs.items()}
    outputs = run_frozen(frozen, [*names.values(), OUTPUT], images)
    compared = 0
    for name, tensor in tensors.items():
        got = outputs[names[name]].reshape(len(images), -1) > 0
        compared += _compare(name, got, original[tensor] > 0)
    assert last.layer is not None
    sums = np.rint(original[last.source] / (last.layer.scale * tables.logit_scale))
    return compared + _compare(last.name, outputs[OUTPUT], sums)


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


def compare_executors(model: ModelWrapper, values: np.ndarray) -> int:
    """Hold onnxruntime's result of a cleaned graph against qonnx's own execution.

    Args:
        values: the graph's input, float32.

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
    return int(found.size)


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
