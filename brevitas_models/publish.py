# SPDX-License-Identifier: Apache-2.0
"""Measure a finished training run as deployed and ship it: packed checkpoint, card, curves.

`python -m brevitas_models.publish --model NAME --run OUT --data DIR --dataset "CIFAR-10"`
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
from brevitas_models.train import accuracy


def fixture_hits(model: torch.nn.Module, dataset: str) -> int:
    """How many of the 256 images of the fixture `model` labels right."""
    split = data.fixture(dataset)
    return round(accuracy(model, split) * len(split.labels))


def make_card(name: str, run: Path, dataset: str, test: data.Split) -> tuple[Any, dict[str, Any]]:
    """Load the run's last epoch, measure its frozen form on `test`; returns model and card."""
    entry = zoo.entry(name)
    model = entry.build()
    checkpoint.load(model, run / "final.pt")
    recipe = torch.load(run / "final.pt", weights_only=True)["recipe"]
    history = json.loads((run / "history.json").read_text())
    with exact_arithmetic():
        deploy, _ = freeze(model)
        top1 = accuracy(deploy, test)
        hits = fixture_hits(deploy, entry.dataset)
    return model, {
        "model": name,
        "accuracy": {
            "dataset": dataset,
            "images": len(test.labels),
            "top1": round(top1, 6),
            "fixture_images": 256,
            "fixture_hits": hits,
        },
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
    parser.add_argument("--note", help="anything about the run that its recipe does not say")
    options = parser.parse_args(argv)
    try:
        entry = zoo.entry(options.model)
        test = data.load(entry.dataset, options.data, train=False)
        model, card = make_card(entry.name, options.run, options.dataset, test)
        card["training"]["images"] = len(data.load(entry.dataset, options.data, True).labels)
        card["training"]["images"] -= card["training"]["holdout"]
        if options.note:
            card["training"]["note"] = options.note
        checkpoint.save(model, entry.checkpoint, card)
        shutil.copyfile(options.run / "curves.png", entry.checkpoint.with_suffix(".png"))
        sys.stdout.write(
            f"{entry.name}: {100 * card['accuracy']['top1']:.2f} % of {len(test.labels)}\n"
        )
    except (ModelError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
