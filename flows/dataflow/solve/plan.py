# SPDX-License-Identifier: Apache-2.0
"""From what is wanted of a network to its folding, what holds it back, and what more would cost."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import inf

from flows.config import Objective
from flows.dataflow.cost import RESOURCES, Folding, Resources
from flows.dataflow.estimate import network_estimate
from flows.dataflow.schedule import Schedule, schedule, size_fifos
from flows.dataflow.solve.options import Space, too_slow
from flows.dataflow.solve.search import Choice, Goal, search
from flows.errors import FoldingError

# What one interval of latency is worth, as a share of the price of the smallest hardware that
# computes the network. With it, layers behind the slowest one are faster than the interval asks
# for, where that is cheap.
_LATENCY_SHARE = 0.8
# For the least latency: limits of the interval, as multiples of the shortest, and what a cycle is
# worth, as a multiple of the above.
_SLACKS = (1.0, 1.25, 1.6, 2.0, 2.5)
_DEARER = 6.0
_STEP = 0.05  # the next better point is better by that much at least
_FIFO_SHARE = 0.02  # of the budget's LUTs is left to FIFOs, more where they need more
_FIFO_MARGIN = 1.1  # the next choice may need a little more for its FIFOs

_UNITS = {"lut": "LUT", "ff": "FF", "bram36": "BRAM36", "dsp": "DSP"}

_ROUNDS = 4  # FIFOs are known only after a choice; their cost then narrows the budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted.

    Attributes:
        objective: "cost": the cheapest network within the interval, its latency weighed; "latency":
            the least latency; "fps": the shortest interval. The last two within the budget.
        interval: cycles between frames at most; None where the objective needs none.
        budget: what all layers may occupy together; None for no limit.
        strict: a budget that does not hold the interval is an error; else it is overdrawn.
    """

    objective: Objective = "cost"
    interval: int | None = None
    budget: Resources | None = None
    strict: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Better:
    """The next better point.

    Attributes:
        interval, latency: of it, cycles.
        more: resources beyond those of the plan; some may be fewer.
        over: resources of which it needs more than the budget has.
    """

    interval: int
    latency: int
    more: Resources
    over: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A folding and what is known of it before synthesis.

    Attributes:
        folding: layer name to fold.
        schedule: interval and latency, exact.
        resources: estimate of all layers with their FIFOs.
        binding: the layer that sets the interval, or the resources that run out: of "LUT or DSP"
            more of either would allow a better network, of "LUT, FF" only more of both.
        better: None where no folding is better.
        exhaustive: the search left nothing out.
        fits: the budget holds it; True without a budget.
    """

    folding: Folding
    schedule: Schedule
    resources: Resources
    binding: str
    better: Better | None
    exhaustive: bool
    fits: bool


def solve(candidates: Space, wish: Wish) -> Plan:
    """Chooses the folding of every layer.

    Raises:
        FoldingError: if nothing is that fast, or nothing that fast fits the budget; with the best
            that there is.
    """
    solver = _Solver(candidates, wish)
    choice = solver.choose()
    return solver.plan(choice.folding(candidates.names), choice.exhaustive)


def assess(candidates: Space, folding: Folding, wish: Wish) -> Plan:
    """The plan of a folding that somebody else chose."""
    return _Solver(candidates, wish).plan(folding, False)


class _Solver:
    """Searches of one network for one wish."""

    def __init__(self, candidates: Space, wish: Wish) -> None:
        self.candidates = candidates
        self.wish = wish
        self._found: dict[Goal, Choice | None] = {}

    def plan(self, folding: Folding, exhaustive: bool) -> Plan:
        """What is known of a folding, and the next better one."""
        budget = self.wish.budget
        timing, total = self._measure(folding)
        better = self._better(timing, total)
        return Plan(
            folding=folding,
            schedule=timing,
            resources=total,
            binding=self._binding(timing, better),
            better=better,
            exhaustive=exhaustive,
            fits=budget is None or not total.over(budget),
        )

    def _measure(self, folding: Folding) -> tuple[Schedule, Resources]:
        """Exact schedule, and resources with FIFOs."""
        network = size_fifos(self.candidates.lower(folding))
        parts = network_estimate(network, self.candidates.shapes, folding).values()
        return schedule(network), sum(parts, Resources())

    def choose(self) -> Choice:
        """The best choice that leaves room for its FIFOs."""
        choice = self._with_fifos(self._choose, self.wish.budget)
        if choice is not None:
            return self._quickest(choice) if self.wish.objective == "fps" else choice
        if self.wish.strict:
            raise FoldingError(self._too_small())
        choice = self._choose(None)
        assert choice is not None
        return choice

    def _quickest(self, choice: Choice) -> Choice:
        """A better one, where that fits although more was kept back for FIFOs than it needs."""
        while True:
            timing, _ = self._measure(choice.folding(self.candidates.names))
            better = self._improve(timing, None)
            if better is None or self.wish.budget is None:
                return choice
            _, needed = self._measure(better.folding(self.candidates.names))
            if needed.over(self.wish.budget):
                return choice
            choice = better

    def _with_fifos(
        self, pick: Callable[[Resources | None], Choice | None], budget: Resources | None
    ) -> Choice | None:
        """What is picked within a budget, of which as much is kept back as its FIFOs need."""
        if budget is None:
            return pick(None)
        fifos = Resources(lut=_FIFO_SHARE * budget.lut if budget.lut < inf else 0.0)
        for _ in range(_ROUNDS):
            choice = pick(budget - fifos)
            if choice is None:
                return None
            _, total = self._measure(choice.folding(self.candidates.names))
            if not total.over(budget):
                return choice
            fifos = (total - choice.resources).scaled(_FIFO_MARGIN).most(fifos)
        return None

    def _choose(self, budget: Resources | None) -> Choice | None:
        wish = self.wish
        if wish.objective == "fps":
            interval = self._shortest_interval(budget)
            return None if interval is None else self._cheapest(interval, budget)
        interval, fastest = self._interval, self.candidates.fastest
        if interval < max(fastest.values()):
            raise FoldingError(too_slow(fastest, interval))
        if wish.objective == "latency":
            return self._least_latency(interval, budget)
        return self._cheapest(interval, budget)

    @property
    def _interval(self) -> int:
        """The interval that is wanted; any, where none is."""
        if self.wish.interval is not None:
            return self.wish.interval
        return self.candidates.intervals[-1]

    def _search(self, goal: Goal) -> Choice | None:
        if goal not in self._found:
            self._found[goal] = self._search_anew(goal)
        return self._found[goal]

    def _search_anew(self, goal: Goal) -> Choice | None:
        """The best choice; that of no budget, where it fits, as less time finds it."""
        if goal.budget is None:
            return search(self.candidates, goal)
        for worth in (0.0, goal.cycle_price):  # what is cheapest seldom fits less than what is not
            choice = self._search(replace(goal, cycle_price=worth, budget=None))
            if choice is None:
                return None
            if choice.resources.over(goal.budget):
                return search(self.candidates, goal)
        return choice

    def _cheapest(self, interval: int, budget: Resources | None) -> Choice | None:
        """The cheapest choice, latency weighed."""
        return self._weigh(1.0, interval, budget)

    def _weigh(self, dearer: float, interval: int, budget: Resources | None) -> Choice | None:
        """The best choice where latency is worth a multiple of the usual; None if nothing fits."""
        plain = self._search(Goal(interval=interval, cycle_price=0.0, budget=budget))
        if plain is None:
            return None
        smallest = self._search(Goal(interval=self.candidates.intervals[-1], cycle_price=0.0))
        assert smallest is not None
        worth = dearer * _LATENCY_SHARE * smallest.price / interval
        return self._search(Goal(interval=interval, cycle_price=worth, budget=budget)) or plain

    def _shortest_interval(self, budget: Resources | None) -> int | None:
        """The shortest interval that the budget allows."""
        intervals = self.candidates.intervals
        low, high = 0, len(intervals)  # intervals[high:] fit
        while low < high:
            middle = (low + high) // 2
            goal = Goal(interval=intervals[middle], cycle_price=0.0, budget=budget)
            if self._search(goal) is None:
                low = middle + 1
            else:
                high = middle
        return intervals[high] if high < len(intervals) else None

    def _least_latency(self, interval: int, budget: Resources | None) -> Choice | None:
        """The choice with the least latency that is found around the shortest interval.

        A network that is as fast as the budget allows has no resources left for the layers that
        only latency asks for; one that is much slower has longer ways through every layer.
        """
        shortest = self._shortest_interval(budget)
        if shortest is None or shortest > interval:
            return None
        limits = [min(interval, int(shortest * slack)) for slack in _SLACKS]
        found = (self._weigh(_DEARER, limit, budget) for limit in limits)
        return min(filter(None, found), key=lambda c: (c.latency, c.price))

    def _better(self, timing: Schedule, total: Resources) -> Better | None:
        """The cheapest network that is clearly better, whatever it needs."""
        choice = self._improve(timing, None)
        if choice is None:
            return None
        then, needed = self._measure(choice.folding(self.candidates.names))
        return Better(
            interval=then.initiation_interval,
            latency=then.latency,
            more=needed - total,
            over=needed.over(self.wish.budget) if self.wish.budget else (),
        )

    def _improve(self, timing: Schedule, budget: Resources | None) -> Choice | None:
        """The cheapest choice that is clearly better; None if there is none within the budget."""
        if self.wish.objective == "latency":
            limit = int(timing.latency * (1 - _STEP))
            return self._quicker(limit, timing.initiation_interval, budget)
        limit = int(timing.initiation_interval * (1 - _STEP))
        if limit < self.candidates.intervals[0]:
            return None
        return self._cheapest(limit, budget)

    def _quicker(self, latency: int, interval: int, budget: Resources | None) -> Choice | None:
        """A network with less latency, from small steps to large ones; None if there is none."""
        for slack in _SLACKS:
            limit = max(int(interval / slack), self.candidates.intervals[0])
            for dearer in (1.0, _DEARER):
                choice = self._weigh(dearer, limit, budget)
                if choice is not None and choice.latency <= latency:
                    return choice
        return None

    def _binding(self, timing: Schedule, better: Better | None) -> str:
        """The slowest layer; where the budget ends it, each resource that alone would be enough.

        Where no resource alone would be, all of which the next better network needs more.
        """
        if better is None:
            return f"{timing.bottleneck}: no folding of the network is better"
        if not better.over or self.wish.objective == "cost":
            return timing.bottleneck
        improve = partial(self._improve, timing)
        enough = [name for name in RESOURCES if self._with_fifos(improve, self._lifted(name))]
        if enough:
            return " or ".join(_UNITS[name] for name in enough)
        return ", ".join(_UNITS[name] for name in better.over)

    def _lifted(self, name: str) -> Resources:
        """The budget without the limit of one resource."""
        assert self.wish.budget is not None
        return replace(self.wish.budget, **{name: inf})

    def _too_small(self) -> str:
        """The message for a budget that holds nothing that is fast enough."""
        wish = self.wish
        assert wish.budget is not None
        best = self._shortest_interval(wish.budget)
        interval = self._interval
        plain = self._search(Goal(interval=interval, cycle_price=0.0))
        assert plain is not None
        budget = dict(wish.budget.items())
        needs = ", ".join(
            f"{value:,.0f} {_UNITS[name]} (budget {budget[name]:,.0f})"
            for name, value in plain.resources.items()
            if name in RESOURCES and value > budget[name]
        )
        most = (
            f"the fastest network that fits takes {best:,} cycles"
            if best is not None and best > interval
            else "no folding of this network fits"
        )
        rate = "at any rate" if wish.interval is None else f"within {interval:,} cycles per frame"
        return (
            f"budget: the cheapest network {rate} needs "
            f"{needs or 'more memory for FIFOs than is left'}; {most}. Raise --budget, lower "
            "--target-fps or choose a larger board."
        )
