# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from flows.dataflow.check import check_network
from flows.dataflow.cost import Fold
from flows.dataflow.fold import fold_network
from flows.dataflow.interpret import interpret
from flows.dataflow.lower import lower, unit_shapes
from flows.dataflow.network import Layer
from flows.errors import FoldingError, UnsupportedModelError
from flows.streamline.chain import PoolLayer, evaluate
from tests.support.chains import (
    DSP_FOLDINGS,
    chain_of,
    conv,
    dense,
    tiny_cnv,
    tiny_fc,
    tiny_tail,
)


def padded(rng):
    layers = [
        conv(rng, "conv0", 2, 4, in_bits=8, pad=1, pad_value=128),
        conv(rng, "conv1", 4, 6, stride=2, pad=1, pad_value=1),
        conv(rng, "conv2", 6, 3, k=1),
        dense(rng, "fc0", 5 * 4 * 3, 4),
    ]
    return chain_of(rng, (9, 8, 2), layers)


def binary_convolution(rng):
    layers = [conv(rng, "conv0", 3, 4), dense(rng, "fc0", 4 * 4 * 4, 3)]
    return chain_of(rng, (6, 6, 3), layers, binary_input=True)


CHAINS = [tiny_cnv, tiny_fc, padded, binary_convolution]


@pytest.mark.parametrize("make", CHAINS)
@pytest.mark.parametrize("cycles", [400, 100_000])
def test_network_computes_what_the_chain_computes(make, cycles, rng):
    chain = make(rng)
    network = lower(chain, fold_network(unit_shapes(chain), cycles), "net")
    images = rng.integers(0, 256, (7, *chain.input.shape), np.uint8)
    expected = evaluate(chain, images)
    got = interpret(network, images)
    assert set(got) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name].ravel(), value.ravel().astype(np.int64))


@pytest.mark.parametrize("folding", DSP_FOLDINGS)
def test_a_stem_in_dsp_slices_computes_what_the_chain_computes(folding, rng):
    chain = tiny_tail(rng)
    network = lower(chain, folding, "net")
    stem = network.layers[0].unit
    assert stem.module == "mvu_dsp" and stem.slices == 4 * stem.m
    images = rng.integers(0, 256, (7, *chain.input.shape), np.uint8)
    expected = evaluate(chain, images)["conv0"]
    np.testing.assert_array_equal(interpret(network, images)["conv0"], expected)


@pytest.mark.parametrize(
    ("layer", "fold", "match"),
    [
        ("conv0", Fold(pe=4, simd=1, form="dsp"), "all 8 channels and one input"),
        ("conv0", Fold(pe=8, simd=27, form="dsp"), "PE = 8, SIMD = 1"),
        ("conv1", Fold(pe=6, simd=1, form="dsp"), "conv1: form 'dsp' takes pixels"),
    ],
)
def test_a_folding_that_slices_do_not_have_is_refused(layer, fold, match, rng):
    with pytest.raises(FoldingError, match=match):
        lower(tiny_tail(rng), DSP_FOLDINGS[0] | {layer: fold}, "net")


@pytest.mark.parametrize(
    ("size", "channels", "m", "match"),
    [(1, 1, 4, "may be 1 at most"), (1, 5000, 1, "a DSP slice holds two of 22")],
)
def test_sizes_that_slices_do_not_have_are_refused(size, channels, m, match, rng):
    layers = [conv(rng, "conv0", channels, 2, k=size, in_bits=8), dense(rng, "fc0", 32, 3)]
    chain = chain_of(rng, (4, 4, channels), layers)
    folding = {
        "conv0": Fold(pe=2, simd=1, m=m, rom_block=False, form="dsp"),
        "fc0": Fold(pe=1, simd=32),
    }
    with pytest.raises(FoldingError, match=match):
        lower(chain, folding, "net")


def test_reference_data_is_no_trivial_one(rng):
    """Every channel of every layer takes both values; else a broken comparison could not show."""
    chain = tiny_cnv(rng)
    outputs = evaluate(chain, rng.integers(0, 256, (40, 12, 12, 3), np.uint8))
    for name in ("conv0", "conv1", "conv2", "fc0"):
        share = outputs[name].reshape(-1, outputs[name].shape[-1]).mean(axis=0)
        assert ((share > 0) & (share < 1)).all(), name


def test_pixels_need_no_offset_in_hardware(rng):
    """The stem's thresholds already hold the offset of the model's input quantiser."""
    chain = tiny_cnv(rng)
    network = lower(chain, fold_network(unit_shapes(chain), 10_000), "net")
    stem = network.layers[0].unit
    assert stem is not None
    counted = chain.layers[0].thresholds + 255 * (chain.layers[0].weights < 0).sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(stem.counted_thresholds(), counted)


def test_popcount_thresholds_agree_on_every_value(rng):
    chain = tiny_fc(rng)
    network = lower(chain, fold_network(unit_shapes(chain), 10_000), "net")
    unit = network.layers[1].unit
    assert unit is not None
    agree = np.arange(unit.n + 1)[:, None]
    np.testing.assert_array_equal(
        agree >= unit.counted_thresholds(), 2 * agree - unit.n >= unit.thresholds
    )


@pytest.mark.parametrize("value", [-(10**6), 10**6])
def test_constant_channels_stay_constant(rng, value):
    chain = tiny_fc(rng)
    layer = chain.layers[0]
    constant = replace(layer, thresholds=np.full_like(layer.thresholds, value))
    chain = replace(chain, layers=(constant, *chain.layers[1:]))
    network = lower(chain, fold_network(unit_shapes(chain), 10_000), "net")
    got = interpret(network, rng.integers(0, 256, (5, 8, 8, 1), np.uint8))["fc0"]
    assert (got == (value < 0)).all()
    counted = network.layers[1].unit.counted_thresholds()
    assert ((counted == 0) | (counted == 65)).all()


def test_a_folding_that_does_not_divide_lists_the_legal_ones(rng):
    chain = tiny_fc(rng)
    folding = dict(fold_network(unit_shapes(chain), 10_000))
    folding["fc0"] = Fold(pe=5, simd=64)
    with pytest.raises(FoldingError, match=r"PE = 5 does not divide 12; legal: 1, 2, 3, 4, 6, 12"):
        lower(chain, folding, "net")


def test_streams_that_do_not_fit_are_refused(rng):
    chain = tiny_cnv(rng)
    network = lower(chain, fold_network(unit_shapes(chain), 10_000), "net")
    without_pool = tuple(
        replace(layer, inputs=("conv1",)) if layer.inputs == ("pool0",) else layer
        for layer in network
        if layer.name != "pool0"
    )
    with pytest.raises(UnsupportedModelError, match=r"conv1/conv_xnor sends .* conv2/swu takes"):
        check_network(replace(network, layers=without_pool))


def test_a_stream_that_nobody_makes_or_reads_is_refused(rng):
    chain = tiny_cnv(rng)
    network = lower(chain, fold_network(unit_shapes(chain), 10_000), "net")
    first, second, *rest = network.layers
    with pytest.raises(UnsupportedModelError, match="conv1: reads 'conv9', which no layer before"):
        check_network(replace(network, layers=(first, replace(second, inputs=("conv9",)), *rest)))
    again = replace(first, name="conv7")
    with pytest.raises(UnsupportedModelError, match="conv7: no layer reads it"):
        check_network(replace(network, layers=(first, again, second, *rest)))


def test_names_must_be_identifiers(rng):
    chain = tiny_fc(rng)
    with pytest.raises(UnsupportedModelError, match="not a name for a module"):
        lower(chain, fold_network(unit_shapes(chain), 10_000), "2net")


def test_pool_of_an_odd_image_drops_the_rest(rng):
    layers = [
        conv(rng, "conv0", 1, 4, in_bits=8, k=2),
        PoolLayer(name="pool0", kernel=2),
        dense(rng, "fc0", 3 * 3 * 4, 3),
    ]
    chain = chain_of(rng, (8, 8, 1), layers)
    network = lower(chain, fold_network(unit_shapes(chain), 10_000), "net")
    pool: Layer = network.layers[1]
    assert (pool.input.height, pool.output.height) == (7, 3)
    images = rng.integers(0, 256, (3, 8, 8, 1), np.uint8)
    expected = evaluate(chain, images)["fc0"]
    np.testing.assert_array_equal(interpret(network, images)["fc0"], expected)
