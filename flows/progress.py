# SPDX-License-Identifier: Apache-2.0
"""Progress of a build: one line a step, with a spinner where there is a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from flows.errors import UsageError

STEPS = (
    "export",
    "streamline",
    "fold",
    "lower",
    "size",
    "emit",
    "verify",
    "simulate",
    "synthesise",
    "shell",
    "bitstream",
    "deploy",
    "report",
)


class StoppedError(Exception):
    """The step that --stop-after names has run."""


class Progress:
    """Runs named steps, times them and tells the user.

    Args:
        console: where lines go.
        stop_after: last step to run, or None.

    Attributes:
        seconds: step name to its duration.
    """

    def __init__(self, console: Console, stop_after: str | None) -> None:
        if stop_after is not None and stop_after not in STEPS:
            raise UsageError(f"--stop-after {stop_after}: no such step; steps: {', '.join(STEPS)}")
        self.console = console
        self.stop_after = stop_after
        self.seconds: dict[str, float] = {}
        self._details: list[str] = []
        self._status: Status | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step; its line says what `note` was told within.

        Raises:
            StoppedError: after the step that the user wants to be the last.
        """
        number = f"[{STEPS.index(name) + 1:2}/{len(STEPS)}]"
        self._details = []
        start = time.perf_counter()
        with self.console.status(f"{number} {name} ...") as self._status:
            yield
        self.seconds[name] = time.perf_counter() - start
        detail = "; ".join(self._details)
        line = f"{number} {name:<11}{self.seconds[name]:7.1f} s  {detail}"
        self.console.print(line.rstrip(), highlight=False, markup=False, soft_wrap=True)
        if name == self.stop_after:
            raise StoppedError(name)

    def advance(self, text: str) -> None:
        """Shows how far the running step is; terminals only, so that logs stay short."""
        if self._status is not None:
            self._status.update(f"{text} ...")

    def note(self, text: str) -> None:
        """Adds a fact to the line of the running step."""
        self._details.append(text)
