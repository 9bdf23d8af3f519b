# SPDX-License-Identifier: Apache-2.0
"""`report.html`: one file, offline, no scripts; made from the validated document alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from flows.report.document import RESOURCE_KEYS
from flows.report.frontier import frontier_picture

_TEMPLATES = Path(__file__).with_name("templates")
_TITLES = {"lut": "LUT", "ff": "Flip-flops", "bram36": "Block RAM (36 Kbit)", "dsp": "DSP"}
_ROW = 52  # height of a layer in the picture, px
_TOP = 84  # above the first layer: headings and the input
_LEFT = 56  # beside the layers, for streams that pass some by
_LANE, _LANES = 7, 7  # px between two of those, and how many lie side by side


def render_html(document: Mapping[str, Any]) -> str:
    """The report as one HTML page.

    Args:
        document: What `build_document` returned.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = number
    environment.filters["short"] = short
    environment.filters["shape"] = shape
    page = environment.get_template("report.html.j2")
    return page.render(
        r=document,
        rows=_picture_rows(document),
        arcs=_arcs(document),
        follows=_follows(document),
        picture_height=_TOP + _ROW * len(document["layers"]) + 44,
        budgets=_budget_bars(document),
        frontier=frontier_picture(document),
        next_better=next_better(document["folding"]) if document["folding"] else "",
        verdict=_verdict(document),
    )


def number(value: float | None, digits: int = 2) -> str:
    """A number with thousands separators, without needless decimals."""
    if value is None:
        return "–"  # noqa: RUF001
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.{digits}f}"


def short(value: float) -> str:
    """A number in three or four digits: 28.2 k, 3.91 M."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scaled = value / (1e3 if letter == "k" else limit)
            return f"{scaled:.3g} {letter}"
    return number(value, 1)


def shape(sizes: list[int]) -> str:
    """A frame's shape: `30 x 30 x 64`."""
    return " × ".join(map(str, sizes))  # noqa: RUF001


def next_better(folding: Mapping[str, Any]) -> str:
    """The next better point in a line: what it gives, what it costs, what the budget lacks."""
    better = folding["better"]
    if better is None:
        return "none: no folding of this network is better"
    changes = ", ".join(
        f"{cost['value']:+,.0f} {cost['unit']}"
        for cost in better["more"].values()
        if round(cost["value"])
    )
    over = f"; over the budget in {', '.join(better['over'])}" if better["over"] else ""
    return (
        f"{number(better['frames_per_second']['value'], 0)} frames/s, latency "
        f"{number(better['latency_cycles']['value'])} cycles for {changes or 'nothing'}{over}"
    )


def _verdict(document: Mapping[str, Any]) -> dict[str, Any]:
    """The first thing that a reader wants to know."""
    verification = document["verification"]
    if verification is None:
        return {"state": "open", "title": "Not verified", "text": "The build stopped before that."}
    wrong = verification["mismatches"]["value"] + verification["threshold_mismatches"]["value"]
    compared = number(verification["logits_compared"]["value"])
    images = number(verification["images"]["value"])
    patterns = len(verification["stall_patterns"])
    points = number(verification["thresholds_checked"]["value"])
    text = (
        f"{images} images under {patterns} stall patterns: {compared} logits compared with the "
        f"reference ({verification['reference']}). Every reachable accumulator value of every "
        f"channel: {points} thresholds checked."
    )
    requants = sum(verification[f"requants_{kind}"]["value"] for kind in ("checked", "sampled"))
    if requants:
        text += f" Integer batch norms: {number(requants)} points checked."
    if wrong:
        return {"state": "bad", "title": f"{number(wrong)} mismatches", "text": text}
    return {"state": "good", "title": "Hardware equals the reference, bit for bit", "text": text}


def _picture_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Geometry of the picture: one row a layer, bars scaled to the largest of their column."""
    layers = document["layers"]
    resources = document["resources"]
    by_name = {entry["name"]: entry for entry in resources["per_layer"]} if resources else {}
    most = {
        "cycles": max((layer["cycles"]["value"] for layer in layers), default=1),
        **{
            key: max((entry[key]["value"] for entry in by_name.values()), default=1)
            for key in ("lut", "bram36")
        },
    }
    rows = []
    for index, layer in enumerate(layers):
        found = by_name.get(layer["name"])
        values = {"cycles": layer["cycles"]["value"]}
        if found:
            values |= {key: found[key]["value"] for key in ("lut", "bram36")}
        bars = {
            key: {"value": value, "width": round(150 * value / (most[key] or 1), 1)}
            for key, value in values.items()
        }
        rows.append({"layer": layer, "y": _TOP + _ROW * index, "bars": bars})
    return rows


def _arcs(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Streams that pass other layers by: where they leave and arrive, and how far beside."""
    place = {layer["name"]: index for index, layer in enumerate(document["layers"])}
    spans = [
        (place.get(source, -1), index)
        for index, layer in enumerate(document["layers"])
        for source in layer["reads"]
        if place.get(source, -1) != index - 1
    ]
    free: list[int] = []  # row after which each lane is free
    arcs = []
    for start, end in sorted(spans):
        lane = next((n for n, row in enumerate(free) if row <= start), len(free))
        free[lane : lane + 1] = [end]
        above = _TOP - _ROW if start < 0 else _TOP + _ROW * start
        arcs.append(
            {
                "from": above + 24,
                "to": _TOP + _ROW * end + 12,
                "x": _LEFT - 6 - _LANE * (lane % _LANES),
            }
        )
    return arcs


def _follows(document: Mapping[str, Any]) -> list[bool]:
    """For each layer, whether it reads the one before it in the list."""
    before = ["image", *(layer["name"] for layer in document["layers"])]
    return [
        not layer["reads"] or name in layer["reads"]
        for name, layer in zip(before, document["layers"], strict=False)
    ]


def _budget_bars(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One bar a resource: a segment for each layer, against the board's budget."""
    resources = document["resources"]
    if resources is None:
        return []
    bars = []
    for key in RESOURCE_KEYS:
        total, budget = resources[key]["value"], resources["budget"][key]
        scale = max(total, budget) or 1
        left = 0.0
        segments = []
        for index, entry in enumerate(resources["per_layer"]):
            value = entry[key]["value"]
            width = 1000 * value / scale
            if value:
                segments.append(
                    {
                        "x": round(left, 2),
                        "width": round(width, 2),
                        "shade": index % 2,
                        "label": entry["name"] if width > 62 else "",
                        "title": f"{entry['name']}: {number(value)}",
                    }
                )
            left += width
        bars.append(
            {
                "title": _TITLES[key],
                "total": total,
                "budget": budget,
                "percent": resources["percent"][key]["value"],
                "over": total > budget,
                "limit_x": round(1000 * budget / scale, 2),
                "segments": segments,
            }
        )
    return bars
