# SPDX-License-Identifier: Apache-2.0
"""The exported QONNX file and reference vectors say what the torch module computes."""

import json

import numpy as np
import onnx
import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from brevitas_models import export, zoo
from brevitas_models.errors import ModelError
from brevitas_models.freeze import freeze


def _images(name, count=6, seed=0):
    channels, height, width = zoo.entry(name).input_shape
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, height, width, channels), np.uint8)


@pytest.fixture(scope="module", params=["tiny_cnv", "tiny_fc"])
def exported(request, tmp_path_factory):
    name = request.param
    out = tmp_path_factory.mktemp("export") / name
    export.export_model(name, None, _images(name), out, untrained_seed=4)
    record = json.loads((out / "reference.json").read_text())
    return name, out, record, dict(np.load(out / "reference.npz"))


def _context(out, images, index):
    model = ModelWrapper(str(out / "model.onnx")).transform(InferShapes())
    x = images[index : index + 1].transpose(0, 3, 1, 2).astype(np.float32)
    return execute_onnx(model, {"pixels": x}, return_full_exec_context=True)


def test_qonnx_execution_equals_the_reference(exported):
    _, out, record, arrays = exported
    for index in range(len(arrays["images"])):
        context = _context(out, arrays["images"], index)
        assert np.array_equal(context[record["last_acc_tensor"]][0], arrays["logits"][index])
        for layer in record["layers"]:
            sign = context[layer["sign_tensor"]]
            bits = sign.transpose(0, 2, 3, 1) if layer["kind"] == "conv" else sign
            bits = bits.reshape(1, *layer["shape"]) > 0
            packed = arrays[f"act/{layer['name']}"][index : index + 1]
            assert np.array_equal(export.pack_bits(bits), packed), layer["name"]


def test_truth_tables_reproduce_the_activations(exported):
    _, out, record, arrays = exported
    context = _context(out, arrays["images"], 0)
    for layer in record["layers"]:
        table = np.unpackbits(
            arrays[f"table/{layer['name']}"], axis=1, count=layer["values"], bitorder="little"
        )
        assert table.shape == (layer["channels"], layer["values"])
        acc = context[layer["acc_tensor"]] / layer["acc_scale"]
        assert np.array_equal(acc, np.rint(acc))
        index = (acc.astype(np.int64) - layer["acc_min"]) // layer["acc_step"]
        channel = np.arange(layer["channels"]).reshape((1, -1) + (1,) * (acc.ndim - 2))
        assert np.array_equal(table[channel, index], context[layer["sign_tensor"]] > 0)


def test_graph_is_thresholds_only(exported):
    _, out, record, _ = exported
    graph = onnx.load(str(out / "model.onnx"))
    assert {entry.version for entry in graph.opset_import if entry.domain == ""} == {18}
    kinds = {node.op_type for node in graph.graph.node}
    assert kinds <= {
        "Sub", "Mul", "Quant", "BipolarQuant", "Conv", "MaxPool", "Flatten", "Transpose", "MatMul",
        "Add",
    }  # fmt: skip
    pooled = [layer["name"] for layer in record["layers"] if layer["pool_tensor"]]
    assert pooled == [layer["name"] for layer in record["layers"] if layer["pool"] > 1]


def test_one_flipped_weight_is_seen(exported):
    name, _, _, arrays = exported
    model = zoo.untrained(name, 4)
    with torch.no_grad():
        model.last.weight[3, 2] *= -1
    deploy, tables = freeze(model)
    changed, _ = export.reference(model, deploy, tables, arrays["images"])
    differs = changed["logits"] != arrays["logits"]
    assert differs[:, 3].all()
    assert differs.sum() == len(differs)


def test_export_is_deterministic_and_replaces_the_old_one(tmp_path):
    images = _images("tiny_fc", 3)
    out = tmp_path / "deep" / "out"
    first = export.export_model("tiny_fc", None, images, out, untrained_seed=1)
    before = {p.name: p.read_bytes() for p in first.iterdir() if p.suffix != ".npz"}
    (out / "stale.txt").write_text("old")
    export.export_model("tiny_fc", None, images, out, untrained_seed=1)
    after = {p.name: p.read_bytes() for p in out.iterdir() if p.suffix != ".npz"}
    assert before == after
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_failed_export_leaves_nothing(tmp_path, monkeypatch):
    def broken(*_args):
        raise ModelError("broken")

    monkeypatch.setattr(export, "write_qonnx", broken)
    with pytest.raises(ModelError, match="broken"):
        export.export_model("tiny_fc", None, _images("tiny_fc"), tmp_path / "o", untrained_seed=1)
    assert list(tmp_path.iterdir()) == []


def test_bad_images_and_directory_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"takes \(8, 8, 1\)"):
        export.export_model("tiny_fc", None, _images("tiny_cnv"), tmp_path / "o", untrained_seed=1)
    with pytest.raises(ModelError, match="at least one image"):
        export.export_model(
            "tiny_fc", None, _images("tiny_fc", 0), tmp_path / "o", untrained_seed=1
        )
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written"):
        export.export_model(
            "tiny_fc", None, _images("tiny_fc"), tmp_path / "file" / "o", untrained_seed=1
        )


def test_inexact_accumulator_is_located():
    acc = torch.tensor([[2.0, 4.0], [2.0, 4.001]])
    with pytest.raises(ModelError, match=r"conv3, index \(1, 1\)"):
        export.check_integers("conv3", acc)
