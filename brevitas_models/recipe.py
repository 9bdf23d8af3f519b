# SPDX-License-Identifier: Apache-2.0
"""Everything, beside model and data, that decides where a training run ends."""

import math
from dataclasses import dataclass

import torch.nn.functional as F  # noqa: N812  (torch's own convention)
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A training recipe.

    Attributes:
        lr: peak learning rate of Adam; linear warm-up, then cosine down to zero.
        loss: "cross_entropy" or "sqhinge".
        init: bound of the uniform initial latent weights.
        holdout: training images kept out, for the learning curve only.
        bf16: bfloat16 layers while training; sums of +-1 stay exact up to 512.
        recalibrate: images that set the final batch-norm statistics, in float32.
    """

    epochs: int
    lr: float
    batch: int = 100
    warmup: int = 1
    loss: str = "cross_entropy"
    init: float = 1.0
    shift: int = 0
    flip: bool = False
    dropout: float | None = None
    holdout: int = 1000
    bf16: bool = True
    recalibrate: int = 20000
    seed: int = 1


def loss_of(kind: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Mean loss of (N, classes) logits against (N,) int64 labels."""
    if kind == "sqhinge":
        target = F.one_hot(labels, logits.shape[1]).to(logits.dtype) * 2 - 1
        return (1 - logits * target).clamp_min(0).square().mean()
    return F.cross_entropy(logits, labels)


def learning_rate(recipe: Recipe, epoch: float) -> float:
    """Rate at a fractional epoch: linear warm-up, then cosine to zero."""
    if epoch < recipe.warmup:
        return recipe.lr * max(epoch, 0.02) / recipe.warmup
    done = (epoch - recipe.warmup) / max(1e-9, recipe.epochs - recipe.warmup)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
