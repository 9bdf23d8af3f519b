# SPDX-License-Identifier: Apache-2.0
"""What a build leaves behind for people and programs: `report.json`, `report.html`, a summary."""

from flows.report.console import print_summary
from flows.report.facts import (
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
from flows.report.write import write_report

__all__ = [
    "AccuracyFacts",
    "BetterFacts",
    "BitstreamFacts",
    "BuildFacts",
    "FifoFacts",
    "FoldingFacts",
    "LayerFacts",
    "ModelFacts",
    "PerformanceFacts",
    "PointFacts",
    "ResourceEstimate",
    "ResourceFacts",
    "StallFacts",
    "StepTime",
    "VerificationFacts",
    "print_summary",
    "write_report",
]
