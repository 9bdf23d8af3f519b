# SPDX-License-Identifier: Apache-2.0
"""Forms of the compute units: groups, zero padding, codes, weights of several bits.

Each unit is held against the integer graph's convolution and requant; tiles are cut in numpy. What
serves the units only is tested here with them: mvu_result, border_words, dot_product.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.dataflow.kernels import Affine, Border, ConvXnor, MatrixUnit, MvuInt, MvuProduct
from flows.dataflow.latency import unit as unit_latency
from flows.errors import FoldingError, UnsupportedModelError
from flows.sim.run import RunOptions
from flows.streamline import graph
from tests.support.battery import Beats, Row, build_module, lanes, rows, run_exact
from tests.support.kernels import check_kernel, pixels, sources, with_memories

FRAMES = 3
FAST = {"XNORFLOW_FAST_SIM": "1"}  # counters as simulators like them, quicker to build


@dataclass(frozen=True, kw_only=True)
class Case:
    """A convolution, how it is folded, and what leaves it."""

    c: int = 4
    mh: int = 6
    k: int = 3
    stride: int = 1
    size: tuple[int, int] = (5, 6)
    pad: int = 0
    pad_value: int | None = 0
    groups: int = 1
    pe: int = 1
    simd: int = 0
    m: int = 1
    in_bits: int = 1
    signed: bool = False
    weight_bits: int = 1
    result: str = "bits"
    slopes: int = 1


def affine_for(sums: np.ndarray, slopes: int, rng: np.random.Generator) -> Affine:
    """Factors that spread each channel's sums over the codes, and over both ends."""
    channels = sums.shape[-1]
    spread = np.abs(sums.reshape(-1, channels)).max(axis=0) + 1
    shift = int(np.ceil(np.log2(spread.max()))) + 4
    mul = np.maximum(1, 400 * 2**shift // (2 * spread)) * rng.choice([-1, 1], (slopes, channels))
    mul = np.minimum(np.abs(mul), 2**17 - 1) * np.sign(mul)
    add = rng.integers(-(2 ** (shift + 3)), 2 ** (shift + 3), (slopes, channels))
    two = slopes == 2
    return Affine(
        mul=mul,
        add=add,
        thresholds=rng.integers(-2, 3, channels) if two else None,
        falling=rng.integers(0, 2, channels).astype(bool) if two else None,
        shift=shift,
        low=-128,
        high=127,
        bits=8,
    )


def make(case: Case, rng: np.random.Generator) -> tuple[MatrixUnit, np.ndarray, np.ndarray]:
    """The unit, its input frames (padded as `swu` pads), and the graph's results."""
    h, w = case.size
    if case.weight_bits == 1:
        weights = rng.choice([-1, 1], (case.mh, case.k, case.k, case.c // case.groups))
    else:
        most = 2 ** (case.weight_bits - 1)
        weights = rng.integers(-most, most, (case.mh, case.k, case.k, case.c // case.groups))
        weights[0], weights[-1] = -most, most - 1
    least = -(2 ** (case.in_bits - 1)) if case.signed else 0
    frames = rng.integers(least, least + 2**case.in_bits, (FRAMES, h, w, case.c))
    frames[0], frames[1] = least, least + 2**case.in_bits - 1
    bias = rng.integers(-90, 90, case.mh) if case.weight_bits > 1 else np.zeros(case.mh, np.int64)
    node = graph.Convolution(
        name="conv",
        inputs=("x",),
        weights=weights.astype(np.int64),
        kernel=case.k,
        stride=case.stride,
        pad=case.pad,
        pad_value=case.pad_value,
        groups=case.groups,
        weight_bits=case.weight_bits,
        bias=bias,
    )
    bits = case.in_bits == 1
    sums = graph.compute(node, [frames.astype(bool) if bits else frames])
    beside = ((0, 0), (case.pad, case.pad), (case.pad, case.pad), (0, 0))
    padded = np.pad(frames, beside, constant_values=case.pad_value or 0)
    unit = unit_for(case, node, sums, rng)
    if unit.affine is not None:
        expected = unit.affine.compute(sums)
        assert {-128, 127} <= set(np.unique(expected)), "both ends clip"
    elif unit.thresholds is not None:
        expected = (sums >= unit.thresholds).astype(np.int64)
        assert expected.any() and not expected.all()
    else:
        expected = sums
    return unit, padded, expected


def unit_for(
    case: Case, node: graph.Convolution, sums: np.ndarray, rng: np.random.Generator
) -> MatrixUnit:
    flat = sums.reshape(-1, case.mh)
    thresholds = np.array([rng.choice(np.unique(flat[:, o])) for o in range(case.mh)])
    border = None
    if case.pad and case.pad_value is None:
        border = Border(
            height=case.size[0],
            width=case.size[1],
            kernel=case.k,
            stride=case.stride,
            pad=case.pad,
            m=case.m,
        )
    common: dict[str, Any] = {
        "height": sums.shape[1],
        "width": sums.shape[2],
        "channels": case.c,
        "kernel": case.k,
        "stride": case.stride,
        "weights": node.weights.reshape(case.mh, -1),
        "thresholds": thresholds if case.result == "bits" else None,
        "affine": affine_for(sums, case.slopes, rng) if case.result == "codes" else None,
        "pe": case.pe,
        "simd": case.simd or case.k**2 * case.c // case.groups,
        "m": case.m,
        "rom_block": False,
        "groups": case.groups,
        "border": border,
    }
    if case.weight_bits > 1:
        return MvuProduct(
            **common,
            element_bits=case.in_bits,
            element_signed=case.signed,
            weight_bits=case.weight_bits,
            bias=node.bias,
        )
    return (ConvXnor if case.in_bits == 1 else MvuInt)(**common)


def tiles(unit: MatrixUnit, padded: np.ndarray) -> Beats:
    """Beats of K rows x T columns x C elements, in the order in which `swu` sends them."""
    step = unit.m * unit.stride
    cut = [
        frame[y * unit.stride :, x * step :][: unit.kernel, : unit.tile_columns].ravel()
        for frame in padded
        for y in range(unit.height)
        for x in range(unit.width // unit.m)
    ]
    return lanes(np.stack(cut), bits=unit.in_bits)


TABLE = (
    Row(id="groups", reason="two groups", parameters={"case": Case(groups=2, pe=2, c=8)}),
    Row(
        id="groups_folded",
        reason="SF > 1, two lanes a group, neighbours",
        parameters={"case": Case(groups=2, pe=4, mh=8, c=4, simd=6, m=2)},
    ),
    Row(
        id="depthwise",
        reason="one channel a group",
        parameters={"case": Case(groups=4, pe=4, mh=4, c=4)},
    ),
    Row(
        id="groups_raw",
        reason="sums of groups",
        parameters={"case": Case(groups=3, pe=3, mh=6, c=6, result="sums")},
    ),
    Row(id="minus", reason="-1 beside the image", parameters={"case": Case(pad=1, pad_value=0)}),
    Row(id="plus", reason="+1 beside the image", parameters={"case": Case(pad=1, pad_value=1)}),
    Row(
        id="zero",
        reason="nothing beside the image, 3 x 3 classes",
        parameters={"case": Case(pad=1, pad_value=None, pe=2)},
    ),
    Row(
        id="zero_neighbours",
        reason="classes of tiles, SF > 1",
        parameters={"case": Case(pad=1, pad_value=None, m=2, simd=9, c=3, mh=4)},
    ),
    Row(
        id="zero_stride",
        reason="an edge that no window reaches over",
        parameters={"case": Case(pad=1, pad_value=None, stride=2, size=(6, 8), m=2)},
    ),
    Row(
        id="zero_wide",
        reason="K = 5: 5 x 5 classes, groups",
        parameters={"case": Case(k=5, pad=2, pad_value=None, size=(6, 7), groups=2, pe=2)},
    ),
    Row(
        id="zero_small",
        reason="windows larger than the image",
        parameters={"case": Case(k=5, pad=2, pad_value=None, size=(2, 1))},
    ),
    Row(
        id="zero_raw",
        reason="sums behind zeros",
        parameters={"case": Case(pad=1, pad_value=None, result="sums", m=3)},
    ),
    Row(
        id="codes",
        reason="requant behind the sums",
        parameters={"case": Case(result="codes", c=16, pe=2, m=2)},
    ),
    Row(
        id="codes_everything",
        reason="two slopes, groups, zeros, SF > 1",
        parameters={
            "case": Case(
                result="codes",
                slopes=2,
                c=16,
                groups=2,
                pe=4,
                mh=8,
                m=2,
                simd=24,
                pad=1,
                pad_value=None,
            )
        },
    ),
    Row(
        id="pixels_codes",
        reason="1-bit weights on pixels, requant",
        parameters={"case": Case(in_bits=8, c=3, result="codes", simd=9)},
    ),
    Row(
        id="stem",
        reason="8 bit weights on pixels, bits out",
        parameters={"case": Case(in_bits=8, weight_bits=8, c=3, simd=9, m=2, pad=1, pad_value=128)},
    ),
    Row(
        id="stem_codes",
        reason="8 bit weights on pixels, requant with two slopes",
        parameters={"case": Case(in_bits=8, weight_bits=8, c=3, simd=3, result="codes", slopes=2)},
    ),
    Row(
        id="downsample",
        reason="1 x 1, signed codes",
        parameters={
            "case": Case(
                in_bits=8, signed=True, weight_bits=8, k=1, c=8, simd=2, pe=2, result="codes"
            )
        },
    ),
    Row(
        id="head",
        reason="dense, sums out",
        parameters={
            "case": Case(
                in_bits=6,
                signed=True,
                weight_bits=8,
                k=1,
                size=(1, 1),
                c=20,
                simd=5,
                mh=10,
                pe=2,
                result="sums",
            )
        },
    ),
    Row(
        id="narrow",
        reason="2 bit weights, whole window at once, groups",
        parameters={
            "case": Case(in_bits=3, signed=True, weight_bits=2, c=6, groups=3, pe=3, result="sums")
        },
    ),
)


@rows(*TABLE)
def test_equals_the_graph(row: Row, rng: np.random.Generator, seed: int, tmp_path: Path) -> None:
    unit, padded, expected = make(row.parameters["case"], rng)
    assert (unit.compute(padded) == expected).all()

    runs = check_kernel(
        unit,
        tmp_path,
        inputs={"s_axis": tiles(unit, padded)},
        outputs={"m_axis": pixels(unit.output, expected)},
        seed=seed,
        defines=FAST,
    )

    taken, given = runs["none"].input_cycles["s_axis"], runs["none"].output_cycles["m_axis"]
    assert given[0] - taken[0] == unit.nf * unit.sf + unit_latency(unit)
    interval = max(unit.nf * unit.sf, unit.m)
    assert set(np.diff(taken)) <= {interval} or unit.m > unit.nf * unit.sf
    assert given[-1] - given[0] == (len(taken) - 1) * interval + unit.m - 1


@pytest.mark.parametrize("image", ["WEIGHT_FILE", "THRESHOLD_FILE", "AFFINE_FILE"])
def test_faults_are_found(image: str, rng: np.random.Generator, tmp_path: Path) -> None:
    """Negative control: one bit of one image, in the last word and lane: the last channel."""
    case = Case(result="codes", c=8, groups=2, pe=2, mh=4, pad=1, pad_value=None)
    unit, padded, expected = make(case, rng)
    inputs = {"s_axis": tiles(unit, padded)}
    outputs = {"m_axis": pixels(unit.output, expected)}
    build = build_module(
        unit.module,
        sources(unit.module),
        parameters=with_memories(unit, tmp_path),
        inputs=inputs,
        outputs=outputs,
        defines=FAST,
    )
    options = RunOptions(cwd=tmp_path, idle_limit=2000)
    run_exact(build, inputs, outputs, options)
    path = tmp_path / f"{image.lower()}.mem"
    words = path.read_text().split()
    digits = len(words[-1])
    memory = next(m for m in unit.memories() if m.parameter == image)
    bit = memory.words.shape[1] // unit.pe  # the lowest one of lane 1
    if image == "AFFINE_FILE":
        bit += unit.affine.mul_bits - 2
    words[-1] = f"{int(words[-1], 16) ^ (1 << bit):0{digits}x}"
    path.write_text("\n".join(words) + "\n")
    with pytest.raises(pytest.fail.Exception, match="lane 3 of 4"):
        run_exact(build, inputs, outputs, options)


def test_refuses_in_python(rng: np.random.Generator) -> None:
    with pytest.raises(FoldingError, match="GROUPS = 2 does not divide 3"):
        make(Case(groups=2, pe=3), rng)
    with pytest.raises(UnsupportedModelError, match="sums over 3 channels with zero padding"):
        make(Case(c=3, pad=1, pad_value=None, result="sums"), rng)
