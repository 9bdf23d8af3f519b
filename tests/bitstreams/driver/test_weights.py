# SPDX-License-Identifier: Apache-2.0
"""Weights of a retrained network, loaded into hardware that runs; nothing is built again."""

import json
import shutil

import numpy as np
import pytest

from tests.bitstreams.driver.driver import load

driver = load("xnorflow_driver")
BoardError = driver.BoardError


@pytest.fixture
def network(built):
    with driver.Accelerator(built.folder, platform="virtual") as network:
        yield network


def check(network, expected) -> None:
    np.testing.assert_array_equal(network.execute(expected.images), expected.logits)


def noted(network) -> str:
    return "".join(f"{network._get('LOADED_HASH0', index):08x}" for index in range(4))


def spoilt(weights, target, **facts):
    """A copy of a weights file with some facts replaced."""
    with np.load(weights) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    changed = json.loads(str(content["facts"])) | facts
    np.savez(target, **content | {"facts": np.array(json.dumps(changed))})
    return target


def test_retrained_network_computes_what_its_reference_does(network, built, retrained):
    assert not np.array_equal(built.logits, retrained.logits)
    assert noted(network) == "0" * 32
    network.load_weights(retrained.folder / "weights.npz")
    check(network, retrained)
    assert (
        noted(network) == json.loads((retrained.folder / "overlay.json").read_text())["model_hash"]
    )
    assert network.throughput_test(8)["batch_size"] == 8
    check(network, retrained)


def test_way_back(network, built, retrained):
    network.load_weights(retrained.folder / "weights.npz")
    network.load_weights(None)
    check(network, built)
    assert noted(network) == "0" * 32
    network.load_weights(retrained.folder / "weights.npz")
    network.load_weights(built.folder / "weights.npz")
    check(network, built)


def test_weights_outlive_a_fault_that_needs_the_bitstream_again(network, retrained):
    network.load_weights(retrained.folder / "weights.npz")
    network.platform.inject("read stuck", 1)
    with pytest.raises(BoardError, match="the bitstream was loaded again"):
        network.execute(retrained.images)
    check(network, retrained)


def test_one_wrong_bit_is_found_and_the_network_stays(network, built, retrained, tmp_path):
    with np.load(retrained.folder / "weights.npz") as arrays:
        content = {name: arrays[name].copy() for name in arrays.files}
    last = max((name for name in content if name.startswith("m")), key=lambda name: int(name[1:]))
    content[last][0, 0] ^= 1  # a weight of the last layer, which is in a logit of every image
    np.savez(tmp_path / "weights.npz", **content)
    with pytest.raises(BoardError, match=r"self-test: .* logits are wrong"):
        network.load_weights(tmp_path / "weights.npz")
    assert network.weights is None
    check(network, built)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path, r"none\.npz: no weights that can be read .* --runtime-weights"),
        (lambda path: path.write_bytes(b"PK\x03\x04 no archive"), "no weights that can be read"),
        (lambda path: np.savez(path, facts=np.array("{}")), "no weights that can be read"),
        (
            lambda path: np.savez(path, facts=np.array('{"schema": "xnorflow-weights/9"}')),
            "schema 'xnorflow-weights/9'",
        ),
    ],
)
def test_wrong_files_are_refused_in_one_sentence(network, built, tmp_path, make, sentence):
    path = tmp_path / "none.npz"
    make(path)
    with pytest.raises(BoardError, match=sentence):
        network.load_weights(path)
    check(network, built)


def test_weights_of_other_hardware_are_refused(network, built, retrained, tmp_path):
    facts = json.loads((retrained.folder / "overlay.json").read_text())["runtime"]
    layer = next(iter(facts["layers"]))
    facts["layers"][layer]["kernels"][-1]["parameters"]["PE"] = 99
    path = spoilt(
        retrained.folder / "weights.npz", tmp_path / "weights.npz", layers=facts["layers"]
    )
    with pytest.raises(BoardError, match=f"for other hardware, layer {layer} differs; build it"):
        network.load_weights(path)
    check(network, built)


def test_hardware_with_fixed_weights_says_so(deployed, retrained):
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        with pytest.raises(BoardError, match="built without --runtime-weights"):
            network.load_weights(retrained.folder / "weights.npz")
        check(network, deployed)


def test_fixed_and_loadable_hardware_are_told_apart(deployed, built, tmp_path):
    """Facts that promise what the bitstream cannot do."""
    folder = shutil.copytree(deployed.folder, tmp_path / "deploy")
    facts = json.loads((folder / "overlay.json").read_text())
    assert facts["runtime"] is None
    facts["runtime"] = json.loads((built.folder / "overlay.json").read_text())["runtime"]
    (folder / "overlay.json").write_text(json.dumps(facts))
    with (
        driver.Accelerator(folder, platform="virtual") as network,
        pytest.raises(BoardError, match="built without --runtime-weights"),
    ):
        network.load_weights(built.folder / "weights.npz")
