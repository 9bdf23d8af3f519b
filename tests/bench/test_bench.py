# SPDX-License-Identifier: Apache-2.0
"""The benchmark reads reports and finds the run before."""

import dataclasses
from pathlib import Path

import pytest

from flows.report import StepTime, write_report
from tests.bench import __main__ as bench
from tests.flows.report.sample import build_facts


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench, "BASELINE", tmp_path / "baseline.jsonl")
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "build"


def run(builds: Path, *arguments: str) -> int:
    return bench.main(["--build-dir", str(builds), *arguments])


def test_second_run_is_compared_with_the_first(builds: Path, capsys):
    assert run(builds) == 2
    assert "no report.json" in capsys.readouterr().err

    folder = builds / "cnv_w1a1-pynq_z2"
    facts = build_facts(created="day 1", steps=(StepTime(name="simulate", seconds=50.0),))
    write_report(folder, facts)
    assert run(builds, "--save-baseline") == 0
    assert run(builds) == 0  # the same report again is no new run
    capsys.readouterr()

    slower = (StepTime(name="simulate", seconds=75.0),)
    write_report(folder, dataclasses.replace(facts, created="day 2", steps=slower))
    assert run(builds) == 0
    out = capsys.readouterr().out
    (row,) = [line for line in out.splitlines() if "simulate [s]" in line]
    assert row.count("+50 %") == 2
    assert "simulation [cycles/s]" in out
    assert len(bench.load(builds / "bench" / "history.jsonl")) == 2


def test_stopped_build_has_steps_only():
    from flows.report.document import build_document

    facts = build_facts(verification=None, performance=None, resources=None)
    assert "hardware [LUT]" not in bench.figures(build_document(facts))
