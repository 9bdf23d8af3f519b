# SPDX-License-Identifier: Apache-2.0
"""Reference vectors of a QONNX file that comes without a PyTorch model: onnxruntime's own.

The images are uint8 pixels. Files of other projects take floats, with the scaling outside of the
graph; `pixels.PixelScaling` says what a pixel becomes before it enters the graph.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UsageError
from flows.reference import INPUT_KIND, Reference, SignLayer
from flows.streamline.freeze_signs import INPUT, OUTPUT
from flows.streamline.stages import Stage
from flows.streamline.standard import Executor
from flows.streamline.tables import Tables


def run_original(
    model: ModelWrapper,
    stages: Sequence[Stage],
    names: Sequence[str],
    images: np.ndarray,
    values: np.ndarray,
) -> dict[str, np.ndarray]:
    """Run the cleaned graph in onnxruntime.

    Args:
        names: of the tensors to return.
        images: (N, H, W, C) uint8.
        values: (256,) float32, what the graph's input holds for each byte of an image.

    Returns:
        Tensor name to (N, values) float32.
    """
    run = Executor(model, names)
    shape = stages[0].shape
    results = [run(values[nchw(image, shape)]) for image in images]
    return {name: np.stack([result[name].reshape(-1) for result in results]) for name in names}


def run_frozen(
    frozen: ModelWrapper, names: Sequence[str], images: np.ndarray
) -> dict[str, np.ndarray]:
    """Run the frozen graph in onnxruntime.

    Args:
        names: of the tensors to return.
        images: (N, H, W, C) uint8.

    Returns:
        Tensor name to (N, ...) float32.
    """
    run = Executor(frozen, names)
    shape = tuple(frozen.get_tensor_shape(INPUT))
    results = [run(nchw(image, shape)) for image in images]
    return {name: np.concatenate([result[name] for result in results]) for name in names}


def make_reference(
    name: str,
    frozen: ModelWrapper,
    stages: Sequence[Stage],
    images: np.ndarray,
    tables: Tables,
) -> Reference:
    """Record activations and logits of the frozen graph.

    Requires: that the frozen graph is held against the original, see `compare.compare_original`.

    Args:
        name: of the model.
        images: (N, H, W, C) uint8.
    """
    outputs = run_frozen(frozen, [*tables.names, OUTPUT], images)
    pools = {stage.name: stage.pool for stage in stages}
    signs = []
    for table in tables.all_signs:
        kind = INPUT_KIND if table.name == INPUT_KIND else table.name.rstrip("0123456789")
        bits = outputs[table.name] > 0
        bits = bits.transpose(0, 2, 3, 1) if bits.ndim == 4 else bits[:, None, None, :]
        signs.append(
            SignLayer(
                name=table.name,
                kind=kind,
                activation=np.ascontiguousarray(bits),
                table=table.bits,
                acc_min=table.acc_min,
                acc_step=table.acc_step,
                pool=pools[table.name],
                acc_tensor=f"{table.name}.sum" if kind != INPUT_KIND else INPUT,
                sign_tensor=table.name,
            )
        )
    notes: dict[str, Any] = {"executor": "onnxruntime", "pixel_scaling": asdict(tables.scaling)}
    if tables.pixel_table is not None:
        notes["pixel_table"] = tables.pixel_table.tolist()
    return Reference(
        model=name,
        dataset="",
        images=images,
        labels=np.full(len(images), -1, np.int64),
        logits=outputs[OUTPUT].astype(np.int32),
        signs=tuple(signs),
        last_layer=stages[-1].name,
        logit_scale=float(tables.final.scale[0]),
        logit_bias=float(tables.final.bias[0]),
        notes=notes,
    )


def check_images(images: np.ndarray | None, shape: Sequence[int]) -> np.ndarray:
    """Refuse images that the graph cannot take, and return the others.

    Raises:
        UsageError: names the shapes.
    """
    channels, height, width = (*shape, 1, 1)[1:4]
    expected = (height, width, channels)
    if images is None:
        raise UsageError(
            "images: none given, and no reference vectors; one of them is needed to verify the"
            f" network; give uint8 images (N, {height}, {width}, {channels})."
        )
    if (
        not len(images)
        or images.ndim != 4
        or images.shape[1:] != expected
        or images.dtype != np.uint8
    ):
        raise UsageError(
            f"images: {images.dtype} of shape {images.shape} found; the model takes uint8"
            f" (N, {height}, {width}, {channels}); give images of that size."
        )
    return images


def nchw(image: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """(H, W, C) in the shape of a graph's input, (1, C, H, W) or (1, values)."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)).reshape(tuple(shape))
