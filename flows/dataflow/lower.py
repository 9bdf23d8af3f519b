# SPDX-License-Identifier: Apache-2.0
"""IntegerChain and folding to Network: which kernels each layer becomes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from flows.dataflow.check import check_network
from flows.dataflow.cost import INPUT, Fold, Folding, Form, UnitShape
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
    dsp,
)
from flows.dataflow.network import IMAGE, Layer, Network
from flows.dataflow.stream import Stream
from flows.errors import FoldingError, UnsupportedModelError
from flows.streamline.chain import ConvLayer, DenseLayer, IntegerChain, PoolLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """What a layer reads.

    Attributes:
        source: name of the layer that sends it, or IMAGE.
        stream: the frames.
        beat_bits: width of the beats.
    """

    source: str
    stream: Stream
    beat_bits: int


def image(chain: IntegerChain) -> Arriving:
    """The network's input, a pixel a beat."""
    stream = input_stream(chain)
    return Arriving(source=IMAGE, stream=stream, beat_bits=stream.beat_bits)


def behind(layer: Layer) -> Arriving:
    """What a layer sends."""
    bits = layer.kernels[-1].output_bits
    return Arriving(source=layer.name, stream=layer.output, beat_bits=bits)


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
    """Shapes of all layers that can be folded: those that multiply, and a binary image's input."""
    stream = input_stream(chain)
    shapes = []
    if chain.input.is_binary:
        if isinstance(chain.layers[0], DenseLayer):
            shapes.append(_input_shape(stream))
        stream = Stream(height=stream.height, width=stream.width, channels=stream.channels)
    for layer in chain.layers:
        out = _after(layer, stream)
        if not isinstance(layer, PoolLayer):
            shapes.append(unit_shape(layer, stream))
        stream = out
    return shapes


def _input_shape(image: Stream) -> UnitShape:
    return UnitShape(
        name=INPUT,
        height=1,
        width=1,
        channels=1,
        kernel=1,
        stride=1,
        mh=image.beats * image.channels,
        in_bits=image.bits,
        convolution=False,
        forms=("threshold",),
    )


def unit_shape(layer: ConvLayer | DenseLayer, stream: Stream) -> UnitShape:
    """Shape of a layer that multiplies what a stream brings."""
    out = _after(layer, stream)
    kernel, stride, pad = 1, 1, 0
    if isinstance(layer, ConvLayer):
        kernel, stride, pad = layer.kernel, layer.stride, layer.pad
    return UnitShape(
        name=layer.name,
        height=out.height,
        width=out.width,
        channels=layer.weights.shape[-1],
        kernel=kernel,
        stride=stride,
        pad=pad,
        mh=out.channels,
        in_bits=stream.bits,
        convolution=isinstance(layer, ConvLayer),
        raw=layer.thresholds is None,
        forms=_forms(layer, stream),
    )


def _forms(layer: ConvLayer | DenseLayer, stream: Stream) -> tuple[Form, ...]:
    """Hardware that can compute a layer."""
    if stream.bits > 1:
        return ("window", "dsp") if dsp.holds(layer.weights[0].size) else ("window",)
    if isinstance(layer, DenseLayer) or _sees_all(layer, stream):
        return ("window", "input")
    return ("window",)


def _sees_all(layer: ConvLayer, stream: Stream) -> bool:
    """Whether the window is the whole image, each pixel once."""
    return not layer.pad and (layer.kernel, layer.kernel) == (stream.height, stream.width)


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
    **more: Any,
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
    return (*words(layer.name, stream, beat_bits, vector, vector.beat_bits), kernel)


def _serial(
    layer: ConvLayer | DenseLayer, stream: Stream, beat_bits: int, fold: Fold
) -> tuple[Kernel, ...]:
    """The input-stationary form, which takes words of SIMD inputs as they come.

    Raises:
        FoldingError: if the layer's inputs are not exactly the frame, once, in order.
    """
    if isinstance(layer, ConvLayer) and not _sees_all(layer, stream):
        raise FoldingError(
            f"{layer.name}: form 'input' needs a window that is the whole image, without padding; "
            f"the window is {layer.kernel} x {layer.kernel}, the image {stream.height} x "
            f"{stream.width}, padding {layer.pad}. Use form 'window'"
        )
    if stream.bits != 1:
        raise FoldingError(f"{layer.name}: form 'input' takes bits; use form 'window'")
    unit = _unit(MvuSerial, layer, _after(layer, stream), fold)
    return (*words(layer.name, stream, beat_bits, unit.input, fold.simd), unit)


def words(
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


def input_layer(chain: IntegerChain, pe: int) -> Layer | None:
    """Pixels to bits: pixel by pixel for a convolution, PE pixels a beat for a dense layer.

    Returns:
        None for a network that multiplies the pixels themselves.
    """
    limits, image = chain.input.thresholds, input_stream(chain)
    if limits is None:
        return None
    if isinstance(chain.layers[0], ConvLayer):
        threshold = Threshold(stream=image, pe=image.channels, thresholds=limits)
        return Layer(name=INPUT, kernels=(threshold,), inputs=(IMAGE,))
    count = image.beats * image.channels
    pixels = Stream(height=1, width=1, channels=count, bits=8)
    threshold = Threshold(stream=pixels, pe=pe, thresholds=np.tile(limits, image.beats))
    bits = threshold.output
    joined = words(INPUT, bits, pe, bits, count)
    return Layer(name=INPUT, kernels=(threshold, *joined), inputs=(IMAGE,))


def lower_layer(
    layer: ConvLayer | DenseLayer | PoolLayer,
    arriving: Arriving,
    fold: Fold | None,
    in_words: bool,
) -> Layer:
    """Kernels of one layer.

    Args:
        fold: of a layer that multiplies.
        in_words: the next layer takes results as words of PE, not as pixels.

    Raises:
        FoldingError: if the layer cannot be computed in the form that its fold names.
        UnsupportedModelError: if there is no kernel for it.
    """
    kernels: tuple[Kernel, ...]
    stream, beat_bits = arriving.stream, arriving.beat_bits
    if isinstance(layer, PoolLayer):
        kernels = (MaxPool(stream=stream, kernel=layer.kernel),)
    else:
        assert fold is not None
        if fold.form == "dsp" and stream.bits == 1:
            raise FoldingError(f"{layer.name}: form 'dsp' takes pixels; use form 'window'")
        if fold.form == "input":
            kernels = _serial(layer, stream, beat_bits, fold)
        elif isinstance(layer, ConvLayer):
            kernels = _convolution(layer, stream, fold)
        else:
            kernels = _dense(layer, stream, beat_bits, fold, in_words)
    return Layer(name=layer.name, kernels=kernels, inputs=(arriving.source,))


def whole_pixels(last: Layer) -> Layer:
    """The network's last layer: its output beat is a whole pixel."""
    out, have = last.output, last.kernels[-1].output_bits
    joined = words(last.name, out, have, out, out.beat_bits)
    return replace(last, kernels=(*last.kernels, *joined))


def lower(chain: IntegerChain, folding: Folding, name: str) -> Network:
    """Chooses the kernels and hands them their weights, thresholds and folds.

    Args:
        chain: integer layers.
        folding: layer name to fold, for every shape of `unit_shapes`.
        name: of the network; becomes the top module's.

    Returns:
        A checked network without FIFOs (see `schedule.size_fifos`).

    Raises:
        UnsupportedModelError: naming the layer that has no kernel.
    """
    arriving = image(chain)
    layers: list[Layer] = []
    first = input_layer(chain, folding[INPUT].pe if INPUT in folding else 1)
    if first is not None:
        layers.append(first)
        arriving = behind(first)
    folds = [folding.get(layer.name) for layer in chain.layers]
    for layer, fold, after in zip(chain.layers, folds, [*folds[1:], None], strict=True):
        in_words = after is not None and after.form == "input"
        layers.append(lower_layer(layer, arriving, fold, in_words))
        arriving = behind(layers[-1])
    layers[-1] = whole_pixels(layers[-1])
    network = Network(name=name, layers=tuple(layers), input_frame=input_stream(chain))
    check_network(network)
    return network
