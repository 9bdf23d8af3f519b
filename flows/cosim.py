# SPDX-License-Identifier: Apache-2.0
"""The whole network in simulation, against the reference, under every stall pattern."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.dataflow.interpret import interpret
from flows.dataflow.network import Network
from flows.emit.project import RtlProject
from flows.errors import UsageError, VerificationError
from flows.reference import Reference
from flows.sim.compare import check_stream, unpack_beats
from flows.sim.deadlock import network_links
from flows.sim.parallel import Job, run_parallel
from flows.sim.result import SimResult
from flows.sim.run import RunOptions, run
from flows.sim.streams import STALL_PATTERNS, Stall, StallKind, StallPattern, StreamPort
from flows.sim.verilate import SimulatorBuild, build_simulator

_SOURCE, _SINK = "s_axis", "m_axis"
_JOB_IMAGES = 512  # of one job at most, so that a long run can tell how far it is
_PACE_IMAGES = 12  # at most, to find the interval
TRACED_IMAGES = 16  # of every pattern, when layers are traced; a trace of more would not fit


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternRun:
    """All images under one stall pattern.

    Attributes:
        name: of the pattern.
        images: verified.
        logits: values compared.
        mismatches: of them; the build stops at the first, so a finished one counted none.
        cycles: simulated.
    """

    name: str
    images: int
    logits: int
    mismatches: int
    cycles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What simulation says of a network; mismatches never get here, they raise.

    Attributes:
        images: images of every pattern.
        patterns: one entry a stall pattern.
        values_traced: intermediate values compared over all patterns, 0 without tracing.
        initiation_interval: cycles per image in the steady state, free-running.
        latency: cycles from the first beat in to the last beat out of an image alone.
        correct: images with a label whose largest logit is the label's.
        labelled: images with a label.
        high_water: edge name to the largest occupancy of its FIFO, over all patterns.
        cycles: simulated in all.
        seconds: of simulation, summed over processes.
    """

    images: int
    patterns: tuple[PatternRun, ...]
    values_traced: int
    initiation_interval: float
    latency: int
    correct: int
    labelled: int
    high_water: dict[str, int]
    cycles: int
    seconds: float


def stall_patterns(names: Sequence[str], interval: int) -> tuple[StallPattern, ...]:
    """Patterns by name, their pauses long enough to fill every buffer of the network.

    Raises:
        UsageError: for an unknown name, with those that there are.
    """
    unknown = [name for name in names if name not in STALL_PATTERNS]
    if unknown or not names:
        raise UsageError(
            f"--stalls {','.join(names)}: no such pattern; patterns: {', '.join(STALL_PATTERNS)}"
        )
    pause = Stall(kind=StallKind.BURST, stall_cycles=4 * interval, burst_beats=16)
    burst = StallPattern(
        name="burst",
        source=Stall(kind=StallKind.BURST, stall_cycles=interval // 2, burst_beats=5_000),
        sink=pause,
    )
    return tuple(burst if name == "burst" else STALL_PATTERNS[name] for name in names)


def build_network_simulator(
    project: RtlProject,
    network: Network,
    *,
    trace: bool,
    waves: bool,
    cache_dir: Path,
    jobs: int,
    fast: bool = True,
    optimize: int = 3,
) -> SimulatorBuild:
    """Compiles an emitted network.

    Args:
        trace: record every stream between layers.
        waves: allow a waveform.
        fast: popcounts as machine instructions, instead of the counters that are synthesised;
            tests/hw and tests/e2e hold the two forms against each other.
        optimize: level of the C++ compiler; 1 where compiling takes longer than simulating.
    """
    return build_simulator(
        top=project.top,
        sources=[project.root / path for path in project.sources],
        inputs=[StreamPort(name=_SOURCE, width=network.input_bits)],
        outputs=[StreamPort(name=_SINK, width=network.output.beat_bits, last=True)],
        taps=_taps(network) if trace else [],
        waves=waves,
        cache_dir=cache_dir,
        defines={"XNORFLOW_FAST_SIM": "1"} if fast else {},
        optimize=optimize,
        jobs=jobs,
    )


def _taps(network: Network) -> list[str]:
    """All streams between modules, and the last layer's."""
    return [*(link.name for link in network_links(network)), network.layers[-1].name]


def input_beats(network: Network, images: np.ndarray) -> np.ndarray:
    """(N, H, W, C) uint8 images as (beats, bytes) uint8 of the input stream."""
    return np.ascontiguousarray(images).reshape(-1, network.input_bits // 8)


def network_job(
    network: Network, project: RtlProject, images: np.ndarray, pattern: StallPattern, start: int
) -> Job:
    """A run of a network on images, of which the first has the number `start`."""
    beats = network.output.beats
    return Job(
        name=f"stalls {pattern.name}, images {start} to {start + len(images) - 1}",
        input_beats={_SOURCE: input_beats(network, images)},
        expect={_SINK: beats * len(images)},
        options=RunOptions(
            stalls=pattern,
            seed=start + 1,
            cwd=project.root.resolve(),
            frame_beats={_SINK: beats},
            idle_limit=50 * max(network.cycles().values()) + 10_000,
            links=network_links(network),
        ),
    )


def simulate(
    build: SimulatorBuild,
    network: Network,
    project: RtlProject,
    reference: Reference,
    patterns: Sequence[StallPattern],
    *,
    jobs: int,
    progress: Callable[[int], None] | None = None,
) -> Measured:
    """Runs all images under every pattern and compares every logit of every image.

    Args:
        progress: called with the number of images that a finished job has verified.

    Raises:
        VerificationError: the first difference, by image, channel and cycle (and by layer and
            pixel where streams are traced), or a broken stream contract.
    """
    images = reference.images
    if build.taps:
        images = images[:TRACED_IMAGES]
    count = max(jobs, -(-len(images) // _JOB_IMAGES))
    pieces = [part for part in np.array_split(np.arange(len(images)), count) if len(part)]
    todo = [
        network_job(network, project, images[part[0] : part[-1] + 1], pattern, int(part[0]))
        for pattern in patterns
        for part in pieces
    ]
    # In a traced run the sum over the layers is known from the integer network, checked before.
    expected = interpret(network, images) if build.taps else {}
    traced = 0

    def check(job: Job, result: SimResult) -> None:
        nonlocal traced
        start = job.options.seed - 1
        count = len(job.input_beats[_SOURCE]) // network.input_beats
        traced += _check_taps(network, expected, result, slice(start, start + count))
        check_logits(network, reference, result, start, count, job.name)
        if progress is not None:
            progress(count)

    results = run_parallel(build, todo, workers=jobs, done=check)
    return _summarise(build, network, project, reference, patterns, results, traced)


def _summarise(
    build: SimulatorBuild,
    network: Network,
    project: RtlProject,
    reference: Reference,
    patterns: Sequence[StallPattern],
    results: Sequence[SimResult],
    traced: int,
) -> Measured:
    runs = {p.name: [r for r in results if r.pattern == p.name] for p in patterns}
    logits = np.concatenate([_logits(network, r) for r in runs[patterns[0].name]])
    images, labels = reference.images[: len(logits)], reference.labels[: len(logits)]
    alone, steady = _pace(build, network, project, images)
    return Measured(
        images=len(images),
        patterns=tuple(
            PatternRun(
                name=name,
                images=len(images),
                logits=logits.size,
                mismatches=_count_mismatches(network, reference, group),
                cycles=sum(result.total_cycles for result in group),
            )
            for name, group in runs.items()
        ),
        values_traced=traced,
        initiation_interval=steady,
        latency=alone,
        correct=int((logits.argmax(axis=1) == labels).sum()),
        labelled=int((labels >= 0).sum()),
        high_water=high_water(network, project, results),
        cycles=sum(result.total_cycles for result in results),
        seconds=sum(result.wall_seconds for result in results),
    )


def _logits(network: Network, result: SimResult) -> np.ndarray:
    out = network.output
    values = unpack_beats(
        result.outputs[_SINK], lanes=out.channels, bits=out.bits, signed=out.signed
    )
    return values.reshape(-1, out.beats * out.channels)


def _count_mismatches(network: Network, reference: Reference, results: Sequence[SimResult]) -> int:
    """Logits of one pattern that differ, counted on all images together."""
    logits = np.concatenate([_logits(network, result) for result in results])
    return int((logits != reference.logits[: len(logits)]).sum())


def check_logits(
    network: Network, reference: Reference, result: SimResult, start: int, count: int, job: str
) -> None:
    """Holds the results of a job against the reference.

    Args:
        start, count: the job's images, among those of the reference.
        job: name, for the message.

    Raises:
        VerificationError: with the first logit that differs.
    """
    out = network.output
    logits = reference.logits[start : start + count]
    try:
        check_stream(
            layer=f"{network.layers[-1].name} (logits)",
            beats=result.outputs[_SINK],
            expected=logits.reshape(count, out.height, out.width, out.channels),
            bits=out.bits,
            signed=out.signed,
            cycles=result.output_cycles[_SINK],
        )
    except VerificationError as error:
        raise VerificationError(
            f"{job}: {error}; --trace-layers names the first layer that differs"
        ) from None


def _check_taps(
    network: Network, expected: dict[str, np.ndarray], result: SimResult, part: slice
) -> int:
    """Layers in order, so the first difference is where the fault enters."""
    count = 0
    for layer in network:
        if layer.name in result.taps:
            trace = result.taps[layer.name]
            count += check_stream(
                layer=layer.name,
                beats=trace.beats,
                expected=expected[layer.name][part],
                bits=layer.output.bits,
                signed=layer.output.signed,
                cycles=trace.cycles,
                words=layer.output_words,
            )
    return count


def high_water(
    network: Network, project: RtlProject, results: Sequence[SimResult]
) -> dict[str, int]:
    """Edge name to the largest occupancy that its FIFO had in any of the runs."""
    paths = {
        f"{project.top}.u_{edge.consumer}.u_fifo{'_' * bool(edge.port)}{edge.port}": edge.name
        for edge in network.edges
    }
    worst: dict[str, int] = {}
    for result in results:
        for path, value in result.high_water.items():
            if path in paths:
                worst[paths[path]] = max(worst.get(paths[path], 0), value)
    return worst


def _pace(
    build: SimulatorBuild, network: Network, project: RtlProject, images: np.ndarray
) -> tuple[int, float]:
    """Latency of an image alone, and the free-running interval in the steady state, in cycles."""
    beats = network.output.beats
    free = STALL_PATTERNS["none"]
    first = network_job(network, project, images[:1], free, 0)
    alone = run(build, first.input_beats, expect=first.expect, options=first.options)
    # Until the network is full, and as many again.
    count = min(_PACE_IMAGES, 4 + 2 * -(-alone.cycles // max(network.cycles().values())))
    many = network_job(network, project, np.resize(images, (count, *images.shape[1:])), free, 0)
    steady = run(build, many.input_beats, expect=many.expect, options=many.options)
    return (
        alone.latency(_SOURCE, _SINK, sink_frame_beats=beats),
        steady.interval(_SINK, sink_frame_beats=beats).cycles,
    )


def write_waves(
    build: SimulatorBuild, network: Network, project: RtlProject, images: np.ndarray, path: Path
) -> None:
    """Writes the waveform (VCD) of the first image, free-running."""
    job = network_job(network, project, images[:1], STALL_PATTERNS["none"], 0)
    options = RunOptions(
        cwd=job.options.cwd, frame_beats=job.options.frame_beats, waves=path, seed=1
    )
    run(build, job.input_beats, expect=job.expect, options=options)
