# SPDX-License-Identifier: Apache-2.0
"""From a generated shell to a bitstream: hand-over folders, and the tools where they are found."""

from flows.bitstream.design import Design
from flows.bitstream.make import Bitstream, HandOver, hand_over, make_open, make_vivado
from flows.bitstream.ps import port_bits

__all__ = [
    "Bitstream",
    "Design",
    "HandOver",
    "hand_over",
    "make_open",
    "make_vivado",
    "port_bits",
]
