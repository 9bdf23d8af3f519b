# SPDX-License-Identifier: Apache-2.0
"""Rewrites of an IntegerGraph that save hardware; each gives a graph with the same logits.

Streams that a pass makes are named after those that they come from; streams that it keeps hold
what they held.
"""

from dataclasses import replace

from flows.streamline.graph import (
    IMAGE,
    Concat,
    Convolution,
    Dense,
    IntegerGraph,
    MaxPool,
    Operation,
    Sign,
    named,
)


def optimise(graph: IntegerGraph) -> IntegerGraph:
    """All passes, in order."""
    return drop_unread(pool_bits(flatten_concats(split_signs(flatten_concats(graph)))))


def drop_unread(graph: IntegerGraph) -> IntegerGraph:
    """Without nodes that lead to no logit."""
    wanted = {graph.nodes[-1].name}
    for node in reversed(graph.nodes):
        if node.name in wanted:
            wanted |= set(node.inputs)
    kept = tuple(node for node in graph.nodes if node.name in wanted)
    return replace(graph, nodes=kept)


def flatten_concats(graph: IntegerGraph) -> IntegerGraph:
    """A Concat reads no Concat: concat(concat(a, b), c) is concat(a, b, c)."""
    nodes: list[Operation] = []
    parts: dict[str, tuple[str, ...]] = {}
    for node in graph.nodes:
        if isinstance(node, Concat):
            inputs = tuple(p for name in node.inputs for p in parts.get(name, (name,)))
            parts[node.name] = inputs
            node = replace(node, inputs=inputs)
        nodes.append(node)
    return drop_unread(replace(graph, nodes=tuple(nodes)))


def split_signs(graph: IntegerGraph) -> IntegerGraph:
    """sign(concat(a, b)) is concat(sign(a), sign(b)): bits travel, each thresholded at its source.

    In a dense block every layer takes the signs of all features before it. Split, each feature is
    compared where it is made, once for each reader, and only bits are buffered.
    """
    by_name = named(graph)
    width = channel_counts(graph)
    nodes: list[Operation] = []
    for node in graph.nodes:
        source = by_name.get(node.inputs[0])
        if not (isinstance(node, Sign) and isinstance(source, Concat)):
            nodes.append(node)
            continue
        start, names = 0, []
        for name in source.inputs:
            part = slice(start, start + width[name])
            start += width[name]
            names.append(f"{node.name}_of_{name}")
            nodes.append(
                Sign(
                    name=names[-1],
                    inputs=(name,),
                    thresholds=node.thresholds[part],
                    falling=node.falling[part],
                )
            )
        nodes.append(Concat(name=node.name, inputs=tuple(names)))
    return drop_unread(replace(graph, nodes=tuple(nodes)))


def pool_bits(graph: IntegerGraph) -> IntegerGraph:
    """sign(maxpool(x)) is maxpool(sign(x)) where all channels rise: bits are pooled, not integers.

    The pool must have no other reader, and stand behind no other pool.
    """
    by_name = named(graph)
    readers = graph.consumers()
    moved: dict[str, Operation] = {}
    for node in graph.nodes:
        pool = by_name.get(node.inputs[0])
        if not isinstance(node, Sign) or not isinstance(pool, MaxPool):
            continue
        if node.falling.any() or len(readers[pool.name]) != 1:
            continue
        inner = f"{node.name}_before_pool"
        moved[pool.name] = replace(node, name=inner, inputs=pool.inputs)
        moved[node.name] = replace(pool, name=node.name, inputs=(inner,))
    nodes = tuple(moved.get(node.name, node) for node in graph.nodes)
    return replace(graph, nodes=nodes)


def channel_counts(graph: IntegerGraph) -> dict[str, int]:
    """Stream name to its channels."""
    counts = {IMAGE: graph.image.channels}
    for node in graph.nodes:
        if isinstance(node, Concat):
            counts[node.name] = sum(counts[name] for name in node.inputs)
        elif isinstance(node, Convolution | Dense):
            counts[node.name] = len(node.weights)
        else:
            counts[node.name] = counts[node.inputs[0]]
    return counts
