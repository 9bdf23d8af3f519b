# SPDX-License-Identifier: Apache-2.0
"""The compiler on one page: from a trained network to verified RTL, step by step."""

import fcntl
import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from flows import cosim, exact, summary
from flows.bitstream import (
    Bitstream,
    check_clocks,
    check_flow,
    hand_over,
    how_far,
    make,
    shell_design,
)
from flows.boards import Board, load_board
from flows.config import BuildConfig
from flows.dataflow.network import Network
from flows.dataflow.schedule import Schedule, schedule, size_fifos
from flows.delivery import Subject, deliver
from flows.deploy.facts import Vectors
from flows.deploy.folder import add_bitstream
from flows.emit.project import RtlProject, emit
from flows.errors import UsageError
from flows.export import export
from flows.front import Folded, Front, open_front, write_foldings
from flows.graph_reference import GraphReference
from flows.progress import Progress
from flows.reference import Reference
from flows.report import print_summary, write_report
from flows.shell.emit import ShellProject, emit_shell
from flows.sim.streams import StallPattern
from flows.sim.verilate import SimulatorBuild
from flows.synth import SynthReport, layer_targets, synthesise

_FEW_CYCLES = 1_000_000  # a simulation that takes less time than compiling for speed would


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A finished build; what the report is written from."""

    config: BuildConfig
    board: Board
    clock_mhz: float
    root: Path
    front: Front
    exported: Reference | GraphReference
    folded: Folded
    network: Network
    schedule: Schedule
    project: RtlProject
    thresholds: exact.ThresholdCheck
    tensors_compared: int
    measured: cosim.Measured
    synthesis: tuple[SynthReport, ...]
    seconds: dict[str, float]
    bitstream: Bitstream | None = None


def run(config: BuildConfig, console: Console) -> Build:
    """Runs all steps; a step that finds a difference raises and ends the build.

    Raises:
        FlowError: with one message for the user.
        StoppedError: after the step that the user wants to be the last.
    """
    board = load_board(config.board)
    clock, bus = config.clock_mhz or board.clock.default_mhz, config.bus_clock_mhz
    check_clocks(clock, bus)
    check_flow(config.bitstream, board, bus)
    patterns = cosim.stall_patterns(config.stalls, 1)
    progress = Progress(console, config.stop_after)
    with _folder(config, board) as root:
        cache = config.output_dir.resolve() / ".cache"

        with progress.step("export"):
            source = export(config, root / "export")
            progress.note(f"{len(source.images)} images")

        with progress.step("streamline"):
            front = open_front(source, name=config.model, root=root)
            progress.note(front.note)

        with progress.step("fold"):
            folded = front.fold(config, board, clock)
            write_foldings(folded, root)
            progress.note(folded.note)

        with progress.step("lower"):
            network = front.lower(folded, identifier(config.model))
            progress.note(f"{len(network.layers)} layers")

        with progress.step("size"):
            network = size_fifos(network)
            plan = schedule(network)
            progress.note(
                f"interval {plan.initiation_interval:,} cycles, set by {plan.bottleneck}; "
                f"latency {plan.latency:,}"
            )

        with progress.step("emit"):
            project = emit(network, root / "rtl", runtime=config.runtime_weights)
            progress.note(f"{len(project.sources)} modules, {len(project.images)} memories")

        with progress.step("verify"):
            thresholds, compared = front.verify(network, project)
            progress.note(
                f"{thresholds.values:,} threshold values, {compared:,} tensor values: 0 differ"
            )

        with progress.step("simulate"):
            patterns = cosim.stall_patterns(config.stalls, plan.initiation_interval)
            measured = _simulate(
                config, network, project, front.reference, patterns, cache, progress
            )
            progress.note(
                f"{measured.images} images x {len(patterns)} stall patterns: 0 logits differ"
            )

        with progress.step("synthesise"):
            targets = layer_targets(network, project)
            synthesis = synthesise(
                targets,
                board.family,
                root / "synth",
                config.jobs,
                cache / "synth",
                lambda layer: progress.advance(f"synthesise: {layer.name}, {layer.lut:,} LUT"),
            )
            progress.note(f"{sum(r.lut for r in synthesis):,} LUT")

        build = Build(
            config=config,
            board=board,
            clock_mhz=clock,
            root=root,
            front=front,
            exported=source.exported or front.reference,
            folded=folded,
            network=network,
            schedule=plan,
            project=project,
            thresholds=thresholds,
            tensors_compared=compared,
            measured=measured,
            synthesis=synthesis,
            seconds=progress.seconds,
        )
        with progress.step("shell"):
            shell = emit_shell(network, project, board, root / "shell", cdc=bus is not None)
            handed = hand_over(shell_design(network.name, shell, board, clock, bus), root)
            progress.note(f"network {shell.model_hash[:12]} in {shell.top}")

        with progress.step("bitstream"):
            made = make(config.bitstream, handed, config.jobs)
            build = replace(build, bitstream=made)
            progress.note(how_far(made, handed))

        with progress.step("deploy"):
            delivery = deliver(_subject(build, shell), root, cache_dir=cache, jobs=config.jobs)
            if made and made.file:
                add_bitstream(root, made.file)
            progress.note(f"{delivery.folder}; {len(build.exported.images)} images to validate")

        with progress.step("report"):
            document = write_report(root, summary.facts(build))
            progress.note(str(root / "report.html"))
        print_summary(console, document)
        return build


def identifier(name: str) -> str:
    """The name of a network as Verilog and file systems take it."""
    return "".join(c if c.isalnum() else "_" for c in name.lower())


@contextmanager
def _folder(config: BuildConfig, board: Board) -> Iterator[Path]:
    """The build's folder, for one build at a time, without the report of an earlier one.

    Raises:
        UsageError: if it cannot be written, or another build is in it.
    """
    root = config.output_dir.resolve() / f"{identifier(config.model)}-{board.slug}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("w")
    except OSError as error:
        raise UsageError(
            f"--output-dir {config.output_dir}: cannot be written ({error.strerror}); choose a "
            "folder that you may write to"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{root}: another build is running in this folder; wait for it, or choose "
                "another --output-dir"
            ) from None
        for stale in ("report.json", "report.html"):
            (root / stale).unlink(missing_ok=True)
        yield root


def _simulate(
    config: BuildConfig,
    network: Network,
    project: RtlProject,
    vectors: Reference,
    patterns: tuple[StallPattern, ...],
    cache: Path,
    progress: Progress,
) -> cosim.Measured:
    done, total = 0, len(patterns) * len(vectors.images)

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress.advance(f"simulate: {done:,} of {total:,} images verified")

    few = total * max(network.cycles().values()) < _FEW_CYCLES

    def build(trace: bool, waves: bool) -> SimulatorBuild:
        return cosim.build_network_simulator(
            project,
            network,
            trace=trace,
            waves=waves,
            cache_dir=cache / "sim",
            jobs=config.jobs,
            optimize=1 if few else 3,
        )

    whole = config.trace_layers and len(vectors.images) <= cosim.TRACED_IMAGES
    measured = cosim.simulate(
        build(trace=whole, waves=False),
        network,
        project,
        vectors,
        patterns,
        jobs=config.jobs,
        progress=advance,
    )
    if config.trace_layers and not whole:
        traced = cosim.simulate(
            build(trace=True, waves=False), network, project, vectors, patterns, jobs=config.jobs
        )
        measured = replace(measured, values_traced=traced.values_traced)
    if config.waves:
        waves = project.root.with_name("sim")
        waves.mkdir(exist_ok=True)
        cosim.write_waves(
            build(trace=False, waves=True),
            network,
            project,
            np.asarray(vectors.images),
            waves / "first_image.vcd",
        )
    return measured


def _subject(build: Build, shell: ShellProject) -> Subject:
    """What goes to the board."""
    accuracy, exported = build.exported.accuracy, build.exported
    return Subject(
        model=build.config.model,
        version=importlib.metadata.version("xnorflow"),
        board=build.board,
        clock_mhz=build.clock_mhz,
        bus_mhz=build.config.bus_clock_mhz,
        network=build.network,
        shell=shell,
        pixel_table=build.front.pixel_table,
        vectors=Vectors(
            images=exported.images,
            labels=exported.labels,
            logits=exported.logits,
            dataset=exported.dataset,
        ),
        interval_cycles=build.measured.initiation_interval,
        latency_cycles=build.measured.latency,
        accuracy=""
        if accuracy is None
        else f"{100 * float(accuracy['top1']):.2f} % of {accuracy['images']:,} images"
        f" of {accuracy['dataset']}",
    )
