# SPDX-License-Identifier: Apache-2.0
"""stream_fork: both outputs give every beat; neither waits for the other within a beat."""

import numpy as np

from tests.support.battery import Row, check_rejected, check_stream_module, rows
from tests.support.kernels import image_of, pixels, random_frames, sources

TOP = "stream_fork"


@rows(
    Row(id="bit", reason="narrowest", parameters={"channels": 1, "bits": 1, "signed": False}),
    Row(id="codes", reason="odd width", parameters={"channels": 9, "bits": 7}),
)
def test_copies_every_beat(row: Row, rng: np.random.Generator, seed: int) -> None:
    stream = image_of(**row.parameters)
    beats = pixels(stream, random_frames(stream, 200, rng))

    runs = check_stream_module(
        TOP,
        sources(TOP),
        parameters={"W": stream.beat_bits},
        inputs={"s_axis": beats},
        outputs={"m_axis_a": beats, "m_axis_b": beats},
        seed=seed,
    )

    free = runs["none"]
    for name in ("m_axis_a", "m_axis_b"):
        assert (free.output_cycles[name] == free.input_cycles["s_axis"]).all(), "latency 0"
    assert (np.diff(free.input_cycles["s_axis"]) == 1).all(), "one beat per cycle"
    random = runs["random"]
    ahead = random.output_cycles["m_axis_a"] != random.output_cycles["m_axis_b"]
    assert ahead.any(), "each output takes a beat when it can"


def test_rejects_parameters() -> None:
    match = "W must be at least 1"
    check_rejected(TOP, sources(TOP), parameters={"W": 0}, match=match)
