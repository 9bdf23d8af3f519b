# SPDX-License-Identifier: Apache-2.0
"""What a tensor of the graph is in integers: a stream, and the elementwise nodes behind it."""

from dataclasses import dataclass, field, replace

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.elementwise import Line, Slopes, run
from flows.streamline.tabulate import SignTable

_MAX_TABLE = 2**24  # values that are run through a graph's nodes, for one quantiser
_RANDOM = 2**20  # of them, where all would be more
_MAX_SIGNS = 2**28  # values that are tried for one sign, always all of them
_CHUNK = 2**22  # values per run, to bound memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Value:
    """A tensor as a function of an integer stream.

    Attributes:
        stream: node of the integer graph, or "image".
        tensor: this tensor's name in the graph.
        base: tensor that stands for the stream itself.
        shape: (C, H, W) of the stream.
        low, high, step: integers that the stream can take: low, low + step, ... high.
        bits: the stream is +-1.
        nodes: elementwise nodes from `base` to `tensor`, in topological order.
        slopes: of every tensor on the way, in terms of the stream's integers.
        pad: padding that a Pad node has put around it, and the value beside the image.
        lookup: float value of `base` for each integer from `low` on; None: slope and offset say it.
    """

    stream: str
    tensor: str
    base: str
    shape: tuple[int, int, int]
    low: int
    high: int
    step: int
    bits: bool
    slopes: dict[str, Slopes]
    nodes: tuple[NodeProto, ...] = ()
    pad: int = 0
    pad_value: float = 0.0
    lookup: np.ndarray | None = field(default=None)

    @property
    def channels(self) -> int:
        """C."""
        return self.shape[0]

    @property
    def line(self) -> Line:
        """Its only line.

        Raises:
            UnsupportedModelError: it has two.
        """
        here = self.slopes[self.tensor]
        if len(here.lines) != 1:
            raise UnsupportedModelError(
                f"{self.tensor}: a function with two slopes reaches an operator that needs"
                " integers; put a Quant in front of it."
            )
        return here.lines[0]


def stream_value(
    stream: str,
    tensor: str,
    shape: tuple[int, int, int],
    reach: tuple[int, int, int],
    scale: np.ndarray,
    offset: np.ndarray | float = 0.0,
    bits: bool = False,
) -> Value:
    """A tensor that is integers times `scale` plus `offset`, per channel.

    Args:
        reach: low, high, step of the integers.
    """
    channels = shape[0]
    slope = np.broadcast_to(np.asarray(scale, np.float64).reshape(-1), (channels,))
    shift = np.broadcast_to(np.asarray(offset, np.float64).reshape(-1), (channels,))
    low, high, step = reach
    return Value(
        stream=stream,
        tensor=tensor,
        base=tensor,
        shape=shape,
        low=low,
        high=high,
        step=step,
        bits=bits,
        slopes={tensor: Slopes(lines=(Line(slope=slope, offset=shift),))},
    )


def renamed(value: Value, tensor: str) -> Value:
    """The same values under another tensor's name, as behind a Reshape."""
    slopes = {**value.slopes, tensor: value.slopes[value.tensor]}
    if value.base == value.tensor:
        return replace(value, tensor=tensor, base=tensor, slopes=slopes)
    alias = helper.make_node("Identity", [value.tensor], [tensor], tensor)
    return replace(value, tensor=tensor, slopes=slopes, nodes=(*value.nodes, alias))


def integers(
    value: Value, most: int = _MAX_TABLE, corners: np.ndarray | tuple[int, ...] = ()
) -> np.ndarray:
    """(V,) int64: what the stream can take; a sample with both ends where that is too much.

    Args:
        most: (channel, integer) pairs that are not too much.
        corners: integers around which something changes, for the sample.
    """
    count = (value.high - value.low) // value.step + 1
    if count * value.channels <= most:
        return value.low + value.step * np.arange(count, dtype=np.int64)
    rng = np.random.default_rng(count)
    some = rng.integers(0, count, max(2, _RANDOM // value.channels))
    ends = np.concatenate((np.arange(64), count - 1 - np.arange(64)))
    places = (np.asarray(corners, np.int64) - value.low) // value.step
    near = np.concatenate(
        (
            np.arange(-64, 65) + (-value.low) // value.step,  # around zero
            (places + np.arange(-1, 2)[:, None]).ravel(),
        )
    )
    near = near.clip(0, count - 1)
    return value.low + value.step * np.unique(np.concatenate((some, ends, near)))


def table(model: ModelWrapper, value: Value, wanted: str, xs: np.ndarray) -> np.ndarray:
    """Runs the graph's own nodes: the tensor `wanted` for every integer.

    Args:
        xs: (V,) int64.

    Returns:
        (V, C) float32.
    """
    line = value.slopes[value.base].lines[0]
    if value.lookup is not None:
        grid = np.repeat(value.lookup[xs - value.low][:, None], value.channels, axis=1)
    else:
        grid = xs[:, None] * line.slope + line.offset
    single = np.ascontiguousarray(grid.astype(np.float32))
    if value.lookup is None and not np.array_equal(single.astype(np.float64), grid):
        raise UnsupportedModelError(
            f"{value.base}: its values are no exact float32 numbers; scales that are powers of two,"
            " and sums below 2^24, are allowed; quantise with power-of-two steps."
        )
    rank = 2 if value.shape[1:] == (1, 1) and _rank(model, value.base) == 2 else 4
    return run(model, value.nodes, value.base, wanted, single, rank)


def _rank(model: ModelWrapper, tensor: str) -> int:
    return len(model.get_tensor_shape(tensor) or (1, 1, 1, 1))


def materialise(model: ModelWrapper, value: Value, reader: str) -> Value:
    """The same tensor with nothing elementwise behind its stream: integers, scale and offset.

    Requires: the nodes are one line per channel.
    Ensures: that line is what the graph's nodes compute, checked on what the stream can take.

    Args:
        reader: of the tensor, for messages.

    Raises:
        UnsupportedModelError: the nodes round, clip or bend.
    """
    if not value.nodes:
        return value
    line = value.line
    xs = integers(value)
    found = table(model, value, value.tensor, xs).astype(np.float64)
    if not np.array_equal(found, xs[:, None] * line.slope + line.offset):
        wrong = np.argwhere(found != xs[:, None] * line.slope + line.offset)[0]
        raise UnsupportedModelError(
            f"{value.tensor}: not an integer times a scale where {reader} reads it (channel"
            f" {wrong[1]}); a Quant or BipolarQuant is needed between {value.base} and {reader}."
        )
    slopes = {value.tensor: Slopes(lines=(line,))}
    return replace(value, base=value.tensor, nodes=(), slopes=slopes, lookup=None)


def sign_table(model: ModelWrapper, value: Value, name: str, tensor: str) -> SignTable:
    """Truth table of `tensor` being true, or not negative, over all that the stream can take.

    Raises:
        UnsupportedModelError: the stream can take too many values to try them all.
    """
    count = (value.high - value.low) // value.step + 1
    if count * value.channels > _MAX_SIGNS:
        raise UnsupportedModelError(
            f"{name}: {count} values of {value.channels} channels reach this sign;"
            f" {_MAX_SIGNS} in all are allowed; put a Quant in front of it."
        )
    xs = value.low + value.step * np.arange(count, dtype=np.int64)
    condition = any(n.op_type == "GreaterOrEqual" and tensor in n.output for n in value.nodes)
    bits = np.empty((value.channels, count), np.bool_)
    rows = max(1, _CHUNK // value.channels)
    for start in range(0, count, rows):
        found = table(model, value, tensor, xs[start : start + rows])
        bits[:, start : start + rows] = (found > 0 if condition else found >= 0).T
    return SignTable(name=name, acc_min=value.low, acc_step=value.step, bits=bits)
