# SPDX-License-Identifier: Apache-2.0
"""Weights as a file that a driver writes into a network built with --runtime-weights.

`weights.npz` holds `facts`, a JSON text, and for each memory an array `m<number>`, (words, parts)
uint32: the 32-bit parts of its words, least significant first, as LOAD_DATA takes them.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from flows.emit.memory import read_image

SCHEMA = "xnorflow-weights/1"
FILE = "weights.npz"


def runtime_record(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """What weights must fit: layers with parameters, memories with sizes; None: none can be loaded.

    Args:
        manifest: content of the RTL folder's `manifest.json`.
    """
    if not manifest["loaded"]:
        return None
    return {"layers": manifest["layers"], "memories": manifest["loaded"]}


def parts(words: np.ndarray) -> np.ndarray:
    """Words of a memory as 32-bit parts.

    Args:
        words: (depth, width) uint8 in {0, 1}; column 0 is bit 0.

    Returns:
        (depth, ceil(width / 32)) uint32, least significant part first.
    """
    depth, width = words.shape
    padded = np.zeros((depth, -(-width // 32) * 32), np.uint8)
    padded[:, :width] = words
    return np.packbits(padded, axis=1, bitorder="little").view("<u4")


def write_weights(path: Path, overlay: dict[str, Any], rtl: Path) -> None:
    """Writes a network's memories, with the golden vectors that test them once they are loaded.

    Args:
        path: file to write.
        overlay: content of `overlay.json`; its `runtime` must not be None.
        rtl: folder that the names of memories are relative to.
    """
    facts = {
        "schema": SCHEMA,
        "model": overlay["model"],
        "model_hash": overlay["model_hash"],
        "pixel_table": overlay["input"]["pixel_table"],
        "golden": overlay["golden"],
        **overlay["runtime"],
    }
    arrays: dict[str, Any] = {
        f"m{memory['number']}": parts(read_image(rtl / name, memory["depth"], memory["width"]))
        for name, memory in overlay["runtime"]["memories"].items()
    }
    np.savez_compressed(path, facts=np.array(json.dumps(facts)), **arrays)
