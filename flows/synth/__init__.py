# SPDX-License-Identifier: Apache-2.0
"""Yosys, one run for each layer: LUT, FF, block RAM, DSP and logic depth."""

from flows.synth.report import SynthReport
from flows.synth.synthesise import layer_targets, synthesise
from flows.synth.yosys import Family, SynthTarget, tool_version

__all__ = ["Family", "SynthReport", "SynthTarget", "layer_targets", "synthesise", "tool_version"]
