# SPDX-License-Identifier: Apache-2.0
"""Legality of a Network; runs after every step that makes one."""

import re
from itertools import pairwise

from flows.dataflow.kernels import Kernel
from flows.dataflow.network import Network
from flows.errors import UnsupportedModelError

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


def check_network(network: Network) -> None:
    """Refuses a network whose streams do not fit or whose names cannot be emitted.

    Raises:
        UnsupportedModelError: naming both ends of the stream that does not fit.
    """
    names = [layer.name for layer in network]
    for name in (network.name, *names):
        if not _IDENTIFIER.fullmatch(name):
            raise UnsupportedModelError(
                f"{name!r}: not a name for a module; allowed: lower-case letters, digits, _"
            )
    if len(set(names)) != len(names):
        raise UnsupportedModelError(f"{network.name}: two layers share a name: {names}")
    chain = [(layer.name, kernel) for layer in network for kernel in layer.kernels]
    for (a_name, a), (b_name, b) in pairwise(chain):
        _check_joint(f"{a_name}/{a.module}", a, f"{b_name}/{b.module}", b)


def _check_joint(a_name: str, a: Kernel, b_name: str, b: Kernel) -> None:
    if a.output_bits != b.input_bits:
        raise UnsupportedModelError(
            f"{a_name} sends beats of {a.output_bits} bits, {b_name} takes {b.input_bits}"
        )
    sent, taken = a.output, b.input
    # A stride can leave the last rows or columns of an image unused.
    same = (sent.channels, sent.bits) == (taken.channels, taken.bits)
    if b.module in ("conv_xnor", "mvu_int"):
        fits = same and sent.height >= taken.height and sent.width >= taken.width
    elif b.module == "mvu_serial":  # takes the frame's elements in order, whatever its pixels are
        size = taken.beats * taken.channels
        fits = sent.bits == taken.bits and sent.beats * sent.channels == size
    else:
        fits = same and (sent.height, sent.width) == (taken.height, taken.width)
    if not fits:
        raise UnsupportedModelError(f"{a_name} sends frames {sent}, {b_name} takes {taken}")
