# SPDX-License-Identifier: Apache-2.0
"""Everything that a report says, as plain values: what a build hands to `write_report`.

Nothing here is derived: percentages, frame rates, sums and the bottleneck are worked out when the
report is written. A section that is None was not reached (`--stop-after`); the report says null.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.boards import Board
from flows.synth import SynthReport


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyFacts:
    """Accuracy of the trained network in the reference, on a full test set.

    Attributes:
        dataset: Name, for instance `CIFAR-10`.
        images: Images of the test set.
        top1_percent: Images whose largest logit is the label, %.
        note: Anything that belongs beside the figure, for instance how the images were stored.
    """

    dataset: str
    images: int
    top1_percent: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """The network that was built.

    Attributes:
        name: Name that folders carry, for instance `cnv_w1a1`.
        source: Where the weights come from: `shipped checkpoint`, `checkpoint`, `QONNX file`.
        file: File name of it (no folders).
        sha256: Its hash.
        card: The model card: recipe, seed, epochs and the like; shown as it is.
        accuracy: None when nobody recorded one.
    """

    name: str
    source: str
    file: str
    sha256: str
    card: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    accuracy: AccuracyFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceEstimate:
    """What the cost model expects of a layer, before synthesis; None where it expects nothing.

    Attributes:
        lut: LUTs.
        bram36: Block memories of 36 Kbit, in halves.
        ff: Flip-flops.
        dsp: DSP slices.
    """

    lut: int
    bram36: float
    ff: int | None = None
    dsp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFacts:
    """One layer of the dataflow graph, in stream order.

    Attributes:
        name: Name of the layer, for instance `conv1`; `ResourceFacts` uses the same.
        kernels: Hardware modules from input to output, for instance `("swu", "conv_xnor")`.
        input_shape: Elements of a frame: (H, W, C), or (C,) for a vector.
        output_shape: The same for what leaves the layer.
        input_width_bits: Width of the input stream's beat.
        output_width_bits: Width of the output stream's beat.
        pe: Output channels in parallel; None where the layer does not multiply.
        simd: Inputs in parallel.
        m: Neighbouring pixels in parallel.
        binary: Inputs and weights of one bit, so that PE x SIMD x M are XNOR lanes.
        weights: Number of weights.
        macs: Multiplications of weights per frame.
        cycles: Estimated cycles per frame.
        reads: Layers, or `image`, that send what it takes; empty for the layer before.
        estimate: What the cost model expects; None when there is none.
    """

    name: str
    kernels: tuple[str, ...]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_width_bits: int
    output_width_bits: int
    cycles: int
    pe: int | None = None
    simd: int | None = None
    m: int | None = None
    binary: bool = False
    weights: int = 0
    macs: int = 0
    reads: tuple[str, ...] = ()
    estimate: ResourceEstimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StallFacts:
    """The simulation under one stall pattern.

    Attributes:
        name: Name of the pattern, for instance `random`.
        images: Images that went through.
        mismatches: Logits that differ from the reference.
        logits_compared: Logits that were compared.
        cycles: Clock cycles of the whole run.
    """

    name: str
    images: int
    mismatches: int
    logits_compared: int
    cycles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationFacts:
    """Hardware in simulation against the reference.

    Attributes:
        reference: What decides, for instance `PyTorch 2.13.0, CPU, float32`.
        dataset: Where the images come from.
        images: Images that were simulated.
        top1_percent: Accuracy of the hardware on these images, %; None without labels.
        stall_patterns: One entry for each pattern.
        thresholds_checked: Points (channel, reachable accumulator value) put through the reference
            and compared with the emitted threshold.
        threshold_mismatches: Points among them that differ.
        requants_checked: Points of requants that were tried on every integer that can reach them.
        requants_sampled: Points of the other requants, tried at corners and at random. A point of
            either that differs ends the build.
        layers_compared: Layers whose every stream beat was compared with the reference tensor.
    """

    reference: str
    dataset: str
    images: int
    top1_percent: float | None
    stall_patterns: tuple[StallFacts, ...]
    thresholds_checked: int
    threshold_mismatches: int
    requants_checked: int = 0
    requants_sampled: int = 0
    layers_compared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceFacts:
    """Speed of the network, from the free-running simulation.

    Attributes:
        initiation_interval_cycles: Cycles between two images in the steady state.
        latency_cycles: First input beat to last output beat of the first image.
        estimated_initiation_interval_cycles: What the schedule says.
        estimated_latency_cycles: The same for the latency; None when it does not say.
        rtlsim_cycles_per_second: Speed of the simulator itself.
        rtlsim_images_per_second: The same in images.
    """

    initiation_interval_cycles: float
    latency_cycles: int
    estimated_initiation_interval_cycles: float
    rtlsim_cycles_per_second: float
    rtlsim_images_per_second: float
    estimated_latency_cycles: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFacts:
    """Synthesis of the layers.

    Attributes:
        per_layer: One report for each layer, and for anything around them (`top`); these add up.
    """

    per_layer: tuple[SynthReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FifoFacts:
    """A FIFO of the network.

    Attributes:
        name: Layer behind it, or a name of its own.
        depth: Beats that it holds.
        width_bits: Width of a beat.
        high_water: Largest occupancy that was simulated, beats; None when it was not recorded.
    """

    name: str
    depth: int
    width_bits: int
    high_water: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFacts:
    """A folding of the network, by the formulas of the cost model.

    Attributes:
        interval_cycles: Cycles between two images.
        lut: LUTs.
        bram36: Block memories of 36 Kbit.
    """

    interval_cycles: int
    lut: int
    bram36: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BetterFacts:
    """The next better folding.

    Attributes:
        interval_cycles: Cycles between two images.
        latency_cycles: First input beat to last output beat of one image.
        more: Resource (`lut`, `ff`, `bram36`, `dsp`) to what it needs beyond what was built.
        over: Resources of which the budget has less than it needs.
    """

    interval_cycles: int
    latency_cycles: int
    more: Mapping[str, float]
    over: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldingFacts:
    """How the folding was chosen.

    Attributes:
        goal: What was looked for, in words.
        binding: The layer that sets the interval, or the resources that ran out.
        exhaustive: Whether the search left nothing out.
        chosen: The folding that was built.
        frontier: The cheapest folding of each rate, from fast to slow.
        better: None when no folding is better.
        most: the fastest folding that the whole board holds, None when it holds none.
        most_binding: what holds that one back.
    """

    goal: str
    binding: str
    exhaustive: bool
    chosen: PointFacts
    frontier: tuple[PointFacts, ...]
    better: BetterFacts | None = None
    most: PointFacts | None = None
    most_binding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """Duration of one step of the build.

    Attributes:
        name: Name of the step.
        seconds: Wall time, s.
    """

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BitstreamFacts:
    """How far a flow to a bitstream came.

    Attributes:
        flow: `vivado` or `openxc7`.
        folder: Hand-over folder, inside the build's.
        command: What makes the bitstream there.
        file: Name of the bitstream; None where tools are missing.
        missing: Those tools.
        used: Resources of the whole design, shell included, as in a board's budget; None where
            the flow did not come that far.
        routed: Whether `used` and the slacks are those after routing.
        setup_slack_ns: Worst one, ns; negative where timing is not met.
        hold_slack_ns: Worst one, ns.
        estimated_mhz: Clock that nextpnr reports, MHz: no guarantee.
        needs: What the placer must be able to do, in words.
    """

    flow: str
    folder: str
    command: str
    file: str | None = None
    missing: tuple[str, ...] = ()
    used: Mapping[str, float] | None = None
    routed: bool = False
    setup_slack_ns: float | None = None
    hold_slack_ns: float | None = None
    estimated_mhz: float | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """All facts of one build.

    Attributes:
        model: The network.
        board: The board with its budget.
        clock_mhz: Clock that figures in time refer to.
        command: Command line that repeats the build.
        version: Version of this project.
        created: Date and time, ISO 8601.
        layers: In stream order.
        steps: In the order they ran.
        tools: Tool or package to its version.
        warnings: Sentences that a user should read.
        fifos: FIFOs in stream order.
        folding: How the folding was chosen.
        verification: Simulation against the reference.
        performance: Speed.
        resources: Synthesis.
        bitstream: The way to a bitstream, where the user asked for one.
    """

    model: ModelFacts
    board: Board
    clock_mhz: float
    command: str
    version: str
    created: str
    layers: tuple[LayerFacts, ...]
    steps: tuple[StepTime, ...]
    tools: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    fifos: tuple[FifoFacts, ...] = ()
    folding: FoldingFacts | None = None
    verification: VerificationFacts | None = None
    performance: PerformanceFacts | None = None
    resources: ResourceFacts | None = None
    bitstream: BitstreamFacts | None = None
