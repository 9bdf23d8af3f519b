# SPDX-License-Identifier: Apache-2.0
"""Chooses the folding of a network: for a rate, for latency, or for what a board holds."""

from flows.dataflow.solve.frontier import FrontierPoint, frontier
from flows.dataflow.solve.graph import GraphCandidates, fold_graph
from flows.dataflow.solve.options import Candidates
from flows.dataflow.solve.plan import Better, Plan, Wish, assess, solve
from flows.dataflow.solve.request import Solution, capacity, fold, make_wish

__all__ = [
    "Better",
    "Candidates",
    "FrontierPoint",
    "GraphCandidates",
    "Plan",
    "Solution",
    "Wish",
    "assess",
    "capacity",
    "fold",
    "fold_graph",
    "frontier",
    "make_wish",
    "solve",
]
