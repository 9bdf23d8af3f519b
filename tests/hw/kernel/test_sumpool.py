# SPDX-License-Identifier: Apache-2.0
"""sumpool: the graph's SumPool, average and global; cycles equal the header's formulas."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.dataflow.kernels import SumPool
from flows.dataflow.stream import Stream
from flows.errors import UnsupportedModelError
from flows.streamline import graph
from tests.support.battery import Row, check_rejected, rows
from tests.support.kernels import check_kernel, in_graph, pixels, random_frames, sources

FRAMES = 6


def kernel_of(c: int, h: int, width: int, k: int, **more: Any) -> SumPool:
    element = {"bits": more.pop("in_bits", 4), "signed": more.pop("signed", True)}
    stream = Stream(height=h, width=width, channels=c, **element)
    return SumPool(
        stream=stream,
        kernel=k,
        **{"shift": 2, "low": -8, "high": 7, "bits": 4, "pe": c, **more},
    )


@rows(
    Row(id="average", reason="2 x 2, floor", parameters={"shape": (5, 6, 8, 2)}),
    Row(id="folded", reason="PE < C, one over", parameters={"shape": (6, 5, 9, 2), "pe": 2}),
    Row(
        id="kept",
        reason="SHIFT = 0: the whole sum",
        parameters={"shape": (3, 4, 6, 2), "shift": 0, "low": -32, "high": 31, "bits": 6},
    ),
    Row(
        id="clips",
        reason="bounds within the sums",
        parameters={"shape": (3, 4, 6, 2), "shift": 1, "low": -5, "high": 6},
    ),
    Row(
        id="unsigned",
        reason="no sign",
        parameters={"shape": (4, 6, 6, 3), "signed": False, "low": 0, "high": 15, "shift": 3},
    ),
    Row(
        id="global_serial",
        reason="global pool, PE = 1",
        parameters={"shape": (6, 7, 7, 7), "shift": 5, "pe": 1},
    ),
    Row(
        id="global",
        reason="global pool, its only word is alone",
        parameters={"shape": (3, 4, 4, 4), "shift": 0, "low": -128, "high": 127, "bits": 8},
    ),
    Row(
        id="bits",
        reason="bits count as +-1",
        parameters={
            "shape": (6, 4, 4, 4),
            "in_bits": 1,
            "signed": False,
            "shift": 0,
            "low": -16,
            "high": 16,
            "bits": 6,
            "pe": 2,
        },
    ),
    Row(id="pointwise", reason="K = 1", parameters={"shape": (4, 3, 5, 1), "shift": 1, "pe": 2}),
)
def test_windows_and_cycles(row: Row, rng: np.random.Generator, seed: int, tmp_path: Path) -> None:
    p = dict(row.parameters)
    kernel = kernel_of(*p.pop("shape"), **p)
    frames = random_frames(kernel.stream, FRAMES, rng)
    node = graph.SumPool(
        name="p",
        inputs=("x",),
        kernel=kernel.kernel,
        stride=kernel.kernel,
        shift=kernel.shift,
        low=kernel.low,
        high=kernel.high,
    )
    pooled = graph.compute(node, [in_graph(kernel.stream, frames)])
    assert (kernel.compute(frames) == pooled).all()

    runs = check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis": pixels(kernel.stream, frames)},
        outputs={"m_axis": pixels(kernel.output, pooled)},
        seed=seed,
    )

    taken = runs["none"].input_cycles["s_axis"]
    given = runs["none"].output_cycles["m_axis"]
    folds = kernel.stream.channels // kernel.pe
    assert set(np.diff(taken)) == {folds}
    assert kernel.cycles() == kernel.stream.beats * folds
    k, out, image = kernel.kernel, kernel.output, kernel.stream
    positions = np.arange(FRAMES * image.beats).reshape(FRAMES, image.height, image.width)
    last = positions[:, k - 1 : out.height * k : k, k - 1 : out.width * k : k].ravel()
    assert (given == taken[last] + (2 if folds == 1 else 3)).all()


def test_faults_are_found(rng: np.random.Generator, seed: int, tmp_path: Path) -> None:
    """Negative control: floors before the sum are another function."""
    kernel = kernel_of(2, 4, 4, 2, shift=2)
    frames = random_frames(kernel.stream, FRAMES, rng)
    blocks = (frames >> 1).reshape(FRAMES, 2, 2, 2, 2, 2).sum(axis=(2, 4)) >> 1
    with pytest.raises(pytest.fail.Exception, match="stream m_axis: beat"):
        check_kernel(
            kernel,
            tmp_path,
            inputs={"s_axis": pixels(kernel.stream, frames)},
            outputs={"m_axis": pixels(kernel.output, np.clip(blocks, -8, 7))},
            seed=seed,
        )


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("PE must divide C", {"PE": 3}),
        ("K must not exceed the padded image", {"K": 7}),
        ("SHIFT must be less than the width of the sum", {"SHIFT": 10}),
        ("LOW and HIGH must fit in OUT_BITS", {"HIGH": 128}),
    ):
        check_rejected("sumpool", sources("sumpool"), parameters=parameters, match=match)


def test_refuses_in_python() -> None:
    with pytest.raises(UnsupportedModelError, match="does not fit"):
        kernel_of(2, 2, 6, 3)
    with pytest.raises(UnsupportedModelError, match="do not fit in 4 bits"):
        kernel_of(2, 4, 6, 2, high=8)
