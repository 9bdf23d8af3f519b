# SPDX-License-Identifier: Apache-2.0
"""One layer of a network in simulation, alone: its recorded inputs in, its recorded output out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from flows import cosim
from flows.dataflow.network import Edge, Layer, Network
from flows.emit.project import RtlProject
from flows.emit.verilog import port_name
from flows.sim.compare import check_stream, pack_beats
from flows.sim.run import RunOptions, run
from flows.sim.streams import StreamPort
from flows.sim.verilate import build_simulator


def simulate_alone(
    network: Network,
    layer: Layer,
    project: RtlProject,
    streams: Mapping[str, np.ndarray],
    cache: Path,
    pattern: str = "random",
) -> int:
    """Simulates the module of a layer, FIFOs at its inputs included.

    Args:
        streams: layer name, or IMAGE, to (N, h, w, c) integers.
        cache: folder for the simulator.
        pattern: of the stalls at both ends.

    Returns:
        Count of compared values, all that leave the layer.

    Raises:
        VerificationError: the first value that differs, or a broken stream contract.
    """
    ports = {port_name("s_axis", edge): edge for edge in layer.edges}
    build = build_simulator(
        top=project.layer_modules[layer.name],
        sources=[project.root / path for path in project.sources],
        inputs=[StreamPort(name=name, width=edge.beat_bits) for name, edge in ports.items()],
        outputs=[StreamPort(name="m_axis", width=layer.kernels[-1].output_bits)],
        cache_dir=cache,
        defines={"XNORFLOW_FAST_SIM": "1"},
        optimize=1,
        jobs=1,
    )
    expected = streams[layer.name]
    (stalls,) = cosim.stall_patterns((pattern,), layer.cycles())
    result = run(
        build,
        {name: _beats(edge, streams[edge.producer]) for name, edge in ports.items()},
        expect={"m_axis": len(expected) * layer.output.beats * layer.output_words},
        options=RunOptions(
            stalls=stalls,
            cwd=project.root.resolve(),
            idle_limit=50 * max(network.cycles().values()) + 10_000,
        ),
    )
    return check_stream(
        layer=layer.name,
        beats=result.outputs["m_axis"],
        expected=expected,
        bits=layer.output.bits,
        signed=layer.output.signed,
        cycles=result.output_cycles["m_axis"],
        words=layer.output_words,
    )


def _beats(edge: Edge, frames: np.ndarray) -> np.ndarray:
    """(beats, bytes) uint8: pixels, or their words where an edge is narrower."""
    pixels = pack_beats(frames.reshape(-1, edge.stream.channels), edge.stream.bits)
    if edge.beat_bits == edge.stream.beat_bits:
        return pixels
    bits = np.unpackbits(pixels, axis=1, count=edge.stream.beat_bits, bitorder="little")
    return np.packbits(bits.reshape(-1, edge.beat_bits), axis=1, bitorder="little")
