# SPDX-License-Identifier: Apache-2.0
"""The seed families have the published layers: weights counted against the literature's totals."""

import pytest
import torch

from brevitas_models import zoo
from brevitas_models.binary_densenet import VARIANTS, DenseNetConfig
from brevitas_models.convs import Int8Conv2d
from brevitas_models.errors import ModelError
from brevitas_models.ftbnn import FtbnnConfig
from brevitas_models.trained_binarization import ResNetConfig, VggConfig

# Binary weights, and int8 weights of the first layer, between, and of the last.
COUNTS = {
    "bireal18_cifar10": (10_985_472, 1_728, 172_032, 5_120),
    "bireal18_imagenet": (10_985_472, 9_408, 172_032, 512_000),
    "bireal34_imagenet": (21_086_208, 9_408, 172_032, 512_000),
    "binarydensenet28_cifar10": (4_202_496, 1_728, 323_584, 5_760),
    "binarydensenet28_imagenet": (4_202_496, 9_408, 323_584, 576_000),
    "binarydensenet37_imagenet": (7_593_984, 9_408, 425_984, 640_000),
    "binarydensenet45_imagenet": (12_349_440, 9_408, 679_936, 800_000),
    "vgg_small_cifar10": (4_571_136, 3_456, 0, 81_920),
    "alexnet_tb_imagenet": (58_236_928, 34_848, 0, 4_096_000),
    "resnet18_tb_imagenet": (10_985_472, 9_408, 172_032, 512_000),
    "ftbnn18_cifar10": (10_985_472, 3_456, 172_032, 10_240),
}


def _on_meta(name):
    with torch.device("meta"):
        return zoo.entry(name).build()


@pytest.mark.parametrize("name", COUNTS)
def test_weights_are_those_of_the_literature(name):
    model = _on_meta(name)
    binary = sum(layer.weight.numel() for layer in model.binary_layers().values())
    int8 = [m.weight.numel() for m in model.modules() if isinstance(m, Int8Conv2d)]
    assert (binary, int8[0], sum(int8[1:]), model.head.weight.numel()) == COUNTS[name]


@pytest.mark.parametrize(
    "number, blocks, transitions",
    [
        (28, [448, 544, 576, 576], [160, 192, 256]),
        (37, [448, 640, 960, 640], [128, 192, 256]),
        (45, [448, 928, 1184, 800], [160, 288, 288]),
    ],
)
def test_binary_densenet_channels(number, blocks, transitions):
    layers, reductions = VARIANTS[number]
    config = DenseNetConfig(layers=layers, reductions=reductions)
    channels, found, wanted = 64, [], [*transitions, 0]
    for index, count in enumerate(layers):
        found.append(channels + 64 * count)
        channels = config.reduced(found[-1], index) if index < 3 else 0
        assert channels == wanted[index]
    assert found == blocks


SHAPES = {
    "bireal18_imagenet": {"stem": (64, 56), "stage1": (64, 56), "stage4": (512, 7)},
    "binarydensenet28_imagenet": {"stem": (64, 56), "block1": (448, 56), "block4": (576, 7)},
    "alexnet_tb_imagenet": {"conv0": (96, 55), "conv1": (256, 13), "conv5": (4096, 1)},
    "vgg_small_cifar10": {"conv0": (128, 32), "conv3": (256, 8), "pool5": (512, 4)},
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_feature_maps(name):
    model, seen = _on_meta(name), {}
    for path in SHAPES[name]:
        model.get_submodule(path).register_forward_hook(
            lambda _m, _i, out, path=path: seen.update({path: (out.shape[1], out.shape[2])})
        )
    with torch.device("meta"):
        model.train()(torch.zeros(2, *zoo.entry(name).input_shape))
    assert seen == SHAPES[name]


@pytest.mark.parametrize("name", sorted(e.name for e in zoo.ZOO.values() if e.graph))
def test_every_name_builds_and_ends_in_its_classes(name):
    entry = zoo.entry(name)
    model = _on_meta(name)
    with torch.device("meta"):
        assert model.train()(torch.zeros(2, *entry.input_shape)).shape == (2, entry.config.classes)
    assert entry.dataset == ("imagenet" if name.endswith("_imagenet") else "cifar10")


def test_untrained_is_fixed_by_its_seed_and_awkward():
    first, again, other = (zoo.untrained("bireal18_w4_cifar10", seed) for seed in (1, 1, 2))
    for key, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    assert not torch.equal(first.head.weight, other.head.weight)
    gamma = torch.cat([v for k, v in first.state_dict().items() if k.endswith("norm.weight")])
    assert (gamma < 0).any()
    assert (gamma == 0).any()


def test_bireal_switch_gives_each_convolution_a_shortcut():
    two = ResNetConfig(blocks=(1, 1), width=8, in_size=8).build
    with pytest.raises(ModelError, match="exponents"):
        two()
    plain = zoo.entry("resnet18_tb_cifar10").config
    switched = ResNetConfig(bireal=True)
    with torch.device("meta"):
        counts = [sum(1 for n, _ in c.build().named_modules() if n.endswith(".add"))
                  for c in (plain, switched)]  # fmt: skip
    assert counts == [8, 16]


def test_impossible_configurations_are_refused():
    with pytest.raises(ModelError, match="nothing is left"):
        VggConfig(convs=((8, 2),) * 4, in_size=8).build()
    with pytest.raises(ModelError, match="6 channels in 4 groups"):
        FtbnnConfig(width=6).build()
