# SPDX-License-Identifier: Apache-2.0
"""Random networks with forks and joins, lowered, emitted and simulated: every stream, every bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.battery import CACHE
from tests.support.random_graphs import random_graph
from tests.support.run_graph import run_graph

FEW, MANY = range(10), range(10, 210)


def check(seed: int, folder: Path, cache: Path = CACHE) -> None:
    """One network; where it fails, the fewest blocks of the same seed that still fail are named."""
    try:
        run_graph(random_graph(seed), seed, folder, cache)
    except Exception as error:
        pytest.fail(f"seed {seed}, shrunk to {_shrunk(seed, folder, cache)} blocks: {error}")


def _shrunk(seed: int, folder: Path, cache: Path) -> str:
    for blocks in range(3):
        try:
            run_graph(random_graph(seed, blocks), seed, folder / f"shrunk{blocks}", cache)
        except Exception as error:
            return f"{blocks} ({type(error).__name__}: {str(error)[:300]})"
    return "all"


@pytest.fixture(scope="session")
def passing_cache(tmp_path_factory) -> Path:
    """Simulators of 200 networks are not worth keeping; what all of them share is, for a while."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("seed", FEW)
def test_random_network(seed, tmp_path):
    check(seed, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", MANY)
def test_many_random_networks(seed, tmp_path, passing_cache):
    check(seed, tmp_path, passing_cache)


def test_a_fault_is_found_and_its_seed_named(tmp_path, passing_cache, monkeypatch):
    """Negative control: one flipped weight in what is emitted, not in what is expected."""
    from flows.emit import project

    genuine = project.image_text

    def damaged(words):
        changed = words.copy()
        changed[0, 0] ^= 1
        return genuine(changed)

    monkeypatch.setattr(project, "image_text", damaged)
    with pytest.raises(pytest.fail.Exception, match="seed 1, shrunk to 0 "):
        check(1, tmp_path, passing_cache)
