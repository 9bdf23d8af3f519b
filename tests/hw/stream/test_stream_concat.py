# SPDX-License-Identifier: Apache-2.0
"""stream_concat: the graph's concat, elements of two widths extended to one."""

import numpy as np
import pytest

from flows.dataflow.kernels import StreamConcat
from flows.errors import UnsupportedModelError
from flows.streamline.graph import Concat, compute
from tests.support.battery import Row, check_rejected, rows
from tests.support.kernels import check_kernel, image_of, pixels, random_frames, sources

BITS = {"bits": 1, "signed": False}


@rows(
    Row(id="bits", reason="dense block", parameters={"a": (5, BITS), "b": (3, BITS)}),
    Row(
        id="mixed",
        reason="both extended: a by its sign, b by a zero",
        parameters={"a": (2, {"bits": 3}), "b": (3, {"bits": 5, "signed": False})},
    ),
    Row(
        id="unsigned",
        reason="widths only",
        parameters={"a": (1, {"bits": 9, "signed": False}), "b": (4, {"bits": 2, "signed": False})},
    ),
)
def test_joins(row: Row, rng: np.random.Generator, seed: int, tmp_path) -> None:
    (ca, a_type), (cb, b_type) = row.parameters["a"], row.parameters["b"]
    kernel = StreamConcat(a=image_of(ca, **a_type), b=image_of(cb, **b_type))
    a, b = random_frames(kernel.a, 150, rng), random_frames(kernel.b, 150, rng)
    expected = compute(Concat(name="c", inputs=("a", "b")), [a, b])
    assert (kernel.join(a, b) == expected).all()

    runs = check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis_a": pixels(kernel.a, a), "s_axis_b": pixels(kernel.b, b)},
        outputs={"m_axis": pixels(kernel.output, expected)},
        seed=seed,
    )

    for result in runs.values():
        for name in ("s_axis_a", "s_axis_b"):
            if len(result.input_cycles[name]) == len(a):
                assert (result.input_cycles[name] == result.output_cycles["m_axis"]).all()
    assert (np.diff(runs["none"].output_cycles["m_axis"]) == 1).all(), "one beat per cycle"


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("CA and CB must be at least 1", {"CA": 0}),
        ("A_BITS and B_BITS must be at least 1", {"B_BITS": 0}),
        ("OUT_BITS must hold A_BITS and B_BITS", {"A_BITS": 2}),
    ):
        check_rejected(
            "stream_concat", sources("stream_concat"), parameters=parameters, match=match
        )


def test_refuses_bits_beside_integers() -> None:
    with pytest.raises(UnsupportedModelError, match="join bits only"):
        StreamConcat(a=image_of(2, bits=1, signed=False), b=image_of(2))
    with pytest.raises(UnsupportedModelError, match="height and width"):
        StreamConcat(a=image_of(2), b=image_of(2, pixels=3))
