# SPDX-License-Identifier: Apache-2.0
"""The command as a user meets it: bad input gives one message, exit code 2 and no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from flows import build
from flows.report.document import validate
from tests.flows.streamline.build import Builder, block, head, stem
from tests.flows.streamline.graphs import zoo_net

ROOT = Path(__file__).resolve().parents[2]


def _invoke(tmp_path, *arguments, board="Pynq-Z2"):
    out = tmp_path / "out"
    return CliRunner().invoke(
        build.app, ["--board", board, "--output-dir", str(out), *map(str, arguments)]
    )


def _refused(result, *words):
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    flat = " ".join(result.output.split())
    for word in words:
        assert word in flat, result.output


def _no_report(tmp_path):
    return not list((tmp_path / "out").rglob("report.json"))


def test_unknown_board_suggests_the_nearest(tmp_path):
    _refused(_invoke(tmp_path, board="Pynq-Z3"), "Pynq-Z3", "Did you mean Pynq-Z", "ZCU104")


def test_unknown_model_lists_the_zoo(tmp_path):
    result = _invoke(tmp_path, "--model", "cnv_w2a2", "--images", 1)
    _refused(result, "cnv_w2a2", "cnv_w1a1", "tfc_w1a1")
    assert _no_report(tmp_path)


def test_unknown_stall_pattern_lists_them_before_anything_runs(tmp_path):
    _refused(_invoke(tmp_path, "--stalls", "none,sometimes"), "sometimes", "patterns: none")
    assert not (tmp_path / "out").exists()


def test_unknown_step_lists_them(tmp_path):
    _refused(_invoke(tmp_path, "--stop-after", "place"), "place", "steps: export, streamline")


def test_qonnx_file_that_is_none(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("no graph at all")
    _refused(_invoke(tmp_path, "--qonnx", path), "model.onnx")


def test_missing_qonnx_file(tmp_path):
    _refused(_invoke(tmp_path, "--qonnx", tmp_path / "none.onnx"), "none.onnx")


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    """A QONNX file of an untrained network."""
    folder = tmp_path_factory.mktemp("tiny") / "export"
    command = [sys.executable, "-W", "ignore", "-m", "brevitas_models", "export", "tiny_cnv"]
    subprocess.run(
        [*command, str(folder), "--untrained", "1", "--images", "2"], cwd=ROOT, check=True
    )
    return folder / "model.onnx"


def test_truncated_qonnx_file(tmp_path, tiny_model):
    path = tmp_path / "cut.onnx"
    path.write_bytes(tiny_model.read_bytes()[:5000])
    _refused(_invoke(tmp_path, "--qonnx", path), "cut.onnx")


def test_illegal_folding_file(tmp_path):
    path = tmp_path / "folding.json"
    path.write_text(json.dumps({"conv0": {"PE": 3, "SIMD": 27}}))
    arguments = ("--model", "tiny_cnv", "--untrained", 1, "--images", 2, "--folding", path)
    _refused(_invoke(tmp_path, *arguments), "folding.json", "conv1")


def test_a_target_that_no_folding_reaches(tmp_path):
    arguments = ("--model", "tiny_cnv", "--untrained", 1, "--images", 2, "--target-fps", 1e9)
    _refused(_invoke(tmp_path, *arguments), "no legal folding", "--target-fps")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--budget", 0), ("--budget 0", "above 0, up to 1")),
        (("--budget", 1.5), ("--budget 1.5", "above 0, up to 1")),
        (("--maximize", "fps", "--target-fps", 10), ("--maximize and --target-fps",)),
        (("--maximize", "fps", "--minimize", "latency"), ("--maximize and --minimize",)),
        (("--minimize", "latency", "--folding", "f.json"), ("--minimize and --folding",)),
        (("--maximize", "luts"), ("luts", "fps")),
        (("--stem", "abacus"), ("abacus", "lut")),
    ],
)
def test_wishes_that_make_no_sense(tmp_path, arguments, words):
    _refused(_invoke(tmp_path, *arguments), *words)
    assert not (tmp_path / "out").exists()


def test_a_budget_that_holds_nothing(tmp_path):
    arguments = ("--model", "tiny_cnv", "--untrained", 1, "--images", 2)
    result = _invoke(tmp_path, *arguments, "--maximize", "fps", "--budget", 0.001)
    _refused(result, "LUT (budget 53)", "no folding of this network fits", "--budget")


def test_the_most_frames_within_a_budget(tmp_path):
    arguments = ("--model", "tiny_cnv", "--untrained", 1, "--images", 2, "--stop-after", "size")
    result = _invoke(tmp_path, *arguments, "--maximize", "fps", "--budget", 0.1)
    assert result.exit_code == 0, result.output
    assert "bound by" in result.output
    (found,) = (tmp_path / "out").glob("*/final_hw_config.json")
    written = tmp_path / "folding.json"
    written.write_text(found.read_text())
    again = _invoke(tmp_path, *arguments, "--folding", written)
    assert again.exit_code == 0, again.output
    assert json.loads(found.read_text()) == json.loads(written.read_text())


def test_output_directory_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("in the way")
    _refused(_invoke(tmp_path), "--output-dir", "cannot be written")


@pytest.mark.parametrize("path", ["/proc/nothing", "/dev/null/x"])
def test_output_directory_that_cannot_exist(path):
    result = CliRunner().invoke(build.app, ["--board", "Pynq-Z2", "--output-dir", path])
    _refused(result, "--output-dir", "cannot be written")


def test_a_full_disk_ends_in_a_message(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", str(tmp_path / "out"))

    monkeypatch.setattr("flows.pipeline.export", full)
    _refused(_invoke(tmp_path), "No space left on device", "--output-dir")


def test_unwritable_output_directory(tmp_path, monkeypatch):
    # Permission bits do not bind root, so the refusal comes from the system call itself.
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    _refused(_invoke(tmp_path), "--output-dir", "Permission denied")


def test_missing_data_folder(tmp_path):
    _refused(_invoke(tmp_path, "--model", "tfc_w1a1", "--data", tmp_path / "nowhere"), "nowhere")


def test_checkpoint_that_is_none(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"PK\x03\x04 cut short")
    _refused(_invoke(tmp_path, "--model", "tfc_w1a1", "--checkpoint", path), "weights.")


@pytest.mark.parametrize("option", [("--images", 0), ("--clock-mhz", -5), ("--jobs", 0)])
def test_numbers_out_of_range(tmp_path, option):
    _refused(_invoke(tmp_path, *option), option[0])


def test_stop_after_stops_and_says_so(tmp_path):
    arguments = ("--model", "tiny_cnv", "--untrained", 1, "--images", 2, "--stop-after", "verify")
    result = _invoke(tmp_path, *arguments)
    assert result.exit_code == 0, result.output
    assert "stopped after verify" in result.output
    assert (tmp_path / "out/tiny_cnv-pynq_z2/rtl/tiny_cnv.sv").is_file()
    assert _no_report(tmp_path)


def test_a_report_of_an_earlier_build_does_not_survive_a_later_one(tmp_path):
    stale = tmp_path / "out/tiny_cnv-pynq_z2/report.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    arguments = ("--model", "tiny_cnv", "--untrained", 1, "--images", 2, "--stop-after", "export")
    assert _invoke(tmp_path, *arguments).exit_code == 0
    assert not stale.exists()


def test_two_builds_in_one_folder_do_not_mix(tmp_path):
    import fcntl

    folder = tmp_path / "out/tiny_cnv-pynq_z2"
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _refused(_invoke(tmp_path, "--model", "tiny_cnv"), "another build is running")


def test_as_a_script_from_another_folder(tmp_path):
    """`python flows/build.py` works wherever it is called from."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "flows/build.py"), "--board", "Nexys"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 2
    assert "there is no board 'Nexys'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_its_packages_the_command_says_what_to_do(tmp_path):
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(ROOT / "flows/build.py"), "--board", "Pynq-Z2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr


def _report(tmp_path, name):
    folder = tmp_path / f"out/{name}-pynq_z2"
    document = json.loads((folder / "report.json").read_text())
    validate(document)
    return folder, document


def test_a_whole_build_leaves_a_valid_report(tmp_path):
    arguments = ("--model", "tiny_cnv", "--untrained", 1, "--images", 20, "--target-fps", 20_000)
    result = _invoke(tmp_path, *arguments, "--trace-layers", "--waves")
    assert result.exit_code == 0, result.output
    folder, document = _report(tmp_path, "tiny_cnv")
    assert document["verification"]["mismatches"]["value"] == 0
    assert document["verification"]["logits_compared"]["value"] == 3 * 20 * 10
    assert document["verification"]["layers_compared"] == [
        layer["name"] for layer in document["layers"]
    ]
    performance = document["performance"]
    simulated = performance["initiation_interval_cycles"]["value"]
    estimated = performance["estimated_initiation_interval_cycles"]["value"]
    assert simulated == estimated
    assert performance["frames_per_second"]["value"] >= 20_000
    resources = document["resources"]
    for key in ("lut", "ff", "bram36"):
        total = sum(layer[key]["value"] for layer in resources["per_layer"])
        assert resources[key]["value"] == total > 0 or key == "bram36"
    assert (folder / "report.html").stat().st_size > 10_000
    assert (folder / "sim/first_image.vcd").stat().st_size > 10_000
    assert "0 in 600 logits" in " ".join(result.output.split())


def test_a_foreign_qonnx_file_is_built_and_verified(tmp_path):
    """A dense network as the first exporters wrote it: verified against onnxruntime."""
    path = tmp_path / "zoo_tfc.onnx"
    onnx.save(zoo_net(), str(path))
    arguments = ("--qonnx", path, "--images", 30, "--target-fps", 20_000)
    result = _invoke(tmp_path, *arguments)
    assert result.exit_code == 0, result.output
    _, document = _report(tmp_path, "zoo_tfc")
    assert document["verification"]["reference"].startswith("onnxruntime")
    assert document["verification"]["mismatches"]["value"] == 0
    assert document["verification"]["logits_compared"]["value"] == 3 * 30 * 10


def test_a_residual_qonnx_file_is_built_and_verified(tmp_path, rng):
    """Forks and joins, without a word that there are any, and without PyTorch's vectors."""
    path = tmp_path / "blocks.onnx"
    build = Builder(rng, (3, 8, 8))
    x = block(build, block(build, stem(build), 8, None), 8, -1.0)
    onnx.save(build.model(head(build, x, 8, 8)).model, str(path))
    arguments = ("--qonnx", path, "--images", 4, "--target-fps", 20_000, "--trace-layers")
    result = _invoke(tmp_path, *arguments, "--stop-after", "simulate")
    assert result.exit_code == 0, result.output
    assert "4 images x 3 stall patterns: 0 logits differ" in " ".join(result.output.split())
    assert "integer nodes" in result.output
