# SPDX-License-Identifier: Apache-2.0
"""What hardware is compared with: images, every binary activation, integer logits, truth tables.

Two files in one folder. `reference.npz` (bits packed along the last axis, element 0 in the least
significant bit):

| array | type | meaning |
| --- | --- | --- |
| `images` | (N, H, W, C) uint8 | pixels |
| `labels` | (N,) int64 | -1 where unknown |
| `logits` | (N, classes) int32 | sums of the last layer |
| `act/NAME` | (N, h, w, ceil(c / 8)) uint8 | signs of layer NAME before pooling, packed |
| `table/NAME` | (channels, ceil(values / 8)) uint8 | truth table of layer NAME, packed |

`reference.json`: `schema` (1), `model`, `dataset`, `images`, `input_shape` [H, W, C], `classes`,
`last_layer`, `last_acc_tensor`, `logit_scale`, `logit_bias`, `accuracy` and `layers`, one record
per sign in order: `name`, `kind`, `shape` [h, w, c], `channels`, `values`, `acc_min`, `acc_step`,
`acc_scale`, `pool`, `acc_tensor`, `sign_tensor`, `pool_tensor`. A table's column v is the integer
sum acc_min + v * acc_step; for the layer of kind `input` it is pixel value v.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from flows.errors import UsageError

SCHEMA = 1
ARRAYS = "reference.npz"
RECORD = "reference.json"
INPUT_KIND = "input"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignLayer:
    """One binary activation.

    Attributes:
        name: of the layer; "input" for the sign of the pixels.
        kind: input, conv or fc.
        activation: (N, h, w, c) bool before pooling, True for +1; dense layers have h = w = 1.
        table: (channels, V) bool, the activation for each sum.
        acc_min, acc_step: column v of the table is the sum acc_min + v * acc_step. For the input
            it is the pixel value.
        pool: kernel of the max pooling behind, 1 for none.
        acc_scale: value of sum 1 in the graph's tensor.
        acc_tensor, sign_tensor, pool_tensor: names in the graph, empty where there is none.
    """

    name: str
    kind: str
    activation: np.ndarray
    table: np.ndarray
    acc_min: int
    acc_step: int
    pool: int = 1
    acc_scale: float = 1.0
    acc_tensor: str = ""
    sign_tensor: str = ""
    pool_tensor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Vectors of one network.

    Attributes:
        model, dataset: names.
        images: (N, H, W, C) uint8.
        labels: (N,) int64, -1 where unknown.
        logits: (N, classes) int32, sums of the last layer.
        signs: every binary activation, in order.
        last_layer: name of the layer that gives the logits.
        logit_scale, logit_bias: output of the model = logits * scale + bias.
        accuracy: as the checkpoint's card has it, None where unknown.
        notes: how the vectors were made, where that is not obvious.
    """

    model: str
    dataset: str
    images: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    signs: tuple[SignLayer, ...]
    last_layer: str
    logit_scale: float = 1.0
    logit_bias: float = 0.0
    accuracy: Mapping[str, Any] | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse vectors that do not fit together.

        Raises:
            UsageError: names the array, its shape and the shape that is expected.
        """
        count = len(self.images)
        _expect(self.images.ndim == 4 and self.images.dtype == np.uint8, "images", self.images)
        _expect(self.labels.shape == (count,), "labels", self.labels)
        _expect(self.logits.ndim == 2 and len(self.logits) == count, "logits", self.logits)
        for sign in self.signs:
            channels = sign.activation.shape[-1]
            shapes = sign.activation.ndim == 4 and len(sign.activation) == count
            _expect(shapes, f"act/{sign.name}", sign.activation)
            rows = len(sign.table)
            fits = sign.table.ndim == 2 and rows > 0 and channels % rows == 0
            _expect(fits, f"table/{sign.name}", sign.table)

    def head(self, count: int) -> "Reference":
        """The first images only."""
        signs = tuple(replace(sign, activation=sign.activation[:count]) for sign in self.signs)
        return replace(
            self,
            images=self.images[:count],
            labels=self.labels[:count],
            logits=self.logits[:count],
            signs=signs,
        )

    def sign(self, name: str) -> SignLayer:
        """The activation of one layer.

        Raises:
            KeyError: there is none of that name.
        """
        return {sign.name: sign for sign in self.signs}[name]


def load(folder: Path) -> Reference:
    """Read `reference.npz` and `reference.json`.

    Raises:
        UsageError: a file is missing, truncated, of another schema, or the two do not fit.
    """
    record = _read_record(folder / RECORD)
    path = folder / ARRAYS
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _assemble(record, {name: arrays[name] for name in arrays.files})
    except FileNotFoundError as error:
        raise UsageError(
            f"{path}: no such file; export the model again, which writes it beside {RECORD}."
        ) from error
    except KeyError as error:
        raise UsageError(
            f"{folder}: {error.args[0]} is missing; {ARRAYS} and {RECORD} of one export are"
            " expected; export the model again."
        ) from error
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, TypeError) as error:
        raise UsageError(
            f"{path}: cannot be read ({error}); the arrays of {RECORD} are expected; the file is"
            " truncated or of another export, export the model again."
        ) from error


def save(reference: Reference, folder: Path) -> None:
    """Write `reference.npz` and `reference.json` into an existing folder."""
    arrays = {"images": reference.images, "labels": reference.labels, "logits": reference.logits}
    for sign in reference.signs:
        arrays[f"act/{sign.name}"] = _pack(sign.activation)
        arrays[f"table/{sign.name}"] = _pack(sign.table)
    record = {
        "schema": SCHEMA,
        "model": reference.model,
        "dataset": reference.dataset,
        "images": len(reference.images),
        "input_shape": list(reference.images.shape[1:]),
        "classes": reference.logits.shape[1],
        "last_layer": reference.last_layer,
        "last_acc_tensor": "",
        "logit_scale": reference.logit_scale,
        "logit_bias": reference.logit_bias,
        "layers": [_sign_record(sign) for sign in reference.signs],
        "accuracy": reference.accuracy,
        "notes": dict(reference.notes),
    }
    np.savez(folder / ARRAYS, allow_pickle=False, **arrays)
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n")


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise UsageError(
            f"{path}: no such file; export the model again, which writes it beside {ARRAYS}."
        ) from error
    except (ValueError, OSError) as error:
        raise UsageError(
            f"{path}: cannot be read ({error}); JSON is expected; export the model again."
        ) from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema != SCHEMA:
        raise UsageError(
            f"{path}: schema {schema!r} found; {SCHEMA} is allowed; export the model again."
        )
    return dict(record)


def _assemble(record: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Reference:
    if len(arrays["images"]) != record["images"]:
        raise UsageError(
            f"{ARRAYS}: {len(arrays['images'])} images found where {RECORD} says"
            f" {record['images']}; export the model again."
        )
    return Reference(
        model=record["model"],
        dataset=record["dataset"],
        images=arrays["images"],
        labels=arrays["labels"],
        logits=arrays["logits"],
        signs=tuple(_sign(row, arrays) for row in record["layers"]),
        last_layer=record["last_layer"],
        logit_scale=record["logit_scale"],
        logit_bias=record["logit_bias"],
        accuracy=record["accuracy"],
        notes=record.get("notes") or {},
    )


def _sign(row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SignLayer:
    name = row["name"]
    height, width, channels = row["shape"]
    count = len(arrays["images"])
    activation = _unpack(arrays, f"act/{name}", (count, height, width, channels))
    table = _unpack(arrays, f"table/{name}", (row["channels"], row["values"]))
    return SignLayer(
        name=name,
        kind=row["kind"],
        activation=activation,
        table=table,
        # Exporters count the input's columns from their own zero; here it is the pixel value.
        acc_min=0 if row["kind"] == INPUT_KIND else row["acc_min"],
        acc_step=row["acc_step"],
        pool=row["pool"],
        acc_scale=row["acc_scale"],
        acc_tensor=row["acc_tensor"] or "",
        sign_tensor=row["sign_tensor"] or "",
        pool_tensor=row["pool_tensor"] or "",
    )


def _sign_record(sign: SignLayer) -> dict[str, Any]:
    return {
        "name": sign.name,
        "kind": sign.kind,
        "shape": list(sign.activation.shape[1:]),
        "channels": sign.table.shape[0],
        "values": sign.table.shape[1],
        "acc_min": sign.acc_min,
        "acc_step": sign.acc_step,
        "acc_scale": sign.acc_scale,
        "pool": sign.pool,
        "acc_tensor": sign.acc_tensor,
        "sign_tensor": sign.sign_tensor,
        "pool_tensor": sign.pool_tensor or None,
    }


def _pack(bits: np.ndarray) -> np.ndarray:
    return np.packbits(bits, axis=-1, bitorder="little")


def _unpack(arrays: Mapping[str, np.ndarray], name: str, shape: Sequence[int]) -> np.ndarray:
    packed = arrays[name]
    expected = (*shape[:-1], -(-shape[-1] // 8))
    if packed.shape != expected or packed.dtype != np.uint8:
        raise UsageError(
            f"{ARRAYS}: {name} is {packed.dtype} of shape {packed.shape}, uint8 {expected} is"
            f" expected from {RECORD}; the two files are of different exports, export again."
        )
    bits = np.unpackbits(packed, axis=-1, count=shape[-1], bitorder="little")
    return bits.astype(np.bool_)


def _expect(fits: bool, name: str, array: np.ndarray) -> None:
    if not fits:
        raise UsageError(
            f"reference: {name} is {array.dtype} of shape {array.shape}, which does not fit the"
            " other arrays; export the model again."
        )
