# SPDX-License-Identifier: Apache-2.0
"""Golden model of the compute kernels in numpy, their memory images, and shared checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flows.dataflow.latency import counter, shared_sums
from flows.emit.project import closure
from flows.sim.run import RunOptions
from flows.sim.verilate import SimulatorBuild
from tests.support.battery import (
    ROOT,
    Beats,
    Row,
    build_module,
    check_stream_module,
    lanes,
    run_exact,
)

HW = ROOT / "hw"

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Shape, folding and arithmetic of one compute kernel."""

    c: int = 8
    k: int = 3
    stride: int = 1
    m: int = 1
    mh: int = 4
    pe: int = 1
    simd: int = 0
    in_bits: int = 1
    bipolar: bool = True
    threshold: bool = True
    acc_w: int = 16
    fifo_depth: int = 32

    @property
    def mw(self) -> int:
        return self.k * self.k * self.c

    @property
    def largest(self) -> int:
        """Largest sum of unsigned inputs."""
        return self.mw * (2**self.in_bits - 1)

    @property
    def lanes(self) -> int:
        return self.simd or self.mw

    @property
    def nf(self) -> int:
        return self.mh // self.pe

    @property
    def sf(self) -> int:
        return self.mw // self.lanes

    @property
    def columns(self) -> int:
        return (self.m - 1) * self.stride + self.k

    @property
    def start_bits(self) -> int:
        if self.threshold:
            return (self.largest + 1).bit_length()
        return self.acc_w - self.bipolar

    def excess(self, weights: Ints) -> Ints:
        """By how much the count of a channel's lanes exceeds its sum of unsigned inputs."""
        return (2**self.in_bits - 1) * (1 - weights).reshape(self.mh, -1).sum(1)

    def starts(self, counted: Ints) -> Ints:
        """Thresholds on the count as what the memory holds: their complements."""
        return ~counted

    @property
    def unit_latency(self) -> int:
        """Cycles from a step to its sum; the RTL is held to `counter` by test_xnor_popcount."""
        if self.nf * self.sf == 1 and self.in_bits > 1 and self.threshold:
            return shared_sums(self.lanes, self.in_bits)
        if self.sf > 1:
            return counter(self.lanes, self.in_bits, carry=self.threshold) + 1
        total = self.start_bits + self.threshold
        return counter(
            self.lanes, self.in_bits, carry=self.threshold, addend=self.start_bits, total=total
        )

    @property
    def latency(self) -> int:
        """Cycles from the transfer of a tile to that of its first pixel."""
        return self.nf * self.sf + self.unit_latency + 2


def reference(layer: Layer, tiles: Ints, weights: Ints) -> Ints:
    """Sums (tile, m, channel) of tiles (n, k, columns, c) and weights (mh, k, k, c) of 0 and 1."""
    signs = 2 * weights - 1
    inputs = 2 * tiles - 1 if layer.bipolar else tiles
    windows = np.stack(
        [inputs[:, :, p * layer.stride : p * layer.stride + layer.k] for p in range(layer.m)], 1
    )
    sums: Ints = np.einsum("nphwc,ohwc->npo", windows, signs)
    return sums


def reachable_thresholds(layer: Layer, sums: Ints, rng: np.random.Generator) -> Ints:
    """Per channel a threshold that some of its sums reach and others miss."""
    chosen = np.empty(layer.mh, np.int64)
    for channel in range(layer.mh):
        values = np.unique(sums[..., channel])
        assert len(values) > 1, "the stimulus has one sum only"
        chosen[channel] = rng.choice(values[1:])
    return chosen


def on_counts(layer: Layer, thresholds: Ints, weights: Ints) -> Ints:
    """Thresholds on sums as thresholds on what the counters count."""
    if layer.bipolar:
        return -((-thresholds - layer.mw) // 2)
    return thresholds + layer.excess(weights)


def write_weights(path: Path, layer: Layer, weights: Ints) -> None:
    """One word per (nf, sf): bit pe*SIMD + simd."""
    flat = weights.reshape(layer.nf, layer.pe, layer.sf, layer.lanes)
    words = flat.transpose(0, 2, 1, 3).reshape(layer.nf * layer.sf, -1)
    _write(path, [sum(int(bit) << at for at, bit in enumerate(word)) for word in words])


def write_thresholds(path: Path, layer: Layer, counted: Ints) -> None:
    """What the sums begin with for thresholds on the count."""
    write_starts(path, layer, layer.starts(counted))


def write_starts(path: Path, layer: Layer, starts: Ints) -> None:
    """One word per nf: field pe."""
    width = layer.start_bits
    words = []
    for fields in starts.reshape(layer.nf, layer.pe):
        words.append(sum((int(t) & (2**width - 1)) << (pe * width) for pe, t in enumerate(fields)))
    _write(path, words)


def _write(path: Path, words: list[int]) -> None:
    path.write_text("".join(f"{word:x}\n" for word in words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything of one test: what goes in, what must come out, and the memory images."""

    layer: Layer
    tiles: Ints
    weights: Ints
    sums: Ints
    counted: Ints
    inputs: dict[str, Beats]
    outputs: dict[str, Beats]


def make_case(layer: Layer, folder: Path, rng: np.random.Generator, tiles: int = 24) -> Case:
    """Random data; the thresholds make both values appear in every channel."""
    shape = (tiles, layer.k, layer.columns, layer.c)
    values = rng.integers(0, 2**layer.in_bits, shape)
    values[0], values[1] = 0, 2**layer.in_bits - 1
    weights = rng.integers(0, 2, (layer.mh, layer.k, layer.k, layer.c))
    sums = reference(layer, values, weights)
    thresholds = reachable_thresholds(layer, sums, rng)
    results = (sums >= thresholds).astype(np.int64) if layer.threshold else sums
    if layer.threshold:
        both = results.any(axis=(0, 1)) & (1 - results).any(axis=(0, 1))
        assert both.all(), "a channel is constant"
    counted = on_counts(layer, thresholds, weights)
    write_weights(folder / "weights.mem", layer, weights)
    if layer.threshold:
        write_thresholds(folder / "thresholds.mem", layer, counted)
    elif not layer.bipolar:
        write_starts(folder / "thresholds.mem", layer, -layer.excess(weights))
    return Case(
        layer=layer,
        tiles=values,
        weights=weights,
        sums=sums,
        counted=counted,
        inputs={"s_axis": lanes(values.reshape(tiles, -1), bits=layer.in_bits)},
        outputs={"m_axis": pixels(layer, results)},
    )


def pixels(layer: Layer, results: Ints) -> Beats:
    """Expected beats of (tile, m, channel) results."""
    bits = 1 if layer.threshold else layer.acc_w
    return lanes(results.reshape(-1, layer.mh), bits=bits, signed=not layer.threshold)


def parameters(top: str, layer: Layer) -> dict[str, Any]:
    """Parameters of the module that computes ``layer``; the images lie in the working directory."""
    common = {
        "MH": layer.mh,
        "PE": layer.pe,
        "SIMD": layer.lanes,
        "THRESHOLD": layer.threshold,
        "ACC_W": layer.acc_w,
        "FIFO_DEPTH": layer.fifo_depth,
        "WEIGHT_FILE": "weights.mem",
        "THRESHOLD_FILE": "thresholds.mem",
    }
    if top == "mvu_xnor":
        return {"MW": layer.mw, **common}
    shape = {"C": layer.c, "K": layer.k, "STRIDE": layer.stride, "M": layer.m}
    if top == "mvu_dsp":
        # All channels at a time, one input at a time, and no choice of FIFO.
        common = {k: v for k, v in common.items() if k not in ("PE", "SIMD", "FIFO_DEPTH")}
        return {**shape, "IN_BITS": layer.in_bits, **common}
    return {**shape, **({"IN_BITS": layer.in_bits} if top == "mvu_int" else {}), **common}


def sources(top: str, *, fast: bool = True) -> list[Path]:
    """Files of a kernel; ``fast``: with the counters as simulators like them, quicker to build."""
    form = [Path(__file__).with_name("fast_sim.sv")] if fast else []
    return [*form, *closure([f"{top} u_tested ("])]


def layer_row(name: str, reason: str, **fields: Any) -> Row:
    """A row of a parameter table: the layer to build."""
    return Row(id=name, reason=reason, parameters={"layer": Layer(**fields)})


def check_traffic(
    top: str, layer: Layer, folder: Path, rng: np.random.Generator, *, fast: bool
) -> None:
    """Exact under every traffic pattern."""
    case = make_case(layer, folder, rng)
    check_stream_module(
        top,
        sources(top, fast=fast),
        parameters=parameters(top, layer),
        inputs=case.inputs,
        outputs=case.outputs,
        cwd=folder,
        seed=int(rng.integers(1, 1 << 16)),
    )


def check_rate(top: str, layer: Layer, folder: Path, rng: np.random.Generator) -> None:
    """Free-running: one tile every NF*SF cycles, first to last, and the header's latency."""
    case = make_case(layer, folder, rng, tiles=40)
    result = run_exact(
        build_kernel(top, case), case.inputs, case.outputs, RunOptions(cwd=folder, idle_limit=2000)
    )
    interval = layer.nf * layer.sf
    taken, given = result.input_cycles["s_axis"], result.output_cycles["m_axis"]
    assert given[0] - taken[0] == layer.latency
    assert set(np.diff(taken)) == {interval}
    assert set(np.diff(given[:: layer.m])) == {interval}


def build_kernel(top: str, case: Case, *, fast: bool = True) -> SimulatorBuild:
    return build_module(
        top,
        sources(top, fast=fast),
        parameters=parameters(top, case.layer),
        inputs=case.inputs,
        outputs=case.outputs,
    )


def check_faults_are_found(top: str, layer: Layer, folder: Path, rng: np.random.Generator) -> None:
    """Negative control: a flipped weight bit and a threshold off by one change the output."""
    case = make_case(layer, folder, rng, tiles=200)
    build = build_kernel(top, case)
    options = RunOptions(cwd=folder, idle_limit=2000)
    run_exact(build, case.inputs, case.outputs, options)

    flipped = case.weights.copy()
    flipped[-1, -1, -1, -1] ^= 1
    write_weights(folder / "weights.mem", layer, flipped)
    with pytest.raises(pytest.fail.Exception, match=f"lane {layer.mh - 1} of"):
        run_exact(build, case.inputs, case.outputs, options)
    write_weights(folder / "weights.mem", layer, case.weights)

    if layer.threshold:
        # The threshold is a sum that occurs: one more, and that pixel changes.
        moved = case.counted.copy()
        moved[0] += 1
        write_thresholds(folder / "thresholds.mem", layer, moved)
        with pytest.raises(pytest.fail.Exception, match="lane 0 of"):
            run_exact(build, case.inputs, case.outputs, options)


def check_ends_of_range(top: str, layer: Layer, folder: Path, rng: np.random.Generator) -> None:
    """Thresholds at and beyond the ends of the range: always on, on at the end, always off."""
    case = make_case(layer, folder, rng)
    ends = np.array([0, 1, layer.largest, layer.largest + 1])
    counted = ends[np.arange(layer.mh) % 4]
    write_thresholds(folder / "thresholds.mem", layer, counted)
    # First windows that are a channel's weights, or their opposite, give the extreme sums.
    tiles = case.tiles.copy()
    top_value = 2**layer.in_bits - 1
    for channel in range(2):
        match = case.weights[channel]
        tiles[4 + channel, :, : layer.k] = match * top_value
        tiles[6 + channel, :, : layer.k] = (1 - match) * top_value
    sums = reference(layer, tiles, case.weights)
    counts = on_counts(layer, sums, case.weights)
    expected = {"m_axis": pixels(layer, (counts >= counted).astype(np.int64))}
    inputs = {"s_axis": lanes(tiles.reshape(len(tiles), -1), bits=layer.in_bits)}
    run_exact(build_kernel(top, case), inputs, expected, RunOptions(cwd=folder, idle_limit=2000))
