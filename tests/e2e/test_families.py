# SPDX-License-Identifier: Apache-2.0
"""The seed papers' networks, random weights, from PyTorch to RTL: every stream, every bit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.config import BuildConfig
from flows.emit.memory import image_text, read_image
from flows.errors import VerificationError
from flows.sim.verilate import SimulatorBuild
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


@dataclass(frozen=True)
class Family:
    """A network with random weights, and its simulator of every stream."""

    zoo: Zoo
    simulator: SimulatorBuild


def family(
    name: str, root: Path, cache: Path, *, images: int, fps: float, optimize: int = 3
) -> Family:
    """Folded for so many frames per second of ZCU104's clock; optimize: of the C++ compiler."""
    config = BuildConfig(model=name, board="ZCU104", untrained=1, images=images, target_fps=fps)
    zoo = make_zoo(config, root)
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


def test_a_damaged_layer_is_found_and_named(small):
    """Negative control: one bit of one weight, in the file that the simulated memory reads."""
    layer = [layer for layer in small.zoo.network if layer.unit][1]
    path = small.zoo.project.root / "mem" / f"{layer.name}_weights.hex"
    genuine = path.read_text()
    (image,) = [m for m in layer.unit.memories() if m.parameter == "WEIGHT_FILE"]
    words = read_image(path, *image.words.shape)
    words[0] ^= 1
    path.write_text(image_text(words))
    try:
        with pytest.raises(VerificationError, match=layer.name):
            small.zoo.simulate(small.simulator, "none")
    finally:
        path.write_text(genuine)


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
