# SPDX-License-Identifier: Apache-2.0
"""mvu_serial: dense layers word by word, exact against numpy under all traffic and at full rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.dataflow.kernels import ProductSerial
from flows.dataflow.latency import counter
from flows.emit.memory import image_text
from flows.sim.run import RunOptions
from tests.hw.kernel.support_mvu import (
    Case,
    Ints,
    Layer,
    layer_row,
    make_case,
    parameters,
    sources,
    write_thresholds,
)
from tests.support.battery import (
    Row,
    build_module,
    check_lint,
    check_rejected,
    check_stream_module,
    lanes,
    rows,
    run_exact,
)

TOP = "mvu_serial"
FILES = sources(TOP, fast=False)
FAST = sources(TOP)

TABLE = (
    layer_row("pixels", "the last convolution: a pixel is a word", c=144, k=1, mh=16, simd=16),
    layer_row("parallel", "PE > 1", c=48, k=1, mh=12, pe=3, simd=12),
    layer_row(
        "two_sums", "NF = 2: read and write addresses alternate", c=40, k=1, mh=4, pe=2, simd=8
    ),
    layer_row("bit_by_bit", "eats a serial producer", c=32, k=1, mh=10, pe=10, simd=1),
    layer_row("one_word", "SF = 1: every step is a whole sum", c=24, k=1, mh=6, pe=2, simd=24),
    layer_row("deep", "sums in block RAM", c=12, k=1, mh=130, simd=4),
    layer_row("logits", "raw sums", c=64, k=1, mh=10, pe=10, simd=8, threshold=False, acc_w=8),
    layer_row(
        "logits_odd", "raw sums, odd MW, serial", c=49, k=1, mh=10, simd=7, threshold=False, acc_w=7
    ),
    layer_row("narrow", "two inputs, one output", c=2, k=1, mh=1),
)


def write_images(folder: Path, layer: Layer, weights: Ints, counted: Ints) -> None:
    """Weights by (sf, nf), thresholds by nf."""
    flat = weights.reshape(layer.nf, layer.pe, layer.sf, layer.lanes).transpose(2, 0, 1, 3)
    words = [
        sum(int(bit) << at for at, bit in enumerate(word))
        for word in flat.reshape(layer.sf * layer.nf, -1)
    ]
    (folder / "weights.mem").write_text("".join(f"{word:x}\n" for word in words))
    if layer.threshold:
        write_thresholds(folder / "thresholds.mem", layer, counted)


def serial_case(layer: Layer, folder: Path, rng: np.random.Generator, vectors: int = 24) -> Case:
    case = make_case(layer, folder, rng, tiles=vectors)
    write_images(folder, layer, case.weights, case.counted)
    return replace(case, inputs=inputs(layer, case.tiles), outputs=expected(layer, case))


def inputs(layer: Layer, vectors: Ints) -> dict[str, Any]:
    return {"s_axis": lanes(vectors.reshape(-1, layer.lanes), bits=1)}


def expected(layer: Layer, case: Case, counted: Ints | None = None) -> dict[str, Any]:
    limits = case.counted if counted is None else counted
    agree = (case.sums + layer.mw) // 2
    values = (agree >= limits).astype(np.int64) if layer.threshold else case.sums
    bits = 1 if layer.threshold else layer.acc_w
    words = values.reshape(-1, layer.pe)
    return {"m_axis": lanes(words, bits=bits, signed=not layer.threshold)}


def kernel_parameters(layer: Layer) -> dict[str, Any]:
    return parameters("mvu_xnor", layer)


def check(layer: Layer, folder: Path, rng: np.random.Generator, files: list[Path]) -> None:
    case = serial_case(layer, folder, rng)
    check_stream_module(
        TOP,
        files,
        parameters=kernel_parameters(layer),
        inputs=case.inputs,
        outputs=case.outputs,
        cwd=folder,
        seed=int(rng.integers(1, 1 << 16)),
    )


@rows(*TABLE)
def test_traffic(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    check(row.parameters["layer"], tmp_path, rng, FAST)


def test_traffic_structural(tmp_path: Path, rng: np.random.Generator) -> None:
    check(Layer(c=60, k=1, mh=6, pe=3, simd=20), tmp_path, rng, FILES)


def build(layer: Layer, case: Case) -> Any:
    return build_module(
        TOP,
        FAST,
        parameters=kernel_parameters(layer),
        inputs=case.inputs,
        outputs=case.outputs,
    )


@rows(*TABLE)
def test_rate_and_latency(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    """A word every NF cycles; results from LAT + 3 cycles after the last word, one a cycle."""
    layer = row.parameters["layer"]
    case = serial_case(layer, tmp_path, rng, vectors=40)
    options = RunOptions(cwd=tmp_path, idle_limit=2000)
    result = run_exact(build(layer, case), case.inputs, case.outputs, options)
    taken, given = result.input_cycles["s_axis"], result.output_cycles["m_axis"]
    assert set(np.diff(taken)) == {layer.nf}
    late = counter(layer.lanes, carry=layer.threshold) + 3
    starts = taken[layer.sf - 1 :: layer.sf]
    beats = starts[:, None] + late + np.arange(layer.nf)
    np.testing.assert_array_equal(given, beats.reshape(-1))


def test_ends_of_range(tmp_path: Path, rng: np.random.Generator) -> None:
    """Thresholds 0, 1, MW and MW + 1, with vectors that agree everywhere and nowhere."""
    layer = Layer(c=33, k=1, mh=4, simd=11)
    case = serial_case(layer, tmp_path, rng)
    counted = np.array([0, 1, layer.mw, layer.mw + 1])
    vectors = case.tiles.copy()
    vectors[4:8] = case.weights
    vectors[8:12] = 1 - case.weights
    signs = (2 * vectors - 1).reshape(len(vectors), -1)
    sums = signs @ (2 * case.weights - 1).reshape(layer.mh, -1).T
    case = replace(case, tiles=vectors, sums=sums, inputs=inputs(layer, vectors))
    write_images(tmp_path, layer, case.weights, counted)
    wanted = expected(layer, case, counted)
    bits = wanted["m_axis"].data.reshape(-1, layer.mh)
    assert bits[:, 0].all() and not bits[:, 3].any() and set(bits[:, 2]) == {0, 1}
    options = RunOptions(cwd=tmp_path, idle_limit=2000)
    run_exact(build(layer, case), case.inputs, wanted, options)


def test_faults_are_found(tmp_path: Path, rng: np.random.Generator) -> None:
    layer = Layer(c=20, k=1, mh=8, pe=2, simd=10)
    case = serial_case(layer, tmp_path, rng, vectors=200)
    simulator = build(layer, case)
    options = RunOptions(cwd=tmp_path, idle_limit=2000)
    run_exact(simulator, case.inputs, case.outputs, options)

    flipped = case.weights.copy()
    flipped[-1, -1, -1, -1] ^= 1
    write_images(tmp_path, layer, flipped, case.counted)
    with pytest.raises(pytest.fail.Exception, match="lane 1 of 2"):
        run_exact(simulator, case.inputs, case.outputs, options)

    moved = case.counted.copy()
    moved[0] += 1
    write_images(tmp_path, layer, case.weights, moved)
    with pytest.raises(pytest.fail.Exception, match="lane 0 of 2"):
        run_exact(simulator, case.inputs, case.outputs, options)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"PE": 3}, "PE must divide MH"),
        ({"SIMD": 7}, "SIMD must divide MW"),
        ({"FIFO_DEPTH": 1}, "FIFO_DEPTH must be"),
        ({"ACC_W": 9, "THRESHOLD": 0}, "ACC_W must hold"),
        ({"W_BITS": 8, "THRESHOLD": 0}, "bits have weights of one bit"),
        ({"IN_BITS": 8, "W_BITS": 8}, "sums of integers leave as they are"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, dict) else "",
)
def test_refuses(values: dict[str, int], match: str) -> None:
    check_rejected(TOP, FILES, parameters=values, match=f"mvu_serial: {match}")


@pytest.mark.nightly
def test_lint() -> None:
    integers = {"IN_BITS": 8, "IN_SIGNED": 1, "W_BITS": 8, "THRESHOLD": 0, "ACC_W": 29}
    for values in (
        {},
        {"MW": 30, "MH": 4, "SIMD": 10, "PE": 2},
        {"THRESHOLD": 0, "PE": 64},
        integers,
        integers | {"MH": 4, "PE": 4, "SIMD": 1, "MW": 12},
    ):
        check_lint(TOP, FILES, parameters=values)


def integer_unit(rng: np.random.Generator, n: int, mh: int, **fields: Any) -> ProductSerial:
    values = {"element_bits": 8, "element_signed": True, "weight_bits": 8, "pe": 1} | fields
    half = 2 ** (values["weight_bits"] - 1)
    weights = rng.integers(-half, half, (mh, n))
    weights[0] = -half  # with inputs at their ends, the ends of the sums
    return ProductSerial(
        height=1,
        width=1,
        channels=n,
        kernel=1,
        stride=1,
        weights=weights,
        thresholds=None,
        m=1,
        rom_block=False,
        bias=rng.integers(-5000, 5000, mh),
        **values,
    )


def integer_row(name: str, reason: str, **parameters: Any) -> Row:
    return Row(id=name, reason=reason, parameters=parameters)


INTEGERS = (
    integer_row("head", "a pixel is a word", n=48, mh=10, simd=12),
    integer_row("parallel", "PE > 1", n=30, mh=6, pe=3, simd=5),
    integer_row("at_once", "NF = 1: sums in registers", n=24, mh=4, pe=4, simd=6),
    integer_row("one_word", "SF = 1", n=9, mh=5, simd=9),
    integer_row("one_lane", "SIMD = 1", n=16, mh=3, simd=1),
    integer_row(
        "unsigned",
        "elements from 0",
        n=20,
        mh=4,
        simd=4,
        element_signed=False,
        element_bits=5,
        weight_bits=3,
    ),
)


@rows(*INTEGERS)
def test_integers(row: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    """Sums of products with their bias, under all traffic, with a word every NF cycles."""
    unit = integer_unit(rng, **row.parameters)
    low = -(2 ** (unit.element_bits - 1)) if unit.element_signed else 0
    vectors = rng.integers(low, low + 2**unit.element_bits, (24, unit.n))
    vectors[0], vectors[1] = low, low + 2**unit.element_bits - 1
    sums = vectors @ unit.weights.T + unit.bias
    for image in unit.memories():
        name = {"WEIGHT_FILE": "weights.mem", "THRESHOLD_FILE": "thresholds.mem"}[image.parameter]
        (tmp_path / name).write_text(image_text(image.words))
    values = dict(unit.parameters())
    values |= {"WEIGHT_FILE": "weights.mem", "THRESHOLD_FILE": "thresholds.mem"}
    words = vectors.reshape(-1, unit.simd)
    given = {"s_axis": lanes(words, bits=unit.element_bits, signed=unit.element_signed)}
    wanted = {"m_axis": lanes(sums.reshape(-1, unit.pe), bits=unit.accumulator_bits, signed=True)}
    check_stream_module(
        TOP,
        FAST,
        parameters=values,
        inputs=given,
        outputs=wanted,
        cwd=tmp_path,
        seed=int(rng.integers(1, 1 << 16)),
    )
    simulator = build_module(TOP, FAST, parameters=values, inputs=given, outputs=wanted)
    result = run_exact(simulator, given, wanted, RunOptions(cwd=tmp_path, idle_limit=2000))
    taken, left = result.input_cycles["s_axis"], result.output_cycles["m_axis"]
    assert set(np.diff(taken)) == {unit.nf}
    late = 2 + (unit.simd - 1).bit_length() + 3
    beats = taken[unit.sf - 1 :: unit.sf][:, None] + late + np.arange(unit.nf)
    np.testing.assert_array_equal(left, beats.reshape(-1))
