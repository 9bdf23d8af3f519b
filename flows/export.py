# SPDX-License-Identifier: Apache-2.0
"""What goes into the compiler: the trained network as a file, and images with what PyTorch says."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows import reference
from flows.config import BuildConfig
from flows.errors import ToolError, UsageError
from flows.graph_reference import GraphReference, is_graph, load_graph_reference
from flows.reference import Reference
from flows.streamline.load import input_shape, load

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What goes into the compiler.

    Attributes:
        model: QONNX file.
        exported: PyTorch's reference, with images for the deploy folder beyond those to verify;
            None where there is only the file.
        vectors: its head, the images to verify.
        images: (N, H, W, C) uint8 to verify.
        labels: (N,) int64, -1 where there is none.
        dataset: where the images come from.
    """

    model: Path
    exported: Reference | GraphReference | None
    vectors: Reference | GraphReference | None
    images: np.ndarray
    labels: np.ndarray
    dataset: str


def export(config: BuildConfig, folder: Path) -> Source:
    """The QONNX file and the reference vectors, from the zoo or from the user's own file.

    Args:
        config: of the build.
        folder: to write to.

    Raises:
        UsageError, ToolError: from the process that exports.
    """
    count = config.image_count
    exported = count if config.qonnx is not None else config.deploy_count
    common = ["--images", str(exported)]
    if config.data is not None:
        common += ["--data", str(config.data.resolve())]
    if config.qonnx is not None:
        height, width, channels = _image_shape(config.qonnx)
        folder.mkdir(exist_ok=True)
        path = folder / "images.npz"
        _models("images", f"{height}x{width}x{channels}", str(path), *common)
        with np.load(path) as arrays:
            return Source(
                model=config.qonnx,
                exported=None,
                vectors=None,
                images=arrays["images"],
                labels=arrays["labels"],
                dataset=str(arrays["dataset"]),
            )
    if config.checkpoint is not None:
        common += ["--checkpoint", str(config.checkpoint.resolve())]
    if config.untrained is not None:
        common += ["--untrained", str(config.untrained)]
    _models("export", config.model, str(folder), *common)
    load = load_graph_reference if is_graph(folder) else reference.load
    whole: Reference | GraphReference = load(folder)
    vectors = whole.head(count)
    return Source(
        model=folder / "model.onnx",
        exported=whole,
        vectors=vectors,
        images=vectors.images,
        labels=vectors.labels,
        dataset=vectors.dataset,
    )


def _image_shape(path: Path) -> tuple[int, int, int]:
    """(H, W, C) of the images that a QONNX file takes."""
    channels, height, width = (*input_shape(load(path)), 1, 1)[1:4]
    return height, width, channels


def _models(*arguments: str) -> None:
    """Runs brevitas_models as a process of its own: the two halves meet only through files."""
    command = [sys.executable, "-W", "ignore", "-m", "brevitas_models", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        raise UsageError(done.stderr.strip())
    if done.returncode:
        raise ToolError(
            f"export: exit code {done.returncode} of {' '.join(command)}\n{done.stderr[-2000:]}"
        )
