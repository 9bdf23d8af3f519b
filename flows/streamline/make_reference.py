# SPDX-License-Identifier: Apache-2.0
"""Reference vectors of a QONNX file that comes without a PyTorch model: onnxruntime's own.

The images are uint8 pixels. Files of other projects take floats, with the scaling outside of the
graph; `PixelScaling` says what a pixel becomes before it enters the graph.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UsageError, VerificationError
from flows.reference import INPUT_KIND, Reference, SignLayer
from flows.streamline.freeze_signs import INPUT, OUTPUT
from flows.streamline.stages import Stage
from flows.streamline.standard import Executor
from flows.streamline.tabulate import FinalAffine, SignTable


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelScaling:
    """Graph input = pixel * scale / divisor + offset, each operation in float32.

    Torch's ToTensor divides by 255; this project's own exports take the pixel as it is.
    """

    divisor: float = 1.0
    scale: float = 1.0
    offset: float = 0.0

    def values(self) -> np.ndarray:
        """(256,) float32, what each pixel value becomes."""
        pixels = np.arange(256, dtype=np.float32) * np.float32(self.scale)
        return pixels / np.float32(self.divisor) + np.float32(self.offset)


RAW = PixelScaling()
TO_TENSOR = PixelScaling(divisor=255.0)


def run_original(
    model: ModelWrapper, stages: Sequence[Stage], images: np.ndarray, scaling: PixelScaling
) -> dict[str, np.ndarray]:
    """Run the cleaned graph in onnxruntime.

    Args:
        images: (N, H, W, C) uint8.

    Returns:
        Stage name to its output (N, ...) float32.
    """
    names = {stage.name: stage.output for stage in stages}
    run = Executor(model, list(dict.fromkeys(names.values())))
    shape = stages[0].shape
    values = scaling.values()
    results = [run(values[_nchw(image, shape)]) for image in images]
    return {
        name: np.stack([result[tensor].reshape(-1) for result in results])
        for name, tensor in names.items()
    }


def run_frozen(
    frozen: ModelWrapper, names: Sequence[str], images: np.ndarray
) -> dict[str, np.ndarray]:
    """Run the frozen graph in onnxruntime: (N, H, W, C) uint8 to tensor name to (N, ...) float32."""
    run = Executor(frozen, names)
    shape = tuple(frozen.get_tensor_shape(INPUT))
    results = [run(_nchw(image, shape)) for image in images]
    return {name: np.concatenate([result[name] for result in results]) for name in names}


def make_reference(
    name: str,
    frozen: ModelWrapper,
    stages: Sequence[Stage],
    tables: Sequence[SignTable],
    images: np.ndarray,
    final: FinalAffine,
    scaling: PixelScaling,
) -> Reference:
    """Record activations and logits of the frozen graph.

    Requires: that the frozen graph was held against the original one, see `check_frozen`.

    Args:
        name: of the model.
        tables: of every sign, the input's first where it is binary.
        images: (N, H, W, C) uint8.
        scaling: what a pixel is at the original graph's input; noted.
    """
    outputs = run_frozen(frozen, [*(table.name for table in tables), OUTPUT], images)
    pools = {stage.name: stage.pool for stage in stages}
    signs = []
    for table in tables:
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
    return Reference(
        model=name,
        dataset="",
        images=images,
        labels=np.full(len(images), -1, np.int64),
        logits=outputs[OUTPUT].astype(np.int32),
        signs=tuple(signs),
        last_layer=stages[-1].name,
        logit_scale=float(final.scale[0]),
        logit_bias=float(final.bias[0]),
        notes={"executor": "onnxruntime", "pixel_scaling": asdict(scaling)},
    )


def check_frozen(
    model: ModelWrapper,
    frozen: ModelWrapper,
    stages: Sequence[Stage],
    images: np.ndarray,
    scaling: PixelScaling,
) -> int:
    """Hold every activation of the frozen graph against the original graph, in onnxruntime.

    Returns:
        Count of compared values.

    Raises:
        VerificationError: names the layer, the image and the first differing index.
    """
    signs = [stage for stage in stages if stage.quantizer is not None]
    signs = [stage for stage in signs if stage.quantizer.op_type == "BipolarQuant"]
    original = run_original(model, signs, images, scaling)
    names = {s.name: f"{s.name}.pool" if s.pool > 1 else s.name for s in signs}
    outputs = run_frozen(frozen, list(names.values()), images)
    compared = 0
    for stage in signs:
        got = outputs[names[stage.name]].reshape(len(images), -1) > 0
        expected = original[stage.name] > 0
        if not np.array_equal(got, expected):
            at = tuple(int(i) for i in np.argwhere(got != expected)[0])
            raise VerificationError(
                f"{stage.name}: image {at[0]}, element {at[1]}: the original graph gives"
                f" {int(expected[at])}, its table {int(got[at])}; both must agree; the layer's sums"
                " are not exact in float32, use weights with scale 1 or a power of two."
            )
        compared += got.size
    return compared


def check_images(images: np.ndarray, shape: Sequence[int]) -> None:
    """Refuse images that the graph cannot take.

    Raises:
        UsageError: names the shapes.
    """
    channels, height, width = (*shape, 1, 1)[1:4]
    expected = (height, width, channels)
    if images.ndim != 4 or images.shape[1:] != expected or images.dtype != np.uint8:
        raise UsageError(
            f"images: {images.dtype} of shape {images.shape} found; the model takes uint8"
            f" (N, {height}, {width}, {channels}); give images of that size."
        )


def _nchw(image: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return np.ascontiguousarray(image.transpose(2, 0, 1)).reshape(tuple(shape))
