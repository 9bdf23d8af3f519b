# SPDX-License-Identifier: Apache-2.0
"""QONNX in, integer chain out.

load, clean -> read_stages -> tabulate (every reachable sum) -> freeze_signs -> FINN, behind
`finn_adapter` -> read_chain. `pipeline.streamline` runs all of it and checks each step.
"""
