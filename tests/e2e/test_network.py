# SPDX-License-Identifier: Apache-2.0
"""Whole small networks in simulation: equality, schedule, and faults that must be found."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from flows import cosim, exact
from flows.dataflow.schedule import schedule
from flows.dataflow.walk import walk_layer
from flows.emit.project import emit
from flows.errors import VerificationError
from flows.sim.run import run
from flows.sim.streams import STALL_PATTERNS, Stall, StallKind, StallPattern
from tests.support.battery import build_network

ALL = ("none", "random", "burst", "source_gaps", "sink_stalls", "after_valid")


def _simulate(case, names=("none",), project=None):
    patterns = cosim.stall_patterns(names, case.schedule.initiation_interval)
    return cosim.simulate(
        case.simulator,
        case.network,
        project or case.project,
        case.reference,
        patterns,
        jobs=1,
    )


def test_every_layer_equals_the_reference_under_every_stall_pattern(case):
    measured = _simulate(case, ALL)
    frame = sum(layer.output.beats * layer.output.channels for layer in case.network)
    assert measured.values_traced == len(ALL) * measured.images * frame
    assert [run.name for run in measured.patterns] == list(ALL)
    assert all(run.logits == case.reference.logits.size for run in measured.patterns)


def test_the_counters_that_are_synthesised_give_the_same(case):
    """The same network with structural counters: every layer, and the same cycle counts."""
    simulator = build_network(case.project, case.network, trace=True, fast=False)
    measured = _simulate(replace(case, simulator=simulator), ("none", "random"))
    assert measured.values_traced > 0
    assert measured.latency == case.schedule.latency


def test_numpy_network_equals_the_reference(case):
    assert exact.check_tensors(case.network, case.reference) > 0


def test_estimated_interval_is_the_simulated_one(case):
    assert _simulate(case).initiation_interval == case.schedule.initiation_interval


def test_estimated_latency_is_the_simulated_one(case):
    assert _simulate(case).latency == case.schedule.latency


def test_schedule_knows_the_cycle_of_every_beat(case):
    """The walk that estimates intervals and buffers is exact, beat by beat, in every layer."""
    job = cosim.network_job(
        case.network, case.project, case.reference.images[:1], STALL_PATTERNS["none"], 0
    )
    result = run(case.simulator, job.input_beats, expect=job.expect, options=job.options)
    origin = result.input_cycles["s_axis"][0]
    times = np.arange(case.network.input_beats)
    left = {"image": np.asarray(times)}
    moved = {}
    for layer in case.network:
        arrivals = [
            left[name] + bool(depth)
            for name, depth in zip(layer.inputs, layer.fifo_depths, strict=True)
        ]
        step = walk_layer(layer, *arrivals)
        for name, depth, taken in zip(layer.inputs, layer.fifo_depths, step.taken, strict=True):
            if not depth:
                # Without a FIFO a beat may wait in the output register of the layer before.
                moved[name] = taken
        left[layer.name] = moved[layer.name] = step.left
    del moved["image"]
    for name, cycles in moved.items():
        np.testing.assert_array_equal(result.taps[name].cycles - origin, cycles, err_msg=name)


def test_fifos_hold_what_the_schedule_says(case):
    measured = _simulate(case, ("none", "burst"))
    depths = case.network.fifo_depths
    assert set(measured.high_water) == set(depths)
    for name, water in measured.high_water.items():
        assert water <= depths[name]


def _periodic(case):
    """A source that starts a frame every interval, which is what the schedule assumes."""
    interval, beats = case.schedule.initiation_interval, case.network.input_beats
    ideal = np.add.outer(interval * np.arange(4), np.arange(beats)).ravel()
    taken = walk_layer(case.network.layers[0], ideal).taken[0]
    busy = int(taken[-1] - taken[-beats]) + 1
    stall = Stall(kind=StallKind.BURST, stall_cycles=interval - busy, burst_beats=beats)
    return StallPattern(name="periodic", source=stall, sink=Stall())


@pytest.mark.parametrize("name", ["convolutional", "serial_tail"])
def test_every_fifo_fills_to_the_beat_that_the_schedule_names(name, request):
    """Exact: not a bound. With room to spare, so that no FIFO is what stops it."""
    case = request.getfixturevalue(name)
    roomy = {name: 4 * depth for name, depth in case.network.fifo_depths.items()}
    network = case.network.with_fifo_depths(roomy)
    folder = case.project.root.with_name("roomy")
    project = emit(network, folder)
    simulator = build_network(project, network, trace=False)
    images = np.resize(case.reference.images, (10, *case.reference.images.shape[1:]))
    job = cosim.network_job(network, project, images, _periodic(case), 0)
    result = run(simulator, job.input_beats, expect=job.expect, options=job.options)
    starts = result.input_cycles["s_axis"][:: network.input_beats]
    assert set(np.diff(starts)) == {case.schedule.initiation_interval}
    seen = cosim.high_water(network, project, [result])
    expected = schedule(network).high_water
    assert seen == {name: expected[name] for name in roomy}


def test_thresholds_are_checked_on_every_reachable_value(case):
    found = exact.check_thresholds(case.network, case.project.root, case.reference, 0)
    assert found.values == sum(
        sign.table.shape[1] * max(len(sign.table), sign.activation.shape[-1])
        for sign in case.reference.signs
    )


@pytest.fixture
def damaged(case, tmp_path):
    """A copy of the emitted folder that a test may damage; same simulator, other images."""
    root = tmp_path / "rtl"
    shutil.copytree(case.project.root, root)
    return replace(case.project, root=root)


def _edit(path, address, change):
    words = path.read_text().split()
    digits = len(words[address])
    words[address] = f"{change(int(words[address], 16)):0{digits}x}"
    path.write_text("\n".join(words) + "\n")


def test_one_flipped_weight_bit_is_caught_and_located(case, damaged):
    # The raw last layer: a flipped weight shows in one logit of every image.
    _edit(damaged.root / f"mem/{case.network.layers[-1].name}_weights.hex", 0, lambda w: w ^ 1)
    with pytest.raises(VerificationError, match=r"channel 0, cycle \d+: expected -?\d+, got -?\d+"):
        _simulate(case, project=damaged)


def test_a_flipped_weight_inside_names_its_layer(case, damaged):
    layer = case.victim
    path = damaged.root / f"mem/{layer.name}_weights.hex"
    for address in range(len(path.read_text().split())):
        _edit(path, address, lambda w: w ^ 1)
    with pytest.raises(VerificationError, match=rf"{layer.name}: image \d+, pixel"):
        _simulate(case, project=damaged)


def test_one_threshold_off_by_one_is_caught_without_simulation(case, damaged):
    layer = case.victim
    _edit(damaged.root / f"mem/{layer.name}_thresholds.hex", 2, lambda t: t + 1)
    pe = layer.unit.pe
    with pytest.raises(
        VerificationError, match=rf"{layer.name}: threshold of channel {2 * pe} is wrong: acc"
    ):
        exact.check_thresholds(case.network, damaged.root, case.reference, 0)


def test_one_threshold_off_by_one_is_caught_in_simulation(case, damaged):
    layer = case.victim
    path = damaged.root / f"mem/{layer.name}_thresholds.hex"
    for address in range(len(path.read_text().split())):
        _edit(path, address, lambda t: t + 1)
    with pytest.raises(VerificationError, match=rf"{layer.name}: image \d+, pixel"):
        _simulate(case, project=damaged)


def test_a_swapped_lane_is_caught_and_located(case, damaged):
    """Two neighbouring inputs exchanged in every weight word, as a wrong wiring would."""
    layer = case.victim

    def swap(word):
        low, high = word & 1, (word >> 1) & 1
        return (word & ~3) | (low << 1) | high

    path = damaged.root / f"mem/{layer.name}_weights.hex"
    for address in range(len(path.read_text().split())):
        _edit(path, address, swap)
    with pytest.raises(VerificationError, match=rf"{layer.name}: image \d+, pixel .* channel \d+"):
        _simulate(case, project=damaged)


def test_a_swapped_lane_in_the_generated_verilog_is_caught(convolutional, tmp_path):
    """Two bits of a layer's input exchanged in the generated text: another simulator, so another
    kind of fault than a memory image."""
    root = tmp_path / "rtl"
    shutil.copytree(convolutional.project.root, root)
    text = (root / "net_conv1.sv").read_text()
    first = ".s_axis_tdata(s_axis_tdata)"
    assert text.count(first) == 1
    width = convolutional.network.layers[1].kernels[0].input_bits
    swapped = f".s_axis_tdata({{s_axis_tdata[{width - 1}:2], s_axis_tdata[0], s_axis_tdata[1]}})"
    (root / "net_conv1.sv").write_text(text.replace(first, swapped))
    project = replace(convolutional.project, root=root)
    simulator = build_network(project, convolutional.network, trace=True)
    broken = replace(convolutional, simulator=simulator, project=project)
    with pytest.raises(VerificationError, match=r"conv1: image 0, pixel"):
        _simulate(broken)


def test_a_wrong_reference_is_caught(case):
    logits = case.reference.logits.copy()
    logits[3, 1] += 1
    wrong = replace(case, reference=replace(case.reference, logits=logits))
    with pytest.raises(VerificationError, match=r"image 3, .*channel 1"):
        _simulate(wrong)
    with pytest.raises(VerificationError, match=r"image 3, .*channel 1"):
        exact.check_tensors(case.network, wrong.reference)
