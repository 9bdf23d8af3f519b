# SPDX-License-Identifier: Apache-2.0
"""stream_add: the graph's Add for every pair of values, and `saturate` at every kind of bound."""

import numpy as np
import pytest

from flows.dataflow.kernels import StreamAdd
from flows.dataflow.kernels.base import numbers
from flows.errors import FoldingError, UnsupportedModelError
from flows.streamline.graph import Add, compute
from tests.support.battery import Row, check_rejected, rows
from tests.support.kernels import check_kernel, image_of, in_graph, pixels, random_frames, sources

TOP = "stream_add"


def every_pair(kernel: StreamAdd, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Each lane sees each pair of values once, in an order of its own."""
    a_values, b_values = (
        np.arange(2**s.bits) - (2 ** (s.bits - 1) if s.signed else 0) for s in (kernel.a, kernel.b)
    )
    pairs = np.stack(np.meshgrid(a_values, b_values), axis=-1).reshape(-1, 2)
    shuffled = np.stack([rng.permutation(pairs) for _ in range(kernel.a.channels)], axis=1)
    return shuffled[:, None, None, :, 0], shuffled[:, None, None, :, 1]


@rows(
    Row(id="residual", reason="equal widths, full range", parameters={"low": -8, "high": 7}),
    Row(id="folded", reason="PE < C", parameters={"pe": 2, "low": -8, "high": 7}),
    Row(id="serial", reason="PE = 1", parameters={"pe": 1, "low": -8, "high": 7}),
    Row(id="relu", reason="unsigned codes", parameters={"low": 0, "high": 7, "bits": 3}),
    Row(id="inner", reason="bounds inside the range", parameters={"low": -5, "high": 6}),
    Row(id="positive", reason="both bounds above zero", parameters={"low": 2, "high": 5}),
    Row(
        id="widening",
        reason="nothing clips",
        parameters={"low": -16, "high": 15, "bits": 5},
    ),
    Row(
        id="mixed",
        reason="unsigned beside signed",
        parameters={
            "a": image_of(4, bits=4, signed=False),
            "b": image_of(4, bits=3),
            "low": -4,
            "high": 3,
            "bits": 3,
            "pe": 2,
        },
    ),
    Row(
        id="bits",
        reason="+-1 each",
        parameters={
            "a": image_of(3, bits=1, signed=False),
            "b": image_of(3, bits=1, signed=False),
            "low": -1,
            "high": 1,
            "bits": 2,
            "pe": 3,
        },
    ),
)
def test_every_pair(row: Row, rng: np.random.Generator, seed: int, tmp_path) -> None:
    codes = image_of(6, bits=4)
    kernel = StreamAdd(**{"a": codes, "b": codes, "bits": 4, "pe": 6, **row.parameters})
    a, b = every_pair(kernel, rng)
    node = Add(name="add", inputs=("a", "b"), low=kernel.low, high=kernel.high)
    expected = compute(node, [in_graph(kernel.a, a), in_graph(kernel.b, b)])
    assert (kernel.join(a, b) == expected).all()
    exact = numbers(kernel.a, a) + numbers(kernel.b, b)
    clips = (exact < kernel.low).any() or (exact > kernel.high).any()
    assert clips or row.id == "widening"

    runs = check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis_a": pixels(kernel.a, a), "s_axis_b": pixels(kernel.b, b)},
        outputs={"m_axis": pixels(kernel.output, expected)},
        seed=seed,
    )

    for result in (runs["none"], runs["random"], runs["burst"]):
        taken = result.input_cycles["s_axis_a"]
        assert (taken == result.input_cycles["s_axis_b"]).all(), "taken together"
    free = runs["none"]
    folds = kernel.a.channels // kernel.pe
    delay = free.output_cycles["m_axis"] - free.input_cycles["s_axis_a"]
    assert set(delay) == {1 if folds == 1 else 2}
    assert set(np.diff(free.input_cycles["s_axis_a"])) == {folds}
    assert kernel.cycles() == folds


def test_wide(rng: np.random.Generator, seed: int, tmp_path) -> None:
    """16 bits, random and at the ends of the range."""
    codes = image_of(8, bits=16)
    kernel = StreamAdd(a=codes, b=codes, bits=16, low=-(2**15), high=2**15 - 1, pe=4)
    a, b = random_frames(codes, 300, rng), random_frames(codes, 300, rng)
    b[2:4] = a[1], a[0]
    expected = np.clip(a + b, kernel.low, kernel.high)
    check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis_a": pixels(codes, a), "s_axis_b": pixels(codes, b)},
        outputs={"m_axis": pixels(kernel.output, expected)},
        seed=seed,
    )


def test_faults_are_found(rng: np.random.Generator, seed: int, tmp_path) -> None:
    """Negative control: the other clip bound is another module."""
    codes = image_of(2, bits=4)
    kernel = StreamAdd(a=codes, b=codes, bits=4, low=-8, high=6, pe=2)
    a, b = every_pair(kernel, rng)
    expected = np.clip(a + b, -8, 7)
    with pytest.raises(pytest.fail.Exception, match="expected 7, got 6"):
        check_kernel(
            kernel,
            tmp_path,
            inputs={"s_axis_a": pixels(codes, a), "s_axis_b": pixels(codes, b)},
            outputs={"m_axis": pixels(kernel.output, expected)},
            seed=seed,
        )


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("C must be at least 1", {"C": 0}),
        ("PE must divide C", {"PE": 3}),
        ("A_BITS and B_BITS must be at least 1", {"A_BITS": 0}),
        ("LOW and HIGH must fit in OUT_BITS", {"HIGH": 128}),
        ("LOW and HIGH must fit in OUT_BITS", {"LOW": -129}),
        ("LOW must not exceed HIGH", {"LOW": 5, "HIGH": 4}),
        ("OUT_BITS must be 1 to 31", {"OUT_BITS": 32}),
    ):
        check_rejected(TOP, sources(TOP), parameters=parameters, match=match)


def test_refuses_in_python() -> None:
    codes = image_of(6, bits=4)
    with pytest.raises(FoldingError, match="PE = 4 does not divide 6; legal: 1, 2, 3, 6"):
        StreamAdd(a=codes, b=codes, bits=4, low=-8, high=7, pe=4)
    with pytest.raises(UnsupportedModelError, match=r"hold -8\.\.7"):
        StreamAdd(a=codes, b=codes, bits=4, low=-8, high=8, pe=6)
    with pytest.raises(UnsupportedModelError, match="one shape"):
        StreamAdd(a=codes, b=image_of(5), bits=4, low=-8, high=7, pe=6)
