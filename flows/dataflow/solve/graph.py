# SPDX-License-Identifier: Apache-2.0
"""Foldings of a network with forks and joins: each unit for itself, within one interval and budget.

Beats between layers are whole pixels, so a unit's folding is no business of its neighbours, and the
cheapest network within an interval is that of the cheapest units. A budget couples them: as long as
a resource is exceeded, the unit that gives of it for the least of the others takes another folding.
"""

from functools import cached_property

import numpy as np

from flows.dataflow.cost import (
    LUT_LEVELS,
    RESOURCES,
    Fold,
    Folding,
    Resources,
    UnitShape,
    weight_levels,
)
from flows.dataflow.cost_graph import unit_cost
from flows.dataflow.estimate import network_estimate
from flows.dataflow.fold import divisors, price
from flows.dataflow.graph_units import graph_units, slowest
from flows.dataflow.lower_graph import lower_graph
from flows.dataflow.network import Network
from flows.dataflow.solve.options import Option, too_slow
from flows.dataflow.solve.search import Choice, Goal, search
from flows.dataflow.walk import tile_gaps
from flows.errors import FoldingError
from flows.streamline.graph import IntegerGraph
from flows.streamline.reach import Reach

_MOVES = 8  # of a unit, on average, at most
_ROUNDS = 4  # what stands beside the units is known only after a choice
_ROUNDING = 1e-6  # of sums


class GraphCandidates:
    """Units of a graph with their foldings.

    Attributes:
        graph: the network, after its passes.
        shapes: of its units.
        names: of the units, in order.
        options: for each unit, every legal folding.
    """

    points = 10  # each is lowered

    def __init__(self, graph: IntegerGraph) -> None:
        """Enumerates the legal foldings of all units."""
        self.graph = graph
        units = graph_units(graph)
        self.shapes = [shape for shape, _ in units]
        self.names = [shape.name for shape in self.shapes]
        self.options = [_options(shape, source) for shape, source in units]
        self.intervals_of = [np.array([o.interval for o in row]) for row in self.options]
        self._beside: dict[int, Resources] = {}
        self.used_of = [
            np.array([[value for _, value in o.resources.items()] for o in row])
            for row in self.options
        ]

    @cached_property
    def intervals(self) -> list[int]:
        """All intervals that the network could have, ascending."""
        found = np.unique(np.concatenate(self.intervals_of))
        return [int(i) for i in found if i >= max(self.fastest.values())]

    @cached_property
    def fastest(self) -> dict[str, int]:
        """Unit name to the interval of its fastest folding."""
        least = [int(row.min()) for row in self.intervals_of]
        return dict(zip(self.names, least, strict=True))

    def lower(self, folding: Folding) -> Network:
        """The network with a folding, without FIFOs."""
        return lower_graph(self.graph, folding, "net")

    def beside(self, folding: Folding) -> Resources:
        """Additions, pools, signs and requants of their own, as fast as the slowest unit."""
        pace = slowest(self.shapes, folding)
        if pace not in self._beside:
            parts = network_estimate(self.lower(folding), (), {})
            alone = (parts[name] for name in parts if name not in folding)
            self._beside[pace] = sum(alone, Resources())
        return self._beside[pace]


def fold_graph(graph: IntegerGraph, cycles: int) -> Folding:
    """The cheapest folding of every unit within an interval.

    Args:
        graph: after its passes.
        cycles: of a frame.

    Raises:
        FoldingError: if a unit cannot be that fast, with the best that it can.
    """
    candidates = GraphCandidates(graph)
    choice = search(candidates, Goal(interval=cycles, cycle_price=0.0))
    if choice is None:
        raise FoldingError(too_slow(candidates.fastest, cycles))
    return choice.folding(candidates.names)


def _options(shape: UnitShape, source: Reach) -> list[Option]:
    found = []
    for fold in graph_foldings(shape, source.channels):
        if weight_levels(shape, fold) > LUT_LEVELS:
            continue
        resources = unit_cost(shape, fold).resources
        found.append(
            Option(
                fold=fold,
                resources=resources,
                price=price(resources),
                interval=interval(shape, source, fold),
                tail=0,
            )
        )
    return found


def graph_foldings(shape: UnitShape, pixel: int) -> list[Fold]:
    """Every legal folding: PE is a multiple of the groups, M at most the steps of a tile.

    Args:
        pixel: channels of what arrives; in form "input" a word is a part of a pixel.
    """
    serial = [
        Fold(pe=pe, simd=simd, rom_block=block, form="input")
        for pe in divisors(shape.mh)
        for simd in divisors(pixel)
        for block in (False, True)
    ]
    return (serial if "input" in shape.forms else []) + [
        Fold(pe=pe, simd=simd, m=m, rom_block=block)
        for pe in divisors(shape.mh)
        if pe % shape.groups == 0
        for simd in divisors(shape.n)
        for m in (divisors(shape.width) if shape.convolution else [1])
        if m <= shape.mh // pe * (shape.n // simd)
        for block in (False, True)
    ]


def interval(shape: UnitShape, source: Reach, fold: Fold) -> int:
    """Cycles between frames that a unit sustains with the window in front of it.

    A tile is computed while the next one shifts in; the slower of the two counts, tile by tile.
    """
    hold = shape.mh // fold.pe * (shape.n // fold.simd)
    if not shape.convolution:
        return max(hold, source.height * source.width)
    steps, counts = tile_gaps(
        source.height,
        source.width,
        shape.pad,
        shape.kernel,
        shape.stride,
        shape.height,
        shape.width,
        fold.m,
    )
    return int((np.maximum(steps, hold) * counts).sum())


@search.register
def _(candidates: GraphCandidates, goal: Goal) -> Choice | None:
    """The cheapest choice within interval and budget; latency is not looked at.

    Without a budget, or where the cheapest choice fits it, nothing is cheaper. Else one that fits
    may exist that is not found.
    """
    within = [np.flatnonzero(row <= goal.interval) for row in candidates.intervals_of]
    if not all(len(row) for row in within):
        return None
    used = [figures[row] for figures, row in zip(candidates.used_of, within, strict=True)]
    worth = np.array([price(Resources(**{name: 1.0})) for name in RESOURCES])
    cheapest = [int(np.argmin(figures @ worth)) for figures in used]

    def choice(chosen: list[int], *, exhaustive: bool) -> Choice:
        places = [int(row[i]) for row, i in zip(within, chosen, strict=True)]
        return _choice(candidates, places, exhaustive=exhaustive)

    found = choice(cheapest, exhaustive=True)
    budget, beside = goal.budget, candidates.beside(found.folding(candidates.names))
    if budget is None:
        return found
    for _ in range(_ROUNDS):
        room = np.array([value for _, value in (budget - beside).items()]) + _ROUNDING
        if (room < 0).any() or (fits := _fit(used, cheapest, room)) is None:
            return None
        found = choice(fits[0], exhaustive=fits[1] == 0)
        then = candidates.beside(found.folding(candidates.names))
        if not then.over(beside):
            return found
        beside = beside.most(then)
    return None


def _fit(
    used: list[np.ndarray], chosen: list[int], limit: np.ndarray
) -> tuple[list[int], int] | None:
    """Other options for some units, until a budget holds them all.

    Each move takes from the resource that is exceeded most, where that costs least of the others.

    Args:
        used: for each unit (options, resources).
        chosen: for each unit the option to begin with.
        limit: (resources,).

    Returns:
        The options and the count of moves; None where no move helps.
    """
    chosen = list(chosen)
    for moves in range(_MOVES * len(used)):
        total = sum((figures[i] for figures, i in zip(used, chosen, strict=True)), np.zeros(4))
        over = total - limit
        if (over <= 0).all():
            return chosen, moves
        worst = int(np.argmax(total / limit))  # of no limit nothing is exceeded: 0
        others = np.arange(len(limit)) != worst
        best, least = None, np.inf
        for unit, figures in enumerate(used):
            more = figures - figures[chosen[unit]]
            gain = np.minimum(-more[:, worst], over[worst])
            room = np.maximum(limit - total, 0)
            helps = (gain > 0) & (more[:, others] <= room[others]).all(axis=1)
            if not helps.any():
                continue
            cost = (np.maximum(more, 0) / limit)[:, others].sum(axis=1)
            ratio = np.where(helps, cost / np.where(helps, gain, 1), np.inf)
            if ratio.min() < least:
                best, least = (unit, int(ratio.argmin())), float(ratio.min())
        if best is None:
            return None
        chosen[best[0]] = best[1]
    return None


def _choice(candidates: GraphCandidates, chosen: list[int], *, exhaustive: bool) -> Choice:
    options = tuple(row[i] for row, i in zip(candidates.options, chosen, strict=True))
    pairs = zip(candidates.names, options, strict=True)
    beside = candidates.beside({name: option.fold for name, option in pairs if option.fold})
    return Choice(
        options=options,
        price=sum(option.price for option in options) + price(beside),
        resources=sum((option.resources for option in options), beside),
        latency=0,
        interval=max(option.interval for option in options),
        exhaustive=exhaustive,
    )
