# SPDX-License-Identifier: Apache-2.0
"""Fits the cost formulas to synthesised layers: `python -m tools.fit_cost [--jobs N]`.

Synthesises the points below (cached by content), fits what one of each feature costs, and writes
flows/dataflow/cost.json: coefficients, points, what synthesis counted and what the formulas say.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from flows.dataflow.cost import COST_FILE, Fold, UnitShape, features
from flows.dataflow.lower import Arriving, lower_layer, unit_shape
from flows.dataflow.network import IMAGE, Network
from flows.dataflow.stream import Stream
from flows.emit.project import emit
from flows.streamline.chain import ConvLayer, DenseLayer
from flows.synth import SynthTarget, synthesise

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "fit_cost"
KINDS = ("lut", "ff")

Layer = ConvLayer | DenseLayer


def _conv(size: int, channels: int, out: int, *, bits: int = 1, k: int = 3, pad: int = 0) -> Layer:
    rng = np.random.default_rng(size * channels * out)
    weights = rng.choice(np.array([-1, 1], np.int8), (out, k, k, channels))
    return ConvLayer(
        name=f"conv{k}_{size}x{channels}x{out}" + ("_pixels" if bits > 1 else "") + "_pad" * pad,
        weights=weights,
        kernel=k,
        stride=1,
        pad=pad,
        pad_value=0,
        in_bits=bits,
        thresholds=_thresholds(rng, weights, bits),
    )


def _dense(inputs: int, out: int, *, raw: bool = False) -> Layer:
    rng = np.random.default_rng(inputs * out)
    weights = rng.choice(np.array([-1, 1], np.int8), (out, inputs))
    return DenseLayer(
        name=f"dense_{inputs}x{out}" + ("_raw" if raw else ""),
        weights=weights,
        in_bits=1,
        thresholds=None if raw else _thresholds(rng, weights, 1),
    )


def _thresholds(rng: np.random.Generator, weights: np.ndarray, bits: int) -> np.ndarray:
    """Near the mean sum, as trained ones are."""
    rows = weights.reshape(len(weights), -1)
    mean = rows.sum(axis=1) * (127 if bits > 1 else 0)
    return np.asarray(mean + rng.integers(-9, 9, len(rows)) * (2**bits - 1), np.int64)


def points() -> list[tuple[Layer, int, Fold]]:
    """What is synthesised: (layer, rows of its input, fold)."""
    block, luts = {"rom_block": True}, {"rom_block": False}
    stem, small = _conv(32, 3, 64, bits=8), _conv(10, 16, 32)
    fc0, fc1, last = _dense(256, 512), _dense(512, 512), _dense(512, 10, raw=True)
    first, inner, whole = _dense(784, 64), _dense(64, 64), _conv(3, 256, 256)
    rows = [
        (inner, Fold(pe=4, simd=16, form="input", **luts)),
        (inner, Fold(pe=4, simd=64, **luts)),
        (last, Fold(pe=1, simd=32, **luts)),
        (last, Fold(pe=1, simd=32, form="input", **luts)),
        (small, Fold(pe=1, simd=144, m=4, **luts)),
        (small, Fold(pe=4, simd=144, m=2, **luts)),
        (small, Fold(pe=2, simd=36, **luts)),
        (_conv(10, 64, 64), Fold(pe=2, simd=192, m=4, **block)),
        (_conv(10, 16, 32, pad=1), Fold(pe=1, simd=144, m=2, **luts)),
        (fc1, Fold(pe=1, simd=128, form="input", **block)),
        (fc1, Fold(pe=4, simd=64, form="input", **block)),
        (fc0, Fold(pe=2, simd=64, **block)),
        (fc0, Fold(pe=1, simd=256, **block)),
        (fc1, Fold(pe=1, simd=512, **block)),
        (whole, Fold(pe=1, simd=256, form="input", **block)),
        (whole, Fold(pe=2, simd=256, form="input", **block)),
        (stem, Fold(pe=2, simd=27, m=1, **luts)),
        (stem, Fold(pe=1, simd=27, m=5, **luts)),
        (stem, Fold(pe=64, simd=27, **luts)),
        (_conv(10, 3, 16, bits=8), Fold(pe=16, simd=27, **luts)),
        *((stem, Fold(pe=64, simd=1, m=m, form="dsp", **luts)) for m in (1, 3)),
        (first, Fold(pe=1, simd=784, **luts)),
        (_conv(30, 64, 64), Fold(pe=1, simd=576, m=2, **luts)),
        (_conv(30, 64, 64), Fold(pe=16, simd=576, **luts)),
    ]
    sizes = {layer.name: int(layer.name.split("_")[1].split("x")[0]) for layer, _ in rows}
    return [(layer, sizes[layer.name], fold) for layer, fold in rows]


def _arriving(layer: Layer, size: int) -> Arriving:
    if isinstance(layer, DenseLayer):
        stream = Stream(height=1, width=1, channels=layer.weights.shape[1])
    else:
        channels = layer.weights.shape[-1]
        stream = Stream(height=size, width=size, channels=channels, bits=layer.in_bits)
    return Arriving(source=IMAGE, stream=stream, beat_bits=stream.beat_bits)


def _shape(layer: Layer, size: int) -> UnitShape:
    return unit_shape(layer, _arriving(layer, size).stream)


def target(layer: Layer, size: int, fold: Fold) -> SynthTarget:
    """The layer alone, emitted as a network of one layer at the width of words that suits it."""
    arriving = _arriving(layer, size)
    if fold.form == "input":
        arriving = replace(arriving, beat_bits=fold.simd)
    built = lower_layer(layer, arriving, fold, in_words=False)
    name = f"{layer.name}_{fold.form}_{fold.pe}_{fold.simd}_{fold.m}_{fold.rom_block:d}"
    network = Network(
        name=name, layers=(replace(built, name="layer"),), input_frame=arriving.stream
    )
    project = emit(network, WORK / name)
    return SynthTarget(
        name=name,
        top=project.layer_modules["layer"],
        root=project.root,
        sources=tuple(project.sources),
        data_files=tuple(project.images),
        include_dirs=(Path("hw"),),
    )


# What the structure of the modules lets expect: (LUT, FF). The fit stays near it where the points
# do not tell features apart; what is 0 here stays 0.
EXPECTED = {
    "unit": (110, 150),  # control, credits, result FIFO
    "lane": (0.83, 1.0),  # XNOR and its share of the counter; registers of its operands and sums
    "pixel lane": (7.3, 8.0),
    "shared bit": (1, 1),
    "chosen bit": (0.5, 0.6),
    "result": (6, 20),
    "tile bit": (0, 1),  # held while weights stream past
    "output bit": (0, 2),  # gathered, and handed on
    "gathered bit": (1, 0),
    "sum": (12, 12),
    "operand": (0.6, 0),
    "serial unit": (90, 100),
    "serial sum bit": (2, 1.5),
    "word bit": (0, 1),
    "dsp unit": (150, 150),
    "dsp pixel": (40, 250),
    "rom": (1, 0),
    "rom bit": (0, 1),
    "bank bit": (1, 0),
    "start": (1, 0),
    "ram": (1, 0),
    "window": (30, 60),
    "window bit": (0, 1),
    "padded bit": (0.75, 0),
    "comparators": (15, 5),
    "comparator": (6, 1),
}
_PULL = 0.15  # weight of an expectation: relative deviation against relative error of a point


def fit(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """What one of each feature costs: least squares of the relative errors, nothing negative.

    Args:
        rows: points with their `features` and counts.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in EXPECTED}
    for place, kind in enumerate(KINDS):
        names = [name for name, expected in EXPECTED.items() if expected[place]]
        expected = np.array([EXPECTED[name][place] for name in names], float)
        counted = np.array([row[kind] for row in rows], float)
        amounts = np.array([[row["features"].get(name, 0.0) for name in names] for row in rows])
        matrix = np.vstack((amounts / counted[:, None], np.diag(_PULL / expected)))
        wanted = np.concatenate((np.ones(len(rows)), np.full(len(names), _PULL)))
        solution, _ = nnls(matrix, wanted)
        for name in EXPECTED:
            found[name][kind] = 0.0
        found |= {
            name: found[name] | {kind: round(float(value), 4)}
            for name, value in zip(names, solution, strict=True)
        }
    return found


def main(arguments: list[str]) -> int:
    """Synthesises, fits, writes; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    chosen = points()
    reports = synthesise(
        [target(*point) for point in chosen],
        "xc7",
        WORK / "synth",
        options.jobs,
        ROOT / "build" / ".cache" / "synth",
        lambda report: print(f"{report.name}: {report.lut} LUT, {report.ff} FF", flush=True),
    )
    rows = [
        {
            "name": report.name,
            "shape": asdict(_shape(layer, size)),
            "fold": asdict(fold),
            "features": features(_shape(layer, size), fold),
            **{key: getattr(report, key) for key in ("lut", "ff", "bram36", "dsp")},
        }
        for (layer, size, fold), report in zip(chosen, reports, strict=True)
    ]
    write(rows, reports[0].tool)
    return 0


def write(rows: list[dict[str, Any]], tool: str) -> None:
    """Fits the points and writes the file."""
    document = json.loads(COST_FILE.read_text())
    document["tool"] = tool
    document["coefficients"] = fit(rows)
    for row, kind in product(rows, KINDS):
        per = document["coefficients"]
        expected = sum(per[name][kind] * amount for name, amount in row["features"].items())
        row[f"expected {kind}"] = round(expected)
    document["points"] = [
        {key: value for key, value in row.items() if key != "features"} for row in rows
    ]
    COST_FILE.write_text(json.dumps(document, indent=1) + "\n")
    for kind in KINDS:
        errors = [row[f"expected {kind}"] / row[kind] - 1 for row in rows]
        print(f"{kind}: {min(errors):+.1%} to {max(errors):+.1%}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
