# SPDX-License-Identifier: Apache-2.0
"""Facts of a build to the document that `report.json` holds, checked by `schema.json`.

A figure is `{"value", "unit", "origin"}`. Plain numbers are settings (folding, clock, depths) or
facts of the device (budget), not findings.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from flows.boards import Board
from flows.report.facts import (
    AccuracyFacts,
    BitstreamFacts,
    BuildFacts,
    FifoFacts,
    FoldingFacts,
    LayerFacts,
    PerformanceFacts,
    PointFacts,
    ResourceEstimate,
    ResourceFacts,
    VerificationFacts,
)
from flows.synth import SynthReport

SCHEMA_ID = "xnorflow-report/1"
RESOURCE_KEYS = ("lut", "ff", "bram36", "dsp")
_SCHEMA_FILE = Path(__file__).with_name("schema.json")


class Origin(StrEnum):
    """How a figure came about."""

    MEASURED = "measured"
    SIMULATED = "simulated"
    SYNTHESISED = "synthesised"
    ROUTED = "routed"
    ESTIMATED = "estimated"


_UNITS = {"lut": "LUT", "ff": "FF", "bram36": "BRAM36", "dsp": "DSP"}


def figure(value: float, unit: str, origin: Origin) -> dict[str, Any]:
    """One figure of a report."""
    return {"value": value, "unit": unit, "origin": origin.value}


@cache
def schema() -> Mapping[str, Any]:
    """The JSON Schema of `report.json`."""
    loaded: Mapping[str, Any] = json.loads(_SCHEMA_FILE.read_text(encoding="utf-8"))
    return loaded


def validate(document: Mapping[str, Any]) -> None:
    """Checks a document against the schema.

    Raises:
        jsonschema.ValidationError: It differs.
    """
    jsonschema.Draft202012Validator(schema()).validate(document)


def build_document(facts: BuildFacts) -> dict[str, Any]:
    """The document of a build, validated.

    Raises:
        jsonschema.ValidationError: Our own mistake: the facts do not make a valid report.
    """
    model = facts.model
    document = {
        "schema": SCHEMA_ID,
        "version": facts.version,
        "created": facts.created,
        "command": facts.command,
        "model": model.name,
        "model_card": {
            "source": model.source,
            "file": model.file,
            "sha256": model.sha256,
            **model.card,
        },
        "board": facts.board.name,
        "part": facts.board.part,
        "clock_mhz": facts.clock_mhz,
        "accuracy": _accuracy(model.accuracy) if model.accuracy else None,
        "verification": _verification(facts.verification) if facts.verification else None,
        "performance": (
            _performance(facts.performance, facts.clock_mhz) if facts.performance else None
        ),
        "resources": _resources(facts.resources, facts.board) if facts.resources else None,
        "bitstream": _bitstream(facts.bitstream) if facts.bitstream else None,
        "folding": _folding(facts.folding, facts) if facts.folding else None,
        "layers": _layers(facts.layers),
        "fifos": [_fifo(fifo) for fifo in facts.fifos],
        "steps": [
            {"name": step.name, "seconds": figure(round(step.seconds, 3), "s", Origin.MEASURED)}
            for step in facts.steps
        ],
        "tools": dict(facts.tools),
        "warnings": [*facts.warnings, *_warnings(facts)],
    }
    validate(document)
    return document


def _warnings(facts: BuildFacts) -> list[str]:
    """What the report itself has to say about its figures."""
    found = [
        f"{facts.board.name}: {key} of the board file is not confirmed by a primary source."
        for key in facts.board.unconfirmed
    ]
    subject, needed = _needed(facts)
    for key, used in needed.items():
        budget = getattr(facts.board.budget, key)
        if used > budget:
            found.append(
                f"{facts.board.name} holds {budget:,} {_UNITS[key]}, {subject} "
                f"{used:,}: choose a smaller --target-fps or a larger board."
            )
    if facts.bitstream and facts.bitstream.missing:
        found.append(
            f"No bitstream: {', '.join(facts.bitstream.missing)} not found. With them, "
            f"`{facts.bitstream.command}` in {facts.bitstream.folder}/ makes it, on any machine."
        )
    return found


def _needed(facts: BuildFacts) -> tuple[str, Mapping[str, float]]:
    """Who needs what of the board; the whole design where a flow mapped it."""
    if facts.bitstream and facts.bitstream.used:
        return "network and shell need", facts.bitstream.used
    if facts.resources is None:
        return "", {}
    layers = facts.resources.per_layer
    return "the network needs", {
        key: sum(getattr(report, key) for report in layers) for key in RESOURCE_KEYS
    }


def _accuracy(facts: AccuracyFacts) -> dict[str, Any]:
    return {
        "dataset": facts.dataset,
        "images": figure(facts.images, "images", Origin.MEASURED),
        "top1": figure(facts.top1_percent, "%", Origin.MEASURED),
        "note": facts.note,
    }


def _verification(facts: VerificationFacts) -> dict[str, Any]:
    patterns = facts.stall_patterns
    top1 = facts.top1_percent
    return {
        "reference": facts.reference,
        "dataset": facts.dataset,
        "images": figure(facts.images, "images", Origin.SIMULATED),
        "mismatches": figure(sum(p.mismatches for p in patterns), "logits", Origin.SIMULATED),
        "logits_compared": figure(
            sum(p.logits_compared for p in patterns), "logits", Origin.SIMULATED
        ),
        "top1": None if top1 is None else figure(top1, "%", Origin.SIMULATED),
        "thresholds_checked": figure(facts.thresholds_checked, "points", Origin.MEASURED),
        "threshold_mismatches": figure(facts.threshold_mismatches, "points", Origin.MEASURED),
        "requants_checked": figure(facts.requants_checked, "points", Origin.MEASURED),
        "requants_sampled": figure(facts.requants_sampled, "points", Origin.MEASURED),
        "stall_patterns": [
            {
                "name": pattern.name,
                "images": figure(pattern.images, "images", Origin.SIMULATED),
                "mismatches": figure(pattern.mismatches, "logits", Origin.SIMULATED),
                "logits_compared": figure(pattern.logits_compared, "logits", Origin.SIMULATED),
                "cycles": figure(pattern.cycles, "cycles", Origin.SIMULATED),
            }
            for pattern in patterns
        ],
        "layers_compared": list(facts.layers_compared),
    }


def _performance(facts: PerformanceFacts, clock_mhz: float) -> dict[str, Any]:
    interval = facts.initiation_interval_cycles
    estimated = facts.estimated_latency_cycles
    return {
        "initiation_interval_cycles": figure(interval, "cycles", Origin.SIMULATED),
        "latency_cycles": figure(facts.latency_cycles, "cycles", Origin.SIMULATED),
        "latency_us": figure(round(facts.latency_cycles / clock_mhz, 3), "us", Origin.SIMULATED),
        "frames_per_second": figure(
            round(clock_mhz * 1e6 / interval, 1), "frames/s", Origin.SIMULATED
        ),
        "estimated_initiation_interval_cycles": figure(
            facts.estimated_initiation_interval_cycles, "cycles", Origin.ESTIMATED
        ),
        "estimated_latency_cycles": (
            None if estimated is None else figure(estimated, "cycles", Origin.ESTIMATED)
        ),
        "rtlsim_cycles_per_second": figure(
            round(facts.rtlsim_cycles_per_second), "cycles/s", Origin.MEASURED
        ),
        "rtlsim_images_per_second": figure(
            round(facts.rtlsim_images_per_second, 2), "images/s", Origin.MEASURED
        ),
    }


def _folding(folding: FoldingFacts, facts: BuildFacts) -> dict[str, Any]:
    better, clock = folding.better, facts.clock_mhz
    lanes = sum(
        (layer.pe or 0) * (layer.simd or 0) * (layer.m or 0)
        for layer in facts.layers
        if layer.binary
    )
    used = sum(report.lut for report in facts.resources.per_layer) if facts.resources else 0
    return {
        "goal": folding.goal,
        "binding": folding.binding,
        "exhaustive": folding.exhaustive,
        "lanes": lanes,
        "lut_per_lane": (
            figure(round(used / lanes, 3), "LUT", Origin.SYNTHESISED) if used and lanes else None
        ),
        "chosen": _point(folding.chosen, clock),
        "frontier": [_point(point, clock) for point in folding.frontier],
        "better": better
        and {
            "initiation_interval_cycles": figure(
                better.interval_cycles, "cycles", Origin.ESTIMATED
            ),
            "latency_cycles": figure(better.latency_cycles, "cycles", Origin.ESTIMATED),
            "frames_per_second": _rate(better.interval_cycles, clock),
            "more": {
                key: figure(round(better.more[key], 1), _UNITS[key], Origin.ESTIMATED)
                for key in RESOURCE_KEYS
            },
            "over": [_UNITS[key] for key in better.over],
        },
        "most": folding.most and _point(folding.most, clock),
        "most_binding": folding.most_binding,
    }


def _point(point: PointFacts, clock_mhz: float) -> dict[str, Any]:
    return {
        "initiation_interval_cycles": figure(point.interval_cycles, "cycles", Origin.ESTIMATED),
        "frames_per_second": _rate(point.interval_cycles, clock_mhz),
        "lut": figure(point.lut, _UNITS["lut"], Origin.ESTIMATED),
        "bram36": figure(point.bram36, _UNITS["bram36"], Origin.ESTIMATED),
    }


def _rate(interval: int, clock_mhz: float) -> dict[str, Any]:
    return figure(round(clock_mhz * 1e6 / interval, 1), "frames/s", Origin.ESTIMATED)


def _resources(facts: ResourceFacts, board: Board) -> dict[str, Any]:
    totals = {key: sum(getattr(r, key) for r in facts.per_layer) for key in RESOURCE_KEYS}
    budget = {key: getattr(board.budget, key) for key in RESOURCE_KEYS}
    return {
        "tool": ", ".join(sorted({report.tool for report in facts.per_layer})),
        **{key: figure(value, _UNITS[key], Origin.SYNTHESISED) for key, value in totals.items()},
        "lutram": figure(sum(r.lutram for r in facts.per_layer), "LUT", Origin.SYNTHESISED),
        "lut_levels": figure(
            max((r.lut_levels for r in facts.per_layer), default=0), "levels", Origin.SYNTHESISED
        ),
        "budget": budget,
        "percent": {
            key: figure(
                round(100 * totals[key] / budget[key], 2) if budget[key] else 0.0,
                "%",
                Origin.SYNTHESISED,
            )
            for key in RESOURCE_KEYS
        },
        "per_layer": [_layer_resources(report) for report in facts.per_layer],
    }


def _bitstream(facts: BitstreamFacts) -> dict[str, Any]:
    origin = Origin.ROUTED if facts.routed else Origin.SYNTHESISED
    used = facts.used
    return {
        "flow": facts.flow,
        "folder": facts.folder,
        "command": facts.command,
        "file": facts.file,
        "missing": list(facts.missing),
        "used": (
            None
            if used is None
            else {key: figure(used[key], _UNITS[key], origin) for key in RESOURCE_KEYS}
        ),
        "setup_slack_ns": _optional(facts.setup_slack_ns, "ns", Origin.ROUTED),
        "hold_slack_ns": _optional(facts.hold_slack_ns, "ns", Origin.ROUTED),
        "estimated_mhz": _optional(facts.estimated_mhz, "MHz", Origin.ESTIMATED),
        "needs": list(facts.needs),
    }


def _optional(value: float | None, unit: str, origin: Origin) -> dict[str, Any] | None:
    return None if value is None else figure(value, unit, origin)


def _layer_resources(report: SynthReport) -> dict[str, Any]:
    return {
        "name": report.name,
        **{
            key: figure(getattr(report, key), unit, Origin.SYNTHESISED)
            for key, unit in {
                "lut": "LUT",
                "lutram": "LUT",
                "ff": "FF",
                "bram36": "BRAM36",
                "dsp": "DSP",
                "carry": "cells",
                "lut_levels": "levels",
            }.items()
        },
        "deepest_path": list(report.deepest_path),
        "cells": dict(report.cells),
    }


def _layers(layers: tuple[LayerFacts, ...]) -> list[dict[str, Any]]:
    slowest = max((layer.cycles for layer in layers), default=0)
    return [
        {
            "name": layer.name,
            "kernels": list(layer.kernels),
            "reads": list(layer.reads),
            "input_shape": list(layer.input_shape),
            "output_shape": list(layer.output_shape),
            "input_width_bits": layer.input_width_bits,
            "output_width_bits": layer.output_width_bits,
            "folding": {"PE": layer.pe, "SIMD": layer.simd, "M": layer.m},
            "weights": layer.weights,
            "macs": layer.macs,
            "cycles": figure(layer.cycles, "cycles", Origin.ESTIMATED),
            "bottleneck": layer.cycles == slowest,
            "estimate": _estimate(layer.estimate) if layer.estimate else None,
        }
        for layer in layers
    ]


def _estimate(estimate: ResourceEstimate) -> dict[str, Any]:
    values = {key: getattr(estimate, key) for key in RESOURCE_KEYS}
    return {
        key: None if value is None else figure(value, _UNITS[key], Origin.ESTIMATED)
        for key, value in values.items()
    }


def _fifo(fifo: FifoFacts) -> dict[str, Any]:
    seen = fifo.high_water
    return {
        "name": fifo.name,
        "depth": fifo.depth,
        "width_bits": fifo.width_bits,
        "high_water": None if seen is None else figure(seen, "beats", Origin.SIMULATED),
    }
