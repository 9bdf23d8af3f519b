# SPDX-License-Identifier: Apache-2.0
"""IntegerChain and folding to Network: which kernels each layer becomes."""

import numpy as np

from flows.dataflow.check import check_network
from flows.dataflow.cost import Fold, UnitShape
from flows.dataflow.fold import Folding, divisors
from flows.dataflow.kernels import (
    ConvXnor,
    Kernel,
    MaxPool,
    MvuInt,
    MvuXnor,
    SlidingWindow,
    Threshold,
    WidthConverter,
)
from flows.dataflow.network import Layer, Network
from flows.dataflow.stream import Stream
from flows.errors import UnsupportedModelError
from flows.streamline.chain import ConvLayer, DenseLayer, IntegerChain, PoolLayer

# Widest input word of a network that takes its image in pieces: one 64-bit bus word.
_INPUT_WORD_BITS = 64


def input_stream(chain: IntegerChain) -> Stream:
    """The image as unsigned 8-bit pixels."""
    height, width, channels = chain.input.shape
    return Stream(height=height, width=width, channels=channels, bits=8)


def _after(layer: object, stream: Stream) -> Stream:
    """Type of the stream behind a layer of the chain."""
    if isinstance(layer, ConvLayer):
        k, s, p = layer.kernel, layer.stride, layer.pad
        return Stream(
            height=(stream.height + 2 * p - k) // s + 1,
            width=(stream.width + 2 * p - k) // s + 1,
            channels=len(layer.weights),
        )
    if isinstance(layer, PoolLayer):
        return Stream(
            height=stream.height // layer.kernel,
            width=stream.width // layer.kernel,
            channels=stream.channels,
        )
    if isinstance(layer, DenseLayer):
        return Stream(height=1, width=1, channels=len(layer.weights))
    raise UnsupportedModelError(f"{layer!r}: no kernel for it; allowed: convolution, dense, pool")


def unit_shapes(chain: IntegerChain) -> list[UnitShape]:
    """Shapes of all layers that multiply, which is what folding needs to know."""
    stream = input_stream(chain)
    if chain.input.is_binary:
        stream = Stream(height=stream.height, width=stream.width, channels=stream.channels)
    shapes = []
    for layer in chain.layers:
        out = _after(layer, stream)
        if not isinstance(layer, PoolLayer):
            shapes.append(_unit_shape(layer, stream, out))
        stream = out
    return shapes


def _unit_shape(layer: ConvLayer | DenseLayer, stream: Stream, out: Stream) -> UnitShape:
    kernel, stride = (layer.kernel, layer.stride) if isinstance(layer, ConvLayer) else (1, 1)
    return UnitShape(
        name=layer.name,
        height=out.height,
        width=out.width,
        channels=layer.weights.shape[-1],
        kernel=kernel,
        stride=stride,
        mh=out.channels,
        in_bits=stream.bits,
        convolution=isinstance(layer, ConvLayer),
    )


def _convolution(layer: ConvLayer, stream: Stream, fold: Fold) -> tuple[Kernel, ...]:
    out = _after(layer, stream)
    window = SlidingWindow(
        stream=stream,
        kernel=layer.kernel,
        stride=layer.stride,
        pad=layer.pad,
        pad_value=layer.pad_value,
        m=fold.m,
    )
    unit = MvuInt if stream.bits > 1 else ConvXnor
    return (
        window,
        unit(
            height=out.height,
            width=out.width,
            channels=stream.channels,
            kernel=layer.kernel,
            stride=layer.stride,
            weights=layer.weights.reshape(len(layer.weights), -1),
            thresholds=layer.thresholds,
            pe=fold.pe,
            simd=fold.simd,
            m=fold.m,
            rom_block=fold.rom_block,
        ),
    )


def _dense(layer: DenseLayer, stream: Stream, fold: Fold) -> tuple[Kernel, ...]:
    """A dense layer takes the whole frame as one beat, so narrower beats are joined first."""
    vector = Stream(height=1, width=1, channels=layer.weights.shape[1], bits=stream.bits)
    unit = MvuXnor if stream.bits == 1 else MvuInt
    kernel = unit(
        height=1,
        width=1,
        channels=vector.channels,
        kernel=1,
        stride=1,
        weights=layer.weights,
        thresholds=layer.thresholds,
        pe=fold.pe,
        simd=fold.simd,
        m=1,
        rom_block=fold.rom_block,
    )
    return (kernel,) if stream.beats == 1 else (_join(stream, stream.beat_bits, vector), kernel)


def _join(stream: Stream, word_bits: int, vector: Stream) -> WidthConverter:
    return WidthConverter(
        in_bits=word_bits, out_bits=vector.beat_bits, stream=stream, joined=vector
    )


def _binary_input(chain: IntegerChain, image: Stream) -> Layer:
    """Pixels to bits: pixel by pixel for a convolution, word by word for a dense layer."""
    limits = chain.input.thresholds
    assert limits is not None
    if isinstance(chain.layers[0], ConvLayer):
        threshold = Threshold(stream=image, pe=image.channels, thresholds=limits)
        return Layer(name="input", kernels=(threshold,))
    count = image.beats * image.channels
    pixels = Stream(height=1, width=1, channels=count, bits=8)
    pe = max(d for d in divisors(count) if d * 8 <= _INPUT_WORD_BITS)
    threshold = Threshold(stream=pixels, pe=pe, thresholds=np.tile(limits, image.beats))
    return Layer(name="input", kernels=(threshold, _join(threshold.output, pe, threshold.output)))


def lower(chain: IntegerChain, folding: Folding, name: str) -> Network:
    """Chooses the kernels and hands them their weights, thresholds and folds.

    Args:
        chain: integer layers.
        folding: layer name to fold, for every layer that multiplies.
        name: of the network; becomes the top module's.

    Returns:
        A checked network without FIFOs (see `schedule.size_fifos`).

    Raises:
        UnsupportedModelError: naming the layer that has no kernel.
    """
    image = stream = input_stream(chain)
    layers: list[Layer] = []
    if chain.input.is_binary:
        layers.append(_binary_input(chain, image))
        stream = layers[-1].output
    for layer in chain.layers:
        if isinstance(layer, ConvLayer):
            kernels = _convolution(layer, stream, folding[layer.name])
        elif isinstance(layer, DenseLayer):
            kernels = _dense(layer, stream, folding[layer.name])
        else:
            kernels = (MaxPool(stream=stream, kernel=layer.kernel),)
        layers.append(Layer(name=layer.name, kernels=kernels))
        stream = layers[-1].output
    network = Network(name=name, layers=tuple(layers), input_frame=image)
    check_network(network)
    return network
