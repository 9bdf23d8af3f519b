# SPDX-License-Identifier: Apache-2.0
"""Train a network: `python -m brevitas_models.train --model cnv_w1a1 --data DIR --out DIR`.

A run is fixed by its recipe and seed. It saves its whole state after each epoch, and with
--minutes also in the middle of one, so that it can be stopped at any time and continued with
--resume; a resumed run ends where an uninterrupted one would. An accelerator is used where there is
one. Many processes, on any number of machines: `torchrun ... -m brevitas_models.train ...`; the
batch is divided among them.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from brevitas_models import data
from brevitas_models.errors import ModelError
from brevitas_models.imagefolder import read_folder
from brevitas_models.processes import joined, pick_device
from brevitas_models.recipe import Recipe, learning_rate
from brevitas_models.trainer import Images, Trainer, accuracy

__all__ = ["Recipe", "Trainer", "accuracy", "learning_rate", "main", "read_state"]


def save_atomically(value: Any, path: Path) -> None:
    """Write with torch.save beside `path`, then rename, so that a kill leaves the old file."""
    part = path.with_name(path.name + ".part")
    torch.save(value, part)
    os.replace(part, path)  # noqa: PTH105


def read_state(path: Path) -> dict[str, Any]:
    """Read what `save_atomically` wrote for a `Trainer`."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
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


def _advance(trainer: Trainer, name: str, late: Callable[[], bool] | None) -> bool:
    """Train for an epoch, with a bar on a terminal; whether it was finished."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(quiet=not trainer.process.first)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    number = len(trainer.history) + 1
    title = f"{name} epoch {number}/{trainer.recipe.epochs}"
    if not console.is_terminal or not trainer.process.first:
        row = trainer.epoch(late=late)
    else:
        with bar:
            task = bar.add_task(title, total=len(trainer.batches), loss=0.0)
            row = trainer.epoch(lambda i, loss: bar.update(task, completed=i, loss=loss), late)
    if row is None:
        console.print(f"{title}: stopped within it; continue with --resume", highlight=False)
        return False
    console.print(
        f"{title}: loss {row['loss']:.4f}, training {100 * row['train']:.2f} %,"
        f" held out {100 * row['holdout']:.2f} %, {row['seconds']:.1f} s",
        highlight=False,
    )
    return True


def run(
    trainer: Trainer,
    out: Path,
    name: str,
    stop_after: int | None,
    minutes: float | None = None,
) -> None:
    """Train to the recipe's end, for `stop_after` more epochs or for `minutes`, saving as it goes.

    The first process writes; with `minutes`, the state is saved within an epoch.
    """
    began = time.monotonic()
    late = None if minutes is None else lambda: time.monotonic() - began > 60 * minutes
    limit = trainer.recipe.epochs
    if stop_after is not None:
        limit = min(limit, len(trainer.history) + stop_after)
    while len(trainer.history) < limit:
        finished = _advance(trainer, name, late)
        if trainer.process.first:
            save_atomically(trainer.state(), out / "state.pt")
            if finished:
                plot(trainer.history, name, out / "curves.png")
        if not finished or (late is not None and trainer.process.agree(late())):
            break
    if len(trainer.history) >= trainer.recipe.epochs:
        trainer.recalibrate()
        if trainer.process.first:
            _write_final(trainer, out)
            sys.stdout.write(f"{name}: written {out / 'final.pt'}\n")


def _write_final(trainer: Trainer, out: Path) -> None:
    weights = {key: value.cpu() for key, value in trainer.model.state_dict().items()}
    final = {"recipe": dataclasses.asdict(trainer.recipe), "model": weights}
    save_atomically(final, out / "final.pt")
    (out / "history.json").write_text(json.dumps(trainer.history, indent=1) + "\n")


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line; every recipe field is an option."""
    parser = argparse.ArgumentParser(prog="python -m brevitas_models.train", description=__doc__)
    parser.add_argument("--model", required=True, help="a name of the zoo, cnv_w1a1 for instance")
    parser.add_argument("--data", required=True, type=Path, help="folder of the data set")
    parser.add_argument("--out", required=True, type=Path, help="folder for state and results")
    parser.add_argument("--resume", action="store_true", help="continue from OUT/state.pt")
    parser.add_argument("--stop-after", type=int, help="stop after so many epochs; resume later")
    parser.add_argument("--minutes", type=float, help="stop after so long; resume later")
    parser.add_argument(
        "--device", help="cpu, cuda, cuda:1 ...; else an accelerator if there is one"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--workers", type=int, default=8, help="processes that decode images")
    for field in dataclasses.fields(Recipe):
        option = "--" + field.name.replace("_", "-")
        if field.type == "bool" or field.type is bool:
            parser.add_argument(option, action=argparse.BooleanOptionalAction)
        else:
            kinds = {"str": str, "int": int, str: str, int: int}
            parser.add_argument(option, type=kinds.get(field.type, float))
    return parser.parse_args(argv)


def load_images(entry: Any, data_dir: Path, train: bool) -> Images:
    """One split of a network's data set.

    Raises:
        ModelError: it cannot be read, or a folder has another number of classes.
    """
    if entry.dataset != "imagenet":
        return data.load(entry.dataset, data_dir, train)
    folder = read_folder(data_dir, train, size=entry.input_shape[1])
    classes = 1 + max(label for _, label in folder.files)
    if classes != entry.config.classes:
        raise ModelError(
            f"{data_dir}: {classes} classes; {entry.name} has {entry.config.classes};"
            " name the folder of the data set that the network is for."
        )
    return folder


def _train(options: argparse.Namespace) -> None:
    from brevitas_models import zoo

    entry = zoo.entry(options.model)
    names = {field.name for field in dataclasses.fields(Recipe)}
    given = {k: v for k, v in vars(options).items() if k in names and v is not None}
    recipe = dataclasses.replace(entry.recipe, **given)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    images = load_images(entry, options.data, train=True)
    with joined(pick_device(options.device)) as process:
        trainer = Trainer(entry.build(), recipe, images, process, options.workers)
        if options.resume:
            trainer.restore(read_state(options.out / "state.pt"))
        torch.backends.cudnn.benchmark = True
        run(trainer, options.out, options.model, options.stop_after, options.minutes)


def main(argv: list[str]) -> int:
    """Command line; returns the exit code."""
    options = parse(argv)
    try:
        _train(options)
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
