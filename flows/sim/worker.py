# SPDX-License-Identifier: Apache-2.0
"""Child process of ``run_parallel``: one job in, one answer or one error out."""

from __future__ import annotations

import contextlib
import ctypes
import pickle
import signal
import sys
from pathlib import Path

from flows.errors import FlowError
from flows.sim.run import run

_PR_SET_PDEATHSIG = 1


def main(folder: Path) -> None:
    """Runs the job in ``folder`` and leaves ``answer.pickle`` there, whole or not at all."""
    with contextlib.suppress(OSError, AttributeError):  # die with the parent; Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    build, job = pickle.loads((folder / "job.pickle").read_bytes())
    try:
        result = run(build, job.input_beats, expect=job.expect, options=job.options)
        answer: tuple[str, object] = ("result", result)
    except FlowError as error:
        answer = (type(error).__name__, str(error))
    partial = folder / "answer.tmp"
    partial.write_bytes(pickle.dumps(answer))
    partial.rename(folder / "answer.pickle")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
