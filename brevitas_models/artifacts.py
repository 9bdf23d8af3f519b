# SPDX-License-Identifier: Apache-2.0
"""What every export is made with: exact arithmetic, packed bits, QONNX, all-or-nothing folders."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from brevitas.export import export_qonnx
from torch import Tensor, nn

from brevitas_models.errors import ModelError

OPSET = 18


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Switch NNPACK off: its Winograd convolutions are not exact on integers.

    One thread is used: on a busy machine two take six times the processor time, most of it
    spent in waiting for each other (measured: LFC, 1,000 images).
    """
    threads = torch.get_num_threads()
    before = torch.backends.nnpack.set_flags(False)
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.backends.nnpack.set_flags(*before)
        torch.set_num_threads(threads)


def pack_bits(bits: np.ndarray) -> np.ndarray:
    """(..., C) bool to (..., ceil(C / 8)) uint8, channel 0 in the least significant bit."""
    return np.packbits(bits, axis=-1, bitorder="little")


def check_integers(name: str, acc: Tensor) -> None:
    """Refuse accumulators that are no integers: an inexact kernel of the host was at work."""
    wrong = acc != acc.round()
    if bool(wrong.any()):
        index = tuple(int(i) for i in wrong.nonzero()[0])
        raise ModelError(
            f"{name}, index {index}: accumulator {float(acc[index])} is no integer; sums of"
            " integers below 2^24 are exact in float32 unless the host's convolution is not;"
            " export on another host or with another build of torch."
        )


def check_images(name: str, images: np.ndarray) -> None:
    """Refuse what no reference can be computed on."""
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) == 0:
        raise ModelError(
            f"{name}: images are {images.dtype} of shape {images.shape};"
            " the reference needs at least one image, (N, H, W, C) uint8."
        )


def write_qonnx(deploy: nn.Module, shape: tuple[int, int, int], path: Path) -> None:
    """Export the frozen network as QONNX for one image of (C, H, W) pixels."""
    with exact_arithmetic():
        export_qonnx(
            deploy,
            args=torch.zeros(1, *shape),
            export_path=str(path),
            opset_version=OPSET,
            dynamo=False,
            input_names=["pixels"],
            output_names=["logits"],
        )


@contextmanager
def whole_directory(out_dir: Path) -> Iterator[Path]:
    """Yield an empty folder that takes `out_dir`'s place when the block ends without error."""
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}.", dir=out_dir.parent))
    except OSError as error:
        raise ModelError(
            f"{out_dir}: cannot be written ({error.strerror}); name a folder that can."
        ) from error
    try:
        yield part
        part.chmod(0o755)
        if out_dir.exists():
            shutil.rmtree(out_dir)
        os.replace(part, out_dir)  # noqa: PTH105
    finally:
        shutil.rmtree(part, ignore_errors=True)
