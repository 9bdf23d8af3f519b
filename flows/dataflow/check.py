# SPDX-License-Identifier: Apache-2.0
"""Legality of a Network; runs after every step that makes one."""

import re
from collections.abc import Mapping

from flows.dataflow.kernels import Join, Kernel
from flows.dataflow.network import IMAGE, Layer, Network
from flows.dataflow.stream import Stream
from flows.errors import UnsupportedModelError

# Where a stream comes from: its name for messages, its type, the width of its beats.
_End = tuple[str, Stream, int]

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
    made = {IMAGE: ("image", network.input_frame, network.input_bits)}
    for layer in network:
        for edge in layer.edges:
            if edge.producer not in made:
                raise UnsupportedModelError(
                    f"{layer.name}: reads {edge.producer!r}, which no layer before it makes"
                )
        _check_layer(layer, made)
        last = layer.kernels[-1]
        made[layer.name] = (f"{layer.name}/{last.module}", last.output, last.output_bits)
    unread = [name for name in names[:-1] if not network.readers(name)]
    if unread:
        raise UnsupportedModelError(f"{unread[0]}: no layer reads it; remove it")


def _check_layer(layer: Layer, made: Mapping[str, _End]) -> None:
    """Every kernel takes what the one before it makes; a join also takes the next input."""
    sources = iter(layer.inputs)
    end = made[next(sources)]
    for kernel in layer.kernels:
        name = f"{layer.name}/{kernel.module}"
        _check_joint(end, name, kernel, kernel.input, kernel.input_bits)
        if isinstance(kernel, Join):
            other = made[next(sources)]
            _check_joint(other, name, kernel, kernel.second, kernel.second_bits)
        end = (name, kernel.output, kernel.output_bits)


def _check_joint(end: _End, name: str, kernel: Kernel, taken: Stream, taken_bits: int) -> None:
    source, sent, sent_bits = end
    if sent_bits != taken_bits:
        raise UnsupportedModelError(
            f"{source} sends beats of {sent_bits} bits, {name} takes {taken_bits}"
        )
    # A stride can leave the last rows or columns of an image unused.
    same = (sent.channels, sent.bits) == (taken.channels, taken.bits)
    if kernel.module in ("conv_xnor", "mvu_int", "mvu_dsp"):
        fits = same and sent.height >= taken.height and sent.width >= taken.width
    elif kernel.module == "mvu_serial" or source == "image":
        # Elements in order, whatever the pixels are.
        size = taken.beats * taken.channels
        fits = sent.bits == taken.bits and sent.beats * sent.channels == size
    else:
        fits = same and (sent.height, sent.width) == (taken.height, taken.width)
    if not fits:
        raise UnsupportedModelError(f"{source} sends frames {sent}, {name} takes {taken}")
