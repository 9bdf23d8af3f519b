# SPDX-License-Identifier: Apache-2.0
"""IntegerChain and folding to Network: which kernels each layer becomes."""

from dataclasses import replace

import numpy as np

from flows.dataflow.check import check_network
from flows.dataflow.cost import Fold, UnitShape
from flows.dataflow.fold import Folding, divisors
from flows.dataflow.kernels import (
    ConvXnor,
    Kernel,
    MatrixUnit,
    MaxPool,
    MvuDsp,
    MvuInt,
    MvuSerial,
    MvuXnor,
    SlidingWindow,
    Threshold,
    WidthConverter,
)
from flows.dataflow.network import IMAGE, Layer, Network
from flows.dataflow.stream import Stream
from flows.errors import FoldingError, UnsupportedModelError
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
    unit = _for_pixels(fold) if stream.bits > 1 else ConvXnor
    return (window, _unit(unit, layer, out, fold))


def _for_pixels(fold: Fold) -> type[MatrixUnit]:
    return MvuDsp if fold.form == "dsp" else MvuInt


def _unit(
    kind: type[MatrixUnit],
    layer: ConvLayer | DenseLayer,
    out: Stream,
    fold: Fold,
    **more: bool,
) -> MatrixUnit:
    kernel, stride, m = (
        (layer.kernel, layer.stride, fold.m) if isinstance(layer, ConvLayer) else (1, 1, 1)
    )
    return kind(
        height=out.height,
        width=out.width,
        channels=layer.weights.shape[-1],
        kernel=kernel,
        stride=stride,
        weights=layer.weights.reshape(len(layer.weights), -1),
        thresholds=layer.thresholds,
        pe=fold.pe,
        simd=fold.simd,
        m=m,
        rom_block=fold.rom_block,
        **more,
    )


def _dense(
    layer: DenseLayer, stream: Stream, beat_bits: int, fold: Fold, in_words: bool
) -> tuple[Kernel, ...]:
    """A dense layer takes the whole frame as one beat, so narrower beats are joined first."""
    vector = Stream(height=1, width=1, channels=layer.weights.shape[1], bits=stream.bits)
    out = _after(layer, stream)
    if stream.bits == 1:
        kernel = _unit(MvuXnor, layer, out, fold, gather=not in_words)
    else:
        kernel = _unit(_for_pixels(fold), layer, out, fold)
    return (*_words(layer.name, stream, beat_bits, vector, vector.beat_bits), kernel)


def _serial(
    layer: ConvLayer | DenseLayer, stream: Stream, beat_bits: int, fold: Fold
) -> tuple[Kernel, ...]:
    """The input-stationary form, which takes words of SIMD inputs as they come.

    Raises:
        FoldingError: if the layer's inputs are not exactly the frame, once, in order.
    """
    if isinstance(layer, ConvLayer) and (
        layer.pad or (layer.kernel, layer.kernel) != (stream.height, stream.width)
    ):
        raise FoldingError(
            f"{layer.name}: form 'input' needs a window that is the whole image, without padding; "
            f"the window is {layer.kernel} x {layer.kernel}, the image {stream.height} x "
            f"{stream.width}, padding {layer.pad}. Use form 'window'"
        )
    if stream.bits != 1:
        raise FoldingError(f"{layer.name}: form 'input' takes bits; use form 'window'")
    unit = _unit(MvuSerial, layer, _after(layer, stream), fold)
    return (*_words(layer.name, stream, beat_bits, unit.input, fold.simd), unit)


def _words(
    name: str, stream: Stream, have: int, joined: Stream, want: int
) -> tuple[WidthConverter, ...]:
    """The converter between two beat widths of one frame, where they differ.

    Raises:
        FoldingError: if neither width divides the other.
    """
    if have == want:
        return ()
    if max(have, want) % min(have, want):
        raise FoldingError(
            f"{name}: beats of {have} bits arrive, the unit takes {want}; one must divide the "
            "other. Change SIMD, or PE of the layer before"
        )
    return (WidthConverter(in_bits=have, out_bits=want, stream=stream, joined=joined),)


def _binary_input(chain: IntegerChain, image: Stream) -> Layer:
    """Pixels to bits: pixel by pixel for a convolution, word by word for a dense layer."""
    limits = chain.input.thresholds
    assert limits is not None
    if isinstance(chain.layers[0], ConvLayer):
        threshold = Threshold(stream=image, pe=image.channels, thresholds=limits)
        return Layer(name="input", kernels=(threshold,), inputs=(IMAGE,))
    count = image.beats * image.channels
    pixels = Stream(height=1, width=1, channels=count, bits=8)
    pe = max(d for d in divisors(count) if d * 8 <= _INPUT_WORD_BITS)
    threshold = Threshold(stream=pixels, pe=pe, thresholds=np.tile(limits, image.beats))
    bits = threshold.output
    joined = _words("input", bits, pe, bits, count)
    return Layer(name="input", kernels=(threshold, *joined), inputs=(IMAGE,))


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
    forms = [folding[x.name].form if not isinstance(x, PoolLayer) else None for x in chain.layers]
    beat_bits = layers[-1].kernels[-1].output_bits if layers else stream.beat_bits
    for layer, form, form_after in zip(chain.layers, forms, [*forms[1:], None], strict=True):
        kernels: tuple[Kernel, ...]
        if form == "dsp" and stream.bits == 1:
            raise FoldingError(f"{layer.name}: form 'dsp' takes pixels; use form 'window'")
        if isinstance(layer, PoolLayer):
            kernels = (MaxPool(stream=stream, kernel=layer.kernel),)
        elif form == "input":
            kernels = _serial(layer, stream, beat_bits, folding[layer.name])
        elif isinstance(layer, ConvLayer):
            kernels = _convolution(layer, stream, folding[layer.name])
        else:
            in_words = form_after == "input"
            kernels = _dense(layer, stream, beat_bits, folding[layer.name], in_words)
        before = layers[-1].name if layers else IMAGE
        layers.append(Layer(name=layer.name, kernels=kernels, inputs=(before,)))
        stream, beat_bits = layers[-1].output, kernels[-1].output_bits
    layers[-1] = _whole_pixels(layers[-1])
    network = Network(name=name, layers=tuple(layers), input_frame=image)
    check_network(network)
    return network


def _whole_pixels(last: Layer) -> Layer:
    """The network's output beat is a whole pixel."""
    out, have = last.output, last.kernels[-1].output_bits
    joined = _words(last.name, out, have, out, out.beat_bits)
    return replace(last, kernels=(*last.kernels, *joined))
