# SPDX-License-Identifier: Apache-2.0
"""requant, and its leaf requant_lane: the graph's Requant, every accumulator of each channel."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.dataflow.kernels import Affine
from flows.dataflow.kernels import Requant as RequantKernel
from flows.dataflow.stream import Stream
from flows.emit.memory import image_text
from flows.sim.run import RunOptions
from flows.streamline import graph
from tests.support.battery import Row, build_module, check_rejected, rows, run_exact
from tests.support.kernels import (
    check_kernel,
    image_of,
    pixels,
    random_frames,
    sources,
    with_memories,
)

TOP = "requant"


def random_node(
    channels: int,
    stream: Stream,
    rng: np.random.Generator,
    *,
    slopes: int = 1,
    shift: int = 6,
    low: int = -128,
    high: int = 127,
    mul_bits: int = 8,
) -> graph.Requant:
    """Factors of both signs, zero among them; the middle of the stream is near the codes' middle.

    Thresholds lie inside the stream's range, at its ends, and beyond them.
    """
    most = 2 ** (mul_bits - 1)
    mul = rng.integers(-most, most, (slopes, channels))
    mul[0, 0] = -most
    mul[-1, -1] = 0 if channels > 1 else mul[0, 0]
    add = rng.integers(-(2 ** (shift + 3)), 2 ** (shift + 3), (slopes, channels)) + 2**shift // 2
    least = -(2 ** (stream.bits - 1)) if stream.signed else 0
    thresholds = rng.integers(least, least + 2**stream.bits, channels)
    thresholds[:4] = [least, least + 2**stream.bits - 1, least - 5, least + 2**stream.bits][
        :channels
    ]
    two = slopes == 2
    return graph.Requant(
        name="requant",
        inputs=("x",),
        mul=mul,
        add=add,
        shift=shift,
        low=low,
        high=high,
        thresholds=thresholds if two else None,
        falling=rng.integers(0, 2, channels).astype(bool) if two else None,
    )


def kernel_of(node: graph.Requant, stream: Stream, bits: int, pe: int, **more: Any) -> Any:
    affine = Affine(
        mul=node.mul,
        add=node.add,
        thresholds=node.thresholds,
        falling=node.falling,
        shift=node.shift,
        low=node.low,
        high=node.high,
        bits=bits,
    )
    return RequantKernel(stream=stream, affine=affine, pe=pe, **more)


TABLE = (
    Row(id="serial", reason="one lane, the usual form", parameters={"pe": 1}),
    Row(id="folded", reason="two lanes", parameters={"pe": 2}),
    Row(id="parallel", reason="PE = C: no gathering", parameters={"pe": 6}),
    Row(id="two_slopes", reason="sides chosen", parameters={"pe": 1, "slopes": 2}),
    Row(
        id="two_slopes_unsigned",
        reason="unsigned comparison, ReLU codes",
        parameters={"pe": 3, "slopes": 2, "signed": False, "low": 0, "high": 255},
    ),
    Row(
        id="unsigned",
        reason="unsigned accumulators",
        parameters={"pe": 2, "signed": False, "low": -8, "high": 7, "bits": 4},
    ),
    Row(id="no_shift", reason="SHIFT = 0", parameters={"pe": 2, "shift": 0, "mul_bits": 2}),
    Row(
        id="inner",
        reason="bounds inside the range of the codes",
        parameters={"pe": 6, "low": -100, "high": 55},
    ),
    Row(
        id="wide",
        reason="16 bit codes, nothing clips at the top",
        parameters={"pe": 3, "low": -(2**15), "high": 2**15 - 1, "bits": 16, "shift": 1},
    ),
    Row(id="one_channel", reason="C = 1", parameters={"pe": 1, "channels": 1}),
    Row(id="block", reason="words in block RAM", parameters={"pe": 1, "rom_block": True}),
)


@rows(*TABLE)
def test_every_accumulator(row: Row, rng: np.random.Generator, seed: int, tmp_path: Path) -> None:
    p = {"channels": 6, "signed": True, "bits": 8, "rom_block": False, **row.parameters}
    channels, pe, bits = p.pop("channels"), p.pop("pe"), p.pop("bits")
    block = p.pop("rom_block")
    stream = image_of(channels, bits=9, signed=p.pop("signed"))
    node = random_node(channels, stream, rng, **p)
    kernel = kernel_of(node, stream, bits, pe, rom_block=block)
    least = -256 if stream.signed else 0
    values = np.stack([rng.permutation(np.arange(least, least + 512)) for _ in range(channels)], 1)
    frames = values[:, None, None, :]
    expected = graph.compute(node, [frames])
    assert (kernel.compute(frames) == expected).all()
    assert row.id == "wide" or {node.low, node.high} <= set(np.unique(expected)), "both ends clip"

    runs = check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis": pixels(stream, frames)},
        outputs={"m_axis": pixels(kernel.output, expected)},
        seed=seed,
    )

    taken, given = runs["none"].input_cycles["s_axis"], runs["none"].output_cycles["m_axis"]
    latency = 3 + len(node.mul) + (1 if pe == channels else 2)
    assert set(given - taken) == {latency}
    assert set(np.diff(taken)) == {channels // pe}, "no bubble"
    assert kernel.cycles() == channels // pe


@pytest.mark.parametrize("slopes", [1, 2])
def test_widest_operands_of_a_dsp(
    slopes: int, rng: np.random.Generator, seed: int, tmp_path: Path
) -> None:
    """25 bit accumulators, 18 bit factors, 40 bit addends: corners and random values."""
    stream = image_of(8, bits=25)
    node = random_node(8, stream, rng, slopes=slopes, shift=34, mul_bits=18)
    node.add[0, :2] = -(2**39), 2**39 - 1
    kernel = kernel_of(node, stream, 8, 2)
    assert (kernel.affine.mul_bits, kernel.affine.add_bits) == (18, 40)
    frames = random_frames(stream, 400, rng)
    expected = graph.compute(node, [frames])
    assert len(np.unique(expected)) > 100
    check_kernel(
        kernel,
        tmp_path,
        inputs={"s_axis": pixels(stream, frames)},
        outputs={"m_axis": pixels(kernel.output, expected)},
        seed=seed,
    )


def test_faults_are_found(rng: np.random.Generator, tmp_path: Path) -> None:
    """Negative control: one flipped bit of each part of a word changes its channel only."""
    stream = image_of(4, bits=9)
    node = random_node(4, stream, rng, slopes=2, shift=6)
    node.mul[:, 2], node.add[:, 2] = [40, -30], [100, 200]
    node.thresholds[2], node.falling[2] = 20, False
    kernel = kernel_of(node, stream, 8, 2)
    frames = np.repeat(np.arange(-256, 256)[:, None, None, None], 4, axis=3)
    inputs = {"s_axis": pixels(stream, frames)}
    outputs = {"m_axis": pixels(kernel.output, kernel.compute(frames))}
    parameters = with_memories(kernel, tmp_path)
    build = build_module(TOP, sources(TOP), parameters=parameters, inputs=inputs, outputs=outputs)
    options = RunOptions(cwd=tmp_path, idle_limit=2000)
    run_exact(build, inputs, outputs, options)

    words = kernel.memories()[0].words
    mul, add = kernel.affine.mul_bits, kernel.affine.add_bits
    side = mul + add
    at_6 = {"mul0": 0, "add0": mul + 6, "mul1": side, "add1": side + mul + 6, "t": 2 * side}
    for offset in (*at_6.values(), words.shape[1] // 2 - 1):
        flipped = words.copy()
        flipped[1, offset] ^= 1  # word 1, field 0: channel 2
        (tmp_path / "affine_file.mem").write_text(image_text(flipped))
        with pytest.raises(pytest.fail.Exception, match="lane 2 of 4"):
            run_exact(build, inputs, outputs, options)


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("must be at least 1", {"C": 0}),
        ("PE must divide C", {"PE": 3}),
        ("SLOPES must be 1 or 2", {"SLOPES": 3}),
        ("SHIFT must be less than the width of the sum", {"SHIFT": 27}),
        ("LOW and HIGH must fit in OUT_BITS", {"LOW": -200}),
    ):
        check_rejected(TOP, sources(TOP), parameters=parameters, match=match)
