# SPDX-License-Identifier: Apache-2.0
"""What Brevitas exports: the frozen form of this project, and the plain form with batch norms."""

import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx

from brevitas_models import zoo
from brevitas_models.export import exact_arithmetic, export_model
from flows import reference as files
from flows.streamline.chain import evaluate
from flows.streamline.pipeline import streamline

NAMES = ("tiny_fc", "tiny_cnv")


def images_of(name, count=12):
    channels, height, width = zoo.entry(name).input_shape
    rng = np.random.default_rng(5)
    return rng.integers(0, 256, (count, height, width, channels), dtype=np.uint8)


@pytest.fixture(scope="module", params=NAMES)
def export(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / request.param
    return export_model(request.param, None, images_of(request.param), folder, untrained_seed=1)


def test_frozen_export_equals_its_reference(export):
    reference = files.load(export)
    result = streamline(export / "model.onnx", reference)
    assert result.reference is reference
    outputs = evaluate(result.chain, reference.images)
    for sign in reference.signs:
        found = outputs[sign.name].reshape(sign.activation.shape)
        assert np.array_equal(found, sign.activation), sign.name
    logits = outputs[reference.last_layer].reshape(reference.logits.shape)
    assert np.array_equal(logits, reference.logits)
    assert result.chain.layers[-1].name == reference.last_layer
    assert result.checks.table_values == sum(s.table.size for s in reference.signs)


@pytest.mark.parametrize("name", NAMES)
def test_export_with_batch_norms_equals_torch(tmp_path, name):
    """Without freezing: batch norm, and pooling in front of the sign, stand in the graph."""
    model = zoo.untrained(name, 2).eval()
    images = images_of(name)
    path = tmp_path / "plain.onnx"
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    with exact_arithmetic():
        export_qonnx(model, args=x[:1], export_path=str(path), opset_version=18, dynamo=False)
        expected = model.accumulators(x).numpy()
    result = streamline(path, None, images)
    assert result.reference.notes["pixel_scaling"]["divisor"] == 1.0
    assert np.array_equal(result.reference.logits, expected)
    assert result.chain.final.keeps_argmax
