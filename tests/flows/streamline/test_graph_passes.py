# SPDX-License-Identifier: Apache-2.0
"""Passes on integer graphs: where they fire, where they must not, and that nothing changes."""

from dataclasses import replace

import numpy as np
import pytest

from flows.streamline.graph import (
    Concat,
    Convolution,
    Dense,
    Image,
    IntegerGraph,
    MaxPool,
    Sign,
    evaluate,
)
from flows.streamline.graph_passes import (
    drop_unread,
    flatten_concats,
    optimise,
    pool_bits,
    split_signs,
)
from flows.streamline.reach import reaches
from flows.streamline.tabulate import FinalAffine

IMAGE = Image(height=6, width=6, channels=2, offset=-128)


@pytest.fixture
def make(rng):
    """A graph of some nodes, with a dense layer for the logits behind the last."""

    def build(*nodes, size):
        head = Dense(
            name="head",
            inputs=(nodes[-1].name,),
            weights=rng.integers(-8, 8, (3, size)),
            weight_bits=4,
            bias=rng.integers(-9, 9, 3),
        )
        final = FinalAffine(scale=np.ones(3), bias=np.zeros(3), keeps_argmax=True)
        return IntegerGraph(image=IMAGE, nodes=(*nodes, head), final=final)

    return build


@pytest.fixture
def conv(rng):
    def build(name, source, channels, inputs):
        return Convolution(
            name=name,
            inputs=(source,),
            weights=rng.choice([-1, 1], (channels, 3, 3, inputs)),
            kernel=3,
            stride=1,
            pad=1,
            pad_value=128 if source == "image" else 0,
            groups=1,
            weight_bits=1,
            bias=np.zeros(channels, np.int64),
        )

    return build


@pytest.fixture
def sign(rng):
    def build(name, source, channels, reach=300, falling=None):
        return Sign(
            name=name,
            inputs=(source,),
            thresholds=rng.integers(-reach, reach, channels),
            falling=rng.integers(0, 2, channels) > 0 if falling is None else falling,
        )

    return build


def same(before, after, rng):
    images = rng.integers(0, 256, (5, 6, 6, 2), np.uint8)
    old, new = evaluate(before, images), evaluate(after, images)
    for name in set(old) & set(new):
        np.testing.assert_array_equal(old[name], new[name], err_msg=name)
    for name, reach in reaches(after).items():
        if name != "image" and not reach.is_bits:
            assert reach.low <= new[name].min() and new[name].max() <= reach.high, name
    return new


def dense_block(conv, sign):
    return [
        conv("f0", "image", 4, 2),
        sign("s1", "f0", 4),
        conv("f1", "s1", 3, 4),
        Concat(name="c1", inputs=("f0", "f1")),
        sign("s2", "c1", 7, reach=20),
        conv("f2", "s2", 3, 7),
        Concat(name="c2", inputs=("c1", "f2")),
        sign("s3", "c2", 10, reach=20),
    ]


def test_concats_are_flattened_and_signs_split(make, conv, sign, rng):
    graph = make(*dense_block(conv, sign), size=360)
    after = split_signs(flatten_concats(graph))
    same(graph, after, rng)
    names = [node.name for node in after.nodes]
    assert {"s2_of_f0", "s2_of_f1", "s3_of_f0", "s3_of_f1", "s3_of_f2"} <= set(names)
    assert "c1" not in names and "c2" not in names
    bits = reaches(after)
    assert all(bits[n.name].is_bits for n in after.nodes if isinstance(n, Concat))


def test_a_concat_that_integers_are_read_from_stays(make, conv, sign, rng):
    nodes = [conv("f0", "image", 4, 2), conv("f1", "image", 3, 2)]
    graph = make(*nodes, Concat(name="c", inputs=("f0", "f1")), size=252)
    assert split_signs(graph).nodes == graph.nodes


def test_a_sign_of_one_stream_is_not_split(make, conv, sign, rng):
    graph = make(conv("f0", "image", 4, 2), sign("s", "f0", 4), size=144)
    assert split_signs(graph).nodes == graph.nodes


def test_bits_are_pooled_where_all_channels_rise(make, conv, sign, rng):
    pool = MaxPool(name="p", inputs=("f0",), kernel=2, stride=2, pad=0)
    rising = np.zeros(4, bool)
    graph = make(conv("f0", "image", 4, 2), pool, sign("s", "p", 4, falling=rising), size=36)
    after = pool_bits(graph)
    same(graph, after, rng)
    assert [type(node) for node in after.nodes] == [Convolution, Sign, MaxPool, Dense]


def test_bits_are_not_pooled_where_a_channel_falls_or_the_pool_is_read_twice(make, conv, sign, rng):
    pool = MaxPool(name="p", inputs=("f0",), kernel=2, stride=2, pad=0)
    falling = np.array([False, True, False, False])
    graph = make(conv("f0", "image", 4, 2), pool, sign("s", "p", 4, falling=falling), size=36)
    assert pool_bits(graph).nodes == graph.nodes
    rising = np.zeros(4, bool)
    twice = make(
        conv("f0", "image", 4, 2),
        pool,
        sign("s", "p", 4, falling=rising),
        Concat(name="c", inputs=("s", "s2")),
        size=72,
    )
    nodes = list(twice.nodes)
    nodes.insert(3, sign("s2", "p", 4, falling=rising))
    twice = replace(twice, nodes=tuple(nodes))
    assert pool_bits(twice).nodes == twice.nodes


def test_what_nobody_reads_is_dropped(make, conv, sign, rng):
    graph = make(conv("a", "image", 4, 2), conv("b", "image", 4, 2), size=144)
    assert [node.name for node in drop_unread(graph).nodes] == ["b", "head"]


def test_all_passes_together(make, conv, sign, rng):
    graph = make(*dense_block(conv, sign), size=360)
    same(graph, optimise(graph), rng)
