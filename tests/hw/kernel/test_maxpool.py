# SPDX-License-Identifier: Apache-2.0
"""maxpool: the graph's MaxPool; cycles equal the header's formulas."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.dataflow.kernels import MaxPool
from flows.dataflow.stream import Stream
from flows.errors import UnsupportedModelError
from flows.streamline import graph
from tests.support.battery import Row, check_rejected, rows
from tests.support.kernels import check_kernel, in_graph, pixels, random_frames, sources

FRAMES = 6
BITS = {"bits": 1, "signed": False}


def kernel_of(c: int, h: int, width: int, k: int, **more: Any) -> MaxPool:
    element = {name: more.pop(name) for name in ("bits", "signed") if name in more}
    stream = Stream(height=h, width=width, channels=c, **{"bits": 4, "signed": True, **element})
    return MaxPool(stream=stream, kernel=k, **more)


TABLE = (
    Row(id="even", reason="fits exactly", parameters={"shape": (5, 6, 8, 2), **BITS}),
    Row(id="floor", reason="one row, one column over", parameters={"shape": (3, 5, 7, 2), **BITS}),
    Row(id="three", reason="two columns over", parameters={"shape": (70, 7, 11, 3), **BITS}),
    Row(id="single", reason="one window", parameters={"shape": (1, 2, 2, 2), **BITS}),
    Row(id="wide", reason="block memory", parameters={"shape": (2, 2, 131, 2), **BITS}),
    Row(id="codes", reason="two's complement", parameters={"shape": (6, 6, 8, 2)}),
    Row(id="unsigned", reason="no sign", parameters={"shape": (3, 5, 7, 2), "signed": False}),
    Row(id="folded", reason="PE < C", parameters={"shape": (6, 5, 9, 2), "pe": 2}),
    Row(id="serial", reason="PE = 1", parameters={"shape": (3, 4, 4, 2), "pe": 1}),
    Row(
        id="stem",
        reason="overlapping, padded, even image: the right pad belongs to no window",
        parameters={"shape": (4, 8, 10, 3), "stride": 2, "pad": 1},
    ),
    Row(
        id="stem_odd",
        reason="odd image: the right pad cuts the last window",
        parameters={"shape": (4, 7, 9, 3), "stride": 2, "pad": 1, "pe": 2},
    ),
    Row(
        id="stem_wide",
        reason="block memory, folded",
        parameters={"shape": (4, 5, 71, 3), "stride": 2, "pad": 1, "pe": 1, "bits": 3},
    ),
    Row(
        id="overlap",
        reason="overlapping, not padded, bits",
        parameters={"shape": (9, 6, 8, 3), "stride": 2, **BITS},
    ),
    Row(
        id="neighbours",
        reason="K = 2 at every pixel",
        parameters={"shape": (4, 5, 6, 2), "stride": 1, "pe": 2},
    ),
    Row(
        id="padded",
        reason="padded without overlap",
        parameters={"shape": (3, 7, 8, 3), "pad": 2, "pe": 3},
    ),
    Row(
        id="one_column",
        reason="one window a row, its word is alone",
        parameters={"shape": (3, 9, 3, 3), "stride": 2},
    ),
)


@rows(*TABLE)
def test_windows_and_cycles(row: Row, rng: np.random.Generator, seed: int, tmp_path: Path) -> None:
    p = dict(row.parameters)
    kernel = kernel_of(*p.pop("shape"), **p)
    frames = random_frames(kernel.stream, FRAMES, rng)
    if kernel.stream.bits == 1:  # about two windows of three hold a 1
        frames[2:] = rng.random(frames[2:].shape) < 1 / kernel.kernel**2
    node = graph.MaxPool(
        name="p", inputs=("x",), kernel=kernel.kernel, stride=kernel.step, pad=kernel.pad
    )
    pooled = graph.compute(node, [in_graph(kernel.stream, frames)])
    assert (kernel.compute(frames) == pooled).all()
    out = kernel.output
    assert pooled.shape[1:] == (out.height, out.width, out.channels)

    runs = check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis": pixels(kernel.stream, frames)},
        outputs={"m_axis": pixels(out, pooled)},
        seed=seed,
    )

    taken = runs["none"].input_cycles["s_axis"]
    given = runs["none"].output_cycles["m_axis"]
    folds = kernel.stream.channels // kernel.lanes
    assert set(np.diff(taken)) == {folds}
    assert kernel.cycles() == kernel.stream.beats * folds
    assert (given == taken[_last_pixels(kernel)] + (2 if folds == 1 else 3)).all()


def _last_pixels(kernel: MaxPool) -> np.ndarray:
    """Index of the last pixel of each window, over all frames."""
    ends = [
        np.minimum(np.arange(count) * kernel.step - kernel.pad + kernel.kernel, size) - 1
        for count, size in (
            (kernel.output.height, kernel.stream.height),
            (kernel.output.width, kernel.stream.width),
        )
    ]
    of_frame = (ends[0][:, None] * kernel.stream.width + ends[1]).ravel()
    return (np.arange(FRAMES)[:, None] * kernel.stream.beats + of_frame).ravel()


def test_faults_are_found(rng: np.random.Generator, seed: int, tmp_path: Path) -> None:
    """Negative control: the other stride is another module."""
    kernel = kernel_of(2, 6, 6, 3, stride=2, pad=1)
    other = kernel_of(2, 6, 6, 3, stride=2)
    frames = random_frames(kernel.stream, FRAMES, rng)
    expected = other.compute(np.pad(frames[:, :-1, :-1], ((0, 0), (1, 0), (1, 0), (0, 0))))
    with pytest.raises(pytest.fail.Exception, match="stream m_axis: beat"):
        check_kernel(
            kernel,
            tmp_path,
            inputs={"s_axis": pixels(kernel.stream, frames)},
            outputs={"m_axis": pixels(kernel.output, _padded_to(expected, kernel))},
            seed=seed,
        )


def _padded_to(frames: np.ndarray, kernel: MaxPool) -> np.ndarray:
    """As many pixels as the kernel gives, the last ones repeated."""
    rows_missing = kernel.output.height - frames.shape[1]
    columns_missing = kernel.output.width - frames.shape[2]
    missing = ((0, 0), (0, rows_missing), (0, columns_missing), (0, 0))
    return np.pad(frames, missing, mode="edge")


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("K must be at least 2", {"K": 1}),
        ("K must not exceed the padded image", {"K": 7}),
        ("STRIDE must be K or K - 1", {"K": 3, "STRIDE": 1}),
        ("PAD must be less than STRIDE", {"K": 3, "STRIDE": 2, "PAD": 2}),
        ("PE must divide C", {"PE": 3}),
    ):
        check_rejected("maxpool", sources("maxpool"), parameters=parameters, match=match)


def test_refuses_in_python() -> None:
    for match, shape, more in (
        ("stride 3 or 2", (2, 6, 6, 3), {"stride": 1}),
        ("the pad must be less", (2, 6, 6, 3), {"stride": 2, "pad": 2}),
        ("does not fit", (2, 2, 6, 3), {}),
    ):
        with pytest.raises(UnsupportedModelError, match=match):
            kernel_of(*shape, **more)
