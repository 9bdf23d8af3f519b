# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import re

import pytest

from flows.dataflow.fold import fold_network
from flows.dataflow.lower import lower, unit_shapes
from flows.dataflow.schedule import size_fifos
from flows.emit.project import HW, closure, emit, library
from flows.errors import UsageError
from flows.sim.verilate import elaborate
from tests.support.chains import tiny_cnv, tiny_fc


def project(rng, root, make=tiny_cnv, cycles=800):
    chain = make(rng)
    network = lower(chain, fold_network(unit_shapes(chain), cycles), "net")
    return size_fifos(network), emit(size_fifos(network), root)


@pytest.mark.parametrize("make", [tiny_cnv, tiny_fc])
def test_generated_rtl_has_no_lint_warning(tmp_path, rng, make):
    _, emitted = project(rng, tmp_path / "rtl", make)
    sources = [emitted.root / path for path in emitted.sources]
    assert "Warning" not in elaborate(top=emitted.top, sources=sources)


def test_two_runs_are_byte_equal(tmp_path, rng):
    network, first = project(rng, tmp_path / "a")
    second = emit(network, tmp_path / "b")
    files = sorted(p.relative_to(first.root) for p in first.root.rglob("*") if p.is_file())
    assert files
    for path in files:
        assert (first.root / path).read_bytes() == (second.root / path).read_bytes(), path


def test_manifest_holds_every_file_with_its_hash(tmp_path, rng):
    _, emitted = project(rng, tmp_path / "rtl")
    manifest = json.loads((emitted.root / "manifest.json").read_text())
    assert set(manifest["sha256"]) == {str(p) for p in (*emitted.sources, *emitted.images)}
    for path, digest in manifest["sha256"].items():
        assert hashlib.sha256((emitted.root / path).read_bytes()).hexdigest() == digest


def test_a_layer_is_found_by_name_with_its_parameters_and_memories(tmp_path, rng):
    network, emitted = project(rng, tmp_path / "rtl")
    unit = next(layer for layer in network if layer.name == "conv1").unit
    text = (emitted.root / "net_conv1.sv").read_text()
    assert f".SIMD({unit.simd})" in text
    assert '.WEIGHT_FILE("mem/conv1_weights.hex")' in text
    depth = unit.nf * unit.sf
    assert len((emitted.root / "mem/conv1_weights.hex").read_text().split()) == depth
    assert re.search(r"net_conv1 u_conv1 \(", (emitted.root / "net.sv").read_text())


def test_an_emission_that_fails_leaves_the_old_folder(tmp_path, rng, monkeypatch):
    network, emitted = project(rng, tmp_path / "rtl")
    before = (emitted.root / "net.sv").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flows.emit.project._write_lists", full)
    with pytest.raises(UsageError, match="No space left on device"):
        emit(network, emitted.root)
    assert (emitted.root / "net.sv").read_bytes() == before


def test_closure_finds_all_modules_and_only_those():
    names = [path.stem for path in closure(["  stream_fifo #(\n"])]
    assert names[-1] == "stream_fifo"
    assert set(names) <= {"stream_fifo", "ram_sdp"}
    everything = closure([f"  {name} #(\n" for name in library()])
    assert {path.stem for path in everything} == set(library())
    assert all(path.is_relative_to(HW) for path in everything)
