# SPDX-License-Identifier: Apache-2.0
"""From a generated shell to a bitstream: hand-over folders, and the tools where they are found."""

from flows.bitstream.clocks import check_clocks
from flows.bitstream.design import Design, shell_design
from flows.bitstream.make import (
    FLOWS,
    Bitstream,
    HandOver,
    check_flow,
    hand_over,
    how_far,
    make,
)
from flows.bitstream.ps import port_bits

__all__ = [
    "FLOWS",
    "Bitstream",
    "Design",
    "HandOver",
    "check_clocks",
    "check_flow",
    "hand_over",
    "how_far",
    "make",
    "port_bits",
    "shell_design",
]
