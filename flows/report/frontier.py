# SPDX-License-Identifier: Apache-2.0
"""Geometry of the picture that shows frames per second against LUTs; both scales logarithmic."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT = 880.0, 300.0  # of the plotting area, px
_LEFT, _TOP = 90.0, 20.0
_STEPS = (1, 2, 5)  # marks of a decade


def frontier_picture(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Points, marks and the board's limit in px; None where there is nothing to draw."""
    folding, resources = document["folding"], document["resources"]
    if folding is None or len(folding["frontier"]) < 2:
        return None
    points = [_values(point) for point in folding["frontier"]]
    chosen = _values(folding["chosen"])
    limit = resources["budget"]["lut"] if resources else None
    everything = [*points, chosen]
    x = _Axis([rate for rate, _ in everything], _LEFT, _LEFT + _WIDTH)
    y = _Axis([lut for _, lut in everything], _TOP + _HEIGHT, _TOP)
    drawn = [{"x": x.at(rate), "y": y.at(lut), "rate": rate, "lut": lut} for rate, lut in points]
    return {
        "left": _LEFT,
        "right": _LEFT + _WIDTH,
        "top": _TOP,
        "bottom": _TOP + _HEIGHT,
        "points": drawn,
        "line": " ".join(f"{point['x']},{point['y']}" for point in drawn),
        "chosen": {"x": x.at(chosen[0]), "y": y.at(chosen[1]), "rate": chosen[0], "lut": chosen[1]},
        "limit": None
        if limit is None or not y.low <= limit <= y.high
        else {"y": y.at(limit), "lut": limit},
        "rates": [{"at": x.at(mark), "value": mark} for mark in x.marks()],
        "luts": [{"at": y.at(mark), "value": mark} for mark in y.marks()],
    }


def _values(point: Mapping[str, Any]) -> tuple[float, float]:
    return point["frames_per_second"]["value"], max(1.0, point["lut"]["value"])


class _Axis:
    """A logarithmic scale from the least to the largest value, with a little room."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.low, self.high = min(values) / 1.15, max(values) * 1.15
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self._start + share * (self._end - self._start), 1)

    def marks(self) -> list[float]:
        """1, 2, 5 times powers of ten; only the powers where there would be too many."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = _STEPS if len(decades) < 5 else _STEPS[:1]
        found = [step * 10.0**decade for decade in decades for step in steps]
        return [mark for mark in found if self.low <= mark <= self.high]
