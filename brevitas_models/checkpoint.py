# SPDX-License-Identifier: Apache-2.0
"""Packed checkpoints: weights as bits, the rest as float32, and a card with recipe and hash.

`NAME.npz` holds, per binary layer, `NAME.weight` (one bit per weight, row-major, +1 is 1, first
weight in the least significant bit) and `NAME.shape`, and whatever else the network keeps: batch
norms, int8 layers, scales as float32, shifts as int32.
`NAME.toml`, the card, stands beside it and holds the hash of the npz.
"""

import hashlib
import io
import os
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from brevitas_models.errors import ModelError
from brevitas_models.graph import GraphNetwork
from brevitas_models.network import BinaryNetwork

FORMAT = 1
Model = BinaryNetwork | GraphNetwork


def pack(model: Model) -> dict[str, np.ndarray]:
    """Return the arrays of a packed checkpoint: uint8 bits, int32 shapes, float32 and int32."""
    arrays: dict[str, np.ndarray] = {"format": np.array(FORMAT, np.int32)}
    for name, layer in model.binary_layers().items():
        weight = layer.weight.detach().numpy()
        arrays[f"{name}.weight"] = np.packbits(weight.ravel() >= 0, bitorder="little")
        arrays[f"{name}.shape"] = np.array(weight.shape, np.int32)
    for name, value in model.kept().items():
        kind = np.float32 if value.is_floating_point() else np.int32
        arrays[name] = value.detach().numpy().astype(kind)
    return arrays


def save(model: Model, path: Path, card: dict[str, Any]) -> None:
    """Write `path` (npz) and its card (toml), the same bytes for the same model.

    Args:
        card: what stands in the card beside format and hash: strings, numbers, booleans, and
            one level of tables of them.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in pack(model).items():
            body = io.BytesIO()
            np.lib.format.write_array(body, np.ascontiguousarray(array).reshape(array.shape))
            # A fixed date: the hash depends on the numbers only.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), body.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    for target, content in (
        (path, buffer.getvalue()),
        (card_path(path), _toml({"format": FORMAT} | card | {"sha256": digest}).encode()),
    ):
        part = target.with_name(target.name + ".part")
        part.write_bytes(content)
        os.replace(part, target)  # noqa: PTH105


def _toml(card: dict[str, Any]) -> str:
    """Write a flat table, nested tables last."""

    def value(item: Any) -> str:
        if isinstance(item, bool):
            return str(item).lower()
        return f'"{item}"' if isinstance(item, str) else repr(item)

    lines = [f"{k} = {value(v)}" for k, v in card.items() if not isinstance(v, dict)]
    for key, table in card.items():
        if isinstance(table, dict):
            lines += ["", f"[{key}]"] + [f"{k} = {value(v)}" for k, v in table.items()]
    return "\n".join(lines) + "\n"


def card_path(path: Path) -> Path:
    """Where the card of a packed checkpoint stands."""
    return path.with_suffix(".toml")


def read_card(path: Path) -> dict[str, Any]:
    """Read the card that belongs to the packed checkpoint `path`."""
    card = card_path(path)
    try:
        return tomllib.loads(card.read_text())
    except FileNotFoundError as error:
        raise ModelError(
            f"{card}: not found; a packed checkpoint needs its card with the hash;"
            " restore it from the repository or give a torch state dict."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{card}: not TOML ({error}); restore it from the repository.") from error


def load(model: Model, path: Path) -> dict[str, Any] | None:
    """Fill `model` from a packed checkpoint or from a torch state dict.

    Returns:
        The card of a packed checkpoint; None for a state dict, which has none.

    Raises:
        ModelError: no such file, damaged, of another network, or with weights that are not 1 bit.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read ({error.strerror}); name a packed checkpoint (.npz) or a"
            " torch state dict."
        ) from error
    if path.suffix == ".npz":
        card = read_card(path)
        digest = hashlib.sha256(content).hexdigest()
        if digest != card.get("sha256"):
            raise ModelError(
                f"{path}: its SHA-256 is {digest}, its card says {card.get('sha256')};"
                " the file is damaged or not the card's; restore both from the repository."
            )
        _unpack(model, path, content)
        return card
    _load_state(model, path)
    return None


def _unpack(model: Model, path: Path, content: bytes) -> None:
    """Fill `model` from the bytes of a packed checkpoint."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise ModelError(
            f"{path}: not a packed checkpoint ({error}); restore it from the repository."
        ) from error
    expected = pack(model)
    if set(arrays) != set(expected):
        odd = sorted(set(arrays) ^ set(expected))
        raise ModelError(
            f"{path}: it and the network differ in the arrays {', '.join(odd[:4])};"
            " it belongs to another network; name the model that it was trained as."
        )
    for name, want in expected.items():
        got = arrays[name]
        same_shape = not name.endswith(".shape") or np.array_equal(got, want)
        if got.shape != want.shape or not same_shape:
            found = got.tolist() if name.endswith(".shape") else list(got.shape)
            need = want.tolist() if name.endswith(".shape") else list(want.shape)
            raise ModelError(
                f"{path}: {name} is {found}, the network has {need};"
                " it belongs to another network; name the model that it was trained as."
            )
        if got.dtype != want.dtype:
            raise ModelError(
                f"{path}: {name} is {got.dtype}, not {want.dtype};"
                " weights are packed 1 bit each as uint8, batch norms are float32; pack it again."
            )
        if got.dtype == np.float32 and not np.isfinite(got).all():
            raise ModelError(f"{path}: {name} holds values that are not finite; train it again.")
    _assign(model, arrays)


@torch.no_grad()
def _assign(model: Model, arrays: dict[str, np.ndarray]) -> None:
    for name, layer in model.binary_layers().items():
        count = layer.weight.numel()
        bits = np.unpackbits(arrays[f"{name}.weight"], bitorder="little", count=count)
        signs = torch.from_numpy(bits.astype(np.float32) * 2 - 1)
        layer.weight.copy_(signs.reshape(layer.weight.shape))
    for name, value in model.kept().items():
        value.copy_(torch.from_numpy(arrays[name]))
    model.load_state_dict(model.state_dict())  # modules that watch their tensors see the new ones
    model.eval()


def _load_state(model: Model, path: Path) -> None:
    """Fill `model` from a torch file: a state dict, or a dict that holds one as "model"."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ModelError(
            f"{path}: not a torch file ({str(error).splitlines()[0]}); name a packed checkpoint"
            " (.npz) or a state dict saved by torch."
        ) from error
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]
    if not isinstance(state, dict):
        raise ModelError(f"{path}: holds a {type(state).__name__}; a state dict is needed.")
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        text = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{path}: does not fit the network ({text}); name the model that it was trained as."
        ) from error
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ModelError(f"{path}: {name} holds values that are not finite; train it again.")
    for name, layer in model.binary_layers().items():
        if float(layer.weight.detach().abs().max()) > 1.0:
            raise ModelError(
                f"{path}: {name}.weight reaches {float(layer.weight.detach().abs().max()):.3g};"
                " latent 1-bit weights lie in [-1, 1]; was it trained with more bits? Retrain it"
                " with this package or clip it knowingly."
            )
    model.eval()
