# SPDX-License-Identifier: Apache-2.0
"""Write a network with forks and joins: QONNX and reference vectors, kind "graph".

`model.onnx` is the frozen network, batch 1, input `pixels`, output `logits`. `reference.npz` holds
integers; the last axis of packed bits is packed, element 0 in the least significant bit:

| array | type | meaning |
| --- | --- | --- |
| `images` | (N, H, W, C) uint8 | pixels |
| `labels` | (N,) int64 | -1 where unknown |
| `logits` | (N, classes) int64 | integer sums of the head, bias included |
| `act/NAME` | (N, h, w, ceil(c / 8)) uint8 | a stream of bits, packed; 1 is +1 |
| `stream/NAME` | (N, h, w, c) int16 or int32 | codes of any other stream |
| `exponents/NAME` | (c,) int16 | integer 1 that reaches NAME is worth 2^this, per channel |
| `threshold/NAME`, `falling/NAME` | (c,) int64, bool | bit or side = (x >= threshold) != falling |
| `mul/NAME`, `add/NAME` | (sides, c) int64 | code = clip(floor((x * mul + add) / 2^shift)) |
| `inputs/NAME.k` | (V,) int32 | integers put through the trained module, source k |
| `table/NAME.k` | (c_k, ceil(V / 8)) uint8 | what a sign gave for each of them, packed |
| `values/NAME.k` | (c_k, V) int16 or int32 | what a requant gave for each of them |

`reference.json`: `schema` 2, `kind` "graph", `model`, `dataset`, `images`, `input_shape` [H, W, C],
`classes`, `logit_tensor`, `logit_exponent` (of the head's sums), `logit_scale` and `logit_bias`
(output = logits * scale + bias), `accuracy`, and `streams`, one record per stream in the order of
computation:

- `name`: module path, other characters than letters and digits replaced by `_`, lower case; the
  path, with `/` for `.`, is also the scope that the names of its nodes begin with.
- `kind`: sign, requant, add, maxpool or sumpool (average and global sum).
- `shape` [h, w, c]; `bits`, `signed`, `step_exponent` (real value = code * 2^step_exponent); a
  stream of bits has bits 1, signed true and exponent 0, its values are -1 and +1.
- `tensor`: what the graph calls it. `reads`: the tensors that it is computed from.
- signs and requants: `sources`, records of neighbouring channels in order, with `channels`, `low`,
  `high`, `spacing` (integers low, low + spacing .. high can reach them; for 1-bit products of K
  terms -K, -K + 2 .. K) and `complete`: whether `inputs` has all of them, or the ends, the
  thresholds' neighbours and a random choice.
- requants: `shift`; `wide`: computed in float64. Side 1 of two slopes holds where the threshold
  says so.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from brevitas_models.artifacts import (
    check_images,
    check_integers,
    exact_arithmetic,
    pack_bits,
    whole_directory,
    write_qonnx,
)
from brevitas_models.errors import ModelError
from brevitas_models.formats import Source
from brevitas_models.graph import GraphNetwork, freeze_graph
from brevitas_models.requant import IntegerRequant
from brevitas_models.signs import FrozenSign
from brevitas_models.streams import StreamModule
from brevitas_models.units import Unit

SCHEMA = 2
_BATCH = 16
_TABLE = 1 << 21  # entries of a table; larger ones are sampled


def stream_name(path: str) -> str:
    """Module path to an identifier."""
    return re.sub(r"[^0-9a-z]", "_", path.lower())


def _stored(codes: np.ndarray, bits: int) -> np.ndarray:
    """int16 where codes of `bits` fit, else int32."""
    return codes.astype(np.int16 if bits < 16 else np.int32)


class _Recorder:
    """Collects every stream of a frozen network as integers, NHWC, in order of computation."""

    def __init__(self, deploy: GraphNetwork) -> None:
        self.modules: dict[str, StreamModule] = {}
        self.parts: dict[str, list[np.ndarray]] = {}
        self._hooks = [
            module.register_forward_hook(
                lambda module, _, out, path=path: self._record(path, module, out)
            )
            for path, module in deploy.named_modules()
            if isinstance(module, StreamModule)
        ]

    def _record(self, path: str, module: StreamModule, out: Tensor) -> None:
        codes = out if module.form is None else out.double() / module.form.step
        check_integers(path, codes)
        codes = codes.permute(0, 2, 3, 1) if codes.dim() == 4 else codes[:, None, None]
        if module.form is None:
            part = pack_bits((codes > 0).numpy())
        else:
            part = _stored(codes.numpy(), module.form.bits)
        self.modules[path] = module
        self.parts.setdefault(path, []).append(part)

    def close(self) -> dict[str, np.ndarray]:
        """All streams by module path; stops recording."""
        for hook in self._hooks:
            hook.remove()
        return {path: np.concatenate(parts) for path, parts in self.parts.items()}


def _run(
    fixed: GraphNetwork, deploy: GraphNetwork, images: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, StreamModule]]:
    """Logits and streams of the frozen network, held against the unfrozen one."""
    recorder, logits = _Recorder(deploy), []
    for start in range(0, len(images), _BATCH):
        x = torch.from_numpy(images[start : start + _BATCH]).permute(0, 3, 1, 2)
        x = x.float().contiguous()
        acc = deploy.accumulators(x).double()
        sums = acc / deploy.head.grid
        check_integers("head", sums)
        differs = acc != fixed.accumulators(x).double()
        if bool(differs.any()):
            image = start + int(differs.nonzero()[0, 0])
            raise ModelError(
                f"head, image {image}: the frozen network's sums differ from the trained one's;"
                " they must be equal; this is a fault of freeze_graph()."
            )
        logits.append(sums.numpy().astype(np.int64))
    return np.concatenate(logits), recorder.close(), recorder.modules


def _probe(source: Source, corners: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(V,) integers of a source: all of them, or corners and about a million / channels at random.

    Args:
        corners: integers around which something changes; those out of reach are brought into it.
    """
    room = _TABLE // source.channels
    if source.count <= room:
        return source.low + source.spacing * np.arange(source.count, dtype=np.int64)
    near = (corners - source.low) // source.spacing + np.arange(-1, 2)[:, None]
    picked = [np.clip(near.ravel(), 0, source.count - 1), np.array([0, source.count - 1])]
    picked.append(rng.choice(source.count, room // 2, replace=False, shuffle=False))
    return source.low + source.spacing * np.unique(np.concatenate(picked))


def _corners(module: FrozenSign | IntegerRequant, at: slice) -> np.ndarray:
    """(X,) int64: zero, thresholds, and where the codes of a requant begin and end to change."""
    found = [np.zeros(1, np.int64)]
    if module.threshold is not None:
        found.append(module.threshold[at])
    if isinstance(module, IntegerRequant):
        for bound in (module.form.low + 1, module.form.high):
            mul, add = module.mul[:, at].ravel(), module.add[:, at].ravel()
            sloped = mul != 0
            found.append(((bound << module.shift) - add[sloped]) // mul[sloped])
    return np.concatenate(found)


def _tables(
    name: str, unit: Unit, module: FrozenSign | IntegerRequant
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """What the trained unit gives for the integers that can reach it."""
    rng = np.random.default_rng(0)
    steps = torch.cat([s.steps for s in module.sources])
    arrays: dict[str, np.ndarray] = {
        f"exponents/{name}": torch.log2(steps).numpy().astype(np.int16)
    }
    rows, start = [], 0
    for k, source in enumerate(module.sources):
        at = slice(start, start + source.channels)
        inputs = _probe(source, _corners(module, at), rng)
        grid = (steps[:, None] * torch.from_numpy(inputs)).float()
        out = unit.evaluate(grid[None, :, None].contiguous())[0, at, 0]
        arrays[f"inputs/{name}.{k}"] = inputs.astype(np.int32)
        if module.form is None:
            arrays[f"table/{name}.{k}"] = pack_bits((out > 0).numpy())
        else:
            codes = (out.double() / module.form.step).numpy()
            arrays[f"values/{name}.{k}"] = _stored(codes, module.form.bits)
        rows.append(
            {
                "channels": source.channels,
                "low": source.low,
                "high": source.high,
                "spacing": source.spacing,
                "complete": len(inputs) == source.count,
            }
        )
        start += source.channels
    return arrays, rows


class _Graph:
    """Looks up the tensors of an exported file by module path."""

    def __init__(self, path: Path) -> None:
        self.graph = onnx.load(str(path), load_external_data=False).graph
        self.constants = {i.name for i in self.graph.initializer}

    def tensors(self, path: str) -> tuple[str, list[str]]:
        """The last tensor made inside a module, and those from outside that it reads."""
        scope = "/" + path.replace(".", "/") + "/"
        nodes = [node for node in self.graph.node if node.name.startswith(scope)]
        made = {name for node in nodes for name in node.output}
        reads = [
            name
            for node in nodes
            for name in node.input
            if name not in made | self.constants and not self._constant(name)
        ]
        return nodes[-1].output[0], list(dict.fromkeys(reads))

    def _constant(self, name: str) -> bool:
        """Whether `name` is made by a Constant node, anywhere."""
        return any(n.op_type == "Constant" and name in n.output for n in self.graph.node)


def _streams(
    fixed: GraphNetwork,
    modules: dict[str, StreamModule],
    codes: dict[str, np.ndarray],
    graph: _Graph,
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Arrays and records of every stream, in order."""
    units = {f"{name}.{unit.stream}".rstrip("."): unit for name, unit in fixed.units()}
    arrays: dict[str, np.ndarray] = {}
    rows: list[dict[str, Any]] = []
    for path, module in modules.items():
        name, form = stream_name(path), module.form
        arrays[f"{'act' if form is None else 'stream'}/{name}"] = codes[path]
        tensor, reads = graph.tensors(path)
        channels = codes[path].shape[-1]
        if isinstance(module, FrozenSign):
            channels = len(module.threshold)
        elif form is None:
            channels = rows[-1]["shape"][2]  # bits of the sign in front, pooled
        row = {
            "name": name,
            "kind": module.kind,
            "shape": [*codes[path].shape[1:3], channels],
            "bits": 1 if form is None else form.bits,
            "signed": form is None or form.signed,
            "step_exponent": 0 if form is None else form.exponent,
            "tensor": tensor,
            "reads": reads,
        }
        if isinstance(module, FrozenSign | IntegerRequant):
            tables, row["sources"] = _tables(name, units[path], module)
            arrays |= tables
            if module.threshold is not None:
                arrays[f"threshold/{name}"] = module.threshold
                arrays[f"falling/{name}"] = module.falling
        if isinstance(module, IntegerRequant):
            arrays |= {f"mul/{name}": module.mul, f"add/{name}": module.add}
            row |= {"shift": module.shift, "wide": module.wide}
        rows.append(row)
    return arrays, rows


def export_graph(
    model: GraphNetwork,
    images: np.ndarray,
    out_dir: Path,
    *,
    name: str,
    dataset: str,
    labels: np.ndarray | None = None,
    accuracy: dict[str, Any] | None = None,
) -> Path:
    """Freeze and export; see `export.export_model`.

    Raises:
        ModelError: the network cannot be frozen, or its frozen form differs from it anywhere.
    """
    check_images(name, images)
    if labels is None:
        labels = np.full(len(images), -1, np.int64)
    fixed, deploy = freeze_graph(model)
    with exact_arithmetic(), whole_directory(out_dir) as part:
        logits, codes, modules = _run(fixed, deploy, images)
        write_qonnx(deploy, (images.shape[3], *images.shape[1:3]), part / "model.onnx")
        graph = _Graph(part / "model.onnx")
        arrays, rows = _streams(fixed, modules, codes, graph)
        arrays |= {"images": images, "labels": labels.astype(np.int64), "logits": logits}
        record = {
            "schema": SCHEMA,
            "kind": "graph",
            "model": name,
            "dataset": dataset,
            "images": len(images),
            "input_shape": list(images.shape[1:]),
            "classes": logits.shape[1],
            "logit_tensor": graph.tensors("head")[0],
            "logit_exponent": round(np.log2(deploy.head.grid)),
            "logit_scale": deploy.head.grid * deploy.head.scale,
            "logit_bias": 0.0,
            "accuracy": accuracy,
            "streams": rows,
        }
        np.savez_compressed(part / "reference.npz", **arrays)
        (part / "reference.json").write_text(json.dumps(record, indent=1) + "\n")
    return out_dir
