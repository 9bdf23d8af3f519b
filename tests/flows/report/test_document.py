# SPDX-License-Identifier: Apache-2.0
"""The document: every figure tagged, the schema strict, the sums right."""

import copy
import dataclasses

import jsonschema
import pytest

from flows.boards import load_board
from flows.report.document import SCHEMA_ID, build_document, schema, validate
from flows.report.facts import ResourceFacts
from tests.flows.report.sample import build_facts, synth_report

# The keys that other tools read, from the specification of the report.
PROMISED = {
    "verification": (
        "reference images mismatches logits_compared thresholds_checked threshold_mismatches "
        "stall_patterns top1"
    ),
    "accuracy": "dataset images top1",
    "performance": (
        "initiation_interval_cycles latency_cycles frames_per_second "
        "estimated_initiation_interval_cycles rtlsim_cycles_per_second"
    ),
    "resources": "tool lut ff bram36 dsp budget per_layer",
}


def test_promised_keys():
    document = build_document(build_facts())
    assert document["schema"] == SCHEMA_ID
    assert (document["model"], document["board"]) == ("cnv_w1a1", "Pynq-Z2")
    assert (document["part"], document["clock_mhz"]) == ("xc7z020clg400-1", 100.0)
    for section, keys in PROMISED.items():
        assert set(keys.split()) <= document[section].keys(), section
    assert {"name", "seconds"} == document["steps"][0].keys()


def test_schema_is_valid_and_names_its_version():
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["schema"]["const"] == SCHEMA_ID
    assert schema()["$id"].endswith(SCHEMA_ID.rpartition("/")[2])


def test_sums_and_ratios():
    document = build_document(build_facts())
    resources = document["resources"]
    assert resources["lut"] == {"value": 15_597, "unit": "LUT", "origin": "synthesised"}
    assert resources["bram36"]["value"] == 68.0
    assert resources["percent"]["lut"]["value"] == round(100 * 15_597 / 53_200, 2)
    assert resources["budget"] == {"lut": 53_200, "ff": 106_400, "bram36": 140, "dsp": 220}
    performance = document["performance"]
    assert performance["frames_per_second"]["value"] == round(1e8 / 28_226, 1)
    assert performance["latency_us"]["value"] == 612.4
    assert document["verification"]["logits_compared"]["value"] == 3 * 2560
    assert [layer["name"] for layer in document["layers"] if layer["bottleneck"]] == ["conv1"]


def test_stopped_build_says_null():
    document = build_document(build_facts(verification=None, performance=None, resources=None))
    assert document["verification"] is document["performance"] is document["resources"] is None
    model = dataclasses.replace(build_facts().model, accuracy=None)
    assert build_document(build_facts(model=model))["accuracy"] is None
    assert build_document(build_facts(layers=(), steps=(), fifos=()))["layers"] == []


def test_warns_of_what_does_not_fit_and_of_unconfirmed_facts():
    large = ResourceFacts(per_layer=(synth_report("conv1", lut=60_000, ff=10),))
    warnings = build_document(build_facts(resources=large))["warnings"]
    assert warnings[-1].startswith("Pynq-Z2 holds 53,200 LUT, the network needs 60,000")
    warnings = build_document(build_facts(board=load_board("ZCU104")))["warnings"]
    assert any("ZCU104: budget.lut" in warning for warning in warnings)


def _break(path: str, value: object) -> dict:
    document = copy.deepcopy(build_document(build_facts()))
    *parents, last = path.split(".")
    place = document
    for key in parents:
        place = place[int(key)] if key.isdigit() else place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "xnorflow-report/2"),
        ("clock_mhz", 0),
        ("verification.mismatches", 0),  # a bare number is no figure
        ("verification.mismatches.origin", "guessed"),
        ("verification.mismatches.value", "none"),
        ("performance.frames_per_second", ...),
        ("resources.per_layer.0.lut", ...),
        ("resources.speed", 1),
        ("layers.0.folding.PE", 0),
        ("steps.0.seconds.unit", ""),
    ],
)
def test_schema_refuses(path: str, value: object):
    with pytest.raises(jsonschema.ValidationError):
        validate(_break(path, value))


def test_every_number_is_a_figure_or_a_setting():
    """Walks the document: numbers outside figures stand only under keys that are settings."""
    settings = {
        "clock_mhz", "budget", "folding", "input_shape", "output_shape", "input_width_bits",
        "output_width_bits", "weights", "macs", "depth", "width_bits", "cells", "model_card",
        "bottleneck",
    }  # fmt: skip
    found = []

    def walk(node: object, key: str) -> None:
        if isinstance(node, dict):
            if node.keys() == {"value", "unit", "origin"}:
                found.append(key)
                return
            for name, child in node.items():
                if name not in settings:
                    walk(child, name)
        elif isinstance(node, list):
            for child in node:
                walk(child, key)
        else:
            assert not isinstance(node, int | float), f"{key} is a bare number"

    walk(build_document(build_facts()), "")
    assert len(found) > 100
