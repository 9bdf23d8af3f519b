# SPDX-License-Identifier: Apache-2.0
"""The results table of README.md, made from reports: `python -m flows.report.readme [REPORT ...]`.

Reports named on the command line are cut down to what the table and a reader need, and kept under
`docs/results/`. Then the text between the two markers of README.md is written anew, below it what
others published (`published.json`), for comparison.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.errors import FlowError, UsageError
from flows.report.html import number
from flows.report.write import write_atomically

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
README = ROOT / "README.md"
PUBLISHED = Path(__file__).with_name("published.json")
BEGIN = "<!-- results: written by `python -m flows.report.readme`, do not edit -->"
END = "<!-- end of results -->"

_HEADINGS = (
    "network",
    "board",
    "accuracy",
    "verified",
    "mismatches",
    "cycles",
    "frames/s",
    "latency",
    "LUT",
    "LUT per lane",
    "BRAM36",
    "DSP",
)
# Options that say where a build runs, not what it makes.
_OF_THE_MACHINE = re.compile(r" --(?:output-dir|jobs)[ =]\S+")
_KEPT = (
    "schema",
    "version",
    "created",
    "command",
    "model",
    "board",
    "part",
    "clock_mhz",
    "accuracy",
    "verification",
    "performance",
    "tools",
)


def extract(report: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a report that is committed: no per-layer tables."""
    kept = {key: report[key] for key in _KEPT}
    kept["command"] = _OF_THE_MACHINE.sub("", report["command"])
    resources = report["resources"]
    kept["resources"] = resources and {
        key: value for key, value in resources.items() if key != "per_layer"
    }
    kept["folding"] = {key: report["folding"][key] for key in ("lanes", "lut_per_lane")}
    return kept


def table(
    extracts: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Markdown table, one row a build; builds that stopped early are left out.

    Args:
        extracts: of reports.
        published: designs of others, below, with their sources.
    """
    lines = [
        f"| {' | '.join(_HEADINGS)} |",
        f"| --- | --- |{' ---: |' * (len(_HEADINGS) - 2)}",
    ]
    tools = set()
    for entry in extracts:
        if not (entry["verification"] and entry["performance"] and entry["resources"]):
            continue
        lines.append(_row(entry))
        tools.add(entry["resources"]["tool"])
    note = (
        "Accuracy: full test set, in the reference. Verified: images simulated x stall patterns; a "
        "mismatch is a logit that differs. Speed: cycle-accurate simulation at the clock named. "
        "Latency: of an image alone, also in intervals. "
        f"LUT and BRAM36: {', '.join(sorted(tools))}, before placement, without the shell, and the "
        "board's share. LUT per lane: all LUTs by the XNOR lanes (PE x SIMD x M)."
    )
    sources = [f"{other['name']}: {'; '.join(other['sources'])}." for other in published]
    lines += [_published_row(other) for other in published]
    return "\n".join([*lines, "", note, *sources]) if tools else "No results yet."


def _latency(microseconds: float, intervals: float) -> str:
    return f"{number(microseconds, 1)} us ({intervals:.2f})"


def _published_row(other: Mapping[str, Any]) -> str:
    cells = (
        f"_{other['name']}_",
        other["where"],
        *("", "", ""),
        number(other["cycles"], 0),
        number(other["frames_per_second"], 0),
        _latency(other["latency_us"], other["latency_us"] * other["clock_mhz"] / other["cycles"]),
        number(other["lut"], 0),
        f"{other['lut_per_lane']:.2f}",
        number(other["bram36"], 1),
        number(other["dsp"], 0),
    )
    return f"| {' | '.join(cells)} |"


def _row(entry: Mapping[str, Any]) -> str:
    accuracy, verification = entry["accuracy"], entry["verification"]
    performance, resources = entry["performance"], entry["resources"]
    per_lane = entry["folding"]["lut_per_lane"]
    top1 = "-"
    if accuracy:
        note = f" ({accuracy['note']})" if accuracy["note"] else ""
        top1 = f"{accuracy['top1']['value']:.2f} % {accuracy['dataset']}{note}"
    patterns = len(verification["stall_patterns"])
    wrong = verification["mismatches"]["value"] + verification["threshold_mismatches"]["value"]
    cells = (
        entry["model"],
        f"{entry['board']}, {number(entry['clock_mhz'])} MHz",
        top1,
        f"{number(verification['images']['value'])} x {patterns}",
        number(wrong),
        number(performance["initiation_interval_cycles"]["value"], 0),
        number(performance["frames_per_second"]["value"], 0),
        _latency(
            performance["latency_us"]["value"],
            performance["latency_cycles"]["value"]
            / performance["initiation_interval_cycles"]["value"],
        ),
        _share(resources, "lut"),
        f"{per_lane['value']:.2f}" if per_lane else "-",
        _share(resources, "bram36"),
        _share(resources, "dsp"),
    )
    return f"| {' | '.join(cells)} |"


def _share(resources: Mapping[str, Any], key: str) -> str:
    return f"{number(resources[key]['value'], 1)} ({resources['percent'][key]['value']:.1f} %)"


def load_extracts(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """The committed extracts, sorted by file name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def load_published() -> list[dict[str, Any]]:
    """Designs of others."""
    found: list[dict[str, Any]] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return found


def updated(text: str, extracts: Sequence[Mapping[str, Any]]) -> str:
    """README.md with the table between the markers replaced.

    Raises:
        UsageError: A marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UsageError(f"README.md: the two lines are needed once each:\n  {BEGIN}\n  {END}")
    return f"{before}{BEGIN}\n{table(extracts, load_published())}\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Adds the reports named, writes the table; returns the exit code."""
    try:
        for name in arguments:
            _add(Path(name))
        text = README.read_text(encoding="utf-8")
        write_atomically(README, updated(text, load_extracts()))
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 2
    except FlowError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _add(path: Path) -> None:
    try:
        report = extract(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError) as error:
        raise UsageError(f"{path}: not a report.json of this project ({error!r}).") from error
    if not (report["verification"] and report["performance"] and report["resources"]):
        raise UsageError(f"{path}: of a build that stopped early; let it run to its end.")
    cycles = report["performance"]["initiation_interval_cycles"]["value"]
    stem = "-dsp" if report["resources"]["dsp"]["value"] else ""
    slug = f"{report['model']}-{report['board'].lower().replace('-', '_')}-{cycles:.0f}{stem}"
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    write_atomically(RESULTS / f"{slug}.json", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
