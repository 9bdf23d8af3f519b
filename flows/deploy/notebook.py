# SPDX-License-Identifier: Apache-2.0
"""The notebook of a deploy folder, as notebook format 4."""

import json
from textwrap import dedent
from typing import Any

_CELLS = (
    (
        "markdown",
        """
        # {model} on {board}

        Loads the network, compares it with PyTorch, and measures it. `PLATFORM` is "auto" on a
        board; "virtual" runs the Verilated shell instead.
        """,
    ),
    (
        "code",
        """
        import sys
        from pathlib import Path

        import numpy as np

        try:
            from {package} import FOLDER, Accelerator
        except ImportError:  # not installed: the notebook lies in the deploy folder
            FOLDER = Path("..").resolve()
            sys.path.insert(0, str(FOLDER))
            from xnorflow_driver import Accelerator

        PLATFORM, IMAGES = "auto", 100
        """,
    ),
    (
        "code",
        """
        network = Accelerator(FOLDER, platform=PLATFORM)
        print(f"{{network.facts['model']}} runs at {{network.clock_mhz:.2f}} MHz")
        """,
    ),
    ("markdown", "Every logit of every image equals PyTorch's:"),
    (
        "code",
        """
        with np.load(str(FOLDER / "validation.npz")) as vectors:
            images, labels, logits = (vectors[n][:IMAGES] for n in ("images", "labels", "logits"))
        found = network.execute(images)
        mismatches = int(np.count_nonzero(found != logits))
        print(f"{{len(images)}} images, {{logits.size}} logits: {{mismatches}} differ")
        """,
    ),
    ("markdown", "Accuracy counts the images that have a label:"),
    (
        "code",
        """
        known = labels >= 0
        hits = np.count_nonzero(np.argmax(found, axis=1)[known] == labels[known])
        print(f"top-1: {{hits}} of {{np.count_nonzero(known)}}")
        """,
    ),
    ("markdown", "Cycles are counted by the shell, times by the processor:"),
    (
        "code",
        """
        figures = network.throughput_test(16)
        for key, value in figures.items():
            print(f"{{key:>34}} {{value:12.3f}}")
        network.close()
        """,
    ),
)


def notebook(model: str, board: str, package: str) -> str:
    """Text of `validate.ipynb`, without outputs."""
    cells: list[dict[str, Any]] = []
    for kind, text in _CELLS:
        source = dedent(text).strip().format(model=model, board=board, package=package)
        cell: dict[str, Any] = {
            "cell_type": kind,
            "metadata": {},
            "source": source.splitlines(keepends=True),
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    return json.dumps(document, indent=1) + "\n"
