# SPDX-License-Identifier: Apache-2.0
"""Shapes of units that tests fold."""

from flows.dataflow.cost import UnitShape

CONV1 = UnitShape(
    name="conv1",
    height=28,
    width=28,
    channels=64,
    kernel=3,
    stride=1,
    mh=64,
    in_bits=1,
    convolution=True,
)
FC = UnitShape(
    name="fc",
    height=1,
    width=1,
    channels=256,
    kernel=1,
    stride=1,
    mh=512,
    in_bits=1,
    convolution=False,
    forms=("window", "input"),
)
PIXELS = UnitShape(
    name="input",
    height=1,
    width=1,
    channels=1,
    kernel=1,
    stride=1,
    mh=784,
    in_bits=8,
    convolution=False,
    forms=("threshold",),
)
