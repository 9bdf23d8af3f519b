# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all tests. A missing tool fails a test; nothing here skips."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=0, help="added to the seed of every test")
    parser.addoption("--cifar10", type=Path, help="folder with the published data set")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Seed of this test: from its name, so that it stays when other tests come and go."""
    base = zlib.crc32(request.node.nodeid.encode()) & 0xFFFF
    value = base + int(request.config.getoption("--seed"))
    request.node.stash[SEED] = value
    return value


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """Random numbers of this test; the seed is printed when the test fails."""
    return np.random.default_rng(seed)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Prints the seed of a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and SEED in item.stash:
        report.sections.append(("seed", f"--seed=0 gives {item.stash[SEED]} for this test"))
