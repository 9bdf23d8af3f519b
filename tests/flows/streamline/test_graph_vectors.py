# SPDX-License-Identifier: Apache-2.0
"""Graphs that come as a file alone: read, held against onnxruntime, and against PyTorch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from flows.errors import UnsupportedModelError, UsageError, VerificationError
from flows.exact_graph import check_streams, check_units
from flows.export import Source
from flows.front import ChainFront, GraphFront, open_front
from flows.graph_reference import load_graph_reference
from flows.streamline.clean_graph import clean_graph
from flows.streamline.graph import Convolution, Dense, Requant, Sign
from flows.streamline.graph_vectors import graph_vectors, read_file
from flows.streamline.load import load
from tests.flows.streamline.build import STEP, Builder, block, head, stem
from tests.flows.streamline.graphs import conv_net

ROOT = Path(__file__).resolve().parents[3]
IMAGES = 4


@pytest.fixture
def build(rng) -> Builder:
    return Builder(rng, (3, 8, 8))


def images(rng, size: int = 8) -> np.ndarray:
    return rng.integers(0, 256, (IMAGES, size, size, 3), np.uint8)


def residual(build: Builder) -> str:
    return head(build, block(build, block(build, stem(build), 8, -1.0), 8, None), 8, 8)


def vectors(model, pixels: np.ndarray):
    cleaned = clean_graph(model)
    reading = read_file(cleaned)
    labels = np.full(len(pixels), -1)
    return reading, graph_vectors(cleaned, reading, pixels, labels, name="net", dataset="random")


def test_every_stream_and_every_quantiser_is_compared(build, rng):
    reading, found = vectors(build.model(residual(build)), images(rng))
    kinds = [stream.kind for stream in found.streams]
    assert kinds == ["requant", *["sign", "requant", "add"] * 2, "sumpool"]
    assert [bool(s.probes) for s in found.streams] == [k in ("sign", "requant") for k in kinds]
    units = check_units(reading.graph, found)
    assert units.complete > 0
    assert check_streams(reading.graph, found) == sum(s.values.size for s in found.streams) + 20


def test_a_wrong_reading_is_found(build, rng):
    """Negative control: one weight, one multiplier, one threshold, the bounds of an addition."""
    reading, found = vectors(build.model(residual(build)), images(rng))
    graph = reading.graph

    def damaged(node):
        if isinstance(node, Convolution | Dense):
            weights = node.weights.copy()
            weights.flat[0] *= -1
            return replace(node, weights=weights)
        if isinstance(node, Requant):
            return replace(node, mul=node.mul + np.eye(1, node.mul.shape[1], dtype=np.int64))
        if isinstance(node, Sign):
            one = np.eye(1, len(node.thresholds), dtype=np.int64)[0]
            return replace(node, thresholds=node.thresholds + one)
        return replace(node, high=20)

    for index, node in enumerate(graph.nodes):
        nodes = (*graph.nodes[:index], damaged(node), *graph.nodes[index + 1 :])
        wrong = replace(graph, nodes=nodes)
        check = check_units if isinstance(node, Sign | Requant) else check_streams
        with pytest.raises(VerificationError):
            check(wrong, found)


def test_pixels_of_torch_are_told_from_plain_ones(build, rng):
    x = build.op("Mul", "image", build.constant(255.0))
    x = build.quant(build.op("Sub", x, build.constant(128)), 1.0, mode="ROUND")
    x = build.requant(build.int_conv(x, 3, 8), 8, STEP, 2.0**-7, shift=12)
    reading, found = vectors(build.model(head(build, block(build, x, 8, 1.0), 8, 6)), images(rng))
    assert reading.graph.image.offset == -128
    assert reading.pixels[255] == 1.0
    assert check_streams(reading.graph, found) > 0


def test_shapes_and_constants_that_the_file_computes(build, rng):
    """As exporters write x.view(x.size(0), -1), and a scale of 1 / sqrt(4)."""
    x = block(build, stem(build), 8, 1.0)
    x = build.op("ReduceSum", x, build.constant([2, 3], np.int64), keepdims=1)
    root = build.op("Sqrt", build.op("Constant", value_float=4.0))
    x = build.quant(build.op("Div", x, root), STEP * 8)
    rows = build.op("Gather", build.op("Shape", x), build.constant(0, np.int64), axis=0)
    rows = build.op("Unsqueeze", rows, build.constant([0], np.int64))
    shape = build.op("Concat", rows, build.constant([-1], np.int64), axis=0)
    weights = build.quant(build.constant(rng.integers(-7, 8, (8, 5))), 1.0, bits=4)
    output = build.op("MatMul", build.op("Reshape", x, shape), weights)
    reading, found = vectors(build.model(output), images(rng))
    assert check_streams(reading.graph, found) > 0
    assert len(np.unique(found.logits)) > 5


def test_an_error_is_that_of_the_node_not_of_the_pixels(build):
    x = build.op("Sigmoid", stem(build))
    with pytest.raises(UnsupportedModelError, match=r"Sigmoid.*cannot be lowered"):
        read_file(clean_graph(build.model(build.dense(x, 512, 5))))


def test_images_of_another_size_are_refused(build, rng):
    with pytest.raises(UsageError, match="8, 8, 3"):
        vectors(build.model(residual(build)), images(rng, 10))


@pytest.mark.parametrize("graph", [True, False])
def test_a_file_goes_to_the_reader_for_it(build, rng, tmp_path, graph):
    path = tmp_path / "net.onnx"
    if graph:
        onnx.save(build.model(residual(build)).model, str(path))
    else:
        conv_net().save(path)
    pixels = images(rng, 8 if graph else 10)
    labels = np.full(IMAGES, -1)
    source = Source(
        model=path, exported=None, vectors=None, images=pixels, labels=labels, dataset="random"
    )
    front = open_front(source, name="net", root=tmp_path)
    assert isinstance(front, GraphFront if graph else ChainFront)


def test_a_file_alone_gives_what_pytorch_gives(tmp_path):
    """The same file with and without PyTorch's vectors: equal logits, streams and quantisers."""
    folder = tmp_path / "export"
    command = [sys.executable, "-W", "ignore", "-m", "brevitas_models", "export", "tiny_densenet"]
    subprocess.run(
        [*command, str(folder), "--untrained", "3", "--images", "3"], cwd=ROOT, check=True
    )
    trained = load_graph_reference(folder)
    _, found = vectors(load(folder / "model.onnx"), trained.images)
    np.testing.assert_array_equal(found.logits, trained.logits)
    own = {s.values.tobytes() for s in found.streams if s.values.dtype == np.bool_}
    bits = [s.values.tobytes() for s in trained.streams if s.values.dtype == np.bool_]
    assert bits
    assert own >= set(bits)
    codes = {s.values.tobytes() for s in found.streams}
    assert codes >= {s.values.tobytes() for s in trained.streams}
