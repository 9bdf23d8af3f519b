# SPDX-License-Identifier: Apache-2.0
"""The best choice of one folding a layer: branch and bound along the stream, with exact times.

A partial choice (the first layers of the chain) carries when each beat leaves it. Beats that leave
no later, of hardware that costs no more, can only end in a better network, because a walk never
turns earlier arrivals into later results; so such a partial choice ends the other's branch. So does
a lower bound that is no better than the best complete choice.
"""

from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from flows.dataflow.cost import RESOURCES, Fold, Resources
from flows.dataflow.fold import price
from flows.dataflow.solve.options import Candidates, Option, Sent
from flows.dataflow.walk import Times, walk_layer

_TRIES = 4  # of these, walked for each that is kept
# Partial choices kept a layer: each solution bounds the next search. A budget that binds leaves
# many that no other beats, so its searches take long, and there are many of them.
_WIDTHS = (8, 64, 512)
_WIDTHS_IN_BUDGET = (8, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is looked for: the least price + cycle_price * latency.

    Attributes:
        interval: cycles between frames at most.
        cycle_price: what a cycle of latency is worth, LUTs.
        budget: of all layers together, None for no limit.
    """

    interval: int
    cycle_price: float
    budget: Resources | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A folding of the whole network.

    Attributes:
        options: for each layer.
        price: of all, LUTs.
        resources: of all, without FIFOs.
        latency: of an image alone, without FIFOs, cycles.
        interval: of the slowest layer, cycles.
        exhaustive: nothing was left out, so no choice is better.
    """

    options: tuple[Option, ...]
    price: float
    resources: Resources
    latency: int
    interval: int
    exhaustive: bool

    def folding(self, names: list[str]) -> dict[str, Fold]:
        """Layer name to fold."""
        pairs = zip(names, self.options, strict=True)
        return {name: option.fold for name, option in pairs if option.fold is not None}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Partial:
    """The first layers, chosen."""

    options: tuple[Option, ...]
    price: float
    used: np.ndarray
    sent: Sent
    left: Times
    interval: int
    bound: float = 0.0


class _Layer:
    """The usable options of one layer as arrays, and the least that all later layers add."""

    def __init__(self, options: list[Option], goal: Goal, after: "_Layer | None") -> None:
        self.options = [option for option in options if option.interval <= goal.interval]
        self.price = np.array([option.price for option in self.options])
        used = [_vector(option.resources) for option in self.options]
        self.used = np.array(used).reshape(-1, len(RESOURCES))
        self.score = self.price + goal.cycle_price * np.array([o.tail for o in self.options])
        self.rest_score: float = after.all_score if after else 0.0
        self.rest_used: np.ndarray = after.all_used if after else np.zeros(len(RESOURCES))
        self.all_score: float = self.rest_score + float(self.score.min(initial=np.inf))
        self.all_used: np.ndarray = self.rest_used + self.used.min(axis=0, initial=np.inf)


def _vector(resources: Resources) -> np.ndarray:
    return np.array([value for _, value in resources.items()])


@singledispatch
def search(candidates: object, goal: Goal) -> Choice | None:
    """The best choice, or None if none is fast enough within the budget."""
    raise TypeError(f"{type(candidates).__name__}: nothing is known of how to search it")


@search.register
def _(candidates: Candidates, goal: Goal) -> Choice | None:
    """For a chain: branch and bound along the stream."""
    layers: list[_Layer] = []
    for options in reversed(candidates.options):
        layers.insert(0, _Layer(options, goal, layers[0] if layers else None))
    best: Choice | None = None
    for width in _WIDTHS if goal.budget is None else _WIDTHS_IN_BUDGET:
        found = _Search(candidates, goal, layers, width).run(best)
        if found is not None:
            best = found
            if best.exhaustive:
                break
    return best


class _Search:
    """One pass along the stream that keeps a number of partial choices a layer."""

    def __init__(
        self, candidates: Candidates, goal: Goal, layers: list[_Layer], width: int
    ) -> None:
        self.candidates = candidates
        self.goal = goal
        self.layers = layers
        self.width = width
        self.limit = np.full(4, np.inf) if goal.budget is None else _vector(goal.budget) + 1e-6
        self.exhaustive = True

    def run(self, best: Choice | None) -> Choice | None:
        """The best choice of this pass, or the one that was known where none is better."""
        known = np.inf if best is None else best.price + self.goal.cycle_price * best.latency
        source = self.candidates.source
        partials = [
            _Partial(
                options=(),
                price=0.0,
                used=np.zeros(4),
                sent=source,
                left=np.zeros(1, np.int64),
                interval=0,
            )
        ]
        for index in range(len(self.layers)):
            partials = self._select(self._grow(index, partials, known))
        if not partials:
            return best and replace(best, exhaustive=self.exhaustive)
        end = min(partials, key=lambda partial: partial.bound)
        return Choice(
            options=end.options,
            price=end.price,
            resources=Resources(**dict(zip(RESOURCES, map(float, end.used), strict=True))),
            latency=int(end.left[-1]),
            interval=end.interval,
            exhaustive=self.exhaustive,
        )

    def _grow(self, index: int, partials: list[_Partial], known: float) -> list[_Partial]:
        """Partial choices with one layer more, as far as they can still lead to a better one."""
        layer, cycle_price = self.layers[index], self.goal.cycle_price
        fitting: dict[Sent, np.ndarray] = {}
        bounds, numbers, places = [np.empty(0)], [np.empty(0, int)], [np.empty(0, int)]
        for number, partial in enumerate(partials):
            if partial.sent not in fitting:
                fits = [self.candidates.fits(index, o, partial.sent) for o in layer.options]
                fitting[partial.sent] = np.array(fits, bool)
            begun = partial.price + cycle_price * int(partial.left[-1]) + layer.rest_score
            bound = begun + layer.score
            affordable = (partial.used + layer.used + layer.rest_used <= self.limit).all(axis=1)
            found = np.flatnonzero((bound < known) & affordable & fitting[partial.sent])
            bounds.append(bound[found])
            numbers.append(np.full(len(found), number))
            places.append(found)
        order = np.argsort(np.concatenate(bounds), kind="stable")
        if len(order) > self.width * _TRIES:
            self.exhaustive = False
            order = order[: self.width * _TRIES]
        pairs = np.stack((np.concatenate(numbers), np.concatenate(places)))[:, order]
        grown = (self._extend(index, partials[n], layer, place) for n, place in pairs.T.tolist())
        return [partial for partial in grown if partial is not None and partial.bound < known]

    def _extend(self, index: int, partial: _Partial, layer: _Layer, place: int) -> _Partial | None:
        option = layer.options[place]
        built = self.candidates.layer(index, option, partial.sent)
        interval = self.candidates.interval(built)
        if interval > self.goal.interval:
            return None
        joints = self.candidates.joints(built)
        used = partial.used + layer.used[place] + _vector(joints)
        if (used + layer.rest_used > self.limit).any():
            return None
        arrival = partial.left if index else np.arange(built.edges[0].beats)
        left = walk_layer(built, arrival).left
        cost = partial.price + option.price + price(joints)
        return _Partial(
            options=(*partial.options, option),
            price=cost,
            used=used,
            sent=self.candidates.sent(index, option, built),
            left=left,
            interval=max(interval, partial.interval),
            bound=cost + self.goal.cycle_price * int(left[-1]) + layer.rest_score,
        )

    def _select(self, grown: list[_Partial]) -> list[_Partial]:
        """The partial choices that no other equals or betters, the most promising ones."""
        kept: list[_Partial] = []
        by_end: dict[Sent, _Rivals] = {}
        for partial in sorted(grown, key=lambda p: p.bound):
            if len(kept) == self.width:
                self.exhaustive = False
                break
            if by_end.setdefault(partial.sent, _Rivals(self.goal, self.width)).admit(partial):
                kept.append(partial)
        return kept


class _Rivals:
    """Partial choices that send alike, none of which equals or betters another."""

    def __init__(self, goal: Goal, width: int) -> None:
        self.goal = goal
        self.figures = np.empty((width, 2 + len(RESOURCES)))  # price, last beat, resources
        self.left: list[Times] = []

    def admit(self, partial: _Partial) -> bool:
        """Adds a partial choice, if none here beats it."""
        count = len(self.left)
        own = np.array((partial.price, partial.left[-1], *partial.used))
        less = self.figures[:count] <= own
        cheaper = less[:, 0] if self.goal.budget is None else less[:, 0] & less[:, 2:].all(axis=1)
        if self.goal.cycle_price:
            rivals = np.flatnonzero(cheaper & less[:, 1])
            beaten = any((self.left[rival] <= partial.left).all() for rival in rivals)
        else:
            beaten = bool(cheaper.any())
        if not beaten:
            self.figures[count] = own
            self.left.append(partial.left)
        return not beaten
