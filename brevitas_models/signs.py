# SPDX-License-Identifier: Apache-2.0
"""Signs of the graph networks: in training a batch norm and an estimator, then one threshold.

A threshold is read off the trained module's own values on every integer that can reach it, never
computed from the batch norm's parameters; see `freeze` of the chains for why.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (torch's own convention)
from torch import Tensor, nn

from brevitas_models.errors import ModelError
from brevitas_models.formats import Source
from brevitas_models.layers import BN_EPS, BipolarSign
from brevitas_models.streams import StreamModule

_CHUNK = 1 << 22  # elements evaluated at once


def batch_norm(
    channels: int, mean: float | Tensor = 0.0, variance: float | Tensor = 1.0
) -> nn.BatchNorm2d:
    """A batch norm that remembers what to expect, for networks with random weights.

    Args:
        mean, variance: of its input when weights and signs are random; scalar or (C,).
    """
    norm = nn.BatchNorm2d(channels, eps=BN_EPS)
    norm.expected = (
        torch.as_tensor(mean).float().expand(channels),
        torch.as_tensor(variance).float().expand(channels),
    )
    return norm


class Sign(nn.Module):
    """Sign of a stream or of sums, with the gradient of `estimator`.

    Args:
        estimator: real values to {-1, +1}.
        norm: batch norm in front, or None.
    """

    def __init__(
        self, estimator: Callable[[Tensor], Tensor], norm: nn.BatchNorm2d | None = None
    ) -> None:
        super().__init__()
        self.estimator = estimator
        self.norm = norm
        self.sign = BipolarSign()

    def normalise(self, x: Tensor, affine: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """(N, C, H, W) to what the sign is taken of; `affine` is the layer's gain and offset."""
        if affine is not None:
            x = x * affine[0].reshape(1, -1, 1, 1) + affine[1].reshape(1, -1, 1, 1)
        return x if self.norm is None else self.norm(x)

    def binarise(self, y: Tensor) -> Tensor:
        """Same shape, in {-1, +1}."""
        return self.estimator(y) if self.training else self.sign(y)

    def forward(self, x: Tensor, affine: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """(N, C, H, W) to {-1, +1}."""
        return self.binarise(self.normalise(x, affine))


class FrozenSign(StreamModule):
    """sign((x - t) * pol); `threshold` and `falling` say the same of integers.

    Attributes:
        threshold: (C,) int64; bit = (integer >= threshold) != falling.
        falling: (C,) bool.
        sources: what reaches it, channels in order.
    """

    kind = "sign"
    form = None

    def __init__(
        self, threshold: np.ndarray, falling: np.ndarray, sources: Sequence[Source]
    ) -> None:
        super().__init__()
        self.threshold, self.falling, self.sources = threshold, falling, tuple(sources)
        half = np.concatenate([np.full(s.channels, s.spacing / 2) for s in sources])
        steps = torch.cat([s.steps for s in sources]).numpy()
        t = torch.from_numpy((threshold - half) * steps).float()
        self.register_buffer("t", t.reshape(1, -1, 1, 1))
        pol = torch.from_numpy(np.where(falling, -1.0, 1.0)).float()
        self.register_buffer("pol", pol.reshape(1, -1, 1, 1))
        self.sign = BipolarSign()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to {-1, +1}."""
        return self.sign((x - self.t) * self.pol)


@torch.no_grad()
def positive(
    norm: nn.BatchNorm2d | None,
    source: Source,
    at: slice,
    affine: tuple[Tensor, Tensor] | None = None,
) -> np.ndarray:
    """Whether norm(value) >= 0, for every integer of `source`.

    Args:
        at: which channels of `norm` the source stands for.

    Returns:
        (C, V) bool.
    """
    parts = []
    values = torch.arange(source.low, source.high + 1, source.spacing, dtype=torch.float64)
    for chunk in values.split(max(1, _CHUNK // source.channels)):
        # Contiguous, as in the network: batch norm on strided input rounds differently.
        grid = (source.steps[:, None] * chunk).float().reshape(1, source.channels, 1, -1)
        if affine is not None:
            gain, offset = (v[at].reshape(1, -1, 1, 1) for v in affine)
            grid = grid * gain + offset
        if norm is not None:
            fields = (norm.running_mean, norm.running_var, norm.weight, norm.bias)
            grid = F.batch_norm(grid.contiguous(), *(f[at] for f in fields), False, 0.0, norm.eps)
        parts.append((grid >= 0).reshape(source.channels, -1).numpy())
    return np.concatenate(parts, axis=1)


def one_step(name: str, bits: np.ndarray, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Read threshold and direction off a truth table.

    Args:
        bits: (C, V) bool over the integers of `source`.

    Returns:
        threshold: (C,) int64, one of the integers, or one spacing beyond the last.
        falling: (C,) bool.

    Raises:
        ModelError: a channel changes more than once.
    """
    changes = bits[:, 1:] != bits[:, :-1]
    count = changes.sum(1)
    if count.max(initial=0) > 1:
        channel = int(count.argmax())
        raise ModelError(
            f"{name}, channel {channel}: its sign changes {count[channel]} times over the"
            " reachable integers; one threshold needs a monotone function; train it again."
        )
    first = np.where(count == 1, changes.argmax(1) + 1, 0)
    first = np.where((count == 0) & ~bits[:, 0], bits.shape[1], first)
    return source.low + source.spacing * first.astype(np.int64), (count == 1) & bits[:, 0]


def freeze_sign(
    name: str,
    norm: nn.BatchNorm2d | None,
    sources: Sequence[Source],
    affine: tuple[Tensor, Tensor] | None = None,
) -> FrozenSign:
    """The threshold form of norm(x) >= 0 on the integers of `sources`, channels in order.

    Raises:
        ModelError: a channel is no single step.
    """
    thresholds, falling, start = [], [], 0
    for source in sources:
        at = slice(start, start + source.channels)
        t, f = one_step(name, positive(norm, source, at, affine), source)
        thresholds.append(t)
        falling.append(f)
        start += source.channels
    return FrozenSign(np.concatenate(thresholds), np.concatenate(falling), sources).eval()
