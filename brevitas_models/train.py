# SPDX-License-Identifier: Apache-2.0
"""Train a network: `python -m brevitas_models.train --model cnv_w1a1 --data DIR --out DIR`.

A run is fixed by its recipe and seed. It saves its whole state after each epoch, so that it can
be stopped at any time and continued with --resume; a resumed run ends where an uninterrupted
one would.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from brevitas_models import data
from brevitas_models.augment import Batches
from brevitas_models.errors import ModelError
from brevitas_models.layers import BatchNormSign
from brevitas_models.network import BinaryNetwork
from brevitas_models.recipe import Recipe, learning_rate, loss_of


@torch.no_grad()
def accuracy(model: torch.nn.Module, split: data.Split, batch: int = 250) -> float:
    """Share of images (N, H, W, C) uint8 that `model`, in eval mode and float32, labels right."""
    model.eval()
    right = 0
    for start in range(0, len(split.labels), batch):
        x = torch.from_numpy(split.images[start : start + batch]).permute(0, 3, 1, 2).float()
        labels = torch.from_numpy(split.labels[start : start + batch])
        right += int((model(x.contiguous()).argmax(1) == labels).sum())
    return right / len(split.labels)


class Trainer:
    """One run: model, optimiser, random state and history; `epoch()` advances it."""

    def __init__(self, model: BinaryNetwork, recipe: Recipe, train: data.Split) -> None:
        self.recipe = recipe
        self.generator = torch.Generator().manual_seed(recipe.seed)
        torch.manual_seed(recipe.seed)
        with torch.no_grad():
            for layer in model.binary_layers().values():
                layer.weight.uniform_(-recipe.init, recipe.init)
        if recipe.dropout is not None:
            for module in model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = recipe.dropout
        self.model = model.to(memory_format=torch.channels_last)
        order = torch.randperm(
            len(train.labels), generator=torch.Generator().manual_seed(recipe.seed)
        ).numpy()
        kept, out = order[recipe.holdout :], order[: recipe.holdout]
        self.holdout = data.Split(images=train.images[out], labels=train.labels[out])
        self.batches = Batches(
            train.images[kept],
            train.labels[kept],
            recipe.batch,
            recipe.shift,
            recipe.flip,
            self.generator,
        )
        self.optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
        self.history: list[dict[str, float]] = []

    def step(self, x: Tensor, labels: Tensor) -> tuple[float, int]:
        """One update; returns the loss and the number of right answers."""
        self.model.train()
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bf16):
            logits = self.model(x)
        loss = loss_of(self.recipe.loss, logits.float(), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.model.clip_latent()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ModelError(
                f"epoch {len(self.history)}: the loss is {value}; it must be finite;"
                " lower --lr and resume from the last saved epoch."
            )
        return value, int((logits.argmax(1) == labels).sum())

    def epoch(self, tick: Any = None) -> dict[str, float]:
        """Train once around the data; returns the row added to the history."""
        start = time.perf_counter()
        total, right, number = 0.0, 0, len(self.history)
        for index, (x, labels) in enumerate(self.batches.epoch()):
            rate = learning_rate(self.recipe, number + index / len(self.batches))
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            loss, hits = self.step(x, labels)
            total, right = total + loss, right + hits
            if tick is not None:
                tick(index + 1, total / (index + 1))
        images = len(self.batches) * self.recipe.batch
        row = {
            "epoch": number + 1,
            "loss": total / len(self.batches),
            "train": right / images,
            "holdout": accuracy(self.model, self.holdout) if self.recipe.holdout else 0.0,
            "seconds": time.perf_counter() - start,
        }
        self.history.append(row)
        return row

    @torch.no_grad()
    def recalibrate(self) -> None:
        """Set the batch-norm statistics to plain averages of the final weights, in float32."""
        norms = [m.norm for m in self.model.modules() if isinstance(m, BatchNormSign)]
        norms.append(self.model.norm.norm)
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        self.model.train()
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.eval()
        for index, (x, _) in enumerate(self.batches.epoch()):
            if index * self.recipe.batch >= self.recipe.recalibrate:
                break
            self.model(x.contiguous(memory_format=torch.channels_last))
        for norm in norms:
            norm.momentum = 0.1
        self.model.eval()

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to continue as if never interrupted."""
        return {
            "recipe": dataclasses.asdict(self.recipe),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch_rng": torch.get_rng_state(),
            "history": self.history,
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


def save_atomically(value: Any, path: Path) -> None:
    """Write with torch.save beside `path`, then rename, so that a kill leaves the old file."""
    part = path.with_name(path.name + ".part")
    torch.save(value, part)
    os.replace(part, path)  # noqa: PTH105


def read_state(path: Path) -> dict[str, Any]:
    """Read what `save_atomically` wrote for a `Trainer`."""
    try:
        state = torch.load(path, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ModelError(
            f"{path}: not a training state ({error}); --resume needs the state.pt of an earlier"
            " run; give the right --out or start without --resume."
        ) from error
    if not isinstance(state, dict) or "optimizer" not in state:
        raise ModelError(f"{path}: no optimiser state inside; --resume needs an earlier state.pt.")
    return state


def plot(history: list[dict[str, float]], title: str, path: Path) -> None:
    """Draw loss and accuracy per epoch as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    epochs = [row["epoch"] for row in history]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    left.plot(epochs, [row["loss"] for row in history])
    left.set(xlabel="epoch", ylabel="training loss", title=title)
    right.plot(epochs, [100 * row["train"] for row in history], label="training, augmented")
    right.plot(epochs, [100 * row["holdout"] for row in history], label="held out")
    right.set(xlabel="epoch", ylabel="accuracy, %")
    right.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def run(trainer: Trainer, out: Path, name: str, stop_after: int | None) -> None:
    """Train to the recipe's end, or for `stop_after` more epochs, saving after each."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console()
    limit = trainer.recipe.epochs
    if stop_after is not None:
        limit = min(limit, len(trainer.history) + stop_after)
    while len(trainer.history) < limit:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        with bar if console.is_terminal else contextlib.nullcontext():
            number = len(trainer.history) + 1
            task = bar.add_task(
                f"{name} epoch {number}/{trainer.recipe.epochs}",
                total=len(trainer.batches),
                loss=0.0,
            )
            row = trainer.epoch(lambda i, loss: bar.update(task, completed=i, loss=loss))  # noqa: B023
        save_atomically(trainer.state(), out / "state.pt")
        console.print(
            f"{name} epoch {number}/{trainer.recipe.epochs}: loss {row['loss']:.4f},"
            f" training {100 * row['train']:.2f} %, held out {100 * row['holdout']:.2f} %,"
            f" {row['seconds']:.1f} s",
            highlight=False,
        )
        plot(trainer.history, name, out / "curves.png")
    if len(trainer.history) >= trainer.recipe.epochs:
        trainer.recalibrate()
        final = {"recipe": dataclasses.asdict(trainer.recipe), "model": trainer.model.state_dict()}
        save_atomically(final, out / "final.pt")
        (out / "history.json").write_text(json.dumps(trainer.history, indent=1) + "\n")
        console.print(f"{name}: written {out / 'final.pt'}", highlight=False)


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line; every recipe field is an option."""
    parser = argparse.ArgumentParser(prog="python -m brevitas_models.train", description=__doc__)
    parser.add_argument("--model", required=True, help="tfc_w1a1, sfc_w1a1, lfc_w1a1 or cnv_w1a1")
    parser.add_argument("--data", required=True, type=Path, help="folder of the data set")
    parser.add_argument("--out", required=True, type=Path, help="folder for state and results")
    parser.add_argument("--resume", action="store_true", help="continue from OUT/state.pt")
    parser.add_argument("--stop-after", type=int, help="stop after so many epochs; resume later")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    for field in dataclasses.fields(Recipe):
        option = "--" + field.name.replace("_", "-")
        if field.type == "bool" or field.type is bool:
            parser.add_argument(option, action=argparse.BooleanOptionalAction)
        else:
            kind = str if field.name == "loss" else int
            kind = float if field.name in ("lr", "init", "dropout") else kind
            parser.add_argument(option, type=kind)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Command line; returns the exit code."""
    from brevitas_models import zoo

    options = parse(argv)
    try:
        entry = zoo.entry(options.model)
        names = {field.name for field in dataclasses.fields(Recipe)}
        given = {k: v for k, v in vars(options).items() if k in names and v is not None}
        recipe = dataclasses.replace(entry.recipe, **given)
        torch.set_num_threads(options.threads)
        trainer = Trainer(entry.build(), recipe, data.load(entry.dataset, options.data, train=True))
        options.out.mkdir(parents=True, exist_ok=True)
        if options.resume:
            trainer.restore(read_state(options.out / "state.pt"))
        run(trainer, options.out, options.model, options.stop_after)
    except ModelError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"error: {error.filename}: {error.strerror}; --out must be writable.\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped; continue from {options.out / 'state.pt'} with --resume\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
