# SPDX-License-Identifier: Apache-2.0
"""Synthesis of several modules side by side, with a cache keyed on content."""

import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from flows.dataflow.network import Network
from flows.emit.project import RtlProject
from flows.errors import ToolError, UsageError
from flows.synth import yosys
from flows.synth.report import SynthReport
from flows.synth.yosys import Family, SynthTarget

_CACHE_FORMAT = 2  # raise when counting changes


def layer_targets(network: Network, project: RtlProject) -> list[SynthTarget]:
    """Each layer of an emitted network as a module of its own, in their order."""
    return [
        SynthTarget(
            name=layer.name,
            top=project.layer_modules[layer.name],
            root=project.root,
            sources=project.sources,
            data_files=project.images,
            include_dirs=(Path("hw"),),
        )
        for layer in network
    ]


def synthesise(
    designs: Sequence[SynthTarget],
    family: Family,
    work_dir: Path,
    jobs: int,
    cache_dir: Path,
    progress: Callable[[SynthReport], None] | None = None,
) -> tuple[SynthReport, ...]:
    """Maps modules to a Xilinx family and counts what they occupy.

    Args:
        designs: Modules; names must differ.
        family: `xc7` or `xcup`.
        work_dir: Gets one folder for each module that was not in the cache.
        jobs: Processes side by side; a large layer takes about 1 GB each.
        cache_dir: Results by content; safe to share, safe to delete.
        progress: Called after each module, in order of completion.

    Returns:
        One report for each design, in their order.

    Raises:
        ToolError: Yosys failed; the message holds the end of its log.
        UsageError: A folder cannot be written.
    """
    names = [design.name for design in designs]
    if len(set(names)) != len(names):
        raise ValueError(f"names of the designs must differ: {names}")
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        work_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be created ({error.strerror}).") from error
    if jobs > 1:
        _compile_tool(work_dir, cache_dir)
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures = [pool.submit(_one, design, family, work_dir, cache_dir) for design in designs]
        _watch(futures, progress)
    return tuple(future.result() for future in futures)


def _watch(
    futures: Sequence[Future[SynthReport]], progress: Callable[[SynthReport], None] | None
) -> None:
    """Waits for all; after a failure nothing new is started."""
    try:
        for future in as_completed(futures):
            report = future.result()
            if progress:
                progress(report)
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _compile_tool(work_dir: Path, cache_dir: Path) -> None:
    """Starts Yosys once alone: several first calls at a time would each compile it."""
    marker = cache_dir / f"started-{hashlib.sha256(yosys.tool_version().encode()).hexdigest()[:16]}"
    if not marker.exists():
        yosys.execute(["-V"], work_dir, "Yosys")
        marker.touch()


def _one(design: SynthTarget, family: Family, work_dir: Path, cache_dir: Path) -> SynthReport:
    sources, others = needed_files(design)
    key = _key(design, sources, others, family)
    entry = cache_dir / f"{key}.json"
    report = _load(entry, design.name)
    if report is None:
        report = yosys.run(design, (*sources, *others), family, work_dir / design.name)
        _store(entry, report)
    return report


def needed_files(design: SynthTarget) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Files that a module needs, so that the cache does not depend on the others.

    A source is needed when a needed source holds the name of a module it defines; an image when a
    needed source holds its path. Both are supersets of what is really used.

    Returns:
        Sources in the order given, and images with headers; relative to the design's root.

    Raises:
        ToolError: The top module stands in none of the sources, or a file is missing.
    """
    try:
        texts = {path: (design.root / path).read_text("utf-8") for path in design.sources}
    except OSError as error:
        raise ToolError(f"{design.name}: {error.filename}: {error.strerror}.") from error
    defined = {
        module: path
        for path, text in texts.items()
        for module in re.findall(r"^\s*module\s+(?:automatic\s+)?(\w+)", text, re.MULTILINE)
    }
    if design.top not in defined:
        raise ToolError(
            f"{design.name}: module {design.top} stands in none of its {len(texts)} sources; "
            f"they define {', '.join(sorted(defined)) or 'nothing'}."
        )
    needed = {defined[design.top]}
    waiting = [defined[design.top]]
    while waiting:
        words = set(re.findall(r"\w+", texts[waiting.pop()]))
        found = {defined[word] for word in words & defined.keys()} - needed
        needed |= found
        waiting += found
    sources = tuple(path for path in texts if path in needed)
    images = tuple(
        path
        for path in design.data_files
        if any(f'"{path.as_posix()}"' in texts[source] for source in sources)
    )
    headers = tuple(
        folder / header.name
        for folder in design.include_dirs
        for header in sorted((design.root / folder).glob("*.svh"))
    )
    return sources, images + headers


def _key(
    design: SynthTarget, sources: tuple[Path, ...], others: tuple[Path, ...], family: Family
) -> str:
    digest = hashlib.sha256()
    script = yosys.script(design, sources, family)
    for part in (str(_CACHE_FORMAT), yosys.tool_version(), script):
        digest.update(part.encode() + b"\0")
    for path in (*sources, *others):
        content = (design.root / path).read_bytes()
        digest.update(f"{path.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _load(entry: Path, name: str) -> SynthReport | None:
    """A cached report under the caller's name; None when there is none or it is damaged."""
    try:
        values = json.loads(entry.read_text(encoding="utf-8"))
        return SynthReport.from_json({**values, "name": name}, cached=True)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _store(entry: Path, report: SynthReport) -> None:
    """Writes beside the entry and renames: a reader sees all of it or nothing."""
    with tempfile.NamedTemporaryFile(
        "w", dir=entry.parent, suffix=".part", delete=False, encoding="utf-8"
    ) as part:
        json.dump(report.to_json(), part, indent=1)
    Path(part.name).replace(entry)
