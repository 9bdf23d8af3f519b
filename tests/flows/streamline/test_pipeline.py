# SPDX-License-Identifier: Apache-2.0
"""From file to chain: own exports, foreign files, and every way to be caught."""

from dataclasses import replace

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError, UsageError, VerificationError
from flows.streamline import pipeline
from flows.streamline.chain import ConvLayer, DenseLayer, PoolLayer, evaluate
from flows.streamline.compare import compare_chain, compare_reference, compare_tables
from flows.streamline.load import clean
from flows.streamline.pipeline import streamline
from flows.streamline.pixels import RAW, TO_TENSOR
from flows.streamline.standard import Executor
from tests.flows.streamline.graphs import Net, conv_net, dense_net, zoo_net
from tests.flows.streamline.test_freeze_signs import frozen_of, random_images


def images_for(net, count=6):
    shape = (*net.shape, 1, 1)[1:4]
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (count, shape[1], shape[2], shape[0]), dtype=np.uint8)


def run(net, tmp_path, **options):
    path = net.save(tmp_path / "net.onnx")
    return streamline(path, None, images_for(net), **options)


@pytest.fixture(scope="module")
def conv(tmp_path_factory):
    """A streamlined convolutional network whose flattened image is 2 x 2, and its frozen graph."""
    net = conv_net()
    folder = tmp_path_factory.mktemp("conv")
    result = run(net, folder, out_dir=folder)
    return result, frozen_of(net.model())[-1], images_for(net, 20)


def test_layers_of_a_convolutional_network(conv):
    chain = conv[0].chain
    assert [layer.name for layer in chain.layers] == ["conv0", "conv1", "conv1_pool", "fc0", "fc1"]
    assert chain.input.shape == (10, 10, 3) and not chain.input.is_binary
    stem, _, pool, dense, last = chain.layers
    assert isinstance(stem, ConvLayer) and stem.weights.shape == (4, 3, 3, 3)
    assert (stem.in_bits, stem.kernel, stem.stride, stem.pad) == (8, 3, 1, 0)
    assert isinstance(pool, PoolLayer) and pool.kernel == 3
    assert isinstance(dense, DenseLayer) and dense.weights.shape == (7, 24)
    assert last.thresholds is None and dense.thresholds.dtype == np.int64


def test_chain_equals_the_original_graph(conv):
    """Not through the frozen graph: pixels in, logits of the file out."""
    result, _, images = conv
    model = clean(conv_net().model())
    run_model = Executor(model)
    logits = evaluate(result.chain, images)["fc1"].reshape(len(images), -1)
    for image, found in zip(images, logits, strict=True):
        expected = next(iter(run_model(image.transpose(2, 0, 1)[None]).values()))[0]
        assert np.array_equal(found * np.float32(0.5), expected)


def test_counts_and_files(conv):
    result = conv[0]
    tables = sum(sign.table.size for sign in result.reference.signs)
    assert result.checks.thresholds == result.checks.table_values == tables
    assert result.checks.transformations > 5 and result.checks.chain_values > 1000
    names = [path.name for path in result.models]
    assert names[0] == "step_0_clean.onnx" and names[-1] == "step_4_lower.onnx"
    assert all(path.is_file() for path in result.models)
    assert (result.models[0].parent.parent / "streamlined.onnx").is_file()
    assert set(result.seconds) >= {"clean", "tabulate", "frozen", "lower", "chain"}


def spoiled(chain, index, **changes):
    layers = list(chain.layers)
    layers[index] = replace(layers[index], **changes)
    return replace(chain, layers=tuple(layers))


@pytest.mark.parametrize("index", [0, 1, 3])
def test_threshold_changed_by_one_is_caught(conv, index):
    result, frozen, images = conv
    layer = result.chain.layers[index]
    step = 1 if layer.in_bits > 1 else 2
    sums = evaluate(spoiled(result.chain, index, thresholds=None), images[:1])[layer.name]
    limits = layer.thresholds.copy()
    channel = int(np.abs(sums.reshape(-1, len(limits)) - limits).min(axis=0).argmin())
    limits[channel] += step
    hit = (sums[..., channel] == layer.thresholds[channel]).any()
    limits[channel] = limits[channel] if hit else sums[..., channel].min() + step
    with pytest.raises(VerificationError, match=f"{layer.name}: image 0"):
        compare_chain(spoiled(result.chain, index, thresholds=limits), frozen, images)


@pytest.mark.parametrize("index", [1, 4])
def test_flipped_weight_is_caught(conv, index):
    result, frozen, images = conv
    weights = result.chain.layers[index].weights.copy()
    weights.reshape(-1)[5] *= -1
    with pytest.raises(VerificationError):
        compare_chain(spoiled(result.chain, index, weights=weights), frozen, images)


@pytest.mark.parametrize("index", [0, 1, 3])
def test_wrong_polarity_is_caught(conv, index):
    result, frozen, images = conv
    layer = result.chain.layers[index]
    wrong = spoiled(result.chain, index, weights=-layer.weights)
    with pytest.raises(VerificationError, match=layer.name):
        compare_chain(wrong, frozen, images)


def test_unpermuted_flatten_is_caught(conv):
    """Channels of a pixel stand together in the stream, pixels of a channel in torch."""
    result, frozen, images = conv
    weights = result.chain.layers[3].weights
    torch_order = weights.reshape(-1, 2, 2, 6).transpose(0, 3, 1, 2).reshape(len(weights), -1)
    with pytest.raises(VerificationError, match="fc0"):
        compare_chain(spoiled(result.chain, 3, weights=torch_order), frozen, images)


@pytest.mark.parametrize("seed", range(3))
def test_random_dense_networks(tmp_path, seed):
    result = run(dense_net(seed=seed), tmp_path)
    assert result.chain.input.is_binary
    assert result.chain.input.thresholds.tolist() == [128]
    assert result.chain.final.keeps_argmax
    np.testing.assert_allclose(
        [result.reference.logit_scale, result.reference.logit_bias], [0.5, 0.25]
    )


def test_constant_channels_lie_outside_the_reachable_sums(tmp_path):
    net = Net(1, 8).sub(127.5).sign().dense(3, 8).norm(3, gamma=[0, 0, 1], beta=[1, -1, 0]).sign()
    limits = run(net.dense(4, 3), tmp_path).chain.layers[0].thresholds
    assert limits[0] <= -8 and limits[1] > 8


@pytest.mark.parametrize(("value", "bit"), [(-1.0, 0), (1.0, 1)])
def test_padded_binary_convolution(tmp_path, value, bit):
    net = Net(1, 3, 6, 6).sub(100).sign().conv(5, 3).norm(5).sign().pad(1, value)
    net.conv(4, 5, strides=[2, 2]).norm(4).sign().flatten().dense(3, 16)
    layer = run(net, tmp_path).chain.layers[1]
    assert (layer.pad, layer.pad_value, layer.stride) == (1, bit, 2)


def test_padded_stem_takes_pixels(tmp_path):
    net = Net(1, 3, 6, 6).sub(128).mul(2**-7).quant(2**-7).conv(4, 3, pads=[1] * 4).norm(4).sign()
    chain = run(net.flatten().dense(3, 144), tmp_path).chain
    assert (chain.layers[0].pad, chain.layers[0].pad_value, chain.input.offset) == (1, 128, -128)


def test_dense_layer_on_pixels(tmp_path):
    net = Net(1, 2, 3, 3).sub(128).flatten().dense(4, 18).norm(4).sign().dense(3, 4)
    assert run(net, tmp_path).chain.layers[0].in_bits == 8


@pytest.mark.parametrize("scale", [0.5, 0.37])
def test_scaled_weights(tmp_path, scale):
    net = Net(1, 12).sub(127.5).sign().dense(6, 12, scale=scale).norm(6).sign()
    run(net.dense(3, 6, scale=scale), tmp_path)


def test_file_of_the_old_exporter(tmp_path):
    path = tmp_path / "TFC_1W1A.onnx"
    path.write_bytes(zoo_net().SerializeToString())
    images = np.random.default_rng(1).integers(0, 256, (12, 28, 28, 1), dtype=np.uint8)
    result = streamline(path, None, images)
    assert [layer.name for layer in result.chain.layers] == ["fc0", "fc1", "fc2", "fc3"]
    assert result.reference.model == "TFC_1W1A"
    assert result.reference.notes["pixel_scaling"]["divisor"] == 255.0
    logits = evaluate(result.chain, images)["fc3"].reshape(12, -1)
    assert np.array_equal(logits, result.reference.logits)
    original = Executor(clean(ModelWrapper(zoo_net())))
    values = TO_TENSOR.values()
    for image, found in zip(images, logits, strict=True):
        expected = next(iter(original(values[image].transpose(2, 0, 1)[None]).values()))[0]
        assert expected.argmax() == found.argmax()
        scale, bias = result.reference.logit_scale, result.reference.logit_bias
        np.testing.assert_allclose(found * scale + bias, expected, rtol=1e-5)


def test_eight_bit_input_of_the_old_exporter(tmp_path):
    """2x - 1 with x = pixel / 255 in steps of 1/128: two pixels share a code, one is left out."""
    net = Net(1, 3, 6, 6, domain="onnx.brevitas", opset=11).mul(2.0).sub([1.0])
    net.quant(2**-7, rounding="ROUND").conv(4, 3).norm(4).sign().flatten().dense(3, 64)
    result = run(net, tmp_path)
    chain, pixels = result.chain, images_for(net)
    table = chain.input.pixel_table
    assert len(np.unique(table)) == 255 and table[0] == 0 and table[255] == table[254] == 255
    assert chain.input.offset == -128
    assert np.array_equal(result.reference.images, table[pixels])
    original = Executor(clean(net.model()))
    values = TO_TENSOR.values()
    for pixel, logits in zip(pixels, result.reference.logits, strict=True):
        expected = next(iter(original(values[pixel].transpose(2, 0, 1)[None]).values()))[0]
        assert np.array_equal(logits, expected)


def test_made_reference_is_that_of_the_graph(conv):
    reference, frozen = conv[0].reference, conv[1]
    assert [sign.name for sign in reference.signs] == ["conv0", "conv1", "fc0"]
    assert reference.sign("conv1").activation.shape == (6, 6, 6, 6)
    assert reference.sign("conv1").pool == 3
    assert compare_reference(frozen, reference) > 1000


def test_neither_reference_nor_images(tmp_path):
    path = dense_net().save(tmp_path / "net.onnx")
    with pytest.raises(UsageError, match="none given"):
        streamline(path)


@pytest.mark.parametrize(
    "shape",
    [(2, 4, 3, 1), (2, 3, 4, 3), (0, 3, 4, 1), (3, 4)],
    ids=["turned", "colour", "none", "flat"],
)
def test_images_of_another_size(tmp_path, shape):
    path = dense_net().save(tmp_path / "net.onnx")
    with pytest.raises(UsageError, match=r"the model takes uint8 \(N, 3, 4, 1\)"):
        streamline(path, None, np.zeros(shape, np.uint8))


def test_reference_of_another_table_is_caught(tmp_path):
    net = dense_net()
    result = run(net, tmp_path)
    reference = result.reference
    sign = reference.sign("fc1")
    table = sign.table.copy()
    table[2, 3] = ~table[2, 3]
    signs = tuple(replace(s, table=table) if s is sign else s for s in reference.signs)
    tables = frozen_of(net.model())[2]
    with pytest.raises(VerificationError, match="fc1, channel 2: sum -3 gives"):
        compare_tables(tables, replace(reference, signs=signs))


def test_reference_of_another_network_is_refused(tmp_path):
    reference = run(dense_net(), tmp_path).reference
    other = conv_net().save(tmp_path / "other.onnx")
    with pytest.raises(UsageError, match="images: uint8"):
        streamline(other, reference)
    tables = frozen_of(dense_net(hidden=8).model())[2]
    with pytest.raises(UsageError, match="the same export"):
        compare_tables(tables, reference)


def test_activation_of_another_run_is_caught(tmp_path):
    net = dense_net()
    reference = run(net, tmp_path).reference
    activation = reference.signs[1].activation.copy()
    activation[4, 0, 0, 2] ^= True
    signs = (reference.signs[0], replace(reference.signs[1], activation=activation))
    frozen = frozen_of(net.model())[-1]
    with pytest.raises(VerificationError, match="fc0: image 4, row 0, column 0, channel 2"):
        compare_reference(frozen, replace(reference, signs=signs))


def test_own_scaling(tmp_path):
    result = run(dense_net(), tmp_path, scaling=RAW, name="mine")
    assert result.reference.model == "mine"


def test_errors_come_before_files(tmp_path):
    net = dense_net().node("Softmax")
    with pytest.raises(UnsupportedModelError, match="Softmax"):
        run(net, tmp_path, out_dir=tmp_path / "out")
    assert not (tmp_path / "out" / pipeline.RESULT).exists()


def test_sample_images_reach_both_values():
    """The tests above would prove little on networks whose activations never change."""
    model, stages, _, frozen = frozen_of(conv_net().model())
    images = random_images(stages, 20)
    names = ["conv0", "conv1", "fc0"]
    outputs = Executor(frozen, names)
    for name in names:
        values = np.stack([outputs(i.transpose(2, 0, 1)[None])[name] for i in images])
        assert (values != values[:1]).any() and len(np.unique(values)) == 2, (name, model)
