# SPDX-License-Identifier: Apache-2.0
"""What each layer of a network could be: its foldings that no other folding beats."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from flows.config import Stem
from flows.dataflow.cost import (
    INPUT,
    LUT_LEVELS,
    Fold,
    Folding,
    Resources,
    UnitShape,
    unit_cost,
    weight_levels,
)
from flows.dataflow.estimate import joint_estimate, layer_estimate
from flows.dataflow.fold import foldings, price
from flows.dataflow.lower import (
    Arriving,
    behind,
    image,
    input_layer,
    lower,
    lower_layer,
    unit_shapes,
    whole_pixels,
)
from flows.dataflow.network import Layer, Network
from flows.dataflow.schedule import own_interval
from flows.dataflow.walk import walk_layer
from flows.errors import FoldingError
from flows.streamline.chain import DenseLayer, IntegerChain

_EARLY = -(1 << 40)  # cycle of a beat that came long before the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One folding of one layer.

    Attributes:
        fold: None for a layer that has nothing to choose.
        resources: estimate of the layer, without width converters.
        price: the same as one figure, LUTs.
        interval: cycles between frames that the layer sustains, at least.
        tail: cycles from its last input beat to its last output beat, at least.
        in_words: results of a window-stationary dense layer leave as words, not as one vector.
    """

    fold: Fold | None
    resources: Resources
    price: float
    interval: int
    tail: int
    in_words: bool = False

    @property
    def serial(self) -> bool:
        """Whether the layer takes words, in form "input"."""
        return self.fold is not None and self.fold.form == "input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a layer sends, and who may read it.

    Attributes:
        frames: what arrives at the next layer.
        takers: whether a layer in form "input" may take it, and whether another may.
    """

    frames: Arriving
    takers: tuple[bool, bool] = (True, True)


class Space(Protocol):
    """What may be chosen from: the layers of a chain, or the units of a graph.

    Attributes:
        names: of what is folded, in order.
        shapes: of the units.
        options: for each name.
        points: of a curve of rate against size, at most.
    """

    names: list[str]
    shapes: list[UnitShape]
    options: list[list[Option]]
    points: int

    @property
    def intervals(self) -> list[int]:
        """All intervals that the network could have, ascending."""

    @property
    def fastest(self) -> dict[str, int]:
        """Name to the interval of its fastest folding."""

    def lower(self, folding: Folding) -> Network:
        """The network with a folding, without FIFOs."""


class Candidates:
    """Layers of a chain with their options; a layer is built and timed only once.

    Attributes:
        chain: the network.
        shapes: of its units.
        names: of the layers, in stream order.
        options: for each layer, those that no other beats, cheapest first.
        source: what arrives at the first layer.
    """

    points = 24

    def __init__(self, chain: IntegerChain, stem: Stem = "auto") -> None:
        """Enumerates the legal foldings of all layers.

        Args:
            stem: hardware of the layer that takes pixels.

        Raises:
            FoldingError: if no layer can have it.
        """
        self.chain = chain
        self.shapes = unit_shapes(chain)
        self._layers: dict[tuple[int, Fold | None, int, bool], Layer] = {}
        self._intervals: dict[Layer, int] = {}
        self._joints: dict[Layer, Resources] = {}
        self.names = [layer.name for layer in chain.layers]
        if chain.input.is_binary:
            self.names.insert(0, INPUT)
        self._first = len(self.names) - len(chain.layers)  # index of the chain's first layer
        shapes = {shape.name: _with_stem(shape, stem) for shape in self.shapes}
        if stem == "dsp" and not any("dsp" in shape.forms for shape in shapes.values()):
            raise FoldingError(
                "--stem dsp: no layer of this network multiplies pixels; use --stem auto"
            )
        arriving = image(chain)
        self.source = Sent(frames=arriving)
        self.options: list[list[Option]] = []
        for index, name in enumerate(self.names):
            shape = shapes.get(name)
            found = self._all(index, shape, arriving) if shape else [self._only(index, arriving)]
            self.options.append(sorted(unbeaten(found), key=lambda option: option.price))
            out = self._build(index, found[0].fold, False, arriving).output
            arriving = Arriving(source=name, stream=out, beat_bits=out.beat_bits)

    def _dense(self, index: int) -> bool:
        at = index - self._first
        return at >= 0 and isinstance(self.chain.layers[at], DenseLayer)

    def _only(self, index: int, arriving: Arriving) -> Option:
        """A layer without choices."""
        interval, tail = self._timing(index, None, arriving)
        layer = self._build(index, None, False, arriving)
        cost = layer_estimate(layer, (), {}) - joint_estimate(layer)
        return Option(fold=None, resources=cost, price=price(cost), interval=interval, tail=tail)

    def _all(self, index: int, shape: UnitShape, arriving: Arriving) -> list[Option]:
        timings: dict[Fold, tuple[int, int]] = {}
        found = []
        for fold in foldings(shape):
            if weight_levels(shape, fold) > LUT_LEVELS:
                continue
            key = replace(fold, rom_block=False)
            if key not in timings:
                timings[key] = self._timing(index, fold, arriving)
            interval, tail = timings[key]
            resources = unit_cost(shape, fold).resources
            option = Option(
                fold=fold,
                resources=resources,
                price=price(resources),
                interval=interval,
                tail=tail,
            )
            found.append(option)
            if self._dense(index) and fold.form == "window" and not shape.raw:
                resources = unit_cost(shape, fold, in_words=True).resources
                words = replace(
                    option,
                    resources=resources,
                    price=price(resources),
                    tail=tail - 1,
                    in_words=True,
                )
                found.append(words)
        return found

    def _timing(self, index: int, fold: Fold | None, arriving: Arriving) -> tuple[int, int]:
        """Interval and tail of a layer at the input width that suits it best."""
        if fold is not None and fold.form == "input":
            arriving = replace(arriving, beat_bits=fold.simd)
        layer = self._build(index, fold, False, arriving)
        arrival = np.full(layer.edges[0].beats, _EARLY)
        arrival[-1] = 0
        return own_interval(layer), int(walk_layer(layer, arrival).left[-1])

    def _build(self, index: int, fold: Fold | None, in_words: bool, arriving: Arriving) -> Layer:
        if index < self._first:
            first = input_layer(self.chain, fold.pe if fold else 1)
            assert first is not None
            return first
        layer = lower_layer(self.chain.layers[index - self._first], arriving, fold, in_words)
        return whole_pixels(layer) if index == len(self.names) - 1 else layer

    def layer(self, index: int, option: Option, before: Sent) -> Layer:
        """A layer with its kernels, for what arrives (see `fits`)."""
        key = (index, option.fold, before.frames.beat_bits, option.in_words)
        if key not in self._layers:
            self._layers[key] = self._build(index, option.fold, option.in_words, before.frames)
        return self._layers[key]

    def lower(self, folding: Folding) -> Network:
        """The network with a folding, without FIFOs."""
        return lower(self.chain, folding, "net")

    @cached_property
    def intervals(self) -> list[int]:
        """All intervals that the network could have, ascending."""
        found = {option.interval for options in self.options for option in options}
        return sorted(interval for interval in found if interval >= max(self.fastest.values()))

    @cached_property
    def fastest(self) -> dict[str, int]:
        """Layer name to the interval of its fastest folding."""
        least = [min(option.interval for option in options) for options in self.options]
        return dict(zip(self.names, least, strict=True))

    def interval(self, layer: Layer) -> int:
        """The interval that a layer sustains alone."""
        if layer not in self._intervals:
            self._intervals[layer] = own_interval(layer)
        return self._intervals[layer]

    def joints(self, layer: Layer) -> Resources:
        """What a layer needs beyond its option, for beats of another width."""
        if layer not in self._joints:
            self._joints[layer] = joint_estimate(layer)
        return self._joints[layer]

    def sent(self, index: int, option: Option, layer: Layer) -> Sent:
        """What a layer sends."""
        gathers = self._dense(index) and not option.serial
        takers = (option.in_words, not option.in_words) if gathers else (True, True)
        return Sent(frames=behind(layer), takers=takers)

    def fits(self, index: int, option: Option, before: Sent) -> bool:
        """Whether an option can take what arrives."""
        serial, other = before.takers
        frames = before.frames
        if option.serial:
            assert option.fold is not None
            narrow, wide = sorted((frames.beat_bits, option.fold.simd))
            return serial and wide % narrow == 0
        joins = self._dense(index) or index < self._first  # takes beats of any width
        return other and (joins or frames.beat_bits == frames.stream.beat_bits)


def too_slow(fastest: Mapping[str, int], interval: int) -> str:
    """The message where the fastest folding of a layer is slower than an interval."""
    name = max(fastest, key=lambda name: fastest[name])
    return (
        f"{name}: no legal folding within {interval:,} cycles per frame; the fastest takes "
        f"{fastest[name]:,}. Lower --target-fps or raise --clock-mhz."
    )


def _with_stem(shape: UnitShape, stem: Stem) -> UnitShape:
    """The shape with the forms that a stem may have, where it is the stem."""
    if stem == "auto" or "dsp" not in shape.forms:
        return shape
    return replace(shape, forms=("dsp",) if stem == "dsp" else ("window",))


def unbeaten(options: Iterable[Option]) -> list[Option]:
    """Options that no other one equals or betters in every respect.

    A tile of M pixels gives none of them later than tiles of a multiple of M at the same rate.
    Options that send or take words of different widths are not compared: the next layer may not
    take both.
    """
    kept: dict[tuple[object, ...], list[Option]] = {}
    figures: dict[tuple[object, ...], np.ndarray] = {}
    for option in sorted(options, key=lambda o: (o.price, o.interval, o.tail)):
        fold = option.fold
        words = fold is not None and (option.in_words or option.serial)
        group = (option.serial and fold and fold.simd, words and fold and fold.pe, option.in_words)
        m = fold.m if fold else 1
        # A tile's first result comes `tail - (m - 1)` cycles after its last input.
        own = [m, option.interval, option.tail - (m - 1), *_vector(option.resources)]
        rivals = figures.setdefault(group, np.empty((0, len(own))))
        if not ((m % rivals[:, 0] == 0) & (rivals <= own).all(axis=1)).any():
            kept.setdefault(group, []).append(option)
            figures[group] = np.vstack((rivals, own))
    return [option for group in kept.values() for option in group]


def _vector(resources: Resources) -> list[float]:
    return [value for _, value in resources.items()]
