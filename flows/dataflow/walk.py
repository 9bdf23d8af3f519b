# SPDX-License-Identifier: Apache-2.0
"""When the beats of a layer move, from when they arrive: its modules as (max, +) recurrences.

Each recurrence follows a module header in hw/, beat by beat; nothing is fitted. A beat that may
start `step` cycles after its predecessor, and not before it arrives, starts at
`max(arrival, previous + step)`. With the running sum of the steps taken off, that is a running
maximum, so a whole frame is one numpy call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from flows.dataflow import latency
from flows.dataflow.kernels import (
    Join,
    Kernel,
    MatrixUnit,
    MaxPool,
    MvuDsp,
    MvuXnor,
    Requant,
    Serial,
    SlidingWindow,
    StreamAdd,
    StreamConcat,
    StreamShuffle,
    SumPool,
    Threshold,
    WidthConverter,
)
from flows.dataflow.network import Layer

Times = NDArray[np.int64]

# Arrival of a beat that is always there. Halved, so that sums with it do not overflow.
ALWAYS = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Times of a layer, in cycles.

    Attributes:
        taken: for each input (its beats,): when it takes each beat.
        left: (output beats,) when each beat is there for the next layer.
    """

    taken: tuple[Times, ...]
    left: Times


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """Times of a kernel: when it takes each beat, when each is there for the next kernel."""

    taken: Times
    left: Times


def walk_layer(layer: Layer, *arrivals: Times) -> Walk:
    """Walks whole frames through a layer whose output is never held up.

    Args:
        layer: its kernels, without the FIFOs.
        arrivals: for each input (frames * its beats,) int64, when each beat is there.
    """
    sources = iter(arrivals)
    times = next(sources)
    taken: list[Times | None] = [None]  # None: taken when the next kernel takes what it becomes
    kernels = list(layer.kernels)
    while kernels:
        kernel = kernels.pop(0)
        if isinstance(kernel, Join):
            times = np.maximum(times, next(sources))
            taken.append(None)
        if isinstance(kernel, StreamConcat | StreamShuffle):
            continue  # wires
        step = _kernel(kernel, kernels, times)
        taken = [step.taken if t is None else t for t in taken]
        times = step.left
    known = [_paced(times, 1) if t is None else t for t in taken]
    return Walk(taken=tuple(known), left=times)


def _kernel(kernel: Kernel, rest: list[Kernel], times: Times) -> _Step:
    """One kernel; a window takes its unit out of the rest, as the two are walked as one."""
    if isinstance(kernel, SlidingWindow):
        unit = rest.pop(0)
        assert isinstance(unit, MatrixUnit)
        return _convolution(kernel, unit, times)
    if isinstance(kernel, Serial):
        return _serial(kernel, times)
    if isinstance(kernel, MatrixUnit):
        return _dense(kernel, times)
    if isinstance(kernel, MaxPool | SumPool):
        return _pool(kernel, times)
    if isinstance(kernel, WidthConverter):
        return _converter(kernel, _hold(rest), times)
    folds = _folds(kernel)
    if isinstance(kernel, Threshold):
        return _shared(folds, latency.THRESHOLD + (folds > 1), times)
    if isinstance(kernel, StreamAdd):
        return _shared(folds, latency.ADD + (folds > 1), times)
    assert isinstance(kernel, Requant)
    return _shared(folds, latency.requant(kernel) + (folds > 1), times)


def _folds(kernel: Kernel) -> int:
    """Words of a beat that a kernel without weights makes one after the other."""
    if isinstance(kernel, Threshold):
        return kernel.stream.channels // kernel.pe if kernel.pixels else 1
    if isinstance(kernel, StreamAdd):
        return kernel.a.channels // kernel.pe
    if isinstance(kernel, MaxPool | SumPool):
        lanes = kernel.lanes if isinstance(kernel, MaxPool) else kernel.pe
        assert lanes is not None
        return kernel.stream.channels // lanes
    if isinstance(kernel, Requant):
        return kernel.stream.channels // kernel.pe
    if isinstance(kernel, WidthConverter):
        return max(1, kernel.output_bits // kernel.input_bits)
    return 1


def held_up(layer: Layer, left: Times, taken: Times) -> bool:
    """Whether the next layer, without a FIFO, takes beats so late that this one makes them later.

    One beat can wait in the output register. Where words of a beat are collected in it, the next
    ones come in only when it is free; `mvu_dsp` ends a tile only when it is.

    Args:
        layer: that makes the beats.
        left: (n,) when each beat is there, if none was held up.
        taken: (n,) when the next layer takes it.
    """
    last = [k for k in layer.kernels if not isinstance(k, StreamConcat | StreamShuffle)][-1]
    # Beats that come together, and the cycles from the last one's transfer to the next.
    group, after = 1, _folds(last)
    if isinstance(last, MvuDsp) and last.direct:
        group, after = last.m, latency.unit(last) + 1
    return bool((taken[group - 1 : -1 : group] + after > left[group::group]).any())


def _shared(folds: int, late: int, arrival: Times) -> _Step:
    """PE lanes work through a beat, which stands at the input until its last step."""
    taken = _paced(arrival + folds - 1, folds)
    return _Step(taken=taken, left=taken + late)


def _hold(kernels: Sequence[Kernel]) -> int:
    """Cycles for which the next kernel holds an input beat."""
    if not kernels or not isinstance(kernels[0], MatrixUnit):
        return 1
    unit = kernels[0]
    return unit.nf if isinstance(unit, Serial) else unit.nf * unit.sf


def _paced(arrival: Times, step: int) -> Times:
    """start[i] = max(arrival[i], start[i-1] + step)."""
    ramp = step * np.arange(len(arrival))
    return np.asarray(np.maximum.accumulate(arrival - ramp) + ramp)


def _convolution(swu: SlidingWindow, unit: MatrixUnit, arrival: Times) -> _Step:
    """Pixels shift into the tile register; a full tile waits there until the unit takes it.

    The next pixel shifts in when the tile is taken, one step a cycle; border steps take no input.
    """
    frame = swu.output.beats
    frames = len(arrival) // swu.stream.beats
    inside, closing = _steps(
        swu.stream.height,
        swu.stream.width,
        swu.pad,
        unit.kernel,
        unit.stride,
        unit.height,
        unit.width,
        unit.m,
    )
    offsets = frame * np.arange(frames)[:, None]
    real, last = (offsets + inside).ravel(), (offsets + closing).ravel()
    # Less its index, a step's time is the running maximum of what it waits for.
    index = np.arange(frame * frames)
    due = np.full(len(index), ALWAYS, np.int64)
    due[real] = arrival
    due -= index
    after = last + 1  # the step that waits for the tile to be taken
    first = np.concatenate(([0], after[:-1]))
    ready = np.maximum.reduceat(due[: after[-1]], first) + last + latency.WINDOW
    hold = unit.nf * unit.sf
    ramp = np.cumsum(np.maximum(np.diff(last, prepend=0) - 1 + latency.WINDOW, hold))
    start = np.maximum.accumulate(ready - ramp) + ramp
    waits = after < len(due)
    due[after[waits]] = np.maximum(due[after[waits]], (start - after)[waits])
    shift = np.maximum.accumulate(due) + index
    done = start + hold + latency.unit(unit)
    return _Step(taken=shift[real], left=(done[:, None] + np.arange(unit.m)).ravel())


@cache
def _steps(
    height: int, width: int, pad: int, kernel: int, stride: int, rows: int, columns: int, m: int
) -> tuple[Times, Times]:
    """Steps of a frame over the padded image that take a pixel, and those that close a tile."""
    step = np.arange((height + 2 * pad) * (width + 2 * pad)).reshape(height + 2 * pad, -1)
    inside = step[pad : pad + height, pad : pad + width]
    reach = (m - 1) * stride + kernel - 1  # of a tile's last column from its first
    ends_y = np.arange(rows) * stride + kernel - 1
    ends_x = np.arange(columns // m) * m * stride + reach
    return inside.ravel(), step[np.ix_(ends_y, ends_x)].ravel()


@cache
def tile_gaps(
    height: int, width: int, pad: int, kernel: int, stride: int, rows: int, columns: int, m: int
) -> tuple[Times, Times]:
    """Steps from one tile to the next where pixels never fail, and how often each gap occurs.

    Args:
        height, width: of the image, without padding.
        rows, columns: output pixels.
        m: of them in a tile.
    """
    _, closing = _steps(height, width, pad, kernel, stride, rows, columns, m)
    frame = (height + 2 * pad) * (width + 2 * pad)
    last = closing.ravel()
    return np.unique(np.diff(last, prepend=last[-1] - frame), return_counts=True)


def _dense(unit: MatrixUnit, arrival: Times) -> _Step:
    hold, late = unit.nf * unit.sf, latency.unit(unit)
    start = _paced(arrival, hold)
    if isinstance(unit, MvuXnor) and not unit.gather:
        # A word leaves as soon as its sums are complete; gathering costs one cycle more.
        steps = unit.sf * np.arange(1, unit.nf + 1) + late - 1
        return _Step(taken=start, left=np.add.outer(start, steps).ravel())
    return _Step(taken=start, left=start + hold + late)


def _serial(unit: Serial, arrival: Times) -> _Step:
    """Each word is held for NF steps; after the last one a result word leaves every cycle."""
    start = _paced(arrival, unit.nf)
    done = start[unit.sf - 1 :: unit.sf] + latency.unit(unit)
    return _Step(taken=start, left=np.add.outer(done, np.arange(unit.nf)).ravel())


def _pool(pool: MaxPool | SumPool, arrival: Times) -> _Step:
    """C/PE cycles a pixel; the last pixel of a window that lies inside the image lets it out."""
    kernel, stride, pad = pool.kernel, pool.kernel, 0
    if isinstance(pool, MaxPool):
        stride, pad = pool.step, pool.pad
    stream, out, folds = pool.stream, pool.output, _folds(pool)
    taken = _paced(arrival + folds - 1, folds)
    frames = taken.reshape(-1, stream.height, stream.width)
    rows, columns = (
        np.minimum(np.arange(count) * stride - pad + kernel - 1, size - 1)
        for count, size in ((out.height, stream.height), (out.width, stream.width))
    )
    closing = frames[:, rows][:, :, columns]
    return _Step(taken=taken, left=closing.ravel() + latency.POOL + (folds > 1))


def _converter(kernel: WidthConverter, hold: int, arrival: Times) -> _Step:
    """The narrow side moves a word a cycle, if the consumer is there: it holds a beat for `hold`.

    Its register is free again when the consumer takes the last beat that was in it. `left` are the
    times from which a beat stands at the output.
    """
    late = latency.CONVERTER
    if kernel.output_bits <= kernel.input_bits:
        parts = kernel.input_bits // kernel.output_bits
        pace = max(late, hold)
        first = _paced(arrival + late, parts * pace)  # the consumer takes the first part
        before = np.concatenate(([ALWAYS], first[:-1] + (parts - 1) * pace))
        taken = np.maximum(arrival, before)
        parts_left = first[:, None] + pace * np.arange(parts - 1) + late
        return _Step(taken=taken, left=np.column_stack((taken + late, parts_left)).ravel())
    wide = kernel.output_bits // kernel.input_bits
    groups = arrival.reshape(-1, wide) + np.arange(wide)[::-1]
    start = _paced(groups.max(axis=1) + late, max(wide - 1 + late, hold))
    index = np.arange(len(arrival))
    due = arrival - index
    due[wide::wide] = np.maximum(due[wide::wide], start[:-1] - index[wide::wide])
    taken = np.maximum.accumulate(due) + index
    return _Step(taken=taken, left=taken[wide - 1 :: wide] + late)
