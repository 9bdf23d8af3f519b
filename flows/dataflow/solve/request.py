# SPDX-License-Identifier: Apache-2.0
"""What the command line asks for, as a wish of the solver."""

from dataclasses import dataclass

from flows.boards import Board
from flows.config import BuildConfig
from flows.dataflow.cost import Resources
from flows.dataflow.folding_file import read_folding
from flows.dataflow.solve.frontier import FrontierPoint, frontier
from flows.dataflow.solve.options import Space
from flows.dataflow.solve.plan import Plan, Wish, assess, solve
from flows.errors import FoldingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The folding of a build, and what a report says of it.

    Attributes:
        wish: what was looked for.
        plan: what was found.
        frontier: the cheapest network of each rate, beside it.
        most: the most frames per second that the whole board holds; None if it holds no folding.
        ignored: what a folding file says that does not apply here.
    """

    wish: Wish
    plan: Plan
    frontier: tuple[FrontierPoint, ...]
    most: Plan | None = None
    ignored: tuple[str, ...] = ()


def capacity(board: Board) -> Resources:
    """All that a board's part has."""
    have = board.budget
    return Resources(lut=have.lut, ff=have.ff, bram36=have.bram36, dsp=have.dsp)


def make_wish(config: BuildConfig, board: Board, clock_mhz: float) -> Wish:
    """The solver's wish for a command line.

    Without --budget a target may need more than the board has, which the report then says; the
    other objectives keep to a share of it that leaves room for the shell and for routing.
    """
    share = config.budget_share
    interval = int(clock_mhz * 1e6 / config.fps) if config.has_target else None
    return Wish(
        objective=config.objective,
        interval=interval,
        budget=capacity(board).scaled(share or 1.0),
        strict=share is not None,
    )


def fold(config: BuildConfig, board: Board, clock_mhz: float, candidates: Space) -> Solution:
    """Chooses the folding, or reads the user's.

    Args:
        candidates: of the network.

    Raises:
        FoldingError: if the file is not legal, or the wish cannot be met.
    """
    wish = make_wish(config, board, clock_mhz)
    curve, most = frontier(candidates), _most(candidates, board)
    if config.folding is None:
        return Solution(wish=wish, plan=solve(candidates, wish), frontier=curve, most=most)
    read = read_folding(config.folding, candidates.shapes)
    plan = assess(candidates, read.folding, wish)
    return Solution(wish=wish, plan=plan, frontier=curve, most=most, ignored=read.ignored)


def _most(candidates: Space, board: Board) -> Plan | None:
    try:
        return solve(candidates, Wish(objective="fps", budget=capacity(board)))
    except FoldingError:
        return None
