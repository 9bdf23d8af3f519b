# SPDX-License-Identifier: Apache-2.0
"""Set-up: names what is missing, survives being killed, does nothing when nothing is to do.

Python is a stand-in that records its calls, so nothing is downloaded.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.meta.tree import ROOT

TOOLS = "sh dirname cksum cat date grep mkdir touch rm mv tail cp make"
STAND_IN = """#!/bin/sh
echo "$*" | head -1 >> "$CALLS"
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"pip"*"-r requirements.lock"*) [ ! -e broken ] || { echo "no route to host"; exit 1; } ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder"
    (folder / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "setup.sh", folder / "tools")
    (folder / "requirements.lock").write_text("torch==2.13.0\n")
    (folder / "pyproject.toml").write_text('version = "0.1.0"\n')
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the few programs that set-up uses, and no compiler."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in (*TOOLS.split(), "head"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def add(path: Path, name: str, text: str = "#!/bin/sh\n") -> None:
    (path / name).write_text(text)
    (path / name).chmod(0o755)


def set_up(project: Path, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "CALLS": str(project / "calls"), "HOME": os.devnull}
    command = [str(project / "tools" / "setup.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def calls(project: Path) -> str:
    log = project / "calls"
    text = log.read_text() if log.exists() else ""
    log.unlink(missing_ok=True)
    return text


def test_missing_prerequisites_come_with_the_command(project: Path, path: Path):
    done = set_up(project, path)
    assert done.returncode == 2
    assert "Python 3.11, g++ not found" in done.stderr
    assert "sudo apt install python3.11 python3.11-venv g++\n" in done.stderr
    assert "sudo dnf install python3.11 gcc-c++\n" in done.stderr
    assert "make setup PYTHON=" in done.stderr
    assert not (project / ".venv").exists()

    add(path, "python3.11", STAND_IN)
    done = set_up(project, path)
    assert "stopped: g++ not found" in done.stderr
    assert "sudo apt install g++\n" in done.stderr


def test_missing_venv_module(project: Path, path: Path):
    add(path, "g++")
    add(path, "python3.11", '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\n')
    done = set_up(project, path)
    assert done.returncode == 2
    assert "Python's venv module not found" in done.stderr
    assert "sudo apt install python3.11-venv\n" in done.stderr


def test_life_of_an_environment(project: Path, path: Path):
    add(path, "g++")
    add(path, "python3.11", STAND_IN)
    marker = project / ".venv" / ".set-up-complete"

    (project / "broken").touch()
    done = set_up(project, path)
    assert done.returncode == 2
    assert "no route to host" in done.stderr
    assert "run the same command again" in done.stderr
    assert not marker.exists()
    calls(project)

    (project / "broken").unlink()
    (project / ".venv" / "half-installed").touch()
    done = set_up(project, path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Set-up complete." in done.stdout
    assert not (project / ".venv" / "half-installed").exists()  # started over
    log = calls(project)
    assert log.index("-m venv .venv") < log.index("torch==2.13.0") < log.index("--no-deps -r")
    assert log.index("--no-deps -r") < log.index("-e .") < log.index("check_environment.py")

    (path / "python3.11").rename(path / "elsewhere")  # the environment stands on its own
    done = set_up(project, path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "-m" not in calls(project)
    (path / "elsewhere").rename(path / "python3.11")

    (project / "requirements.lock").write_text("torch==2.13.0\nnumpy==2.4.6\n")
    assert set_up(project, path).returncode == 0
    log = calls(project)
    assert "--no-deps -r" in log
    assert "-m venv" not in log  # the folder itself is sound
