# SPDX-License-Identifier: Apache-2.0
"""Measure a finished training run as deployed and ship it: packed checkpoint, card, curves.

`python -m brevitas_models.publish --model NAME --run OUT --data DIR --dataset "CIFAR-10"`

`--twin` names the run of the same recipe with --no-quantised: what quantising costs stands beside.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from brevitas_models import checkpoint, data, zoo
from brevitas_models.errors import ModelError
from brevitas_models.export import exact_arithmetic
from brevitas_models.freeze import freeze
from brevitas_models.graph import GraphNetwork, freeze_graph
from brevitas_models.train import accuracy, load_images
from brevitas_models.trainer import Images


def fixture_hits(model: torch.nn.Module, dataset: str) -> int:
    """How many of the 256 images of the fixture `model` labels right."""
    split = data.fixture(dataset)
    return round(accuracy(model, split) * len(split.labels))


def size(images: Images) -> int:
    """How many images there are."""
    return len(images.labels) if isinstance(images, data.Split) else len(images)


def _load(name: str, run: Path) -> tuple[Any, dict[str, Any]]:
    """The network at the end of a run, and its recipe."""
    model = zoo.entry(name).build()
    checkpoint.load(model, run / "final.pt")
    return model, torch.load(run / "final.pt", weights_only=True)["recipe"]


def _deployed(model: Any) -> torch.nn.Module:
    return freeze_graph(model)[1] if isinstance(model, GraphNetwork) else freeze(model)[0]


def twin_accuracy(name: str, run: Path, test: Images) -> float:
    """What the float twin of a network reaches, in float.

    Raises:
        ModelError: the run trained integers.
    """
    model, recipe = _load(name, run)
    if recipe.get("quantised", True):
        raise ModelError(
            f"{run}: trained with quantised streams; a twin is trained with --no-quantised."
        )
    model.quantise(False)
    return accuracy(model, test)


def make_card(
    name: str, run: Path, dataset: str, test: Images, twin: Path | None = None
) -> tuple[Any, dict[str, Any]]:
    """Load the run's last epoch, measure its frozen form on `test`; returns model and card."""
    entry = zoo.entry(name)
    model, recipe = _load(name, run)
    history = json.loads((run / "history.json").read_text())
    with exact_arithmetic():
        deploy = _deployed(model)
        measured = {"top1": round(accuracy(deploy, test), 6)}
        if twin is not None:
            measured["float_twin_top1"] = round(twin_accuracy(name, twin, test), 6)
        if entry.dataset in data.DATASETS:
            hits = fixture_hits(deploy, entry.dataset)
            measured |= {"fixture_images": 256, "fixture_hits": hits}
    return model, {
        "model": name,
        "accuracy": {"dataset": dataset, "images": size(test)} | measured,
        "training": {
            "selection": "last epoch",
            "optimizer": "Adam, linear warm-up, cosine to zero, latent weights clipped to [-1, 1]",
            "seconds": round(sum(row["seconds"] for row in history)),
            "final_loss": round(history[-1]["loss"], 5),
            "holdout_top1": history[-1]["holdout"],
        }
        | {key: value for key, value in recipe.items() if value is not None},
    }


def main(argv: list[str]) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m brevitas_models.publish", description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--run", required=True, type=Path, help="folder of the training run")
    parser.add_argument("--data", required=True, type=Path, help="folder of the data set")
    parser.add_argument("--dataset", required=True, help="what the card calls the data set")
    parser.add_argument("--twin", type=Path, help="folder of the run with --no-quantised")
    parser.add_argument("--note", help="anything about the run that its recipe does not say")
    options = parser.parse_args(argv)
    try:
        entry = zoo.entry(options.model)
        test = load_images(entry, options.data, train=False)
        model, card = make_card(entry.name, options.run, options.dataset, test, options.twin)
        card["training"]["images"] = size(load_images(entry, options.data, train=True))
        card["training"]["images"] -= card["training"]["holdout"]
        if options.note:
            card["training"]["note"] = options.note
        checkpoint.save(model, entry.checkpoint, card)
        shutil.copyfile(options.run / "curves.png", entry.checkpoint.with_suffix(".png"))
        sys.stdout.write(f"{entry.name}: {100 * card['accuracy']['top1']:.2f} % of {size(test)}\n")
    except (ModelError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
