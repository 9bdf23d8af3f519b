# SPDX-License-Identifier: Apache-2.0
"""The integer graph against the trained network: every unit on what can reach it, every stream."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from flows.dataflow.interpret import interpret
from flows.dataflow.network import Network
from flows.errors import VerificationError
from flows.graph_reference import GraphReference, Probe, StreamReference
from flows.streamline.graph import (
    IntegerGraph,
    Operation,
    Requant,
    Sign,
    evaluate,
    named,
    requant,
)
from flows.streamline.reach import Reach, reaches

_CHUNK = 16  # images evaluated at a time; bounds memory


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCheck:
    """Signs and requants against the trained modules; the first difference raises.

    Attributes:
        complete: (channel, integer) pairs of units that were tried on all that can reach them.
        sampled: of units that were tried on the ends, around the thresholds, and at random.
    """

    complete: int
    sampled: int


def check_units(graph: IntegerGraph, reference: GraphReference) -> UnitCheck:
    """Every sign and requant on the integers that the trained module was tried on.

    Raises:
        VerificationError: naming stream, channel, integer, expected and got.
    """
    nodes, reach = named(graph), reaches(graph)
    complete = sampled = 0
    for stream in reference.streams:
        node = nodes.get(stream.name)
        start = 0
        for probe in stream.probes:
            part = slice(start, start + probe.channels)
            count = _check_probe(stream, node, probe, part, reach)
            start += probe.channels
            complete += count * probe.complete
            sampled += count * (not probe.complete)
    return UnitCheck(complete=complete, sampled=sampled)


def _check_probe(
    stream: StreamReference,
    node: Operation | None,
    probe: Probe,
    part: slice,
    reach: Mapping[str, Reach],
) -> int:
    """Values compared. Integers that the layer's weights cannot reach are left out."""
    can = np.ones(len(probe.inputs), bool)
    if node is not None:
        source = reach[node.inputs[0]]
        can = (probe.inputs >= source.low) & (probe.inputs <= source.high)
    x = probe.inputs[can][:, None]
    expected = probe.outputs[:, can]
    if isinstance(node, Sign):
        got = (x >= node.thresholds[part]) != node.falling[part]
    elif isinstance(node, Requant):
        got = requant(_channels(node, part), x)
    else:
        raise VerificationError(
            f"{stream.name}: a {stream.kind} of the trained network, but"
            f" {type(node).__name__ if node else 'nothing'} in the integer network"
        )
    wrong = np.argwhere(expected != got.T)
    if len(wrong):
        channel, index = map(int, wrong[0])
        raise VerificationError(
            f"{stream.name}, channel {part.start + channel}: for the integer {x[index, 0]} the"
            f" trained network gives {int(expected[channel, index])}, the integer network"
            f" {int(got[index, channel])} ({len(wrong)} of {got.size} values differ)"
        )
    return int(expected.size)


def _channels(node: Requant, part: slice) -> Requant:
    two = node.thresholds is not None and node.falling is not None
    return Requant(
        name=node.name,
        inputs=node.inputs,
        mul=node.mul[:, part],
        add=node.add[:, part],
        shift=node.shift,
        low=node.low,
        high=node.high,
        thresholds=node.thresholds[part] if two and node.thresholds is not None else None,
        falling=node.falling[part] if two and node.falling is not None else None,
    )


def check_streams(graph: IntegerGraph, reference: GraphReference) -> int:
    """Every stream and every logit of every image.

    Returns:
        Count of compared values.

    Raises:
        VerificationError: naming stream, image, row, column, channel, expected and got.
    """
    compared = 0
    for start in range(0, len(reference.images), _CHUNK):
        got = evaluate(graph, reference.images[start : start + _CHUNK])
        expected = _trained(reference, graph.nodes[-1].name, start)
        lost = sorted(expected.keys() - got.keys())
        if lost:
            raise VerificationError(
                f"{lost[0]}: a stream of the trained network that the integer network does not"
                " have; export the model again."
            )
        compared += _compare(expected, got, start)
    return compared


def check_network(network: Network, graph: IntegerGraph, reference: GraphReference) -> int:
    """Every stream of the lowered network: with the trained network where that has it.

    Streams that only the passes made are compared with the integer graph.

    Args:
        graph: what the network was lowered from.

    Returns:
        Count of compared values.

    Raises:
        VerificationError: naming stream, image, row, column, channel, expected and got.
    """
    compared = 0
    for start in range(0, len(reference.images), _CHUNK):
        images = reference.images[start : start + _CHUNK]
        trained = _trained(reference, graph.nodes[-1].name, start)
        got = interpret(network, images)
        own = {} if got.keys() <= trained.keys() else evaluate(graph, images)
        expected = own | trained
        compared += _compare({name: expected[name] for name in got}, got, start)
    return compared


def _trained(reference: GraphReference, last: str, start: int) -> dict[str, np.ndarray]:
    """Streams of the trained network for a chunk of images, and the logits under a layer's name."""
    part = slice(start, start + _CHUNK)
    logits = reference.logits[part]
    return {s.name: s.values[part] for s in reference.streams} | {
        last: logits.reshape(len(logits), 1, 1, -1)
    }


def _compare(expected: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], start: int) -> int:
    for name, values in expected.items():
        if not np.array_equal(got[name], values):
            index = tuple(int(i) for i in np.argwhere(got[name] != values)[0])
            raise VerificationError(
                f"{name}: image {start + index[0]}, row {index[1]}, column {index[2]}, channel"
                f" {index[3]}: expected {int(values[index])}, got {int(got[name][index])}"
            )
    return sum(values.size for values in expected.values())
