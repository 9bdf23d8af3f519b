# SPDX-License-Identifier: Apache-2.0
"""Speed of the builds under `build/`, beside the baseline and the run before: `make bench`.

    python -m tests.bench                      the reports that are there
    python -m tests.bench --run                builds CNV for Pynq-Z2 first, with empty caches
    python -m tests.bench --save-baseline      keeps these figures as tests/bench/baseline.jsonl

Each run is added to build/bench/history.jsonl. Seconds of different machines do not compare, so the
machine stands beside them and a baseline of another machine is marked.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
BASELINE = Path(__file__).with_name("baseline.jsonl")
CACHE = ROOT / "build" / ".cache"

Record = dict[str, object]


def machine() -> str:
    """Processor and number of cores."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores"


def figures(report: dict) -> dict[str, float]:
    """What is compared, by a name that holds its unit."""
    found = {f"{step['name']} [s]": step["seconds"]["value"] for step in report["steps"]}
    found["whole build [s]"] = round(sum(found.values()), 3)
    performance = report["performance"]
    if performance:
        found["simulation [cycles/s]"] = performance["rtlsim_cycles_per_second"]["value"]
        found["simulation [images/s]"] = performance["rtlsim_images_per_second"]["value"]
        found["hardware [frames/s]"] = performance["frames_per_second"]["value"]
        found["hardware latency [cycles]"] = performance["latency_cycles"]["value"]
    if report["resources"]:
        found["hardware [LUT]"] = report["resources"]["lut"]["value"]
        found["hardware [BRAM36]"] = report["resources"]["bram36"]["value"]
    return found


def record(path: Path) -> Record:
    """The figures of one report."""
    report = json.loads(path.read_text(encoding="utf-8"))
    return {
        "build": path.parent.name,
        "created": report["created"],
        "machine": machine(),
        "figures": figures(report),
    }


def change(new: float, old: float) -> str:
    """`+12 %`; empty when there is nothing to compare."""
    return f"{100 * (new - old) / old:+.0f} %" if old else ""


def latest(history: Iterable[Record], entry: Record) -> Record | None:
    """The last run of the same build that is not the same run."""
    same = [
        old
        for old in history
        if old["build"] == entry["build"] and old["created"] != entry["created"]
    ]
    return same[-1] if same else None


def show(console: Console, entry: Record, before: Record | None, baseline: Record | None) -> None:
    """Prints one build as a table."""
    other = baseline is not None and baseline["machine"] != entry["machine"]
    table = Table(title=Text(f"{entry['build']}  ({entry['machine']})"), title_justify="left")
    headings = ("", "now", "run before", "", f"baseline{' (other machine)' if other else ''}", "")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index else "left")
    for name, value in entry["figures"].items():
        cells = [name, f"{value:,.10g}"]
        for old in (before, baseline):
            known = old["figures"].get(name) if old else None
            cells += ["", ""] if known is None else [f"{known:,.10g}", change(value, known)]
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def build(arguments: Sequence[str]) -> int:
    """Builds with empty caches, so that every step does its work."""
    shutil.rmtree(CACHE, ignore_errors=True)
    return subprocess.run([sys.executable, "flows/build.py", *arguments], cwd=ROOT).returncode


def load(path: Path) -> list[Record]:
    """Records of a JSON-lines file; none when it is not there."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build")
    parser.add_argument("--run", action="store_true", help="build first, with empty caches")
    parser.add_argument("--save-baseline", action="store_true")
    options, rest = parser.parse_known_args(arguments)
    if rest and not options.run:
        parser.error(f"unknown arguments {rest}; arguments for the build go with --run")
    if options.run and build(rest or ["--board", "Pynq-Z2"]):
        return 1
    entries = [record(path) for path in sorted(options.build_dir.glob("*/report.json"))]
    if not entries:
        sys.stderr.write(f"{options.build_dir}: no report.json; `make build` makes one.\n")
        return 2
    history_file = options.build_dir / "bench" / "history.jsonl"
    history = load(history_file)
    baseline = {old["build"]: old for old in load(BASELINE)}
    for entry in entries:
        show(Console(), entry, latest(history, entry), baseline.get(entry["build"]))
    known = {(old["build"], old["created"]) for old in history}
    new = [entry for entry in entries if (entry["build"], entry["created"]) not in known]
    history_file.parent.mkdir(parents=True, exist_ok=True)
    with history_file.open("a", encoding="utf-8") as lines:
        lines.writelines(json.dumps(entry) + "\n" for entry in new)
    if options.save_baseline:
        kept = {**baseline, **{entry["build"]: entry for entry in entries}}
        BASELINE.write_text("".join(json.dumps(entry) + "\n" for entry in kept.values()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
