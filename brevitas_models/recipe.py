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
        batch: images per step, over all processes.
        loss: "cross_entropy" or "sqhinge".
        smoothing: of the labels, for cross entropy.
        init: bound of the uniform initial latent weights.
        decay: weight decay of int8 weights; latent 1-bit weights have none.
        first_step: share of the epochs that train real weights behind binary activations, before
            a second schedule from the peak rate binarises both.
        fix_at: share of the epochs after which requants get integers and fixed statistics.
        quantised: False trains the float twin: signs stay, every multi-bit value is float.
        holdout: training images kept out, for the learning curve only.
        bf16: bfloat16 layers while training; sums of +-1 stay exact up to 512. Ends with `fix_at`.
        recalibrate: images that set the final batch-norm statistics, in float32.
    """

    epochs: int
    lr: float
    batch: int = 100
    warmup: int = 1
    loss: str = "cross_entropy"
    smoothing: float = 0.0
    init: float = 1.0
    decay: float = 0.0
    first_step: float = 0.0
    fix_at: float = 0.85
    quantised: bool = True
    shift: int = 0
    flip: bool = False
    dropout: float | None = None
    holdout: int = 1000
    bf16: bool = True
    recalibrate: int = 20000
    seed: int = 1

    @property
    def second_step(self) -> int:
        """Epoch, from 0, from which weights are binary."""
        return round(self.first_step * self.epochs)

    @property
    def fix_epoch(self) -> int:
        """Epoch, from 0, from which requants are integers; the last at the latest."""
        return min(round(self.fix_at * self.epochs), self.epochs - 1)


def loss_of(kind: str, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean loss of (N, classes) logits against (N,) int64 labels."""
    if kind == "sqhinge":
        target = F.one_hot(labels, logits.shape[1]).to(logits.dtype) * 2 - 1
        return (1 - logits * target).clamp_min(0).square().mean()
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


def learning_rate(recipe: Recipe, epoch: float) -> float:
    """Rate at a fractional epoch: linear warm-up, then cosine to zero, in each step anew."""
    first, last = 0, recipe.epochs
    if epoch >= recipe.second_step:
        first = recipe.second_step
    else:
        last = recipe.second_step
    epoch -= first
    if epoch < recipe.warmup:
        return recipe.lr * max(epoch, 0.02) / recipe.warmup
    done = (epoch - recipe.warmup) / max(1e-9, last - first - recipe.warmup)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
