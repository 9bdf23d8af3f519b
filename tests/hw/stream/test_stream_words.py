# SPDX-License-Identifier: Apache-2.0
"""stream_words: the words of a beat in order, while the beat stands at the input."""

import numpy as np

from tests.support.battery import Row, check_rejected, check_stream_module, lanes, rows
from tests.support.kernels import sources

TOP = "stream_words"


@rows(
    Row(id="same", reason="wires", parameters={"W": 5, "N": 1}),
    Row(id="two", reason="shortest count", parameters={"W": 1, "N": 2}),
    Row(id="odd", reason="not a power of two", parameters={"W": 9, "N": 7}),
)
def test_gives_every_word(row: Row, rng: np.random.Generator, seed: int) -> None:
    w, n = row.parameters["W"], row.parameters["N"]
    bits = rng.integers(0, 2, (80, n, w))

    runs = check_stream_module(
        TOP,
        sources(TOP),
        parameters=row.parameters,
        inputs={"s_axis": lanes(bits.reshape(80, -1), bits=1)},
        outputs={"m_axis": lanes(bits.reshape(80 * n, w), bits=1)},
        seed=seed,
    )

    taken, given = runs["none"].input_cycles["s_axis"], runs["none"].output_cycles["m_axis"]
    assert (given[n - 1 :: n] == taken).all(), "a beat is taken with its last word"
    assert (np.diff(given) == 1).all(), "one word per cycle"


def test_rejects_parameters() -> None:
    for name in ("W", "N"):
        match = f"{name} must be at least 1"
        check_rejected(TOP, sources(TOP), parameters={name: 0}, match=match)
