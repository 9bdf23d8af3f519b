# SPDX-License-Identifier: Apache-2.0
"""Writes the RTL folder: generated modules, library modules, images, file list, manifest."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from flows.dataflow.network import Network
from flows.emit.memory import image_text
from flows.emit.verilog import image_name, layer_text, memory_number, module_name, top_text
from flows.errors import UsageError

HW = Path(__file__).resolve().parents[2] / "hw"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedMemory:
    """A memory that can be loaded at run time.

    Attributes:
        number: MEMORY of the register LOAD_ADDR.
        image: its file, relative to the folder; what it holds until it is loaded.
        depth: words.
        width: bits of a word.
    """

    number: int
    image: Path
    depth: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RtlProject:
    """An emitted RTL folder.

    Attributes:
        root: the folder; file names inside images' parameters are relative to it.
        top: name of the top module.
        sources: SystemVerilog files, library first, relative to root.
        images: memory images, relative to root.
        layer_modules: layer name to its module's name.
        loaded: memories that can be loaded at run time; empty: none can.
    """

    root: Path
    top: str
    sources: tuple[Path, ...]
    images: tuple[Path, ...]
    layer_modules: dict[str, str]
    loaded: tuple[LoadedMemory, ...] = ()


def library() -> dict[str, Path]:
    """Module name to file, for every hand-written module."""
    return {
        path.stem: path
        for folder in ("arith", "kernel", "stream", "memory", "shell")
        for path in sorted((HW / folder).glob("*.sv"))
    }


def closure(texts: list[str]) -> list[Path]:
    """Library files that some modules need, directly or not, leaves first.

    Args:
        texts: SystemVerilog text of the modules.
    """
    files = library()
    instance = re.compile(r"^\s*(\w+)\s*(?:#\s*\(|u_\w+\s*\()", re.MULTILINE)
    ordered: list[str] = []

    def visit(text: str) -> None:
        for name in instance.findall(text):
            if name in files and name not in ordered:
                visit(files[name].read_text())
                ordered.append(name)

    for text in texts:
        visit(text)
    return [files[name] for name in ordered]


def emit(network: Network, root: Path, *, runtime: bool = False) -> RtlProject:
    """Writes everything that a simulator or a synthesiser needs into a fresh folder.

    The folder appears whole or not at all.

    Args:
        network: the network.
        root: the folder.
        runtime: memories can be loaded through `load_i` of the top module.

    Raises:
        UsageError: if the folder cannot be written.
    """
    staging = root.with_name(root.name + ".part")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        (staging / "mem").mkdir(parents=True)
        (staging / "hw").mkdir()
        project = _write(network, staging, root, runtime)
        if root.exists():
            shutil.rmtree(root)
        staging.rename(root)
    except OSError as error:
        raise UsageError(f"{root}: cannot be written ({error.strerror})") from error
    return project


def _write(network: Network, folder: Path, root: Path, runtime: bool) -> RtlProject:
    generated = {
        f"{module_name(network, layer)}.sv": layer_text(network, layer, runtime=runtime)
        for layer in network
    }
    generated[f"{network.name}.sv"] = top_text(network, runtime=runtime)
    sources: list[Path] = []
    for path in closure(list(generated.values())):
        shutil.copyfile(path, folder / "hw" / path.name)
        sources.append(Path("hw") / path.name)
    for header in sorted((HW / "include").glob("*.svh")):
        shutil.copyfile(header, folder / "hw" / header.name)
    for name, text in generated.items():
        (folder / name).write_text(text)
        sources.append(Path(name))
    images: list[LoadedMemory] = []
    for layer in network:
        for kernel in layer.kernels:
            for image in kernel.memories():
                name = image_name(layer, kernel, image.parameter)
                (folder / name).write_text(image_text(image.words))
                depth, width = image.words.shape
                number = memory_number(network, kernel, image.parameter)
                images.append(
                    LoadedMemory(number=number, image=Path(name), depth=depth, width=width)
                )
    project = RtlProject(
        root=root,
        top=network.name,
        sources=tuple(sources),
        images=tuple(memory.image for memory in images),
        layer_modules={layer.name: module_name(network, layer) for layer in network},
        loaded=tuple(images) if runtime else (),
    )
    _write_lists(network, project, folder)
    return project


def _write_lists(network: Network, project: RtlProject, folder: Path) -> None:
    listing = ["+incdir+hw", *map(str, project.sources)]
    (folder / f"{network.name}.f").write_text("\n".join(listing) + "\n")
    (folder / f"{network.name}.core").write_text(_core_text(network, project))
    files = [*project.sources, *project.images]
    manifest = {
        "top": project.top,
        "layers": {
            layer.name: {
                "module": module_name(network, layer),
                "kernels": [
                    {"module": kernel.module, "parameters": dict(kernel.parameters())}
                    for kernel in layer.kernels
                ],
                "inputs": [
                    {"from": edge.producer, "bits": edge.beat_bits, "fifo_depth": depth}
                    for edge, depth in zip(layer.edges, layer.fifo_depths, strict=True)
                ],
            }
            for layer in network
        },
        "loaded": {
            str(memory.image): {
                "number": memory.number,
                "depth": memory.depth,
                "width": memory.width,
            }
            for memory in project.loaded
        },
        "sha256": {
            str(path): hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in files
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _core_text(network: Network, project: RtlProject) -> str:
    """FuseSoC core file (CAPI2)."""
    rows = [f"      - {path}" for path in project.sources]
    headers = [
        f"      - {path}: {{is_include_file: true}}"
        for path in sorted({Path("hw") / header.name for header in (HW / "include").glob("*.svh")})
    ]
    data = [f"      - {path}: {{file_type: user, copyto: {path}}}" for path in project.images]
    return "\n".join(
        [
            "CAPI=2:",
            f"name: xnorflow::{network.name}:0.1.0",
            "filesets:",
            "  rtl:",
            "    file_type: systemVerilogSource",
            "    files:",
            *headers,
            *rows,
            "  images:",
            "    files:",
            *data,
            "targets:",
            "  default:",
            "    filesets: [rtl, images]",
            f"    toplevel: {project.top}",
            "",
        ]
    )
