# SPDX-License-Identifier: Apache-2.0
"""stream_cdc, stream_cdc_sync and stream_cdc_count under pairs of unrelated clocks."""

from pathlib import Path

import pytest

from tests.support import cosimulate
from tests.support.battery import ROOT, check_rejected

STREAM = ROOT / "hw" / "stream"
NAMES = ("cdc", "cdc_sync", "cdc_count")
BENCH = Path(__file__).with_name("stream_cdc_bench.sv")
MODULE = "tests.hw.stream.cocotb_cdc"


def sources(folder: Path = STREAM) -> list[Path]:
    return [*(folder / f"stream_{name}.sv" for name in NAMES), BENCH]


def test_two_clocks(tmp_path: Path) -> None:
    folder = cosimulate.build("stream_cdc_bench", sources(), {})
    cosimulate.run(folder, "stream_cdc_bench", MODULE, tmp_path)


def test_a_fault_is_found(tmp_path: Path) -> None:
    """With a writer that is full one beat too late, the test must fail."""
    for name in NAMES:
        text = (STREAM / f"stream_{name}.sv").read_text()
        if name == "cdc":
            assert text.count("(write_gray_d !=") == 1
            text = text.replace("(write_gray_d !=", "(write_gray_q !=")
        (tmp_path / f"stream_{name}.sv").write_text(text)
    folder = cosimulate.build("stream_cdc_bench", sources(tmp_path), {})
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        cosimulate.run(folder, "stream_cdc_bench", MODULE, tmp_path / "out")


@pytest.mark.parametrize("depth", [2, 6])
def test_illegal_depths_are_refused(depth: int) -> None:
    check_rejected(
        "stream_cdc", sources()[:2], parameters={"DEPTH": depth}, match="power of two from 4"
    )
