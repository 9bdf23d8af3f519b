# SPDX-License-Identifier: Apache-2.0
"""What a network with forks and joins is compared with: images, every stream, logits, tables.

The two files are written and described by `brevitas_models/graph_export.py`: `reference.npz` and
`reference.json` of schema 2, kind "graph".
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from flows.errors import UsageError
from flows.reference import Reference

SCHEMA = 2
KIND = "graph"
ARRAYS = "reference.npz"
RECORD = "reference.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """What a trained sign or requant gave for integers that can reach some of its channels.

    Attributes:
        channels: they are neighbours; probes of a stream follow each other.
        inputs: (V,) int64.
        outputs: (channels, V) bool for a sign, int64 codes for a requant.
        complete: whether `inputs` has all integers that can reach it.
    """

    channels: int
    inputs: np.ndarray
    outputs: np.ndarray
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamReference:
    """One stream of the trained network.

    Attributes:
        name: of the stream.
        kind: sign, requant, add, maxpool, sumpool.
        values: (N, h, w, c) bool for bits, else int64 codes.
        tensor: its name in the graph.
        step_exponent: real value = code * 2^step_exponent.
        probes: of a sign or a requant, else empty.
    """

    name: str
    kind: str
    values: np.ndarray
    tensor: str
    step_exponent: int
    probes: tuple[Probe, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GraphReference:
    """Vectors of one network with forks and joins.

    Attributes:
        model, dataset: names.
        images: (N, H, W, C) uint8.
        labels: (N,) int64, -1 where unknown.
        logits: (N, classes) int64, sums of the head with its bias.
        streams: in the order of computation.
        logit_scale, logit_bias: output of the model = logits * scale + bias.
        accuracy: as the checkpoint's card has it, None where unknown.
    """

    model: str
    dataset: str
    images: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    streams: tuple[StreamReference, ...]
    logit_scale: float
    logit_bias: float
    accuracy: Mapping[str, Any] | None

    def vectors(self) -> Reference:
        """Images and logits in the form that chains have."""
        return Reference(
            model=self.model,
            dataset=self.dataset,
            images=self.images,
            labels=self.labels,
            logits=self.logits.astype(np.int32),
            signs=(),
            last_layer=self.streams[-1].name if self.streams else "",
            logit_scale=self.logit_scale,
            logit_bias=self.logit_bias,
            accuracy=self.accuracy,
        )

    def head(self, count: int) -> "GraphReference":
        """The first images only."""
        streams = tuple(replace(s, values=s.values[:count]) for s in self.streams)
        return replace(
            self,
            images=self.images[:count],
            labels=self.labels[:count],
            logits=self.logits[:count],
            streams=streams,
        )

    def names(self) -> dict[str, str]:
        """Tensor of the graph to the name of its stream."""
        return {stream.tensor: stream.name for stream in self.streams}


def is_graph(folder: Path) -> bool:
    """Whether the reference vectors in a folder are of this kind."""
    try:
        return bool(json.loads((folder / RECORD).read_text())["kind"] == KIND)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def load_graph_reference(folder: Path) -> GraphReference:
    """Read `reference.npz` and `reference.json`.

    Raises:
        UsageError: a file is missing, truncated, of another schema, or the two do not fit.
    """
    path = folder / ARRAYS
    try:
        record = json.loads((folder / RECORD).read_text())
        if (record["schema"], record["kind"]) != (SCHEMA, KIND):
            raise UsageError(
                f"{folder / RECORD}: schema {record['schema']!r} of kind {record['kind']!r} found;"
                f" {SCHEMA} of kind {KIND!r} is allowed; export the model again."
            )
        with np.load(path, allow_pickle=False) as arrays:
            return _assemble(record, {name: arrays[name] for name in arrays.files})
    except (KeyError, ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"{folder}: {ARRAYS} and {RECORD} of one export are expected"
            f" ({type(error).__name__}: {error}); export the model again."
        ) from error


def _assemble(record: dict[str, Any], arrays: dict[str, np.ndarray]) -> GraphReference:
    return GraphReference(
        model=record["model"],
        dataset=record["dataset"],
        images=arrays["images"],
        labels=arrays["labels"],
        logits=arrays["logits"],
        streams=tuple(_stream(row, arrays) for row in record["streams"]),
        logit_scale=record["logit_scale"],
        logit_bias=record["logit_bias"],
        accuracy=record["accuracy"],
    )


def _stream(row: dict[str, Any], arrays: dict[str, np.ndarray]) -> StreamReference:
    name, shape = row["name"], tuple(row["shape"])
    if f"act/{name}" in arrays:
        values = _bits(arrays[f"act/{name}"], shape[-1])
    else:
        values = arrays[f"stream/{name}"].astype(np.int64)
    if values.shape != (len(arrays["images"]), *shape):
        raise ValueError(f"{name} has the shape {values.shape}, expected {shape} per image")
    return StreamReference(
        name=name,
        kind=row["kind"],
        values=values,
        tensor=row["tensor"],
        step_exponent=row["step_exponent"],
        probes=tuple(
            _probe(name, index, source, arrays)
            for index, source in enumerate(row.get("sources", ()))
        ),
    )


def _probe(name: str, index: int, source: dict[str, Any], arrays: dict[str, np.ndarray]) -> Probe:
    inputs = arrays[f"inputs/{name}.{index}"].astype(np.int64)
    table = arrays.get(f"table/{name}.{index}")
    if table is not None:
        outputs = _bits(table, len(inputs))
    else:
        outputs = arrays[f"values/{name}.{index}"].astype(np.int64)
    return Probe(
        channels=source["channels"],
        inputs=inputs,
        outputs=outputs,
        complete=source["complete"],
    )


def _bits(packed: np.ndarray, count: int) -> np.ndarray:
    return np.unpackbits(packed, axis=-1, count=count, bitorder="little").astype(np.bool_)
