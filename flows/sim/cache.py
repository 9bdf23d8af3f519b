# SPDX-License-Identifier: Apache-2.0
"""Build results kept by content hash; a killed build leaves nothing that would be trusted later."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import UsageError


def content_key(parts: Iterable[str | bytes]) -> str:
    """Hash of a sequence of parts; the boundaries between parts count."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def cached_directory(root: Path, key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
    """Returns the directory of ``key``, made by ``make(empty_directory)`` if it is not there yet.

    The work is done in a temporary directory that is renamed at the end, under a lock that the
    operating system drops when its holder dies; so parallel builders of one key wait for the first.

    Returns:
        The directory, and whether it was already there.

    Raises:
        UsageError: the cache directory cannot be written.
    """
    final = root / key
    if final.is_dir():
        return final, True
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _lock(root / f".{key}.lock"):
            if final.is_dir():
                return final, True
            for leftover in root.glob(f".{key}.*.tmp"):
                shutil.rmtree(leftover, ignore_errors=True)
            work = root / f".{key}.{os.getpid()}.tmp"
            work.mkdir()
            try:
                make(work)
                work.rename(final)
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise UsageError(
            f"simulation cache {root}: cannot be written ({error.strerror}); "
            "name a directory that can be written"
        ) from error
    return final, False


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
