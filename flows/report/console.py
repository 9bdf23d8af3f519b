# SPDX-License-Identifier: Apache-2.0
"""The table at the end of a build."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.report.document import RESOURCE_KEYS
from flows.report.html import next_better, number

_NAMES = {"lut": "LUT", "ff": "FF", "bram36": "BRAM36", "dsp": "DSP"}


def print_summary(console: Console, document: Mapping[str, Any]) -> None:
    """Prints what a person wants to know of a build; plain lines where there is no terminal.

    Args:
        console: Where to print.
        document: What `write_report` returned.
    """
    title = f"{document['model']} on {document['board']} at {number(document['clock_mhz'])} MHz"
    rows = list(_rows(document))
    if not console.is_terminal:
        width = max(len(name) for name, *_ in rows) if rows else 0
        console.print(f"\n{title}", highlight=False, markup=False, soft_wrap=True)
        for name, value, origin, _ in rows:
            console.print(
                f"  {name:<{width}}  {value}{f'  [{origin}]' if origin else ''}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
        return
    table = Table(title=Text(title), title_justify="left", show_header=False, title_style="bold")
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_column(style="dim", no_wrap=True)
    for name, value, origin, style in rows:
        table.add_row(name, Text(value, style=style), origin)
    console.print(table)


Row = tuple[str, str, str, str]  # name, value, origin, style


def _rows(document: Mapping[str, Any]) -> Iterator[Row]:
    accuracy = document["accuracy"]
    if accuracy:
        of = f"of {number(accuracy['images']['value'])} {accuracy['dataset']} test images"
        note = f" ({accuracy['note']})" if accuracy["note"] else ""
        yield (
            "Accuracy",
            f"{number(accuracy['top1']['value'])} % {of}{note}",
            accuracy["top1"]["origin"],
            "",
        )
    if document["verification"]:
        yield from _verification_rows(document["verification"])
    if document["performance"]:
        yield from _performance_rows(document["performance"])
    if document["resources"]:
        yield from _resource_rows(document["resources"])
    if document["bitstream"]:
        yield from _bitstream_rows(document["bitstream"])
    if document["folding"]:
        yield from _folding_rows(document["folding"])
    for warning in document["warnings"]:
        yield "Note", warning, "", "yellow"


def _verification_rows(verification: Mapping[str, Any]) -> Iterator[Row]:
    def verdict(wrong: float) -> str:
        return "bold red" if wrong else "green"

    patterns = [pattern["name"] for pattern in verification["stall_patterns"]]
    origin = verification["images"]["origin"]
    images = number(verification["images"]["value"])
    yield "Images verified", f"{images} under {', '.join(patterns)}", origin, ""
    if verification["top1"]:
        yield "Accuracy on these", f"{number(verification['top1']['value'])} %", origin, ""
    wrong = verification["mismatches"]["value"]
    compared = number(verification["logits_compared"]["value"])
    yield "Mismatches", f"{number(wrong)} in {compared} logits", origin, verdict(wrong)
    wrong = verification["threshold_mismatches"]["value"]
    checked = verification["thresholds_checked"]
    yield (
        "Thresholds",
        f"{number(wrong)} mismatches in {number(checked['value'])} points",
        checked["origin"],
        verdict(wrong),
    )
    every, some = (verification[f"requants_{kind}"]["value"] for kind in ("checked", "sampled"))
    if every + some:
        text = (
            f"0 mismatches in {number(every)} points, all that can occur, and {number(some)} chosen"
        )
        yield "Requants", text, checked["origin"], verdict(0)


def _performance_rows(performance: Mapping[str, Any]) -> Iterator[Row]:
    interval = performance["initiation_interval_cycles"]
    estimated = number(performance["estimated_initiation_interval_cycles"]["value"])
    yield (
        "Initiation interval",
        f"{number(interval['value'])} cycles (estimated {estimated})",
        interval["origin"],
        "",
    )
    latency = performance["latency_cycles"]
    micro = number(performance["latency_us"]["value"], 1)
    yield "Latency", f"{number(latency['value'])} cycles, {micro} us", latency["origin"], ""
    rate = performance["frames_per_second"]
    yield "Throughput", f"{number(rate['value'], 0)} frames/s", rate["origin"], "bold"


def _resource_rows(resources: Mapping[str, Any]) -> Iterator[Row]:
    for key in RESOURCE_KEYS:
        used, budget = resources[key]["value"], resources["budget"][key]
        percent = resources["percent"][key]["value"]
        yield (
            _NAMES[key],
            f"{number(used, 1)} of {number(budget)} ({number(percent, 1)} %)",
            resources[key]["origin"],
            "bold red" if used > budget else "",
        )


def _bitstream_rows(bitstream: Mapping[str, Any]) -> Iterator[Row]:
    used = bitstream["used"]
    if used:
        lut, bram = number(used["lut"]["value"]), number(used["bram36"]["value"], 1)
        yield "Whole design", f"{lut} LUT, {bram} BRAM36", used["lut"]["origin"], ""
    slack, clock = bitstream["setup_slack_ns"], bitstream["estimated_mhz"]
    if slack:
        yield "Setup slack", f"{number(slack['value'], 3)} ns", slack["origin"], ""
    if clock:
        yield "Clock", f"{number(clock['value'], 1)} MHz (nextpnr)", clock["origin"], ""
    if bitstream["file"]:
        yield "Bitstream", f"{bitstream['folder']}/{bitstream['file']}", "", "bold"


def _folding_rows(folding: Mapping[str, Any]) -> Iterator[Row]:
    per_lane = folding["lut_per_lane"]
    if per_lane:
        yield (
            "LUT per lane",
            f"{number(per_lane['value'])} of {number(folding['lanes'])} XNOR lanes (PE x SIMD x M)",
            per_lane["origin"],
            "",
        )
    yield "Bound by", folding["binding"], "", ""
    yield "Next better", next_better(folding), "estimated" if folding["better"] else "", ""
    most = folding["most"]
    text = "no folding of this network"
    if most:
        rate = number(most["frames_per_second"]["value"], 0)
        text = f"{rate} frames/s at most, bound by {folding['most_binding']}"
    yield "Board holds", text, "estimated", ""
