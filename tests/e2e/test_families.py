# SPDX-License-Identifier: Apache-2.0
"""The seed papers' networks, random weights, from PyTorch to RTL: every stream, every bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flows.config import BuildConfig
from flows.dataflow.interpret import interpret
from flows.dataflow.network import IMAGE, Layer
from flows.emit.memory import image_text, read_image
from flows.errors import VerificationError
from flows.sim.verilate import SimulatorBuild
from tests.support.alone import simulate_alone
from tests.support.battery import CACHE
from tests.support.zoo import Zoo, make_zoo

# Together they have every operation: residual blocks, two slopes, groups and shuffles; dense
# blocks, raw sums, concats of bits.
SMALL = ("tiny_ftbnn", "tiny_densenet")
REST = ("tiny_bireal", "tiny_vgg", "tiny_resnet_tb", "tiny_imagenet")
WHOLE = (
    "bireal18_cifar10",
    "binarydensenet28_cifar10",
    "vgg_small_cifar10",
    "resnet18_tb_cifar10",
    "ftbnn18_cifar10",
)
LARGE = ("bireal18_imagenet",)
LAYER_BY_LAYER = (
    "alexnet_tb_imagenet",
    "resnet18_tb_imagenet",
    "ftbnn18_imagenet",
    "bireal34_imagenet",
    "binarydensenet37_imagenet",
    "binarydensenet45_imagenet",
)
COMMON = {"board": "ZCU104", "untrained": 1}


@dataclass(frozen=True)
class Family:
    """A network with random weights, and its simulator of every stream."""

    zoo: Zoo
    simulator: SimulatorBuild


def family(
    name: str, root: Path, cache: Path, *, images: int, fps: float, optimize: int = 3
) -> Family:
    """Folded for so many frames per second of ZCU104's clock; optimize: of the C++ compiler."""
    zoo = make_zoo(BuildConfig(**COMMON, model=name, images=images, target_fps=fps), root)
    return Family(zoo, zoo.simulator(trace=True, optimize=optimize, cache=cache))


def check(case: Family, images: int, *patterns: str) -> None:
    zoo = case.zoo
    units, tensor_values = zoo.front.verify(zoo.network, zoo.project)
    measured = zoo.simulate(case.simulator, *patterns)
    frame = sum(layer.output.beats * layer.output.channels for layer in zoo.network)
    assert tensor_values == images * frame
    assert measured.values_traced == len(patterns) * images * frame
    assert [run.logits for run in measured.patterns] == [zoo.reference.logits.size] * len(patterns)
    assert measured.latency == zoo.schedule.latency
    assert measured.initiation_interval <= zoo.schedule.initiation_interval
    assert units.requants + units.sampled > 0


@pytest.fixture(scope="module", params=SMALL)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    root = tmp_path_factory.mktemp("family")
    return family(request.param, root, CACHE, images=3, fps=20_000, optimize=1)


def test_a_small_network_equals_pytorch(small):
    check(small, 3, "none", "random", "burst")


@contextmanager
def damaged(zoo: Zoo, layer: Layer) -> Iterator[None]:
    """One bit of one weight, in the file that the simulated memory reads."""
    path = zoo.project.root / "mem" / f"{layer.name}_weights.hex"
    genuine = path.read_text()
    (image,) = [m for m in layer.unit.memories() if m.parameter == "WEIGHT_FILE"]
    words = read_image(path, *image.words.shape)
    words[0] ^= 1
    path.write_text(image_text(words))
    try:
        yield
    finally:
        path.write_text(genuine)


def test_a_damaged_layer_is_found_and_named(small):
    """Negative control."""
    layer = [layer for layer in small.zoo.network if layer.unit][1]
    with damaged(small.zoo, layer), pytest.raises(VerificationError, match=layer.name):
        small.zoo.simulate(small.simulator, "none")


def alone(zoo: Zoo, cache: Path, *layers: Layer) -> int:
    """Each layer's module, fed with what PyTorch's network feeds it; the count of all values."""
    images = zoo.reference.images
    streams = {IMAGE: images.astype(np.int64)} | interpret(zoo.network, images)
    return sum(simulate_alone(zoo.network, layer, zoo.project, streams, cache) for layer in layers)


def test_a_damaged_layer_alone_is_found(small, tmp_path):
    """A layer as it is, then its negative control."""
    layer = [layer for layer in small.zoo.network if layer.unit][1]
    assert alone(small.zoo, CACHE, layer) == 3 * layer.output.beats * layer.output.channels
    with damaged(small.zoo, layer), pytest.raises(VerificationError, match=layer.name):
        alone(small.zoo, CACHE, layer)


@pytest.mark.nightly
@pytest.mark.parametrize("name", LAYER_BY_LAYER)
def test_every_layer_of_a_network_of_224_pixels_equals_pytorch(name: str, tmp_path: Path):
    """Lowered and folded whole; every stream of it equal to PyTorch's, in numpy; then its RTL."""
    zoo = make_zoo(BuildConfig(**COMMON, model=name, images=1, target_fps=200), tmp_path)
    _, values = zoo.front.verify(zoo.network, zoo.project)
    frame = sum(layer.output.beats * layer.output.channels for layer in zoo.network)
    assert values == frame
    assert alone(zoo, tmp_path / "cache", *zoo.network) == frame


@pytest.mark.nightly
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_network_equals_pytorch(name: str, tmp_path: Path):
    case = family(name, tmp_path, tmp_path / "cache", images=16, fps=3000)
    check(case, 16, "none", "random", "burst")


@pytest.mark.nightly
@pytest.mark.parametrize("name", LARGE)
def test_a_network_of_224_pixels_equals_pytorch(name: str, tmp_path: Path):
    case = family(name, tmp_path, tmp_path / "cache", images=1, fps=500)
    check(case, 1, "random")


@pytest.mark.nightly
@pytest.mark.parametrize("name", REST)
def test_other_small_networks_equal_pytorch(name: str, tmp_path: Path):
    case = family(name, tmp_path, tmp_path / "cache", images=3, fps=1500, optimize=1)
    check(case, 3, "none", "random", "burst")
