# SPDX-License-Identifier: Apache-2.0
"""The C ABI of the harness as ctypes; the structures mirror ``traffic.h``."""

from __future__ import annotations

import ctypes
import functools
from enum import IntEnum
from pathlib import Path
from typing import Any

from flows.errors import ToolError


class Status(IntEnum):
    """Why the engine stopped."""

    RUNNING = 0
    DONE = 1
    BLOCKED = 2
    PROTOCOL = 3
    RTL_ERROR = 4
    CYCLE_LIMIT = 5


class Fault(IntEnum):
    """Which rule of the stream contract was broken."""

    NONE = 0
    VALID_DROPPED = 1
    PAYLOAD_CHANGED = 2
    VALID_AFTER_RESET = 3
    SURPLUS = 4
    LAST_WRONG = 5


class CStall(ctypes.Structure):
    """``Stall``."""

    _fields_ = (
        ("kind", ctypes.c_int32),
        ("probability", ctypes.c_uint32),
        ("stall_cycles", ctypes.c_int64),
        ("burst_beats", ctypes.c_int64),
        ("seed", ctypes.c_uint64),
    )


class CStream(ctypes.Structure):
    """``StreamState``."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("beats", ctypes.c_int64),
        ("cycles", ctypes.c_void_p),
        ("frame_beats", ctypes.c_int64),
        ("stall", CStall),
        ("moved", ctypes.c_int64),
        ("valid", ctypes.c_int32),
        ("ready", ctypes.c_int32),
    )


class CConfig(ctypes.Structure):
    """``RunConfig``."""

    _fields_ = (
        ("idle_limit", ctypes.c_int64),
        ("grace", ctypes.c_int64),
        ("max_cycles", ctypes.c_int64),
        ("reset_cycles", ctypes.c_int64),
        ("resets", ctypes.c_int64),
        ("reset_after", ctypes.c_void_p),
        ("reset_delay", ctypes.c_void_p),
    )


class CReport(ctypes.Structure):
    """``RunReport``."""

    _fields_ = (
        ("cycle", ctypes.c_int64),
        ("status", ctypes.c_int32),
        ("fault", ctypes.c_int32),
        ("is_tap", ctypes.c_int32),
        ("stream", ctypes.c_int32),
        ("beat", ctypes.c_int64),
        ("total", ctypes.c_int64),
    )


@functools.lru_cache(maxsize=256)
def load(library: Path) -> ctypes.CDLL:
    """Loads a simulator and declares its functions.

    Raises:
        ToolError: the file is missing or is no simulator.
    """
    pointer, i32, i64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "create": (pointer, [ctypes.c_uint64, ctypes.c_char_p]),
        "add_tap": (i32, [pointer, ctypes.c_char_p]),
        "start": (None, [pointer, pointer, pointer, pointer]),
        "advance": (None, [pointer, i64, pointer]),
        "counters": (i32, [pointer]),
        "counter": (ctypes.c_char_p, [pointer, i32, pointer]),
        "tap": (i64, [pointer, i32, pointer, pointer, pointer]),
        "tap_state": (i32, [pointer, i32]),
        "log": (ctypes.c_char_p, []),
        "destroy": (None, [pointer]),
    }
    try:
        handle = ctypes.CDLL(str(library))
        for name, (result, arguments) in signatures.items():
            function = handle[f"xnorflow_{name}"]
            function.restype = result
            function.argtypes = arguments
            setattr(handle, name, function)
    except (OSError, AttributeError) as error:
        raise ToolError(
            f"simulator {library}: cannot be loaded ({error}); "
            f"delete {library.parent} and build again"
        ) from error
    return handle
