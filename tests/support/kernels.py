# SPDX-License-Identifier: Apache-2.0
"""The traffic battery for a kernel value: its own parameters, its own memory images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.dataflow.kernels import Kernel
from flows.dataflow.stream import Stream
from flows.emit.memory import image_text
from flows.emit.project import closure
from flows.sim.result import SimResult
from tests.support.battery import Beats, check_stream_module, lanes


def sources(module: str) -> list[Path]:
    """Files of a module and of all that it instantiates, leaves first."""
    return closure([f"{module} u_tested ("])


def pixels(stream: Stream, frames: NDArray[Any]) -> Beats:
    """Beats of (N, height, width, channels) integers or bits."""
    return lanes(
        frames.reshape(-1, stream.channels).astype(np.int64),
        bits=stream.bits,
        signed=stream.signed,
    )


def random_frames(stream: Stream, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Random elements over the stream's whole range; frame 0 is its least, frame 1 its largest."""
    low = -(2 ** (stream.bits - 1)) if stream.signed else 0
    high = low + 2**stream.bits - 1
    frames = rng.integers(low, high + 1, (count, stream.height, stream.width, stream.channels))
    frames[0], frames[1] = low, high
    return frames


def in_graph(stream: Stream, frames: NDArray[Any]) -> NDArray[Any]:
    """The frames as `flows.streamline.graph` holds them: bits are bool."""
    return frames.astype(np.bool_ if stream.bits == 1 else np.int64)


def image_of(channels: int, *, bits: int = 8, signed: bool = True, pixels: int = 1) -> Stream:
    """A row of pixels."""
    return replace(Stream(height=1, width=pixels, channels=channels), bits=bits, signed=signed)


def with_memories(kernel: Kernel, folder: Path) -> dict[str, Any]:
    """The kernel's parameters; its memory images are written to the folder."""
    files = {}
    for memory in kernel.memories():
        files[memory.parameter] = f"{memory.parameter.lower()}.mem"
        (folder / files[memory.parameter]).write_text(image_text(memory.words))
    return {**kernel.parameters(), **files}


def check_kernel(
    kernel: Kernel,
    folder: Path,
    *,
    inputs: Mapping[str, Beats],
    outputs: Mapping[str, Beats],
    seed: int,
    **options: Any,
) -> dict[str, SimResult]:
    """`check_stream_module` on the kernel's module."""
    return check_stream_module(
        kernel.module,
        sources(kernel.module),
        parameters=with_memories(kernel, folder),
        inputs=inputs,
        outputs=outputs,
        cwd=folder,
        seed=seed,
        **options,
    )
