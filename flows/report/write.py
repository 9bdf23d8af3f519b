# SPDX-License-Identifier: Apache-2.0
"""Writes the report of a build; each file appears whole or not at all."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.errors import UsageError
from flows.report.document import build_document
from flows.report.facts import BuildFacts
from flows.report.html import render_html


def write_report(out_dir: Path, facts: BuildFacts) -> dict[str, Any]:
    """Writes `report.json`, `report.html` and the files that a FINN user's scripts look for.

    Args:
        out_dir: The build's folder.
        facts: What the build found out.

    Returns:
        The document of `report.json`.

    Raises:
        UsageError: The folder cannot be written.
    """
    document = build_document(facts)
    files = {
        **{name: _json(content) for name, content in finn_files(document).items()},
        "report.html": render_html(document),
        "report.json": _json(document),  # last: who finds it finds the others
    }
    try:
        for name, text in files.items():
            write_atomically(out_dir / name, text)
    except OSError as error:
        place = error.filename or out_dir
        raise UsageError(
            f"{place}: the report cannot be written ({error.strerror}); "
            f"choose another folder with --output-dir."
        ) from error
    return document


def write_atomically(path: Path, text: str) -> None:
    """Writes a file beside its place and renames it.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}-", delete=False, encoding="utf-8"
    ) as part:
        temporary = Path(part.name)
        part.write(text)
    try:
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def finn_files(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Files with the names and keys that FINN's builder uses, where they mean the same.

    Source: Xilinx/finn docs/finn/command_line.rst and src/finn/builder/build_dataflow_steps.py.
    """
    clock = document["clock_mhz"]
    layers = document["layers"]
    cycles = {layer["name"]: layer["cycles"]["value"] for layer in layers}
    files: dict[str, dict[str, Any]] = {
        "time_per_step.json": {
            step["name"]: step["seconds"]["value"] for step in document["steps"]
        },
        "report/estimate_layer_cycles.json": cycles,
    }
    if cycles:
        slowest = max(cycles, key=lambda name: cycles[name])
        files["report/estimate_network_performance.json"] = {
            "max_cycles": cycles[slowest],
            "max_cycles_node_name": slowest,
            "estimated_throughput_fps": clock * 1e6 / cycles[slowest],
        }
    files |= _simulated(document, clock)
    return files


def _simulated(document: Mapping[str, Any], clock: float) -> dict[str, dict[str, Any]]:
    performance, verification = document["performance"], document["verification"]
    if performance is None or verification is None or not verification["stall_patterns"]:
        return {}
    free = verification["stall_patterns"][0]
    images, cycles = free["images"]["value"], free["cycles"]["value"]
    runtime_ms = cycles / (clock * 1e3)
    return {
        "report/rtlsim_performance.json": {
            "N": images,
            "cycles": cycles,
            "latency_cycles": performance["latency_cycles"]["value"],
            "runtime[ms]": runtime_ms,
            "throughput[images/s]": images / runtime_ms * 1e3 if runtime_ms else 0.0,
            "stable_throughput[images/s]": performance["frames_per_second"]["value"],
            "fclk[mhz]": clock,
        }
    }


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
