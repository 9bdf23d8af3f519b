# SPDX-License-Identifier: Apache-2.0
"""stream_shuffle: the graph's channel shuffle, as wires."""

import numpy as np

from flows.dataflow.kernels import StreamShuffle
from flows.streamline.graph import Shuffle, compute
from tests.support.battery import Row, check_rejected, rows
from tests.support.kernels import check_kernel, image_of, pixels, random_frames, sources


@rows(
    Row(id="bits", reason="two groups of bits", parameters={"channels": 8, "groups": 2}),
    Row(id="codes", reason="odd", parameters={"channels": 15, "groups": 3, "bits": 5}),
    Row(id="identity", reason="one group", parameters={"channels": 4, "groups": 1}),
    Row(id="all", reason="one channel a group", parameters={"channels": 4, "groups": 4}),
)
def test_shuffles(row: Row, rng: np.random.Generator, seed: int, tmp_path) -> None:
    shape = {"bits": 1, "signed": False, **row.parameters}
    groups = shape.pop("groups")
    stream = image_of(**shape)
    frames = random_frames(stream, 120, rng)
    expected = compute(Shuffle(name="s", inputs=("x",), groups=groups), [frames])
    assert groups in (1, stream.channels) or (expected != frames).any()
    kernel = StreamShuffle(stream=stream, groups=groups)
    assert (kernel.compute(frames) == expected).all()

    runs = check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis": pixels(stream, frames)},
        outputs={"m_axis": pixels(stream, expected)},
        seed=seed,
    )

    free = runs["none"]
    assert (free.output_cycles["m_axis"] == free.input_cycles["s_axis"]).all(), "latency 0"


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("C must be at least 1", {"C": 0}),
        ("GROUPS must divide C", {"GROUPS": 3}),
        ("BITS must be at least 1", {"BITS": 0}),
    ):
        check_rejected(
            "stream_shuffle", sources("stream_shuffle"), parameters=parameters, match=match
        )
