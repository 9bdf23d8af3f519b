# SPDX-License-Identifier: Apache-2.0
"""One training run: model, optimiser, random state and history, advanced step by step.

A run is fixed by its recipe and seed. `state` holds everything, also in the middle of an epoch, and
a run that is restored from it ends where an uninterrupted one would.
"""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from brevitas_models import data, imagefolder
from brevitas_models.augment import Batches
from brevitas_models.errors import ModelError
from brevitas_models.graph import GraphNetwork
from brevitas_models.imagefolder import FolderBatches, ImageFolder
from brevitas_models.layers import BatchNormSign
from brevitas_models.network import BinaryNetwork
from brevitas_models.processes import Process
from brevitas_models.recipe import Recipe, learning_rate, loss_of

Images = data.Split | ImageFolder
_LAST = ("images", "loss", "hits", "seconds")


def _evaluation(split: Images, batch: int, workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    if isinstance(split, ImageFolder):
        yield from imagefolder.evaluation_batches(split, batch, workers)
        return
    for start in range(0, len(split.labels), batch):
        x = torch.from_numpy(split.images[start : start + batch]).permute(0, 3, 1, 2).float()
        yield x, torch.from_numpy(split.labels[start : start + batch])


@torch.no_grad()
def accuracy(model: nn.Module, split: Images, batch: int = 250, workers: int = 0) -> float:
    """Share of images that `model`, in eval mode and float32, labels right."""
    model.eval()
    device = next(iter(model.state_dict().values())).device
    right = count = 0
    for x, labels in _evaluation(split, batch, workers):
        guess = model(x.contiguous().to(device)).argmax(1).cpu()
        right, count = right + int((guess == labels).sum()), count + len(labels)
    return right / count


class Trainer:
    """One run; `epoch()` advances it.

    Args:
        model: fresh; its weights are set by the recipe.
        train: images in memory or a folder.
        process: this one among those of the run.
        workers: decoding processes, for a folder.
    """

    def __init__(
        self,
        model: BinaryNetwork | GraphNetwork,
        recipe: Recipe,
        train: Images,
        process: Process | None = None,
        workers: int = 0,
    ) -> None:
        self.recipe = recipe
        self.process = process or Process()
        self.workers = workers
        self.generator = torch.Generator().manual_seed(recipe.seed)
        torch.manual_seed(recipe.seed)
        self.model = self._prepared(model)
        self.batches, self.holdout = self._data(train)
        self.optimizer = self._optimizer()
        self.history: list[dict[str, float]] = []
        self._done = 0  # steps of the epoch that is under way
        self._sums = dict.fromkeys(_LAST, 0.0)
        self._began = self.generator.get_state()
        self._parallel: nn.Module = self.model
        if self.process.count > 1:
            self._parallel = DistributedDataParallel(self.model)

    def _prepared(self, model: BinaryNetwork | GraphNetwork) -> BinaryNetwork | GraphNetwork:
        recipe = self.recipe
        with torch.no_grad():
            for layer in model.binary_layers().values():
                layer.weight.uniform_(-recipe.init, recipe.init)
        if recipe.dropout is not None:
            for module in model.modules():
                if isinstance(module, nn.Dropout):
                    module.p = recipe.dropout
        if isinstance(model, GraphNetwork):
            model.quantise(recipe.quantised)
        return model.to(self.process.device, memory_format=torch.channels_last)

    def _data(self, train: Images) -> tuple[Batches | FolderBatches, Images]:
        recipe, process = self.recipe, self.process
        shared = {"rank": process.rank, "count": process.count}
        if recipe.batch % process.count:
            raise ModelError(
                f"recipe: a batch of {recipe.batch} images for {process.count} processes; each"
                " takes the same number; choose a --batch that they divide."
            )
        number = len(train) if isinstance(train, ImageFolder) else len(train.labels)
        generator = torch.Generator().manual_seed(recipe.seed)
        order = torch.randperm(number, generator=generator).numpy()
        kept, out = order[recipe.holdout :], order[: recipe.holdout]
        if len(kept) < recipe.batch:
            raise ModelError(
                f"recipe: {len(kept)} images to train on, --batch {recipe.batch}; at least one"
                " whole batch is needed; choose a smaller --batch or --holdout."
            )
        if isinstance(train, ImageFolder):
            batches: Batches | FolderBatches = FolderBatches(
                train.subset(sorted(kept), train=True),
                recipe.batch,
                seed=recipe.seed,
                workers=self.workers,
                **shared,
            )
            return batches, train.subset(sorted(out), train=False)
        batches = Batches(
            train.images[kept],
            train.labels[kept],
            recipe.batch,
            recipe.shift,
            recipe.flip,
            self.generator,
            process.device,
            **shared,
        )
        return batches, data.Split(images=train.images[out], labels=train.labels[out])

    def _optimizer(self) -> torch.optim.Optimizer:
        if not self.recipe.decay:
            return torch.optim.Adam(self.model.parameters(), lr=self.recipe.lr)
        latent = {id(layer.weight) for layer in self.model.binary_layers().values()}
        real = [p for p in self.model.parameters() if p.dim() > 1 and id(p) not in latent]
        other = [p for p in self.model.parameters() if p.dim() <= 1 or id(p) in latent]
        groups = [{"params": real, "weight_decay": self.recipe.decay}, {"params": other}]
        return torch.optim.AdamW(groups, lr=self.recipe.lr, weight_decay=0.0)

    @property
    def fixed(self) -> bool:
        """Whether the epoch under way computes requants as integers."""
        graph = isinstance(self.model, GraphNetwork) and self.recipe.quantised
        return graph and len(self.history) >= self.recipe.fix_epoch

    def _cast(self) -> contextlib.AbstractContextManager[Any]:
        enabled = self.recipe.bf16 and not self.fixed
        return torch.autocast(self.process.device.type, torch.bfloat16, enabled=enabled)

    def step(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One update; returns the loss and the number of right answers, scalars."""
        self._parallel.train()
        x = x.to(self.process.device, non_blocking=True)
        x = x.contiguous(memory_format=torch.channels_last)
        labels = labels.to(self.process.device, non_blocking=True)
        with self._cast():
            logits = self._parallel(x)
        loss = loss_of(self.recipe.loss, logits.float(), labels, self.recipe.smoothing)
        if isinstance(self.model, GraphNetwork) and self.model.weight_penalty:
            loss = loss + self.model.penalty()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.model.clip_latent()
        if self.process.device.type == "cpu":
            self._check(float(loss.detach()))
        return loss.detach(), (logits.argmax(1) == labels).sum()

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise ModelError(
                f"epoch {len(self.history)}: the loss is {loss}; it must be finite;"
                " lower --lr and resume from the last saved epoch."
            )

    def _begin(self) -> None:
        """What an epoch's number alone decides."""
        if isinstance(self.model, GraphNetwork):
            self.model.use_real_weights(len(self.history) < self.recipe.second_step)
            if self.fixed and len(self.history) == self.recipe.fix_epoch and not self._done:
                self.recalibrate()
                self.model.fix()
        if not self._done:
            self._began = self.generator.get_state()

    def epoch(
        self,
        tick: Callable[[int, float], None] | None = None,
        late: Callable[[], bool] | None = None,
    ) -> dict[str, float] | None:
        """Train once around the data.

        Args:
            tick: told the steps done and the mean loss.
            late: asked after each step whether to stop in mid-epoch.

        Returns:
            The row added to the history, or None where it was stopped.
        """
        start, number = time.perf_counter(), len(self.history)
        self._begin()
        self.generator.set_state(self._began)
        total = torch.zeros((), device=self.process.device, dtype=torch.float64)
        hits = torch.zeros((), device=self.process.device, dtype=torch.int64)
        images = 0
        for x, labels in self.batches.epoch(number, self._done):
            rate = learning_rate(self.recipe, number + self._done / len(self.batches))
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            loss, right = self.step(x, labels)
            total, hits, images = total + loss, hits + right, images + len(labels)
            self._done += 1
            if tick is not None:
                tick(self._done, (self._sums["loss"] + float(total)) / self._done)
            if late is not None and self.process.agree(late()) and self._done < len(self.batches):
                self._count(images, float(total), int(hits), time.perf_counter() - start)
                return None
        self._count(images, float(total), int(hits), time.perf_counter() - start)
        return self._finish()

    def _count(self, *values: float) -> None:
        """Add to the sums of the epoch under way."""
        for name, value in zip(_LAST, values, strict=True):
            self._sums[name] += value
        self._check(self._sums["loss"])

    def _finish(self) -> dict[str, float]:
        """Close the epoch under way."""
        start, sums = time.perf_counter(), self._sums
        held = self.recipe.holdout and self.process.first
        row = {
            "epoch": len(self.history) + 1,
            "loss": sums["loss"] / len(self.batches),
            "train": sums["hits"] / sums["images"],
            "holdout": accuracy(self.model, self.holdout, workers=self.workers) if held else 0.0,
            "seconds": sums["seconds"] + time.perf_counter() - start,
        }
        self.process.barrier()
        self.history.append(row)
        self._done, self._sums = 0, dict.fromkeys(_LAST, 0.0)
        return row

    def _norms(self) -> list[nn.Module]:
        if isinstance(self.model, GraphNetwork):
            return [m for m in self.model.modules() if isinstance(m, nn.BatchNorm2d)]
        norms = [m.norm for m in self.model.modules() if isinstance(m, BatchNormSign)]
        return [*norms, self.model.norm.norm]

    @torch.no_grad()
    def recalibrate(self) -> None:
        """Set the batch-norm statistics to plain averages of the final weights, in float32.

        Statistics that a requant has fixed stay: the integers were trained with them.
        """
        norms = [norm for norm in self._norms() if not self._is_fixed(norm)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        self.model.train()
        for module in self.model.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        for index, (x, _) in enumerate(self.batches.epoch(len(self.history))):
            if index * self.recipe.batch >= self.recipe.recalibrate:
                break
            x = x.to(self.process.device)
            self.model(x.contiguous(memory_format=torch.channels_last))
        for norm in norms:
            norm.momentum = 0.1
            self.process.average(norm.running_mean)
            self.process.average(norm.running_var)
        self.model.eval()

    def _is_fixed(self, norm: nn.Module) -> bool:
        owners = [m for m in self.model.modules() if getattr(m, "norm", None) is norm]
        return any(getattr(owner, "fixed", False) for owner in owners)

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to continue as if never interrupted."""
        return {
            "recipe": dataclasses.asdict(self.recipe),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self._began if self._done else self.generator.get_state(),
            "torch_rng": torch.get_rng_state(),
            "history": self.history,
            "done": self._done,
            "sums": self._sums,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`.

        Raises:
            ModelError: the state is of another recipe or of another network.
        """
        mine = dataclasses.asdict(self.recipe)
        odd = {k: v for k, v in state["recipe"].items() if mine.get(k) != v}
        if odd:
            found = ", ".join(f"{k} {v} (now {mine.get(k)})" for k, v in odd.items())
            raise ModelError(
                f"training state: it was saved with {found}; a resumed run needs the recipe that it"
                " began with; give the same options or start in another --out."
            )
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            text = " ".join(str(error).split())[:200]
            raise ModelError(
                f"training state: it is of another network ({text}); name the --model that it"
                " began with or start in another --out."
            ) from error
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch_rng"])
        self.history = list(state["history"])
        self._done, self._sums = state.get("done", 0), state.get("sums", self._sums)
        self._began = self.generator.get_state()
