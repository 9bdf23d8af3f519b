# SPDX-License-Identifier: Apache-2.0
"""Write what hardware is built from and compared with: a QONNX file and reference vectors.

`model.onnx` is the frozen network, batch 1. `reference.npz` holds, for a set of images, every
binary activation and the integer logits, and for each sign the truth table over all reachable
sums. `reference.json` says how to read both and names the tensors of the graph.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from brevitas_models import zoo
from brevitas_models.artifacts import (
    check_images,
    check_integers,
    exact_arithmetic,
    pack_bits,
    whole_directory,
    write_qonnx,
)
from brevitas_models.errors import ModelError
from brevitas_models.freeze import DeployNetwork, SignTable, freeze
from brevitas_models.graph import GraphNetwork
from brevitas_models.graph_export import export_graph
from brevitas_models.network import BinaryNetwork

SCHEMA = 1
_BATCH = 64


class _Recorder:
    """Collects the signs of a deploy network, packed, NHWC, before pooling."""

    def __init__(self, deploy: DeployNetwork, scales: dict[str, float]) -> None:
        self.packed: dict[str, list[np.ndarray]] = {name: [] for name in scales}
        self.shapes: dict[str, tuple[int, int, int]] = {}
        self._scales = scales
        self._hooks = [
            sign.register_forward_hook(
                lambda _, inputs, out, name=name: self._record(name, inputs[0], out)
            )
            for name, sign in deploy.signs().items()
        ]

    def _record(self, name: str, acc: Tensor, out: Tensor) -> None:
        check_integers(name, acc / self._scales[name])
        if out.dim() == 4 and name != "input":
            bits = (out > 0).permute(0, 2, 3, 1)
        else:  # dense layers and their input: the flattened order is the channel order
            bits = (out > 0).flatten(1)[:, None, None, :]
        self.shapes[name] = tuple(bits.shape[1:])
        self.packed[name].append(pack_bits(bits.numpy()))

    def close(self) -> dict[str, np.ndarray]:
        """Return all activations by layer name and stop recording."""
        for hook in self._hooks:
            hook.remove()
        return {name: np.concatenate(parts) for name, parts in self.packed.items()}


def reference(
    model: BinaryNetwork, deploy: DeployNetwork, tables: list[SignTable], images: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, tuple[int, int, int]]]:
    """Run the frozen network on images and hold it against the unfrozen one.

    Args:
        images: (N, H, W, C) uint8.

    Returns:
        Arrays `logits` (N, classes) int32 and `act/NAME` (N, H, W, ceil(C / 8)) uint8, and the
        unpacked (H, W, C) by layer name.

    Raises:
        ModelError: the two networks differ anywhere, or a sum is no integer.
    """
    model.eval()
    recorder = _Recorder(deploy, {table.name: table.acc_scale for table in tables})
    logits = []
    with exact_arithmetic():
        for start in range(0, len(images), _BATCH):
            x = torch.from_numpy(images[start : start + _BATCH]).permute(0, 3, 1, 2)
            x = x.float().contiguous()
            acc = deploy.accumulators(x)
            check_integers(deploy.last_name, acc)
            differs = (acc * deploy.logit_scale + deploy.logit_bias) != model(x)
            if bool(differs.any()):
                image = start + int(differs.nonzero()[0, 0])
                raise ModelError(
                    f"{deploy.last_name}, image {image}: the frozen network's logits differ from"
                    " the trained one's; they must be equal; this is a fault of freeze()."
                )
            logits.append(acc.numpy().astype(np.int32))
    acts = {f"act/{name}": value for name, value in recorder.close().items()}
    return {"logits": np.concatenate(logits)} | acts, recorder.shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTensors:
    """Tensor names of one threshold in the graph; `pool` is the pooled sign or None."""

    acc: str
    sign: str
    pool: str | None


def sign_tensors(path: Path) -> tuple[list[SignTensors], str]:
    """Find each threshold of a QONNX file, in order, and the last layer's sums.

    A threshold is Sub, Mul, BipolarQuant; weights have a BipolarQuant on a constant instead.
    """
    graph = onnx.load(str(path)).graph
    producer = {name: node for node in graph.node for name in node.output}
    pools = {node.input[0]: node.output[0] for node in graph.node if node.op_type == "MaxPool"}
    found = []
    for node in graph.node:
        mul = producer.get(node.input[0]) if node.op_type == "BipolarQuant" else None
        sub = producer.get(mul.input[0]) if mul is not None and mul.op_type == "Mul" else None
        if sub is not None and sub.op_type == "Sub":
            sign = node.output[0]
            found.append(SignTensors(acc=sub.input[0], sign=sign, pool=pools.get(sign)))
    last = [node.output[0] for node in graph.node if node.op_type in ("MatMul", "Gemm")][-1]
    return found, last


def _describe(
    deploy: DeployNetwork,
    tables: list[SignTable],
    shapes: dict[str, tuple[int, int, int]],
    tensors: list[SignTensors],
) -> list[dict[str, Any]]:
    """One record per sign, in order."""
    blocks, rows = dict(deploy.blocks.items()), []
    for table, tensor in zip(tables, tensors, strict=True):
        block = blocks.get(table.name)
        kind = "input" if block is None else table.name.rstrip("0123456789")
        rows.append(
            {
                "name": table.name,
                "kind": kind,
                "shape": list(shapes[table.name]),
                "channels": table.bits.shape[0],
                "values": table.bits.shape[1],
                "acc_min": table.acc_min,
                "acc_step": table.acc_step,
                "acc_scale": table.acc_scale,
                "pool": 1 if block is None else block.pool,
                "acc_tensor": tensor.acc,
                "sign_tensor": tensor.sign,
                "pool_tensor": tensor.pool,
            }
        )
    return rows


def export_network(
    model: BinaryNetwork,
    images: np.ndarray,
    out_dir: Path,
    *,
    name: str,
    dataset: str,
    labels: np.ndarray | None = None,
    accuracy: dict[str, Any] | None = None,
) -> Path:
    """Freeze and export one network; see `export_model`."""
    check_images(name, images)
    deploy, tables = freeze(model)
    arrays, shapes = reference(model, deploy, tables, images)
    if labels is None:
        labels = np.full(len(images), -1, np.int64)
    arrays |= {"images": images, "labels": labels.astype(np.int64)}
    arrays |= {f"table/{table.name}": pack_bits(table.bits) for table in tables}
    with whole_directory(out_dir) as part:
        shape = (images.shape[3], *images.shape[1:3])
        write_qonnx(deploy, shape, part / "model.onnx")
        tensors, last = sign_tensors(part / "model.onnx")
        record = {
            "schema": SCHEMA,
            "model": name,
            "dataset": dataset,
            "images": len(images),
            "input_shape": list(images.shape[1:]),
            "classes": arrays["logits"].shape[1],
            "last_layer": deploy.last_name,
            "last_acc_tensor": last,
            "logit_scale": float(deploy.logit_scale),
            "logit_bias": float(deploy.logit_bias),
            "layers": _describe(deploy, tables, shapes, tensors),
            "accuracy": accuracy,
        }
        np.savez(part / "reference.npz", **arrays)
        (part / "reference.json").write_text(json.dumps(record, indent=1) + "\n")
    return out_dir


def export_model(
    model_name: str,
    checkpoint: Path | None,
    images: np.ndarray,
    out_dir: Path,
    labels: np.ndarray | None = None,
    untrained_seed: int | None = None,
) -> Path:
    """Write `model.onnx`, `reference.npz` and `reference.json` into `out_dir`, all or nothing.

    Args:
        model_name: a name of the zoo.
        checkpoint: packed checkpoint or state dict; None takes the one that ships.
        images: (N, H, W, C) uint8 to compute the reference on.
        labels: (N,) int64, -1 where unknown.
        untrained_seed: random weights from this seed instead of a checkpoint.

    Returns:
        `out_dir`.

    Raises:
        ModelError: unknown model, unusable checkpoint, wrong images, or a directory that cannot
            be written.
    """
    entry = zoo.entry(model_name)
    channels, height, width = entry.input_shape
    if tuple(images.shape[1:]) != (height, width, channels):
        raise ModelError(
            f"{entry.name}: images of shape {images.shape[1:]}; it takes {height, width, channels}."
        )
    accuracy = None
    if untrained_seed is not None:
        model = zoo.untrained(entry.name, untrained_seed)
    else:
        model, card = zoo.trained(entry.name, checkpoint)
        accuracy = card["accuracy"] if card is not None else None
    write = export_graph if isinstance(model, GraphNetwork) else export_network
    return write(
        model,
        images,
        Path(out_dir),
        name=entry.name,
        dataset=entry.dataset,
        labels=labels,
        accuracy=accuracy,
    )
