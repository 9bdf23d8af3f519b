# SPDX-License-Identifier: Apache-2.0
"""Small random integer chains, with thresholds that the reference really crosses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from flows.dataflow.cost import Fold
from flows.reference import Reference, SignLayer
from flows.streamline.chain import (
    ChainInput,
    ConvLayer,
    DenseLayer,
    IntegerChain,
    Layer,
    PoolLayer,
    evaluate,
)
from flows.streamline.tabulate import FinalAffine

Shape = tuple[int, int, int]


def _signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice(np.array([-1, 1], np.int8), shape)


def conv(
    rng: np.random.Generator,
    name: str,
    channels: int,
    out: int,
    *,
    k: int = 3,
    in_bits: int = 1,
    stride: int = 1,
    pad: int = 0,
    pad_value: int = 0,
) -> ConvLayer:
    return ConvLayer(
        name=name,
        weights=_signs(rng, out, k, k, channels),
        kernel=k,
        stride=stride,
        pad=pad,
        pad_value=pad_value,
        in_bits=in_bits,
        thresholds=np.zeros(out, np.int64),
    )


def dense(rng: np.random.Generator, name: str, inputs: int, out: int) -> DenseLayer:
    return DenseLayer(
        name=name, weights=_signs(rng, out, inputs), in_bits=1, thresholds=np.zeros(out, np.int64)
    )


def chain_of(
    rng: np.random.Generator, shape: Shape, layers: list[Layer], *, binary_input: bool = False
) -> IntegerChain:
    """A chain whose thresholds are medians of real sums, so every channel gives both values.

    The last layer becomes the raw one.
    """
    layers[-1] = replace(layers[-1], thresholds=None)
    source = ChainInput(
        height=shape[0],
        width=shape[1],
        channels=shape[2],
        thresholds=rng.integers(90, 160, shape[2]) if binary_input else None,
        offset=0,
    )
    final = FinalAffine(scale=np.ones(1), bias=np.zeros(1), keeps_argmax=True)
    images = rng.integers(0, 256, (16, *shape), np.uint8)
    for index, layer in enumerate(layers[:-1]):
        if isinstance(layer, PoolLayer):
            continue
        probe = [*layers[:index], replace(layer, thresholds=None)]
        sums = evaluate(IntegerChain(input=source, layers=tuple(probe), final=final), images)
        flat = sums[layer.name].reshape(-1, len(layer.weights))
        jitter = rng.integers(-1, 2, flat.shape[1])
        layers[index] = replace(layer, thresholds=np.median(flat, axis=0).astype(np.int64) + jitter)
    return IntegerChain(input=source, layers=tuple(layers), final=final)


def tiny_cnv(rng: np.random.Generator) -> IntegerChain:
    """All kernels of a convolutional network in twelve rows: stem, pool, folds, dense tail."""
    layers: list[Layer] = [
        conv(rng, "conv0", 3, 8, in_bits=8),
        conv(rng, "conv1", 8, 6),
        PoolLayer(name="pool0", kernel=2),
        conv(rng, "conv2", 6, 10),
        dense(rng, "fc0", 2 * 2 * 10, 12),
        dense(rng, "fc1", 12, 5),
    ]
    return chain_of(rng, (12, 12, 3), layers)


def tiny_fc(rng: np.random.Generator) -> IntegerChain:
    """A dense network on a binary image."""
    layers: list[Layer] = [
        dense(rng, "fc0", 64, 12),
        dense(rng, "fc1", 12, 9),
        dense(rng, "fc2", 9, 4),
    ]
    return chain_of(rng, (8, 8, 1), layers, binary_input=True)


def tiny_tail(rng: np.random.Generator) -> IntegerChain:
    """A network whose last convolution sees the whole image, as CNV's does."""
    layers: list[Layer] = [
        conv(rng, "conv0", 3, 8, in_bits=8),
        PoolLayer(name="pool0", kernel=2),
        conv(rng, "conv1", 8, 6),
        conv(rng, "conv2", 6, 12),
        dense(rng, "fc0", 12, 8),
        dense(rng, "fc1", 8, 16),
        dense(rng, "fc2", 16, 6),
    ]
    return chain_of(rng, (12, 12, 3), layers)


# Serial where it can be: pixels into conv2, a vector into fc0, its words into fc1 and fc2.
TAIL_FOLDING = {
    "conv0": Fold(pe=1, simd=27, m=2, rom_block=False),
    "conv1": Fold(pe=1, simd=72, m=1, rom_block=False),
    "conv2": Fold(pe=2, simd=6, rom_block=False, form="input"),
    "fc0": Fold(pe=2, simd=6, rom_block=False),
    "fc1": Fold(pe=4, simd=1, rom_block=False, form="input"),
    "fc2": Fold(pe=3, simd=4, rom_block=True, form="input"),
}

# The same with its stem in DSP slices, two and five pixels at a time.
DSP_FOLDINGS = [
    TAIL_FOLDING | {"conv0": Fold(pe=8, simd=1, m=m, rom_block=False, form="dsp")} for m in (2, 5)
]


def reference_of(chain: IntegerChain, images: np.ndarray) -> Reference:
    """Reference vectors from the chain's own numpy execution; tables by enumeration."""
    outputs = evaluate(chain, images)
    signs = []
    if chain.input.thresholds is not None:
        pixels = np.arange(256)
        signs.append(
            SignLayer(
                name="input",
                kind="input",
                activation=outputs["input"].reshape(len(images), 1, 1, -1),
                table=pixels >= chain.input.thresholds[:, None],
                acc_min=0,
                acc_step=1,
            )
        )
    for layer in chain.layers[:-1]:
        if isinstance(layer, PoolLayer):
            continue
        inputs = layer.weights[0].size
        bound, step = (inputs * 255, 1) if layer.in_bits == 8 else (inputs, 2)
        sums = np.arange(-bound, bound + 1, step)
        signs.append(
            SignLayer(
                name=layer.name,
                kind="conv" if isinstance(layer, ConvLayer) else "fc",
                activation=outputs[layer.name],
                table=sums >= layer.thresholds[:, None],
                acc_min=-bound,
                acc_step=step,
            )
        )
    last = chain.layers[-1].name
    return Reference(
        model="test",
        dataset="random",
        images=images,
        labels=np.full(len(images), -1, np.int64),
        logits=outputs[last].reshape(len(images), -1).astype(np.int32),
        signs=tuple(signs),
        last_layer=last,
    )


_ZOO_DENSE = {"tfc": 64, "sfc": 256, "lfc": 1024}  # inner channels


def zoo_chain(name: str) -> IntegerChain:
    """A network of the zoo by its shapes, with random weights and without useful thresholds."""
    rng = np.random.default_rng(0)
    if name == "cnv":
        shape: Shape = (32, 32, 3)
        layers: list[Layer] = [
            conv(rng, "conv0", 3, 64, in_bits=8),
            conv(rng, "conv1", 64, 64),
            PoolLayer(name="conv1_pool", kernel=2),
            conv(rng, "conv2", 64, 128),
            conv(rng, "conv3", 128, 128),
            PoolLayer(name="conv3_pool", kernel=2),
            conv(rng, "conv4", 128, 256),
            conv(rng, "conv5", 256, 256),
            dense(rng, "fc0", 256, 512),
            dense(rng, "fc1", 512, 512),
            dense(rng, "fc2", 512, 10),
        ]
    else:
        shape, inner = (28, 28, 1), _ZOO_DENSE[name]
        sizes = [784, inner, inner, inner, 10]
        layers = [dense(rng, f"fc{i}", sizes[i], sizes[i + 1]) for i in range(4)]
    layers[-1] = replace(layers[-1], thresholds=None)
    source = ChainInput(
        height=shape[0],
        width=shape[1],
        channels=shape[2],
        thresholds=None if name == "cnv" else np.full(1, 128),
        offset=0,
    )
    final = FinalAffine(scale=np.ones(1), bias=np.zeros(1), keeps_argmax=True)
    return IntegerChain(input=source, layers=tuple(layers), final=final)
