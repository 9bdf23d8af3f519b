# SPDX-License-Identifier: Apache-2.0
"""What a rate costs at least: the network's Pareto curve of interval against LUTs."""

from dataclasses import dataclass

import numpy as np

from flows.dataflow.cost import Resources
from flows.dataflow.solve.options import Space
from flows.dataflow.solve.search import Goal, search


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """The cheapest network of a rate, its latency left aside.

    Attributes:
        interval: cycles between frames.
        latency: cycles, without FIFOs.
        resources: estimate, without FIFOs.
    """

    interval: int
    latency: int
    resources: Resources


def frontier(candidates: Space) -> tuple[FrontierPoint, ...]:
    """Points of the curve, from the fastest network to the slowest.

    Args:
        candidates: foldings to choose from.
    """
    cheapest = [min(options, key=lambda o: o.price) for options in candidates.options]
    slowest = max(option.interval for option in cheapest)
    found: dict[int, FrontierPoint] = {}
    for interval in np.geomspace(candidates.intervals[0], slowest, candidates.points):
        choice = search(candidates, Goal(interval=int(interval), cycle_price=0.0))
        if choice is not None:
            found[choice.interval] = FrontierPoint(
                interval=choice.interval,
                latency=choice.latency,
                resources=choice.resources,
            )
    return tuple(found[interval] for interval in sorted(found))
