# SPDX-License-Identifier: Apache-2.0
"""Weights as a file that a driver writes into a network built with --runtime-weights.

`weights.npz`, for Python, holds `facts`, a JSON text, and for each memory an array `m<number>`,
(words, parts) uint32: the 32-bit parts of its words, least significant first, as LOAD_DATA takes
them. `c/weights.bin` holds the same for C; its layout stands in `xnorflow.c`.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from flows.emit.memory import read_image

SCHEMA = "xnorflow-weights/1"
FILE, C_FILE = "weights.npz", "c/weights.bin"
_C_MAGIC, _C_VERSION, _C_HEADER = b"XNRW", 1, 14  # words


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
    arrays: dict[str, Any] = {f"m{number}": words for number, words in _memories(overlay, rtl)}
    np.savez_compressed(path, facts=np.array(json.dumps(facts)), **arrays)


def _memories(overlay: dict[str, Any], rtl: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Number of each memory with its (words, parts) uint32."""
    for name, memory in overlay["runtime"]["memories"].items():
        yield memory["number"], parts(read_image(rtl / name, memory["depth"], memory["width"]))


def fit_mark(runtime: dict[str, Any] | None) -> bytes:
    """16 bytes that stand for layers and memories; all zero where no weights can be loaded.

    Args:
        runtime: of `runtime_record`.
    """
    if runtime is None:
        return bytes(16)
    return hashlib.sha256(json.dumps(runtime, sort_keys=True).encode()).digest()[:16]


def write_c_weights(path: Path, overlay: dict[str, Any], rtl: Path) -> None:
    """Writes `weights.bin`; arguments as of `write_weights`."""
    golden, table = overlay["golden"], overlay["input"]["pixel_table"]
    logits = np.array(golden["logits"], "<i4")
    pixels = np.frombuffer(zlib.decompress(base64.b64decode(golden["images"])), np.uint8)
    pixels = pixels.reshape(len(logits), -1)
    images = np.zeros((len(pixels), -(-pixels.shape[1] // 4) * 4), np.uint8)
    images[:, : pixels.shape[1]] = pixels
    body = b"" if table is None else np.array(table, np.uint8).tobytes()
    body += images.tobytes() + logits.tobytes()
    for number, words in _memories(overlay, rtl):
        body += np.array([number, *words.shape], "<u4").tobytes() + words.tobytes()
    size = 4 * _C_HEADER + len(body) + 4
    counts = (len(images), int(table is not None), len(overlay["runtime"]["memories"]), size)
    marks = bytes.fromhex(overlay["model_hash"]) + fit_mark(overlay["runtime"])
    head = _C_MAGIC + np.array([_C_VERSION, *np.frombuffer(marks, ">u4"), *counts], "<u4").tobytes()
    path.write_bytes(head + body + np.uint32(zlib.crc32(head + body)).tobytes())
