# SPDX-License-Identifier: Apache-2.0
"""Files, the page, the summary and the README table."""

import html.parser
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from flows.errors import UsageError
from flows.report import print_summary, write_report
from flows.report.document import build_document, validate
from flows.report.html import number, render_html, short
from flows.report.readme import (
    BEGIN,
    END,
    README,
    extract,
    load_extracts,
    load_published,
    main,
    table,
    updated,
)
from tests.flows.report.sample import build_facts


def test_files(tmp_path: Path):
    document = write_report(tmp_path / "new" / "folder", build_facts())
    folder = tmp_path / "new" / "folder"
    assert json.loads((folder / "report.json").read_text()) == document
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {
        "report.json",
        "report.html",
        "time_per_step.json",
        "report/estimate_layer_cycles.json",
        "report/estimate_network_performance.json",
        "report/rtlsim_performance.json",
    }
    performance = json.loads((folder / "report/rtlsim_performance.json").read_text())
    assert performance["cycles"] == 7_300_000
    assert performance["throughput[images/s]"] == pytest.approx(256 / 0.073)
    write_report(folder, build_facts())  # again, over the old one


def test_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written.*--output-dir"):
        write_report(tmp_path / "file", build_facts())


class _Page(html.parser.HTMLParser):
    """Checks nesting and collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in {"meta", "br", "link", "img", "input"}:
            self.open.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "href"}]

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"verification": None, "performance": None, "resources": None, "fifos": ()},
        {"layers": (), "steps": ()},
    ],
    ids=["full", "stopped", "empty"],
)
def test_page_is_well_formed_and_loads_nothing(changes: dict):
    text = render_html(build_document(build_facts(**changes)))
    page = _Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.loads == []
    assert "script" not in page.tags
    assert "url(" not in text.replace("url(#tip)", "")


def test_page_says_what_matters_and_escapes():
    facts = build_facts(warnings=("<b>not bold</b>",))
    text = render_html(build_document(facts))
    assert "Hardware equals the reference, bit for bit" in text
    assert "3,912,448" in text
    assert "&lt;b&gt;not bold" in text
    document = build_document(facts)
    document["verification"]["mismatches"]["value"] = 3
    assert "3 mismatches</h2>" in render_html(document)


def test_numbers():
    assert [number(v) for v in (1234567, 0.5, 68.0, None)] == ["1,234,567", "0.50", "68", "–"]  # noqa: RUF001
    assert [short(v) for v in (28_224, 3_912_448, 5e9, 999)] == ["28.2 k", "3.91 M", "5 G", "999"]


def _summary(terminal: bool, **changes) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, color_system=None)
    print_summary(console, build_document(build_facts(**changes)))
    return out.getvalue()


def test_summary_is_plain_without_a_terminal():
    text = _summary(False, warnings=("see [section] 3",))
    assert text.isascii()
    for line in (
        "Mismatches           0 in 7,680 logits  [simulated]",
        "Initiation interval  28,226 cycles (estimated 28,224)  [simulated]",
        "LUT                  15,597 of 53,200 (29.3 %)  [synthesised]",
        "Note                 see [section] 3",
    ):
        assert f"  {line}\n" in text
    assert "│" in _summary(True)
    assert "[section]" in _summary(True, warnings=("see [section] 3",))
    stopped = _summary(False, verification=None, performance=None, resources=None)
    assert "Mismatches" not in stopped


def test_readme_table():
    entry = extract(build_document(build_facts()))
    row = table([entry]).splitlines()[2]
    assert row == (
        "| cnv_w1a1 | Pynq-Z2, 100 MHz | 84.31 % CIFAR-10 (JPEG copy of the images) | 256 x 3 | 0 "
        "| 28,226 | 3,543 | 612.4 us (2.17) | 15,597 (29.3 %) | 0.42 | 68 (48.6 %) | 0 (0.0 %) |"
    )
    *_, other, _, _, source = table([entry], load_published()).splitlines()
    assert other == (
        "| _FINN's CNV-W1A1, as published_ | xc7z020, 100 MHz |  |  |  | 32,768 | 3,052 "
        "| 1,512 us (4.61) | 21,135 | 9.30 | 102.5 | 0 |"
    )
    assert source.startswith("FINN's CNV-W1A1, as published: cycles and lanes: folding file")
    assert table([]) == "No results yet."
    text = updated(f"before\n{BEGIN}\nold\n{END}\nafter\n", [])
    assert text == f"before\n{BEGIN}\nNo results yet.\n{END}\nafter\n"
    with pytest.raises(UsageError, match="needed once"):
        updated("no markers", [])


def test_readme_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    write_report(tmp_path, build_facts())
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n{END}\n")
    monkeypatch.setattr("flows.report.readme.README", readme)
    monkeypatch.setattr("flows.report.readme.RESULTS", tmp_path / "results")
    monkeypatch.setattr(load_extracts, "__defaults__", (tmp_path / "results",))
    assert main([str(tmp_path / "report.json")]) == 0
    assert "| cnv_w1a1 |" in readme.read_text()
    assert [path.name for path in (tmp_path / "results").iterdir()] == [
        "cnv_w1a1-pynq_z2-28226.json"
    ]
    assert main([str(tmp_path / "time_per_step.json")]) == 2
    assert main([str(tmp_path / "absent.json")]) == 2
    assert "not a report.json" in capsys.readouterr().err
    stopped = tmp_path / "stopped"
    write_report(stopped, build_facts(verification=None, performance=None, resources=None))
    assert main([str(stopped / "report.json")]) == 2
    assert "stopped early" in capsys.readouterr().err


def test_readme_is_up_to_date():
    """Each figure of README.md comes from a committed extract of a report."""
    text = README.read_text(encoding="utf-8")
    assert text == updated(text, load_extracts()), "run: python -m flows.report.readme"


def test_extract_is_small_and_keeps_its_origin():
    document = build_document(build_facts())
    validate(document)
    kept = extract(document)
    assert "per_layer" not in kept["resources"]
    assert len(json.dumps(kept)) < 8_000
    elsewhere = {**document, "command": "python b.py --jobs 1 --output-dir /x/y --model m"}
    assert extract(elsewhere)["command"] == "python b.py --model m"
    assert re.fullmatch(r"xnorflow-report/\d+", kept["schema"])


def _picture(reads: dict[str, tuple[str, ...]]) -> tuple[int, int]:
    """Arrows from layer to layer, and streams beside the layers, in the page."""
    facts = build_facts()
    layers = tuple(replace(layer, reads=reads.get(layer.name, ())) for layer in facts.layers)
    page = render_html(build_document(build_facts(layers=layers)))
    return len(re.findall(r'd="M174 ', page)), len(re.findall(r'd="M56 ', page))


def test_streams_that_pass_layers_by_are_drawn_beside_them():
    layers = len(build_facts().layers)
    assert _picture({}) == (layers + 1, 0)
    assert _picture({"conv2": ("pool1", "conv0")}) == (layers + 1, 1)
    # Two that overlap, one of which does not read the layer before it; and one from the image.
    reads = {"conv2": ("conv1",), "conv3": ("conv2", "conv0"), "pool1": ("conv1", "image")}
    assert _picture(reads) == (layers, 3)
