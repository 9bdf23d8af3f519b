# SPDX-License-Identifier: Apache-2.0
"""The seed families by name: what the zoo lists beside the chains.

`NAME_cifar10` has the 3x3 stem for 32 x 32 images, `NAME_imagenet` the 7x7 (11x11) stem for
224 x 224; `NAME_w4_cifar10` a quarter of the channels, for training without an accelerator.
"""

from dataclasses import replace
from typing import Any, Protocol

from brevitas_models.binary_densenet import VARIANTS, DenseNetConfig
from brevitas_models.bireal import BLOCKS as BIREAL_BLOCKS
from brevitas_models.bireal import BiRealConfig
from brevitas_models.formats import StreamPlan
from brevitas_models.ftbnn import FtbnnConfig
from brevitas_models.graph import GraphNetwork
from brevitas_models.recipe import Recipe
from brevitas_models.trained_binarization import AlexNetConfig, ResNetConfig, VggConfig


class SeedConfig(Protocol):
    """What the zoo needs of a family's configuration."""

    in_channels: int
    in_size: int
    classes: int

    def build(self) -> GraphNetwork:
        """Return the network with fresh weights."""


_CIFAR_RECIPE = Recipe(epochs=200, lr=2e-3, batch=128, init=0.1, shift=4, flip=True)
_IMAGENET_RECIPE = Recipe(epochs=120, lr=2e-3, batch=256, init=0.1)


def _cifar(name: str, config: Any, recipe: Recipe = _CIFAR_RECIPE) -> dict[str, Any]:
    return {"name": f"{name}_cifar10", "config": config, "dataset": "cifar10", "recipe": recipe}


def _imagenet(name: str, config: Any, recipe: Recipe = _IMAGENET_RECIPE) -> dict[str, Any]:
    config = replace(config, in_size=224, classes=1000)
    return {"name": f"{name}_imagenet", "config": config, "dataset": "imagenet", "recipe": recipe}


def _tiny(name: str, config: Any) -> dict[str, Any]:
    return _cifar(name, config) | {"name": f"tiny_{name}", "test_only": True}


def _bireal() -> list[dict[str, Any]]:
    rows = []
    for layers, blocks in BIREAL_BLOCKS.items():
        config = BiRealConfig(blocks=blocks)
        name = f"bireal{layers}"
        rows += [
            _cifar(name, config),
            _cifar(f"{name}_w4", replace(config, width=config.width // 4)),
            _imagenet(name, config),
        ]
    return rows


def _trained_binarization() -> list[dict[str, Any]]:
    vgg, resnet = VggConfig(), ResNetConfig()
    return [
        _cifar("vgg_small", vgg),
        _cifar("vgg_small_w4", vgg.narrowed(4)),
        _cifar("resnet18_tb", resnet),
        _cifar("resnet18_tb_w4", replace(resnet, width=resnet.width // 4)),
        _imagenet("resnet18_tb", resnet),
        _imagenet("alexnet_tb", AlexNetConfig()),
    ]


def _binary_densenet() -> list[dict[str, Any]]:
    rows = []
    for number, (layers, reductions) in VARIANTS.items():
        config = DenseNetConfig(layers=layers, reductions=reductions)
        name = f"binarydensenet{number}"
        quarter = replace(config, growth=16, width=16, multiple=8)
        rows += [_cifar(name, config), _cifar(f"{name}_w4", quarter), _imagenet(name, config)]
    return rows


def _ftbnn() -> list[dict[str, Any]]:
    config = FtbnnConfig()
    return [
        _cifar("ftbnn18", config),
        _cifar("ftbnn18_w4", replace(config, width=config.width // 4)),
        _imagenet("ftbnn18", config),
    ]


_TWO_STAGES = StreamPlan(exponents=(-4, -3))

SEEDS: tuple[dict[str, Any], ...] = (
    *_bireal(),
    *_trained_binarization(),
    *_binary_densenet(),
    *_ftbnn(),
    _tiny(
        "densenet",
        DenseNetConfig(layers=(2, 1), reductions=(2.0,), growth=8, width=8, multiple=4, in_size=8),
    ),
    _tiny(
        "ftbnn",
        FtbnnConfig(blocks=(1, 1), width=8, groups=2, in_size=8, plan=_TWO_STAGES),
    ),
    _tiny("vgg", VggConfig(convs=((8, 1), (8, 2), (16, 1), (16, 2)), in_size=8)),
    {
        "name": "tiny_imagenet",
        "config": BiRealConfig(blocks=(1, 1), width=8, in_size=72, classes=3, plan=_TWO_STAGES),
        "dataset": "imagenet",
        "recipe": _IMAGENET_RECIPE,
        "test_only": True,
    },
    _tiny("resnet_tb", ResNetConfig(blocks=(1, 1), width=8, in_size=8, plan=_TWO_STAGES)),
    _tiny("bireal", BiRealConfig(blocks=(2, 1), width=8, in_size=8, plan=_TWO_STAGES)),
)
