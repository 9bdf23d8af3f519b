# SPDX-License-Identifier: Apache-2.0
"""label_select: index of the largest signed value, the lowest index on ties."""

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

SOURCES = [ROOT / "hw/kernel/label_select.sv"]


@rows(
    Row(id="ten", reason="ten classes", parameters={"N": 10, "W": 11, "IDX_W": 4}),
    Row(id="ties", reason="few values, many ties", parameters={"N": 7, "W": 2, "IDX_W": 3}),
    Row(id="two", reason="0 and -1 only", parameters={"N": 2, "W": 1, "IDX_W": 1}),
    Row(id="one", reason="a single class", parameters={"N": 1, "W": 5, "IDX_W": 1}),
    Row(
        id="wide_index", reason="index wider than needed", parameters={"N": 16, "W": 17, "IDX_W": 8}
    ),
)
def test_selects_the_largest(row: Row, rng: np.random.Generator, seed: int) -> None:
    n, width = row.parameters["N"], row.parameters["W"]
    half = 2 ** (width - 1)
    logits = rng.integers(-half, half, (200, n))
    logits[0], logits[1] = -half, half - 1  # all equal, at both ends
    labels = logits.argmax(axis=1)  # numpy too takes the first of equals
    assert set(labels) == set(range(n)), "every class must win once"

    runs = check_stream_module(
        "label_select",
        SOURCES,
        parameters=row.parameters,
        inputs={"s_axis": lanes(logits, bits=width, signed=True)},
        outputs={"m_axis": lanes(labels, bits=row.parameters["IDX_W"])},
        seed=seed,
    )

    taken = runs["none"].input_cycles["s_axis"]
    given = runs["none"].output_cycles["m_axis"]
    assert (np.diff(taken) == n).all(), "taken N - 1 cycles after it is offered, N cycles per beat"
    assert (given - taken == 1).all(), "the label follows the last logit by one cycle"


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("N must be at least 1", {"N": 0}),
        ("W must be at least 1", {"W": 0}),
        ("IDX_W must hold N - 1", {"N": 17}),
    ):
        check_rejected("label_select", SOURCES, parameters=parameters, match=match)
