# SPDX-License-Identifier: Apache-2.0
"""The files of the repository, as the structure tests see them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = {".git", ".venv", "build", "data", "out", "node_modules"}


@cache
def files() -> tuple[Path, ...]:
    """Files of the repository, relative to its root: no caches, no build products."""
    return tuple(sorted(_walk(ROOT)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            skip = path.name in _NOT_OURS or path.name.endswith(("cache__", "_cache", ".egg-info"))
            if not skip and path.name != ".hypothesis":
                yield from _walk(path)
        else:
            yield path.relative_to(ROOT)


def with_suffix(*suffixes: str) -> list[Path]:
    """Files that end in one of the suffixes."""
    return [path for path in files() if path.name.endswith(suffixes)]


def text(path: Path) -> str:
    """Content of a file that is relative to the root."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def syntax(path: Path) -> ast.Module:
    """Syntax tree of a Python file."""
    return ast.parse(text(path), filename=str(path))


def imports(path: Path) -> set[str]:
    """Dotted names that a Python file imports, at any depth of nesting."""
    found: set[str] = set()
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
