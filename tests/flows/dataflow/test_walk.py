# SPDX-License-Identifier: Apache-2.0
"""The closed recurrences of `walk` against a walk one step at a time."""

import numpy as np
import pytest

from flows.dataflow import latency
from flows.dataflow.cost import Fold
from flows.dataflow.fold import foldings
from flows.dataflow.kernels import (
    MaxPool,
    MvuSerial,
    MvuXnor,
    SlidingWindow,
    Threshold,
    WidthConverter,
)
from flows.dataflow.lower import lower, unit_shapes
from flows.dataflow.walk import walk_layer
from tests.flows.dataflow.test_lower import CHAINS
from tests.support.chains import DSP_FOLDINGS, TAIL_FOLDING, tiny_tail

LONG_AGO = -(10**9)


def _convolution(swu, unit, arrival):
    """The tile register step by step: one pixel a cycle, and none while a full tile waits."""
    hold = unit.nf * unit.sf
    rows = {y * unit.stride + unit.kernel - 1 for y in range(unit.height)}
    columns = {
        t * unit.m * unit.stride + unit.tile_columns - 1 for t in range(unit.width // unit.m)
    }
    taken, left = [], []
    shift = start = LONG_AGO
    arriving = iter(arrival)
    for _ in range(len(arrival) // swu.stream.beats):
        for y in range(swu.output.height):
            for x in range(swu.output.width):
                shift += 1
                if 0 <= y - swu.pad < swu.stream.height and 0 <= x - swu.pad < swu.stream.width:
                    shift = max(shift, next(arriving))
                    taken.append(shift)
                if y in rows and x in columns:
                    start = max(shift + latency.WINDOW, start + hold)
                    shift = start - 1
                    done = start + hold + latency.unit(unit)
                    left.extend(range(done, done + unit.m))
    return taken, left


def _paced(arrival, cycles):
    taken, start = [], LONG_AGO
    for time in arrival:
        start = max(time, start + cycles)
        taken.append(start)
    return taken


def _dense(unit, arrival):
    taken = _paced(arrival, unit.nf * unit.sf)
    late = latency.unit(unit)
    if isinstance(unit, MvuXnor) and not unit.gather:
        words = [time + unit.sf * nf + late - 1 for time in taken for nf in range(1, unit.nf + 1)]
        return taken, words
    return taken, [time + unit.nf * unit.sf + late for time in taken]


def _serial(unit, arrival):
    taken, left = _paced(arrival, unit.nf), []
    for time in taken[unit.sf - 1 :: unit.sf]:
        left.extend(time + latency.unit(unit) + nf for nf in range(unit.nf))
    return taken, left


def _converter(kernel, hold, arrival):
    """Its register, and the consumer that holds each beat."""
    wider = max(1, kernel.output_bits // kernel.input_bits)
    narrower = max(1, kernel.input_bits // kernel.output_bits)
    taken, left = [], []
    moved = start = LONG_AGO
    for index, time in enumerate(arrival):
        moved = max(time, moved + 1)
        if index % wider == 0:
            moved = max(moved, start)
        taken.append(moved)
        if index % wider == wider - 1:
            for _ in range(narrower):
                left.append(max(moved, start) + latency.CONVERTER)
                start = max(left[-1], start + hold)
    return taken, left


def _pool(pool, arrival):
    k, stream, out = pool.kernel, pool.stream, pool.output
    taken, left, time = [], [], LONG_AGO
    for beat, there in enumerate(arrival):
        time = max(time + 1, there)
        taken.append(time)
        y, x = divmod(beat % stream.beats, stream.width)
        if y % k == k - 1 and x % k == k - 1 and y // k < out.height and x // k < out.width:
            left.append(time + latency.POOL)
    return taken, left


def _step_by_step(layer, arrival):
    walks = []
    times = arrival
    for index, kernel in enumerate(layer.kernels):
        if isinstance(kernel, SlidingWindow):
            walk = _convolution(kernel, layer.kernels[1], times)
        elif index and isinstance(layer.kernels[index - 1], SlidingWindow):
            continue
        elif isinstance(kernel, MaxPool):
            walk = _pool(kernel, times)
        elif isinstance(kernel, Threshold):
            taken = _paced(times, 1)
            walk = taken, [time + latency.THRESHOLD for time in taken]
        elif isinstance(kernel, WidthConverter):
            walk = _converter(kernel, _hold(layer.kernels[index + 1 :]), times)
        else:
            walk = (_serial if isinstance(kernel, MvuSerial) else _dense)(kernel, times)
        walks.append(walk)
        times = walk[1]
    return walks[0][0], times


def _hold(kernels):
    if not kernels:
        return 1
    return kernels[0].nf * (1 if isinstance(kernels[0], MvuSerial) else kernels[0].sf)


def _compare(network, times):
    for layer in network:
        walk = walk_layer(layer, times)
        taken, left = _step_by_step(layer, times.tolist())
        np.testing.assert_array_equal(walk.taken[0], taken, err_msg=layer.name)
        np.testing.assert_array_equal(walk.left, left, err_msg=layer.name)
        times = walk.left


def _random_fold(rng, shape):
    folds = [fold for fold in foldings(shape) if fold.form != "input"]
    return folds[rng.integers(len(folds))]


@pytest.mark.parametrize("make", CHAINS)
@pytest.mark.parametrize("pause", [1, 4, 40])
def test_every_beat_of_every_layer_moves_when_the_steps_say(make, pause, rng):
    chain = make(rng)
    for _ in range(4):
        folding = {shape.name: _random_fold(rng, shape) for shape in unit_shapes(chain)}
        network = lower(chain, folding, "net")
        _compare(network, np.cumsum(rng.integers(0, pause, 3 * network.input_beats)))


# Words between units: gathered or not, joined, split, and of the same width.
TAILS = [
    TAIL_FOLDING,
    TAIL_FOLDING | {"conv2": Fold(pe=12, simd=2, form="input"), "fc0": Fold(pe=1, simd=3)},
    TAIL_FOLDING | {"fc0": Fold(pe=8, simd=2, form="input"), "fc1": Fold(pe=16, simd=2)},
    TAIL_FOLDING | {"fc1": Fold(pe=1, simd=8), "fc2": Fold(pe=6, simd=16, form="input")},
]


@pytest.mark.parametrize("folding", [*TAILS, *DSP_FOLDINGS])
@pytest.mark.parametrize("pause", [1, 4, 40])
def test_words_between_units_move_when_the_steps_say(folding, pause, rng):
    network = lower(tiny_tail(rng), folding, "net")
    _compare(network, np.cumsum(rng.integers(0, pause, 3 * network.input_beats)))
