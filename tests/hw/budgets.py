# SPDX-License-Identifier: Apache-2.0
"""What each module of hw/ costs: `hw/budgets.toml`, measured again.

    python -m tests.hw.budgets [MODULE ...]            compares, and prints what differs
    python -m tests.hw.budgets --write [MODULE ...]    writes file and catalogue

A point is a module with parameters. Its memory images are random, from a seed that the point's
text gives, so that ROMs in LUTs cost the same every time.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import tomllib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from flows.emit.memory import image_text
from flows.synth import SynthReport, SynthTarget, synthesise
from flows.synth.yosys import Family, tool_version
from tests.support.battery import ROOT

HW = ROOT / "hw"
FILE = HW / "budgets.toml"
CATALOGUE = HW / "README.md"
MODULES = {path.stem: path for path in sorted(HW.rglob("*.sv"))}
CACHE = ROOT / "build" / ".cache" / "budgets"

# Resources in the order of the file, each with its name in the catalogue; absent means none.
RESOURCES = {
    "lut": "LUT",
    "lutram": "LUTRAM",
    "srl": "SRL",
    "ff": "FF",
    "bram36": "RAMB36",
    "dsp": "DSP",
    "levels": "levels",
}

_COST = re.compile(r"^cost = .*$", re.MULTILINE)
COLUMNS, _COST_COLUMN = 7, 4  # of the catalogue's table


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One budget.

    Attributes:
        module: name.
        parameters: those that differ from the module's defaults.
        images: parameter that takes a memory image to the image's depth and width.
        family: of devices, as Yosys calls it.
        nightly: takes too long for every test run.
        cost: resource to amount; what is not named is 0. "lut" are LUTs that serve as logic.
    """

    module: str
    parameters: dict[str, int]
    images: dict[str, tuple[int, int]]
    family: Family
    nightly: bool
    cost: dict[str, float]

    @property
    def label(self) -> str:
        """Parameters as the catalogue shows them."""
        listed = ", ".join(f"{key} {value}" for key, value in self.parameters.items())
        other = "" if self.family == "xc7" else f"{self.family}"
        return ", ".join(part for part in (listed, other) if part) or "as it is"


def read_points(path: Path = FILE) -> list[Point]:
    """All budgets in the order of the file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    points = []
    for module, entries in content.items():
        if module in ("tool", "none", "deeper"):
            continue
        for entry in entries:
            unknown = entry.keys() - {"with", "images", "family", "nightly", "cost"}
            assert not unknown, f"{path.name}: {module}: unknown key {sorted(unknown)}"
            points.append(
                Point(
                    module=module,
                    parameters=entry.get("with", {}),
                    images={key: tuple(size) for key, size in entry.get("images", {}).items()},
                    family=cast(Family, entry.get("family", "xc7")),
                    nightly=entry.get("nightly", False),
                    cost=entry["cost"],
                )
            )
    return points


def stated_tool(path: Path = FILE) -> str:
    """Tool and version that the figures hold for."""
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["tool"])


def deeper(path: Path = FILE) -> dict[str, str]:
    """Modules with more LUTs between registers than a network's layer may have, with the reason."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["deeper"])


def without_budget(path: Path = FILE) -> dict[str, str]:
    """Modules that have no budget, with the reason."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["none"])


def measured(report: SynthReport) -> dict[str, float]:
    """Costs in the form of the file."""
    found: dict[str, Any] = {
        "lut": report.lut - report.lutram,
        "lutram": report.lutram - report.srl,
        "srl": report.srl,
        "ff": report.ff,
        "bram36": report.bram36,
        "dsp": report.dsp,
        "levels": report.lut_levels,
    }
    return {key: found[key] for key in RESOURCES if found[key]}


def line(cost: dict[str, float]) -> str:
    """The line of the file that states a cost."""
    listed = ", ".join(f"{key} = {value:g}" for key, value in cost.items())
    return f"cost = {{ {listed} }}" if listed else "cost = {}"


def in_words(cost: dict[str, float]) -> str:
    """A cost as the catalogue states it; LUT levels stand in the file only."""
    parts = [
        f"{value:,g} {name}"
        for key, name in RESOURCES.items()
        if key != "levels" and (value := cost.get(key))
    ]
    return ", ".join(parts) or "wires"


def catalogue_cost(points: Iterable[Point]) -> str:
    """The cost column of a module, from its points."""
    return "; ".join(f"{point.label}: {in_words(point.cost)}" for point in points)


def _below(top: str) -> list[str]:
    """A module and all modules below it."""
    found: list[str] = []
    waiting = [top]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.append(name)
            words = set(re.findall(r"^\s*(\w+)\s+(?:#\(|\w+\s*\()", _text(name), re.MULTILINE))
            waiting += sorted(words & MODULES.keys())
    return sorted(found)


def _text(module: str) -> str:
    return MODULES[module].read_text(encoding="utf-8")


def _with_parameters(point: Point) -> str:
    """The module's text with other defaults, so that it can be the top as it is."""
    text = _text(point.module)
    values: dict[str, str] = {key: str(value) for key, value in point.parameters.items()}
    values |= {key: f'"{key.lower()}.hex"' for key in point.images}
    for name, value in values.items():
        text, count = re.subn(
            rf"^(\s*parameter (?:\w+ )*{name} = )[^\n]*?(,?)$",
            rf"\g<1>{value}\g<2>",
            text,
            flags=re.MULTILINE,
        )
        assert count == 1, f"{point.module}: no parameter {name} on a line of its own"
    return text


def target(point: Point, root: Path) -> SynthTarget:
    """Writes all that the point needs into a folder of its own."""
    root.mkdir(parents=True)
    names = _below(point.module)
    for name in names:
        text = _with_parameters(point) if name == point.module else _text(name)
        (root / f"{name}.sv").write_text(text, encoding="utf-8")
    for path in sorted((HW / "include").glob("*.svh")):
        shutil.copyfile(path, root / path.name)
    for parameter, (depth, width) in point.images.items():
        seed = zlib.crc32(f"{point.module} {point.label} {parameter}".encode())
        words = np.random.default_rng(seed).integers(0, 2, (depth, width), np.uint8)
        (root / f"{parameter.lower()}.hex").write_text(image_text(words))
    return SynthTarget(
        name=root.name,
        top=point.module,
        root=root,
        sources=tuple(Path(f"{name}.sv") for name in names),
        data_files=tuple(Path(f"{parameter.lower()}.hex") for parameter in point.images),
        include_dirs=(Path(),),
    )


def measure(points: Sequence[Point], jobs: int = 1) -> list[dict[str, float]]:
    """What points cost."""
    return [measured(report) for report in reports_of(points, jobs)]


def reports_of(points: Sequence[Point], jobs: int) -> list[SynthReport]:
    """Synthesises points; those whose sources have not changed come from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        reports: dict[int, SynthReport] = {}
        for family in dict.fromkeys(point.family for point in points):
            chosen = [index for index, point in enumerate(points) if point.family == family]
            targets = [target(points[i], Path(folder) / f"{points[i].module}_{i}") for i in chosen]
            found = synthesise(targets, family, Path(folder) / "work", jobs, CACHE)
            reports |= dict(zip(chosen, found, strict=True))
        return [reports[index] for index in range(len(points))]


def _write_file(costs: dict[int, dict[str, float]]) -> None:
    """Replaces the costs of points, by their place in the file, and the tool's name."""
    places = iter(range(len(read_points())))

    def replace(match: re.Match[str]) -> str:
        place = next(places)
        return line(costs[place]) if place in costs else match[0]

    text = _COST.sub(replace, FILE.read_text(encoding="utf-8"))
    text = re.sub(r"^tool = .*$", f'tool = "{tool_version()}"', text, flags=re.MULTILINE)
    FILE.write_text(text, encoding="utf-8")


def catalogue_text(text: str, points: Sequence[Point]) -> str:
    """The catalogue with its cost column made from the points."""
    rows = []
    for row in text.split("\n"):
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        name = cells[0].strip("`") if cells else ""
        own = [point for point in points if point.module == name]
        if own and len(cells) == COLUMNS:
            cells[_COST_COLUMN] = catalogue_cost(own)
            row = "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)
        rows.append(row)
    return "\n".join(rows)


def main() -> int:
    """Compares or writes; returns the count of budgets that are not met."""
    parser = argparse.ArgumentParser(description="What the modules of hw/ cost.")
    parser.add_argument("modules", nargs="*", help="all, if none is named")
    parser.add_argument("--write", action="store_true", help="write what was measured")
    parser.add_argument("--paths", action="store_true", help="print the deepest path of each")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    options = parser.parse_args()
    points = read_points()
    chosen = [
        index
        for index, point in enumerate(points)
        if not options.modules or point.module in options.modules
    ]
    reports = reports_of([points[i] for i in chosen], options.jobs)
    if options.paths:
        for index, report in zip(chosen, reports, strict=True):
            path = " -> ".join(report.deepest_path)
            sys.stdout.write(
                f"{points[index].module}, {points[index].label}: {report.lut_levels}, {path}\n"
            )
    found = dict(zip(chosen, map(measured, reports), strict=True))
    differing = {index: cost for index, cost in found.items() if cost != points[index].cost}
    for index, cost in differing.items():
        point = points[index]
        sys.stdout.write(
            f"{point.module}, {point.label}:\n  was {line(point.cost)}\n  now {line(cost)}\n"
        )
    if options.write:
        _write_file(found)
        text = CATALOGUE.read_text(encoding="utf-8")
        CATALOGUE.write_text(catalogue_text(text, read_points()), encoding="utf-8")
        return 0
    return len(differing)


if __name__ == "__main__":
    raise SystemExit(main())
