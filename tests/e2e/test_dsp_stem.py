# SPDX-License-Identifier: Apache-2.0
"""Faults in the memories of a stem in DSP slices; what holds for all networks is in test_network.

A word holds the starts of all sums, so an error in one field must not reach its neighbours.
"""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from flows import cosim, exact
from flows.emit.memory import image_text, read_image
from flows.errors import VerificationError

CHANNEL = 5


def moved(case, root, by):
    """A copy of the emitted folder in which one channel's sum starts lower."""
    shutil.copytree(case.project.root, root)
    unit = case.network.layers[0].unit
    path = root / "mem/conv0_thresholds.hex"
    places = np.arange(unit.start_bits)
    fields = read_image(path, 1, unit.mh * len(places)).reshape(unit.mh, -1).astype(np.int64)
    starts = fields @ (1 << places)
    starts[CHANNEL] -= by
    fields = (starts[:, None] >> places) & 1
    path.write_text(image_text(fields.astype(np.uint8).reshape(1, -1)))
    return replace(case.project, root=root)


def test_both_values_of_every_channel_occur(dsp_stem):
    share = dsp_stem.reference.signs[0].activation.mean(axis=(0, 1, 2))
    assert ((share > 0) & (share < 1)).all()


def test_a_start_off_by_one_is_caught_without_simulation(dsp_stem, tmp_path):
    project = moved(dsp_stem, tmp_path / "rtl", 1)
    match = f"conv0: threshold of channel {CHANNEL} is wrong: acc"
    with pytest.raises(VerificationError, match=match):
        exact.check_thresholds(dsp_stem.network, project.root, dsp_stem.reference, 0)


def test_a_start_too_low_by_one_sum_is_caught_in_simulation(dsp_stem, tmp_path):
    """Just so low that the smallest sum above the threshold no longer reaches it."""
    unit = dsp_stem.network.layers[0].unit
    over = unit.accumulate(dsp_stem.reference.images.astype(np.int64)) - unit.thresholds
    nearest = over[..., CHANNEL][over[..., CHANNEL] >= 0].min()
    project = moved(dsp_stem, tmp_path / "rtl", nearest + 1)
    patterns = cosim.stall_patterns(("none",), dsp_stem.schedule.initiation_interval)
    with pytest.raises(VerificationError, match=rf"conv0: image \d+, pixel .* channel {CHANNEL}"):
        cosim.simulate(
            dsp_stem.simulator, dsp_stem.network, project, dsp_stem.reference, patterns, jobs=1
        )
