# SPDX-License-Identifier: Apache-2.0
"""The half of a build that depends on the network: a chain, or a graph with forks and joins.

Both end in the same `Network`; what follows does not know where it came from.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from flows import exact, exact_graph, exact_memories
from flows.boards import Board
from flows.config import BuildConfig
from flows.dataflow.cost import Folding, UnitShape
from flows.dataflow.folding_file import finn_json, folding_json
from flows.dataflow.lower import lower
from flows.dataflow.lower_graph import lower_graph
from flows.dataflow.network import Network
from flows.dataflow.solve import Candidates, GraphCandidates, Solution, fold
from flows.emit.project import RtlProject
from flows.errors import UsageError
from flows.export import Source
from flows.graph_reference import GraphReference
from flows.reference import Reference
from flows.streamline.clean_graph import clean_graph
from flows.streamline.graph import IntegerGraph
from flows.streamline.graph_passes import optimise
from flows.streamline.graph_vectors import graph_vectors, read_file
from flows.streamline.load import load
from flows.streamline.pipeline import StreamlineResult, streamline
from flows.streamline.pixels import RAW
from flows.streamline.read_graph import read_graph
from flows.streamline.structure import is_chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What folding decided.

    Attributes:
        folding: by unit.
        shapes: of the units that a cost formula knows.
        solution: of the solver.
        note: for the progress line.
    """

    folding: Folding
    shapes: tuple[UnitShape, ...]
    solution: Solution
    note: str


def _folded(solution: Solution, shapes: Sequence[UnitShape]) -> Folded:
    plan = solution.plan
    note = f"{len(plan.folding)} units; bound by {plan.binding}"
    return Folded(folding=plan.folding, shapes=tuple(shapes), solution=solution, note=note)


class Front(ABC):
    """A network between its file and its hardware.

    Attributes:
        reference: images, logits, signs to verify with.
        note: what was checked on the way.
        pixel_table: what the host sends for a pixel, None for the pixel itself.
    """

    reference: Reference
    note: str
    pixel_table: np.ndarray | None = None

    @abstractmethod
    def fold(self, config: BuildConfig, board: Board, clock_mhz: float) -> Folded:
        """Chooses PE, SIMD and M of every unit."""

    @abstractmethod
    def lower(self, folded: Folded, name: str) -> Network:
        """Chooses the kernels."""

    @abstractmethod
    def verify(self, network: Network, project: RtlProject) -> tuple[exact.ThresholdCheck, int]:
        """Thresholds as emitted, and every tensor: checks and count of compared values."""


class ChainFront(Front):
    """Layers one behind the other, streamlined by FINN's transformations."""

    def __init__(self, result: StreamlineResult, labels: np.ndarray, dataset: str) -> None:
        self.reference = replace(result.reference, labels=labels, dataset=dataset)
        self.pixel_table = result.chain.input.pixel_table
        self._chain = result.chain
        checks = result.checks
        self.note = (
            f"{len(result.chain.layers)} integer layers; {checks.transformations} transformations "
            f"and {checks.table_values:,} truth-table values checked"
        )

    def fold(self, config: BuildConfig, board: Board, clock_mhz: float) -> Folded:
        """By the solver."""
        candidates = Candidates(self._chain, config.stem)
        return _folded(fold(config, board, clock_mhz, candidates), candidates.shapes)

    def lower(self, folded: Folded, name: str) -> Network:
        """Layer by layer."""
        return lower(self._chain, folded.folding, name)

    def verify(self, network: Network, project: RtlProject) -> tuple[exact.ThresholdCheck, int]:
        """Every reachable accumulator value, every activation."""
        offset = self._chain.input.offset
        thresholds = exact.check_thresholds(network, project.root, self.reference, offset)
        return thresholds, exact.check_tensors(network, self.reference)


class GraphFront(Front):
    """Forks, joins and integer streams."""

    def __init__(self, graph: IntegerGraph, vectors: GraphReference) -> None:
        units = exact_graph.check_units(graph, vectors)
        compared = exact_graph.check_streams(graph, vectors)
        self._graph = optimise(graph)
        self._vectors = vectors
        self.reference = vectors.vectors()
        self.note = (
            f"{len(self._graph.nodes)} integer nodes; {units.complete:,} values of units tried "
            f"exhaustively, {units.sampled:,} at their ends and at random, {compared:,} stream "
            "values: 0 differ"
        )

    def fold(self, config: BuildConfig, board: Board, clock_mhz: float) -> Folded:
        """By the solver, unit by unit."""
        if config.objective == "latency" or config.stem != "auto":
            raise UsageError(
                "--minimize latency, --stem: not for networks with forks; --target-fps, --maximize"
                " fps and --folding are"
            )
        candidates = GraphCandidates(self._graph)
        return _folded(fold(config, board, clock_mhz, candidates), candidates.shapes)

    def lower(self, folded: Folded, name: str) -> Network:
        """Node by node; kernels without a fold keep up with the slowest unit."""
        return lower_graph(self._graph, folded.folding, name)

    def verify(self, network: Network, project: RtlProject) -> tuple[exact.ThresholdCheck, int]:
        """Emitted signs and requants, and every stream of the network in numpy."""
        units = exact_memories.check_memories(network, self._graph, project.root, self._vectors)
        return units, exact_graph.check_network(network, self._graph, self._vectors)


def open_front(source: Source, *, name: str, root: Path) -> Front:
    """Reads a QONNX file and holds it against its reference, or takes it as the reference.

    The structure of a file that is the reference decides between chain and graph.

    Args:
        source: file, vectors, images.
        name: of the model.
        root: folder of the build.
    """
    vectors = source.vectors
    if isinstance(vectors, GraphReference):
        graph = read_graph(clean_graph(load(source.model)), RAW.values(), vectors.names())
        return GraphFront(graph, vectors)
    if vectors is None and not is_chain(load(source.model)):
        cleaned = clean_graph(load(source.model))
        reading = read_file(cleaned)
        found = graph_vectors(
            cleaned,
            reading,
            source.images,
            source.labels,
            name=name,
            dataset=source.dataset,
        )
        return GraphFront(reading.graph, found)
    result = streamline(source.model, vectors, source.images, name=name, out_dir=root)
    front = ChainFront(result, source.labels, source.dataset)
    if front.pixel_table is not None:
        path = root / "export" / "pixel_table.json"
        path.write_text(json.dumps(front.pixel_table.tolist()) + "\n")
    return front


def write_foldings(folded: Folded, root: Path) -> None:
    """The folding in our form and in FINN's."""
    for name, content in (
        ("final_hw_config.json", folding_json(folded.folding)),
        ("finn_hw_config.json", finn_json(folded.folding)),
    ):
        (root / name).write_text(json.dumps(content, indent=2) + "\n")
