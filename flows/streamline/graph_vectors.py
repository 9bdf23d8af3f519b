# SPDX-License-Identifier: Apache-2.0
"""Reference vectors of a graph that comes without a PyTorch model: onnxruntime's own.

Every stream of every image, and every sign and requant on the integers that can reach it, are what
the file's own nodes give; integers are read off with the scale of the stream.
"""

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.graph_reference import GraphReference, Probe, StreamReference
from flows.streamline.graph import Add, MaxPool, Operation, Requant, Sign, SumPool
from flows.streamline.make_reference import check_images, nchw
from flows.streamline.pixels import RAW, TO_TENSOR
from flows.streamline.read_graph import Reading, read
from flows.streamline.standard import Executor
from flows.streamline.values import Value, integers, table

_TRIED = 2**21  # (channel, integer) pairs of a sign or requant; above, a sample
_KINDS: dict[type[Operation], str] = {
    Sign: "sign",
    Requant: "requant",
    Add: "add",
    MaxPool: "maxpool",
    SumPool: "sumpool",
}


def read_file(model: ModelWrapper) -> Reading:
    """Reads a cleaned graph that does not say what a pixel is at its input: pixel / 255 or itself.

    Raises:
        UnsupportedModelError: naming the node, what it is, what is expected and how to mend it.
    """
    return read(model, (TO_TENSOR.values(), RAW.values()))


def graph_vectors(
    model: ModelWrapper,
    reading: Reading,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    name: str,
    dataset: str,
) -> GraphReference:
    """Runs a cleaned graph in onnxruntime.

    Args:
        images: (N, H, W, C) uint8.
        labels: (N,) int64, -1 where there is none.
        name: of the model.
        dataset: where the images come from.

    Raises:
        UsageError: images of another size.
        UnsupportedModelError: a tensor is no integers times the scale of its stream.
    """
    nodes = [node for node in reading.graph.nodes if type(node) in _KINDS]
    tensors = [reading.streams[node.name].tensor for node in nodes]
    images = check_images(images, model.get_tensor_shape(model.graph.input[0].name))
    found = _run(model, reading.pixels, [*tensors, reading.output.tensor], images)
    final = reading.graph.final
    outputs = found[reading.output.tensor].reshape(len(images), -1)
    return GraphReference(
        model=name,
        dataset=dataset,
        images=images,
        labels=labels,
        logits=_integers(reading.output.tensor, outputs, final.scale, final.bias),
        streams=tuple(
            _stream(model, reading, node, found[tensor])
            for node, tensor in zip(nodes, tensors, strict=True)
        ),
        logit_scale=float(final.scale[0]),
        logit_bias=float(final.bias[0]),
        accuracy=None,
    )


def _run(
    model: ModelWrapper, pixels: np.ndarray, tensors: list[str], images: np.ndarray
) -> dict[str, np.ndarray]:
    """Tensor name to (N, ...) float32."""
    run = Executor(model, list(dict.fromkeys(tensors)))
    shape = model.get_tensor_shape(model.graph.input[0].name)
    results = [run(pixels[nchw(image, shape)]) for image in images]
    return {name: np.concatenate([result[name] for result in results]) for name in tensors}


def _stream(
    model: ModelWrapper, reading: Reading, node: Operation, found: np.ndarray
) -> StreamReference:
    value = reading.streams[node.name]
    shaped = found.reshape(len(found), *value.shape).transpose(0, 2, 3, 1)
    return StreamReference(
        name=node.name,
        kind=_KINDS[type(node)],
        values=_of_stream(value, shaped),
        tensor=value.tensor,
        step_exponent=round(float(np.log2(np.abs(value.line.slope[0])))),
        probes=(_probe(model, reading, node),) if isinstance(node, Sign | Requant) else (),
    )


def _probe(model: ModelWrapper, reading: Reading, node: Sign | Requant) -> Probe:
    """What the file's nodes make of the integers that can reach a sign or requant."""
    behind, made = reading.quantisers[node.name], reading.streams[node.name]
    xs = integers(behind, _TRIED, _corners(node))
    outputs = _of_stream(made, table(model, behind, behind.tensor, xs)).T
    complete = len(xs) == (behind.high - behind.low) // behind.step + 1
    return Probe(channels=behind.channels, inputs=xs, outputs=outputs, complete=complete)


def _corners(node: Sign | Requant) -> np.ndarray:
    """Thresholds, and where the codes of a requant begin and end to change."""
    found = [] if node.thresholds is None else [node.thresholds]
    if isinstance(node, Requant):
        sloped = node.mul != 0
        for bound in (node.low + 1, node.high):
            found.append(((bound << node.shift) - node.add[sloped]) // node.mul[sloped])
    return np.concatenate(found)


def _of_stream(value: Value, found: np.ndarray) -> np.ndarray:
    """(..., C) float32 of a stream's tensor to bool where it is bits, else to int64."""
    codes = _integers(value.tensor, found, value.line.slope, value.line.offset)
    return np.asarray(codes > 0 if value.bits else codes)


def _integers(name: str, found: np.ndarray, slope: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """(..., C) float32 to int64: what times `slope` plus `offset` it is, to within rounding.

    Raises:
        UnsupportedModelError: it is none.
    """
    exact = (found.astype(np.float64) - offset) / slope
    codes = np.rint(exact)
    if (np.abs(exact - codes) > 0.25).any():
        at = tuple(int(i) for i in np.argwhere(np.abs(exact - codes) > 0.25)[0])
        raise UnsupportedModelError(
            f"{name}: {found[at]!r} found where {slope[at[-1]]:g} times an integer plus"
            f" {offset[at[-1]]:g} is expected; quantise with power-of-two steps."
        )
    return np.asarray(codes, np.int64)
