# SPDX-License-Identifier: Apache-2.0
"""The driver against the Verilated shell: shapes, types, batches, clocks, figures."""

import json
import shutil

import numpy as np
import pytest

from tests.bitstreams.driver.driver import load

driver = load("xnorflow_driver")
FINN_KEYS = {
    "runtime[ms]",
    "throughput[images/s]",
    "DRAM_in_bandwidth[MB/s]",
    "DRAM_out_bandwidth[MB/s]",
    "fclk[mhz]",
    "batch_size",
    "fold_input[ms]",
    "pack_input[ms]",
    "copy_input_data_to_device[ms]",
    "copy_output_data_from_device[ms]",
    "unpack_output[ms]",
    "unfold_output[ms]",
}


@pytest.fixture(scope="module")
def network(deployed):
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        yield network


@pytest.mark.parametrize("batch", [1, 3, 12, 500])
def test_batches_of_any_size(network, deployed, batch):
    network.allocate(batch)
    network.statistics()
    found = network.execute(deployed.images)
    np.testing.assert_array_equal(found, deployed.logits)
    assert found.dtype == np.int32
    figures = network.statistics()
    assert figures["images"] == len(deployed.images)
    assert figures["batches"] == -(-len(deployed.images) // batch)
    assert (figures["interval_cycles"] is None) == (batch == 1)


def test_one_image_gives_one_result(network, deployed):
    np.testing.assert_array_equal(network.execute(deployed.images[3]), deployed.logits[3])


def test_no_image_gives_no_result(network, deployed):
    assert network.execute(deployed.images[:0]).shape == (0, deployed.logits.shape[1])


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.int32])
def test_integers_of_any_type(network, deployed, dtype):
    found = network.execute(deployed.images[:2].astype(dtype))
    np.testing.assert_array_equal(found, deployed.logits[:2])


def test_lists_and_views(network, deployed):
    np.testing.assert_array_equal(
        network.execute(deployed.images[:2].tolist()), deployed.logits[:2]
    )
    np.testing.assert_array_equal(network.execute(deployed.images[::-1]), deployed.logits[::-1])


def test_labels(network, deployed):
    expected = deployed.logits.argmax(axis=1)
    np.testing.assert_array_equal(network.classify(deployed.images), expected)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda images: images / 255.0, "for floats of 0 to 1 pass"),
        (lambda images: images.astype(int) + 1000, "integers of 0 to 255"),
        (lambda images: images.astype(int) - 300, "integers of 0 to 255"),
        (lambda images: images[:, :-1], "expected \\(N, "),
        (lambda images: images.reshape(len(images), -1), "row, column, channel"),
    ],
)
def test_images_that_do_not_fit_are_refused(network, deployed, spoil, sentence):
    with pytest.raises(driver.BoardError, match=sentence):
        network.execute(spoil(deployed.images))


def test_figures_are_those_of_the_network(network, deployed):
    """The shell adds no bubble: the interval is the network's own, to the cycle."""
    network.allocate(64)
    network.statistics()
    network.execute(np.resize(deployed.images, (64, *deployed.images.shape[1:])))
    figures = network.statistics()
    assert figures["interval_cycles"] == pytest.approx(deployed.interval, rel=0.01)
    assert deployed.latency < figures["latency_cycles"] < deployed.latency + 200


def test_throughput_test_has_the_keys_of_finn(network, deployed):
    figures = network.throughput_test(32)
    assert set(figures) >= FINN_KEYS
    assert figures["batch_size"] == 32
    assert figures["fclk[mhz]"] == pytest.approx(100, rel=1e-3)
    assert figures["throughput[images/s]"] == pytest.approx(32e3 / figures["runtime[ms]"])
    # Board time of the run is the shell's own count of cycles and some register accesses.
    cycles = figures["runtime[ms]"] * 1e3 * figures["fclk[mhz]"]
    assert figures["cycles"] < cycles < figures["cycles"] + 5_000
    assert all(type(value) in (int, float) for value in figures.values())


def test_a_lower_clock(deployed):
    with driver.Accelerator(deployed.folder, platform="virtual", clock_mhz=64) as network:
        assert network.clock_mhz == pytest.approx(62.5, rel=1e-3)  # 1000 / 16
        np.testing.assert_array_equal(network.execute(deployed.images), deployed.logits)


def test_a_slow_memory_changes_no_result(deployed, monkeypatch):
    """Latency and gaps cost time only; the memory's rules of AXI are checked all along."""
    make = driver._virtual_platform
    slow = {"read_latency": 300, "write_latency": 200, "outstanding": 2, "gap_per_256": 128}

    def sluggish(folder, facts):
        return type(make(folder, facts))(folder, facts, **slow, seed=5)

    monkeypatch.setattr(driver, "_virtual_platform", sluggish)
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        network.statistics()
        np.testing.assert_array_equal(network.execute(deployed.images), deployed.logits)
        assert network.statistics()["interval_cycles"] > 1.1 * deployed.interval


def test_pixels_go_through_the_table(deployed, tmp_path):
    """A network whose input quantiser is no shift of the pixel: the driver looks bytes up."""
    folder = shutil.copytree(deployed.folder, tmp_path / "deploy")
    table = np.random.default_rng(3).permutation(256).astype(np.uint8)
    path = folder / "overlay.json"
    facts = json.loads(path.read_text())
    facts["input"]["pixel_table"] = table.tolist()
    path.write_text(json.dumps(facts))
    undo = np.argsort(table).astype(np.uint8)
    with driver.Accelerator(folder, platform="virtual", self_test=False) as network:
        found = network.execute(undo[deployed.images])
        np.testing.assert_array_equal(found, deployed.logits)


def test_two_boards_side_by_side(deployed):
    """Each has its own logic, memory and time."""
    with driver.Accelerator(deployed.folder, platform="virtual") as one:
        with driver.Accelerator(deployed.folder, platform="virtual", clock_mhz=50) as two:
            np.testing.assert_array_equal(two.execute(deployed.images), deployed.logits)
            assert two.clock_mhz == pytest.approx(50, rel=1e-3)
        np.testing.assert_array_equal(one.execute(deployed.images), deployed.logits)
        assert one.clock_mhz == pytest.approx(100, rel=1e-3)
