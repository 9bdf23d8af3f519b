# SPDX-License-Identifier: Apache-2.0
"""The deploy folder: complete, true, runnable as it lies, installable."""

import configparser
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from flows.deploy.folder import DRIVER, add_bitstream
from flows.errors import UsageError
from tests.support.deployed import LABELLED

ROOT = DRIVER.parents[1]
FILES = {
    "README.md",
    "__init__.py",
    "c/example_linux.c",
    "c/network.h",
    "c/xnorflow.c",
    "c/xnorflow.h",
    "c/xnorflow_registers.h",
    "notebooks/__init__.py",
    "notebooks/validate.ipynb",
    "overlay.json",
    "pyproject.toml",
    "validate.py",
    "validation.npz",
    "virtual/shell.so",
    "virtual_board.py",
    "xnorflow_driver.py",
}
KEYS = {
    "images",
    "mismatches",
    "top1",
    "cycles_per_image",
    "latency_cycles",
    "clock_mhz",
    "fps",
    "platform",
    "batch",
}


@pytest.fixture
def build(deployed, tmp_path):
    """A build's folder with a deploy folder to change."""
    folder = tmp_path / "net-pynq_z2"
    shutil.copytree(deployed.folder, folder / "deploy")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "validate.py"), "--platform", "virtual", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_all_files_are_there(deployed):
    found = {
        path.relative_to(deployed.folder).as_posix()
        for path in deployed.folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".hex"
    }
    assert found == FILES


@pytest.mark.parametrize("name", ["xnorflow_driver.py", "validate.py", "virtual_board.py"])
def test_what_ships_is_what_is_tested(deployed, name):
    assert (deployed.folder / name).read_bytes() == (DRIVER / name).read_bytes()


@pytest.mark.parametrize("batch", [1, 7, 256])
def test_validate_prints_the_figures(deployed, batch):
    done = run(deployed.folder, "--batch", str(batch), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(done.stdout)
    assert set(figures) >= KEYS
    assert figures["images"] == len(deployed.images)
    assert figures["mismatches"] == 0
    assert figures["batch"] == batch
    assert figures["platform"] == "virtual"
    assert figures["top1"] == pytest.approx(100 * (LABELLED - 1) / LABELLED)
    assert figures["clock_mhz"] == pytest.approx(100, rel=1e-3)
    assert figures["cycles_per_image"] >= deployed.interval


def test_validate_in_words(deployed):
    done = run(deployed.folder, "--images", "3")
    assert done.returncode == 0
    assert "3 images of random, 15 logits: 0 differ" in done.stdout
    assert "first result of a batch in memory after" in done.stdout


def test_validate_tells_a_difference(build):
    """A wrong reference logit, as a stand-in for a wrong board, gives exit code 1."""
    path = build / "deploy" / "validation.npz"
    with np.load(path) as arrays:
        changed = dict(arrays)
    changed["logits"][5, 1] += 1
    np.savez(path, **changed)
    done = run(build / "deploy", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["mismatches"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--images", "13"), "error: --images 13: validation.npz holds 12; ask for fewer"),
        (("--clock-mhz", "300"), "error: clock_mhz=300: this bitstream is closed for 100 MHz"),
        (("--clock-mhz", "nan"), "error: clock_mhz=nan: this bitstream is closed for 100 MHz"),
        (("--net-clock-mhz", "50"), "error: net_clock_mhz: this bitstream has one clock"),
        (("--batch", "0"), "--batch 0: at least 1"),
        (("--folder", "nowhere"), "--folder nowhere: no deploy folder; name one"),
        (("--weights", "nowhere"), "--weights nowhere: no deploy folder; name one"),
    ],
)
def test_validate_refuses_in_one_sentence(deployed, arguments, sentence):
    done = run(deployed.folder, *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("spoil", [lambda x: b"", lambda x: x[: len(x) // 2], lambda x: b"PK"])
def test_validate_names_damaged_vectors(build, spoil):
    path = build / "deploy" / "validation.npz"
    path.write_bytes(spoil(path.read_bytes()))
    done = run(build / "deploy")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {path}: cannot be read (")
    assert done.stderr.endswith("; copy the deploy folder again\n")
    assert "Traceback" not in done.stderr


def test_overlay_says_what_was_built(deployed):
    facts = json.loads((deployed.folder / "overlay.json").read_text())
    library = (deployed.folder / "virtual" / "shell.so").read_bytes()
    assert facts["bitstream"]["virtual"]["sha256"] == hashlib.sha256(library).hexdigest()
    assert facts["bitstream"]["pynq"] is None
    assert facts["system"]["family"] == "zynq7000"
    assert facts["system"]["shell_base"] == 0x40000000
    assert facts["expected"]["interval_cycles"] == deployed.interval
    assert facts["input"]["shape"] == list(deployed.images.shape[1:])


def test_readme_gives_commands_and_figures(deployed):
    text = (deployed.folder / "README.md").read_text()
    assert "make deploy HOST=xilinx@pynq DIR=" in text
    assert "    python3 validate.py --platform virtual --images 20 --batch 7\n" in text
    assert "**Not built: the bitstream.**" in text
    assert f"| cycles between images | {deployed.interval} | simulated" in text
    bus = -(-deployed.images[0].size // 8)
    assert f"| cycles that the bus takes for an image | {bus} | 8 bytes a cycle" in text
    rate = 100e6 / max(deployed.interval, bus)
    assert f"| {rate:.0f} at most | the slower of both |" in text
    assert "{{" not in text


def test_bitstream_is_added(build, tmp_path):
    bit = tmp_path / "design.bit"
    bit.write_bytes(b"some bits")
    bit.with_suffix(".hwh").write_text("<EDKSYSTEM/>")
    folder = add_bitstream(build, bit)
    assert (folder / "net-pynq_z2.bit").read_bytes() == b"some bits"
    assert (folder / "net-pynq_z2.hwh").read_text() == "<EDKSYSTEM/>"
    record = json.loads((folder / "overlay.json").read_text())["bitstream"]["pynq"]
    assert record == {
        "file": "net-pynq_z2.bit",
        "sha256": hashlib.sha256(b"some bits").hexdigest(),
    }
    text = (folder / "README.md").read_text()
    assert "Not built" not in text
    assert "`net-pynq_z2.bit`, with metadata." in text

    bit.with_suffix(".hwh").unlink()  # a second one replaces the first, and its metadata
    bit.write_bytes(b"other bits")
    add_bitstream(build, bit)
    assert not (folder / "net-pynq_z2.hwh").exists()
    assert "without metadata" in (folder / "README.md").read_text()


def test_bitstream_that_is_none(build, tmp_path):
    with pytest.raises(UsageError, match=r"no such \.bit file"):
        add_bitstream(build, tmp_path / "none.bit")
    with pytest.raises(UsageError, match="no deploy folder; build first"):
        add_bitstream(tmp_path / "elsewhere", tmp_path / "none.bit")


def test_bitstream_is_added_by_a_command(build, tmp_path):
    (tmp_path / "design.bit").write_bytes(b"some bits")
    command = [sys.executable, "-m", "flows.deploy", str(build), "--bitstream"]
    ends = []
    for name in ("none.bit", "design.bit"):
        done = subprocess.run(
            [*command, str(tmp_path / name)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        ends.append((done.returncode, done.stdout + done.stderr))
    assert ends[0][0] == 2
    assert ends[0][1].startswith(f"error: --bitstream {tmp_path / 'none.bit'}: no such .bit file")
    assert ends[1][0] == 0
    assert "deploy: holds net-pynq_z2.bit; README.md says how to run it" in ends[1][1]


def test_notebook_runs(deployed, tmp_path):
    """All code cells in order, in a process of their own, on the virtual board."""
    book = json.loads((deployed.folder / "notebooks" / "validate.ipynb").read_text())
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 4)
    code = "\n".join(
        "".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"
    )
    assert 'PLATFORM, IMAGES = "auto", 100' in code
    script = tmp_path / "cells.py"
    script.write_text(code.replace('"auto"', '"virtual"'))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=deployed.folder / "notebooks",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "net runs at 100.00 MHz" in done.stdout
    assert "12 images, 60 logits: 0 differ" in done.stdout
    assert "throughput[images/s]" in done.stdout


def test_package_is_an_overlay_package(build, tmp_path):
    """A wheel with driver, facts, bitstream and notebook; PYNQ finds the latter by entry point."""
    bit = tmp_path / "design.bit"
    bit.write_bytes(b"some bits")
    add_bitstream(build, bit)
    text = (build / "deploy" / "README.md").read_text()
    (line,) = [line for line in text.splitlines() if "-m pip wheel" in line]
    options = ["--no-build-isolation", "--disable-pip-version-check", "-q"]
    command = [sys.executable, *line.split()[1:], *options]
    subprocess.run(command, cwd=build / "deploy", check=True, capture_output=True)
    (wheel,) = build.glob("*.whl")
    assert wheel.name == "net_pynq_z2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    package = {"overlay.json", "validation.npz", "xnorflow_driver.py", "net-pynq_z2.bit"}
    assert {f"net_pynq_z2/{name}" for name in package} <= names
    assert "net_pynq_z2/notebooks/validate.ipynb" in names
    assert not any("virtual/" in name for name in names)
    entries = configparser.ConfigParser()
    entries.read(tmp_path / "site" / "net_pynq_z2-0.1.0.dist-info" / "entry_points.txt")
    assert dict(entries["pynq.notebooks"]) == {"net_pynq_z2": "net_pynq_z2.notebooks"}
    code = "import net_pynq_z2 as p; print(p.Accelerator.__name__, p.FOLDER.name)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Accelerator net_pynq_z2\n"


def test_make_deploy_copies_over_ssh(deployed, tmp_path):
    """`make deploy` with a stand-in for ssh that runs the command here."""
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f'#!/bin/sh\necho "$1" > "{tmp_path}/host"\ncd "{tmp_path}" && exec sh -c "$2"\n'
    )
    ssh.chmod(0o755)
    command = ["make", "-s", "deploy", "HOST=xilinx@pynq", f"DIR={deployed.folder}", f"SSH={ssh}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "host").read_text() == "xilinx@pynq\n"
    there = tmp_path / "net_pynq_z2"
    assert (there / "validate.py").is_file()
    assert (there / "c" / "network.h").is_file()
    assert not (there / "virtual").exists()
    assert "copied to xilinx@pynq:net_pynq_z2" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "make deploy: no board named; add HOST=user@address"),
        (["HOST=a@b", "DIR=hw"], "make deploy: hw is no deploy folder"),
    ],
)
def test_make_deploy_refuses(arguments, sentence):
    environment = {key: value for key, value in os.environ.items() if key not in ("HOST", "DIR")}
    done = subprocess.run(
        ["make", "-s", "deploy", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert sentence in done.stdout
