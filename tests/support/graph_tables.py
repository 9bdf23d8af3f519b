# SPDX-License-Identifier: Apache-2.0
"""A reference for an integer graph, as an export has it: every stream, every sign and requant."""

from __future__ import annotations

import numpy as np

from flows.graph_reference import GraphReference, Probe, StreamReference
from flows.streamline.graph import (
    Add,
    IntegerGraph,
    Requant,
    Sign,
    compute,
    evaluate,
)
from flows.streamline.reach import reaches

_MOST = 4000  # integers a unit is tried on
_KINDS = {Sign: "sign", Requant: "requant", Add: "add"}


def tabulated(graph: IntegerGraph, count: int = 0) -> GraphReference:
    """Streams for some images, and tables over integers from one end of the reach to the other.

    Args:
        graph: before its passes.
        count: of images, random.
    """
    shape = (count, graph.image.height, graph.image.width, graph.image.channels)
    images = np.random.default_rng(7).integers(0, 256, shape, np.uint8)
    values = evaluate(graph, images) if count else {}
    reach = reaches(graph)
    streams = []
    for node in graph.nodes:
        if type(node) not in _KINDS:
            continue
        probes = ()
        if isinstance(node, Sign | Requant):
            source = reach[node.inputs[0]]
            step = max(1, (source.high - source.low) // _MOST)
            x = np.arange(source.low, source.high + 1, step)
            outputs = compute(node, [np.tile(x[:, None], source.channels)]).T
            whole = step == 1
            probes = (Probe(channels=source.channels, inputs=x, outputs=outputs, complete=whole),)
        streams.append(
            StreamReference(
                name=node.name,
                kind=_KINDS[type(node)],
                values=values.get(node.name, np.zeros(0)),
                tensor="",
                step_exponent=0,
                probes=probes,
            )
        )
    return GraphReference(
        model="random",
        dataset="random",
        images=images,
        labels=np.full(count, -1),
        logits=values[graph.nodes[-1].name].reshape(count, -1) if count else np.zeros((0, 0)),
        streams=tuple(streams),
        logit_scale=1.0,
        logit_bias=0.0,
        accuracy=None,
    )
