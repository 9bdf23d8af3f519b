# SPDX-License-Identifier: Apache-2.0
"""Emitted memories of graph networks against tables of every sign and requant."""

from __future__ import annotations

import pytest

from flows.dataflow.lower_graph import lower_graph
from flows.dataflow.solve import fold_graph
from flows.emit.project import emit
from flows.errors import VerificationError
from flows.exact_memories import check_memories
from flows.streamline.graph_passes import optimise
from tests.support.graph_tables import tabulated
from tests.support.random_graphs import random_graph

SEEDS = range(12)


def emitted(seed: int, folder):
    graph = random_graph(seed)
    reference = tabulated(graph)
    graph = optimise(graph)
    interval = (1 + seed % 5) * 8 * graph.image.height * graph.image.width
    network = lower_graph(graph, fold_graph(graph, interval), "net")
    return network, graph, emit(network, folder).root, reference


@pytest.mark.parametrize("seed", SEEDS)
def test_memories_give_what_the_tables_have(seed, tmp_path):
    network, graph, root, reference = emitted(seed, tmp_path)
    found = check_memories(network, graph, root, reference)
    tried = sum(probe.outputs.size for s in reference.streams for probe in s.probes)
    assert 0 < found.values + found.requants + found.sampled <= tried  # some cannot occur
    signs = [s for s in reference.streams if s.kind == "sign"]
    assert found.channels == sum(s.probes[0].channels for s in signs)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_inverted_word_of_any_memory_is_found(seed, tmp_path):
    network, graph, root, reference = emitted(seed, tmp_path)
    paths = [p for p in sorted((root / "mem").iterdir()) if "weights" not in p.name]
    for path in paths:
        genuine = path.read_text()
        words = genuine.split()
        width = _width(network, path.name)
        words[0] = f"{int(words[0], 16) ^ (2**width - 1):0{len(words[0])}x}"
        path.write_text("\n".join(words) + "\n")
        layer = path.stem.rsplit("_", 1)[0]
        with pytest.raises(VerificationError, match=f"{layer}(, channel|_thresholds.hex: word 0)"):
            check_memories(network, graph, root, reference)
        path.write_text(genuine)


def _width(network, name: str) -> int:
    """Bits of a word of an image."""
    layer = next(layer for layer in network if name.startswith(f"{layer.name}_"))
    kind = name.rsplit("_", 1)[1].removesuffix(".hex")
    parameter = {"thresholds": "THRESHOLD_FILE", "affine": "AFFINE_FILE"}[kind]
    (image,) = [m for k in layer.kernels for m in k.memories() if m.parameter == parameter]
    return image.words.shape[1]


def test_a_layer_that_the_reference_does_not_know_is_named(tmp_path):
    network, graph, root, reference = emitted(0, tmp_path)
    first, *rest = reference.streams
    object.__setattr__(reference, "streams", tuple(rest))
    with pytest.raises(VerificationError, match=f"{first.name}: its memory decides"):
        check_memories(network, graph, root, reference)
