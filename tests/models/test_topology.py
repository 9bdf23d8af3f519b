# SPDX-License-Identifier: Apache-2.0
"""Topologies as published, the zoo's names, and one step of training."""

import pytest
import torch

from brevitas_models import zoo
from brevitas_models.cnv import CnvConfig, cnv
from brevitas_models.errors import ModelError

CNV_SHAPES = {
    "conv0": (64, 3, 3, 3),
    "conv1": (64, 64, 3, 3),
    "conv2": (128, 64, 3, 3),
    "conv3": (128, 128, 3, 3),
    "conv4": (256, 128, 3, 3),
    "conv5": (256, 256, 3, 3),
    "fc0": (512, 256),
    "fc1": (512, 512),
    "fc2": (10, 512),
}


def _shapes(model):
    return {name: tuple(layer.weight.shape) for name, layer in model.binary_layers().items()}


def test_cnv_is_the_published_topology():
    model = zoo.entry("cnv_w1a1").build()
    assert _shapes(model) == CNV_SHAPES
    assert [block.pool for block in model.blocks.values()] == [1, 2, 1, 2, 1, 1, 1, 1]
    assert all(block.sign.norm.eps == 1e-4 for block in model.blocks.values())


@pytest.mark.parametrize("name, width", [("tfc", 64), ("sfc", 256), ("lfc", 1024)])
def test_fc_is_the_published_topology(name, width):
    model = zoo.entry(f"{name}_w1a1").build()
    assert list(_shapes(model).values()) == [
        (width, 784),
        (width, width),
        (width, width),
        (10, width),
    ]
    assert model.input.binary


@pytest.mark.parametrize("name", sorted(e.name for e in zoo.ZOO.values() if not e.graph))
def test_every_network_gives_logits_per_class(name):
    model = zoo.untrained(name, seed=2)
    x = torch.randint(0, 256, (2, *zoo.entry(name).input_shape)).float()
    with torch.no_grad():
        acc = model.accumulators(x)
        assert acc.shape == (2, 10)
        assert torch.equal(acc, acc.round())
        assert torch.equal(model(x).argmax(1), acc.argmax(1))


def test_untrained_is_fixed_by_its_seed_and_awkward():
    first, again, other = (zoo.untrained("cnv_w1a1", seed) for seed in (1, 1, 2))
    for key, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    assert not torch.equal(first.last.weight, other.last.weight)
    gamma = torch.cat([block.sign.norm.weight for block in first.blocks.values()])
    assert (gamma < 0).any()
    assert (gamma == 0).any()


def test_pooling_before_the_sign_equals_pooling_behind_it():
    block = zoo.untrained("tiny_cnv", seed=3).blocks["conv1"]
    acc = torch.randint(-36, 37, (3, 8, 8, 8)).float() * 2
    with torch.no_grad():
        behind = torch.nn.functional.max_pool2d(block.sign(acc), 2)
        assert torch.equal(block.sign(acc, 2), behind)


def test_unknown_name_lists_names_and_the_nearest():
    with pytest.raises(ModelError, match=r"cnv_w1a1.*Did you mean cnv_w1a1") as error:
        zoo.entry("cnv_w1a2")
    assert "tiny" not in str(error.value)
    assert zoo.entry("CNV-W1A1") is zoo.entry("cnv_w1a1")


def test_image_that_vanishes_is_refused():
    with pytest.raises(ModelError, match=r"12-pixel image behind conv3"):
        cnv(CnvConfig(in_size=12, convs=((8, 2), (8, 1), (8, 1), (8, 1))))
