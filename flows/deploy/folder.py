# SPDX-License-Identifier: Apache-2.0
"""Writes the deploy folder, and adds a bitstream to one that is there."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.deploy import weights
from flows.deploy.facts import DeployFacts, File, c_header, overlay, relative
from flows.deploy.notebook import notebook
from flows.errors import UsageError

DRIVER = Path(__file__).resolve().parents[2] / "bitstreams" / "driver"
_PYTHON = ("xnorflow_driver.py", "validate.py", "virtual_board.py")
_C = ("c/xnorflow.h", "c/xnorflow.c", "c/example_linux.c", "xnorflow_registers.h")
_BEGIN, _END = "<!-- bitstream -->\n", "<!-- end of bitstream -->"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,
)
_INIT = '''# SPDX-License-Identifier: Apache-2.0
"""{model} for {board}."""

from pathlib import Path

from .xnorflow_driver import Accelerator, BoardError

FOLDER = Path(__file__).resolve().parent

__all__ = ["FOLDER", "Accelerator", "BoardError"]
'''


def write_deploy(
    facts: DeployFacts, build: Path, library: Path | None, images: Sequence[Path], rtl: Path
) -> Path:
    """Writes `build/deploy` anew; it appears whole or not at all.

    Args:
        facts: of the build.
        build: the build's folder.
        library: compiled virtual board, None for none.
        images: memory images that the library reads, relative to `rtl`.
        rtl: the emitted RTL folder.

    Returns:
        The folder.

    Raises:
        UsageError: it cannot be written.
    """
    folder = build / "deploy"
    staging = build / "deploy.part"
    try:
        shutil.rmtree(staging, ignore_errors=True)
        for name in ("virtual", "c", "notebooks"):
            (staging / name).mkdir(parents=True)
        _write(facts, build, staging, library, images, rtl)
        if folder.exists():
            shutil.rmtree(folder)
        staging.rename(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from error
    return folder


def _write(
    facts: DeployFacts,
    build: Path,
    folder: Path,
    library: Path | None,
    images: Sequence[Path],
    rtl: Path,
) -> None:
    for name in _PYTHON:
        shutil.copyfile(DRIVER / name, folder / name)
    for name in _C:
        shutil.copyfile(DRIVER / name, folder / "c" / Path(name).name)
    virtual = None
    if library is not None:
        virtual = _hashed(folder, _copy(library, folder / "virtual" / "shell.so"))
        for image in images:
            _copy(rtl / image, folder / "virtual" / image)
    package = f"{build.name}".replace("-", "_")
    vectors = facts.vectors
    np.savez_compressed(
        folder / "validation.npz",
        images=vectors.images,
        labels=vectors.labels,
        logits=vectors.logits,
        dataset=np.array(vectors.dataset),
    )
    (folder / "c" / "network.h").write_text(c_header(facts))
    (folder / "notebooks" / "__init__.py").write_text('"""Notebooks."""\n')
    (folder / "notebooks" / "validate.ipynb").write_text(
        notebook(facts.model, facts.board.name, package)
    )
    (folder / "__init__.py").write_text(_INIT.format(model=facts.model, board=facts.board.name))
    record = overlay(facts, None, virtual)
    _write_json(folder / "overlay.json", record)
    if facts.runtime is not None:
        weights.write_weights(folder / weights.FILE, record, rtl)
        weights.write_c_weights(folder / weights.C_FILE, record, rtl)
    for name in ("README.md", "pyproject.toml"):
        (folder / name).write_text(_render(name, facts, build, package))


def _render(name: str, facts: DeployFacts, build: Path, package: str) -> str:
    vectors = facts.vectors
    top1 = vectors.top1_percent
    return _TEMPLATES.get_template(f"{name}.j2").render(
        facts=facts,
        package=package,
        folder=f"{_place(build)}/deploy",
        bitstream=_missing_bitstream(build),
        shape=", ".join(["N", *map(str, vectors.images.shape[1:])]),
        top1="no labels" if top1 is None else f"{top1:.2f} % of {vectors.labelled} with a label",
    )


def _missing_bitstream(build: Path) -> str:
    return (
        "**Not built: the bitstream.** When a tool has made one, add it, and the `.hwh` beside it:"
        f"\n\n    python -m flows.deploy {_place(build)} --bitstream FILE.bit"
    )


def _place(build: Path) -> str:
    """A build's folder as a command in the project's folder names it."""
    try:
        return build.resolve().relative_to(DRIVER.parents[1]).as_posix()
    except ValueError:
        return str(build.resolve())


def add_bitstream(build: Path, bitstream: Path) -> Path:
    """Copies a `.bit`, and the `.hwh` beside it, into a deploy folder that is there.

    Returns:
        The deploy folder.

    Raises:
        UsageError: there is no deploy folder, or the bitstream cannot be read.
    """
    folder = build / "deploy"
    record = folder / "overlay.json"
    if not record.is_file():
        raise UsageError(f"{folder}: no deploy folder; build first: flows/build.py --board X")
    if bitstream.suffix != ".bit" or not bitstream.is_file():
        raise UsageError(f"--bitstream {bitstream}: no such .bit file; name the one that was built")
    facts = json.loads(record.read_text())
    name = f"{build.name}.bit"  # PYNQ wants .bit and .hwh under one name
    held = _hashed(folder, _copy(bitstream, folder / name))
    metadata = bitstream.with_suffix(".hwh")
    (folder / f"{build.name}.hwh").unlink(missing_ok=True)
    if metadata.is_file():
        _copy(metadata, folder / f"{build.name}.hwh")
    facts["bitstream"]["pynq"] = held.record()
    _write_json(record, facts)
    text = (folder / "README.md").read_text()
    head, rest = text.split(_BEGIN)
    kind = "with metadata" if metadata.is_file() else "without metadata, which the driver can do"
    line = f"`{name}`, {kind}. SHA-256 {held.sha256}.\n"
    (folder / "README.md").write_text(f"{head}{_BEGIN}{line}{_END}{rest.split(_END)[1]}")
    return folder


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def _hashed(folder: Path, path: Path) -> File:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return File(name=relative(folder, path), sha256=digest)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")
