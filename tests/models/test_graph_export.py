# SPDX-License-Identifier: Apache-2.0
"""Exported graphs equal an exact integer evaluation, stream by stream, and qonnx's executor."""

import json

import numpy as np
import onnx
import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from brevitas_models import zoo
from brevitas_models.artifacts import pack_bits
from brevitas_models.graph import freeze_graph
from brevitas_models.graph_export import export_graph
from tests.models import dyadic

TINY = sorted(e.name for e in zoo.ZOO.values() if e.graph and e.test_only)


def _images(name, count=3):
    channels, height, width = zoo.entry(name).input_shape
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, height, width, channels), np.uint8)
    images[0] = 0
    return images


@pytest.fixture(scope="module", params=TINY)
def exported(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("graph") / request.param
    model = zoo.untrained(request.param, 5)
    export_graph(model, _images(request.param), out, name=request.param, dataset="random")
    record = json.loads((out / "reference.json").read_text())
    return request.param, out, record, dict(np.load(out / "reference.npz"))


def _codes(stream, arrays):
    """(N, h, w, c) int64 codes or +-1 of a stream."""
    if stream["bits"] > 1:
        return arrays[f"stream/{stream['name']}"].astype(np.int64)
    packed = arrays[f"act/{stream['name']}"]
    bits = np.unpackbits(packed, axis=-1, count=stream["shape"][2], bitorder="little")
    return bits.astype(np.int64) * 2 - 1


def _differences(out, record, arrays):
    """Names of streams, or "logits", in which the exact evaluation differs."""
    tensors = dyadic.evaluate(out / "model.onnx", arrays["images"], record["logit_tensor"])
    wrong = []
    for stream in record["streams"]:
        got = tensors[stream["tensor"]].at(stream["step_exponent"])
        got = got.transpose(0, 2, 3, 1) if got.ndim == 4 else got[:, None, None]
        want = _codes(stream, arrays)
        assert list(want.shape[1:]) == stream["shape"]
        if not np.array_equal(got, want):
            wrong.append(stream["name"])
    sums = tensors[record["logit_tensor"]].at(record["logit_exponent"])
    if not np.array_equal(sums, arrays["logits"]):
        wrong.append("logits")
    return wrong


def test_exact_integer_evaluation_equals_the_reference(exported):
    _, out, record, arrays = exported
    assert _differences(out, record, arrays) == []


def test_one_changed_constant_is_seen(exported, tmp_path):
    _, out, record, arrays = exported
    model = onnx.load(str(out / "model.onnx"))
    stream = next(s for s in reversed(record["streams"]) if s["kind"] == "sign")
    scope = "/".join(stream["tensor"].split("/")[1:])
    thresholds = [i for i in model.graph.initializer if i.name.endswith(".t")]
    (t,) = [i for i in thresholds if scope.startswith(i.name[:-1].replace(".", "/"))]
    values = onnx.numpy_helper.to_array(t).copy()
    values += 4096.0  # the sign of every channel is now that of its polarity
    t.CopyFrom(onnx.numpy_helper.from_array(values, t.name))
    onnx.save(model, str(tmp_path / "model.onnx"))
    assert stream["name"] in _differences(tmp_path, record, arrays)


def test_qonnx_execution_equals_the_reference(exported):
    _, out, record, arrays = exported
    model = ModelWrapper(str(out / "model.onnx")).transform(InferShapes())
    x = arrays["images"][1:2].transpose(0, 3, 1, 2).astype(np.float32)
    context = execute_onnx(model, {"pixels": x}, return_full_exec_context=True)
    for stream in record["streams"]:
        got = context[stream["tensor"]].astype(np.float64) * 2.0 ** -stream["step_exponent"]
        got = got.transpose(0, 2, 3, 1) if got.ndim == 4 else got[:, None, None]
        assert np.array_equal(got[0], _codes(stream, arrays)[1]), stream["name"]
    logits = context["logits"][0]
    want = arrays["logits"][1] * record["logit_scale"] + record["logit_bias"]
    assert np.allclose(logits, want, rtol=1e-6)  # one rounding of float32; the sums are exact
    sums = context[record["logit_tensor"]][0].astype(np.float64)
    assert np.array_equal(sums * 2.0 ** -record["logit_exponent"], arrays["logits"][1])


def _in_order(stream, arrays, array):
    """Per source: channels and the table's array."""
    start = 0
    for k, source in enumerate(stream["sources"]):
        at = slice(start, start + source["channels"])
        start += source["channels"]
        yield (
            at,
            source,
            arrays[f"inputs/{stream['name']}.{k}"],
            arrays[f"{array}/{stream['name']}.{k}"],
        )


def test_integers_of_the_record_reproduce_the_trained_tables(exported):
    """Thresholds, multipliers and offsets against what the trained module itself gave."""
    _, _, record, arrays = exported
    for stream in record["streams"]:
        if stream["kind"] not in ("sign", "requant"):
            continue
        name = stream["name"]
        for at, source, inputs, table in _in_order(
            stream, arrays, "table" if stream["kind"] == "sign" else "values"
        ):
            x = inputs.astype(np.int64)[None]
            everything = np.arange(source["low"], source["high"] + 1, source["spacing"])
            assert source["complete"] == np.array_equal(inputs, everything)
            side = np.zeros((1, 1), bool)
            if f"threshold/{name}" in arrays:
                t, falling = arrays[f"threshold/{name}"][at], arrays[f"falling/{name}"][at]
                side = (x >= t[:, None]) != falling[:, None]
            if stream["kind"] == "sign":
                assert np.array_equal(pack_bits(side), table), name
                continue
            mul, add = arrays[f"mul/{name}"][:, at, None], arrays[f"add/{name}"][:, at, None]
            u = x * mul[0] + add[0]
            if len(mul) == 2:
                u = np.where(side, x * mul[1] + add[1], u)
            low = -(1 << stream["bits"] - 1) if stream["signed"] else 0
            high = low + (1 << stream["bits"]) - 1
            assert np.array_equal(np.clip(u >> stream["shift"], low, high), table), name


def test_names_are_scopes_of_the_graph(exported):
    _, out, record, _ = exported
    names = [stream["name"] for stream in record["streams"]]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    made = {name for node in onnx.load(str(out / "model.onnx")).graph.node for name in node.output}
    for stream in record["streams"]:
        assert {stream["tensor"], *stream["reads"]} <= made
        scope = stream["tensor"].strip("/").replace("/", "_").replace(".", "_")
        assert scope.lower().startswith(stream["name"])


def test_one_flipped_weight_is_seen(exported):
    name, _, _, arrays = exported
    model = zoo.untrained(name, 5)
    with torch.no_grad():
        list(model.binary_layers().values())[-1].weight[0] *= -1
    _, deploy = freeze_graph(model)
    x = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        sums = deploy.accumulators(x).double() / deploy.head.grid
    assert not np.array_equal(sums.numpy(), arrays["logits"])
