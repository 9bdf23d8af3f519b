# SPDX-License-Identifier: Apache-2.0
"""The reference files: what is written comes back, what does not fit is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from flows import reference as files
from flows.errors import UsageError
from flows.reference import ARRAYS, RECORD, Reference, SignLayer, load, save


def sample(seed=0):
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (5, 4, 3, 11)).astype(bool)
    layer = SignLayer(
        name="conv0",
        kind="conv",
        activation=bits,
        table=rng.integers(0, 2, (11, 13)).astype(bool),
        acc_min=-12,
        acc_step=2,
        pool=2,
        acc_tensor="a",
        sign_tensor="s",
        pool_tensor="p",
    )
    pixels = SignLayer(
        name="input",
        kind="input",
        activation=rng.integers(0, 2, (5, 1, 1, 36)).astype(bool),
        table=np.arange(256)[None] >= 128,
        acc_min=0,
        acc_step=1,
    )
    return Reference(
        model="tiny",
        dataset="none",
        images=rng.integers(0, 256, (5, 4, 3, 3), dtype=np.uint8),
        labels=np.arange(5),
        logits=rng.integers(-9, 9, (5, 10)).astype(np.int32),
        signs=(pixels, layer),
        last_layer="fc0",
        logit_scale=0.5,
        logit_bias=-1.0,
        accuracy={"top1": 0.9},
        notes={"executor": "onnxruntime"},
    )


@pytest.fixture
def folder(tmp_path):
    save(sample(), tmp_path)
    return tmp_path


def edit(folder, **changes):
    path = folder / RECORD
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_round_trip(folder):
    expected, found = sample(), load(folder)
    for name in ("images", "labels", "logits"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        assert getattr(found, name).dtype == getattr(expected, name).dtype
    for name in (
        "model",
        "dataset",
        "last_layer",
        "logit_scale",
        "logit_bias",
        "accuracy",
        "notes",
    ):
        assert getattr(found, name) == getattr(expected, name)
    for mine, theirs in zip(found.signs, expected.signs, strict=True):
        for name in SignLayer.__slots__:
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    assert found.sign("conv0").pool == 2


def test_head_keeps_the_first_images():
    whole = sample()
    head = whole.head(2)
    assert len(head.images) == len(head.labels) == len(head.logits) == 2
    np.testing.assert_array_equal(head.logits, whole.logits[:2])
    for part, full in zip(head.signs, whole.signs, strict=True):
        np.testing.assert_array_equal(part.activation, full.activation[:2])
        assert part.table is full.table


def test_input_columns_count_from_pixel_zero(folder):
    record = json.loads((folder / RECORD).read_text())
    record["layers"][0]["acc_min"] = -128  # as exporters count the centred pixel
    edit(folder, layers=record["layers"])
    assert load(folder).sign("input").acc_min == 0


@pytest.mark.parametrize("name", [ARRAYS, RECORD])
def test_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(UsageError, match=f"{name}: no such file"):
        load(folder)


@pytest.mark.parametrize("name", [ARRAYS, RECORD])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_truncated_file(folder, name, share):
    path = folder / name
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UsageError, match=name):
        load(folder)


def test_file_of_another_kind(folder):
    (folder / ARRAYS).write_text("no archive")
    with pytest.raises(UsageError, match="cannot be read"):
        load(folder)


def test_another_schema(folder):
    edit(folder, schema=99)
    with pytest.raises(UsageError, match="schema 99"):
        load(folder)


def test_record_that_is_no_object(folder):
    (folder / RECORD).write_text("[1, 2]")
    with pytest.raises(UsageError, match="schema None"):
        load(folder)


@pytest.mark.parametrize("key", ["model", "layers", "last_layer"])
def test_missing_key(folder, key):
    record = json.loads((folder / RECORD).read_text())
    del record[key]
    (folder / RECORD).write_text(json.dumps(record))
    with pytest.raises(UsageError, match=f"{key} is missing"):
        load(folder)


def test_missing_array(folder):
    arrays = dict(np.load(folder / ARRAYS))
    del arrays["act/conv0"]
    np.savez(folder / ARRAYS, **arrays)
    with pytest.raises(UsageError, match="act/conv0"):
        load(folder)


def test_record_of_another_export(folder):
    record = json.loads((folder / RECORD).read_text())
    record["layers"][1]["shape"] = [4, 3, 64]
    edit(folder, layers=record["layers"])
    with pytest.raises(UsageError, match=r"act/conv0 .* different exports"):
        load(folder)


def test_count_of_images(folder):
    edit(folder, images=6)
    with pytest.raises(UsageError, match="5 images"):
        load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": np.zeros(4, np.int64)},
        {"logits": np.zeros((4, 10), np.int32)},
        {"images": np.zeros((5, 4, 3, 3), np.float32)},
        {"images": np.zeros((5, 12), np.uint8)},
    ],
    ids=["labels", "logits", "float_images", "flat_images"],
)
def test_arrays_that_do_not_fit(changes):
    with pytest.raises(UsageError, match=next(iter(changes))):
        replace(sample(), **changes)


def test_table_that_does_not_fit():
    layer = sample().signs[1]
    with pytest.raises(UsageError, match="table/conv0"):
        replace(sample(), signs=(replace(layer, table=layer.table[:4]),))


def test_unknown_layer(folder):
    with pytest.raises(KeyError):
        files.load(folder).sign("conv9")
