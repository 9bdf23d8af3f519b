# SPDX-License-Identifier: Apache-2.0
"""threshold: the graph's Sign for every value, with T at both ends of its range too."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.dataflow.kernels import Threshold
from flows.errors import FoldingError
from flows.sim.run import RunOptions
from flows.streamline.graph import Sign, compute
from tests.support.battery import Beats, Row, build_module, check_rejected, lanes, rows, run_exact
from tests.support.kernels import check_kernel, image_of, sources, with_memories

TOP = "threshold"


def words(kernel: Threshold, frames: np.ndarray, bits: int) -> Beats:
    """Beats of PE elements, or of pixels."""
    lane_count = kernel.stream.channels if kernel.pixels else kernel.pe
    return lanes(frames.reshape(-1, lane_count), bits=bits, signed=kernel.stream.signed)


def every_value(kernel: Threshold, rng: np.random.Generator) -> np.ndarray:
    """(2^bits, 1, 1, C): each channel sees each value once, in an order of its own."""
    stream = kernel.stream
    least = -(2 ** (stream.bits - 1)) if stream.signed else 0
    values = np.arange(least, least + 2**stream.bits)
    columns = [rng.permutation(values) for _ in range(stream.channels)]
    return np.stack(columns, axis=1)[:, None, None, :]


def random_kernel(rng: np.random.Generator, *, polarity: bool = False, **fields: Any) -> Threshold:
    """Thresholds inside the range, at its ends, and beyond (which never and always are)."""
    shape = {name: fields.pop(name) for name in ("channels", "bits", "signed") if name in fields}
    stream = image_of(**{"bits": 8, "signed": False, **shape})
    least = -(2 ** (stream.bits - 1)) if stream.signed else 0
    thresholds = rng.integers(least + 1, least + 2**stream.bits, stream.channels)
    if stream.channels > 3:
        thresholds[:4] = [least, least + 2**stream.bits, least - 9, least + 2**stream.bits + 9]
    falling = np.arange(stream.channels) % 2 == 1 if polarity else None
    return Threshold(stream=stream, thresholds=thresholds, falling=falling, **fields)


@rows(
    Row(id="image", reason="fully unrolled", parameters={"channels": 3, "pe": 3}),
    Row(id="fully_folded", reason="a channel per beat", parameters={"channels": 7, "pe": 1}),
    Row(id="folded", reason="odd widths", parameters={"channels": 15, "pe": 5, "bits": 3}),
    Row(id="single_bit", reason="narrowest", parameters={"channels": 4, "pe": 2, "bits": 1}),
    Row(
        id="signed",
        reason="two's complement",
        parameters={"channels": 9, "pe": 3, "bits": 6, "signed": True},
    ),
    Row(
        id="polarity",
        reason="falling channels",
        parameters={"channels": 6, "pe": 3, "bits": 5, "polarity": True},
    ),
    Row(
        id="pixels",
        reason="beats of all channels, folded",
        parameters={"channels": 12, "pe": 2, "signed": True, "polarity": True, "pixels": True},
    ),
    Row(
        id="pixels_unfolded",
        reason="beats of all channels, PE = C",
        parameters={"channels": 8, "pe": 8, "signed": True, "polarity": True, "pixels": True},
    ),
)
def test_compares_every_value(
    row: Row, rng: np.random.Generator, seed: int, tmp_path: Path
) -> None:
    kernel = random_kernel(rng, **row.parameters)
    frames = every_value(kernel, rng)
    falling = np.zeros(kernel.stream.channels, bool) if kernel.falling is None else kernel.falling
    node = Sign(name="s", inputs=("x",), thresholds=kernel.thresholds, falling=falling)
    expected = compute(node, [frames])
    assert (kernel.compute(frames) == expected).all()
    assert expected.any() and not expected.all()

    runs = check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis": words(kernel, frames, kernel.stream.bits)},
        outputs={"m_axis": words(kernel, expected.astype(np.int64), 1)},
        seed=seed,
    )

    free = runs["none"]
    folds = kernel.stream.channels // kernel.pe if kernel.pixels else 1
    delay = free.output_cycles["m_axis"] - free.input_cycles["s_axis"]
    assert set(delay) == {1 if folds == 1 else 2}
    assert set(np.diff(free.input_cycles["s_axis"])) == {folds}


def test_faults_are_found(rng: np.random.Generator, tmp_path: Path) -> None:
    """Negative control: a threshold off by one, and a turned polarity, in one channel."""
    stream = image_of(6, bits=6)
    thresholds, falling = rng.integers(-20, 20, 6), np.zeros(6, bool)
    right = Threshold(stream=stream, pe=2, thresholds=thresholds, falling=falling, pixels=True)
    frames = every_value(right, rng)
    inputs = {"s_axis": words(right, frames, 6)}
    outputs = {"m_axis": words(right, right.compute(frames), 1)}
    build = build_module(
        TOP,
        sources(TOP),
        parameters=with_memories(right, tmp_path),
        inputs=inputs,
        outputs=outputs,
    )
    options = RunOptions(cwd=tmp_path, idle_limit=2000)
    run_exact(build, inputs, outputs, options)
    one = np.arange(6) == 3
    for wrong in (
        Threshold(stream=stream, pe=2, thresholds=thresholds + one, falling=falling, pixels=True),
        Threshold(stream=stream, pe=2, thresholds=thresholds, falling=one, pixels=True),
    ):
        with_memories(wrong, tmp_path)
        with pytest.raises(pytest.fail.Exception, match="lane 3 of 6"):
            run_exact(build, inputs, outputs, options)


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("C must be at least 1", {"C": 0}),
        ("PE must divide C", {"PE": 2}),
        ("IN_BITS must be at least 1", {"IN_BITS": 0}),
    ):
        check_rejected(TOP, sources(TOP), parameters=parameters, match=match)


def test_refuses_in_python(rng: np.random.Generator) -> None:
    with pytest.raises(FoldingError, match="PE = 4 does not divide 6; legal: 1, 2, 3, 6"):
        random_kernel(rng, channels=6, pe=4)
