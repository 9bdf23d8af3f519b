# SPDX-License-Identifier: Apache-2.0
"""A Network as SystemVerilog: instances and wires only."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.dataflow.kernels import Kernel
from flows.dataflow.network import Layer, Network

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One instance of a layer module."""

    name: str
    module: str
    parameters: Mapping[str, int | str]
    out_bits: int


def module_name(network: Network, layer: Layer) -> str:
    """Name of a layer's generated module."""
    return f"{network.name}_{layer.name}"


def image_name(layer: Layer, kernel: Kernel, parameter: str) -> str:
    """Path of a memory image, relative to the RTL folder."""
    kind = {"WEIGHT_FILE": "weights", "THRESHOLD_FILE": "thresholds"}[parameter]
    return f"mem/{layer.name}_{kind}.hex"


def stages(layer: Layer) -> tuple[Stage, ...]:
    """Instances of a layer: its FIFO, then its kernels."""
    found = []
    if layer.fifo_depth:
        width = layer.kernels[0].input_bits
        found.append(
            Stage(
                name="fifo",
                module="stream_fifo",
                parameters={"W": width, "DEPTH": layer.fifo_depth},
                out_bits=width,
            )
        )
    for kernel in layer.kernels:
        parameters = dict(kernel.parameters())
        for image in kernel.memories():
            name = image_name(layer, kernel, image.parameter)
            parameters[image.parameter] = f'"{name}"'
        short = kernel.module.removeprefix("stream_")
        found.append(
            Stage(
                name=short,
                module=kernel.module,
                parameters=parameters,
                out_bits=kernel.output_bits,
            )
        )
    return tuple(found)


def _facts(network: Network, layer: Layer) -> dict[str, object]:
    unit = layer.unit
    return {
        "name": layer.name,
        "module": module_name(network, layer),
        "input": str(layer.input),
        "output": str(layer.output),
        "cycles": layer.cycles(),
        "folding": f"PE {unit.pe}, SIMD {unit.simd}, M {unit.m}" if unit else "",
        "in_bits": layer.kernels[0].input_bits,
        "out_bits": layer.kernels[-1].output_bits,
        "stages": stages(layer),
    }


def layer_text(network: Network, layer: Layer) -> str:
    """The module of one layer."""
    return _TEMPLATES.get_template("layer.sv.j2").render(layer=_facts(network, layer))


def top_text(network: Network) -> str:
    """The top module: one instance a layer, streams named after the layer that makes them."""
    output = network.output
    return _TEMPLATES.get_template("top.sv.j2").render(
        name=network.name,
        layers=[_facts(network, layer) for layer in network],
        input=str(network.input_frame),
        input_beats=network.input_beats,
        in_bits=network.input_bits,
        output=str(output),
        output_beats=output.beats,
        out_bits=output.beat_bits,
    )
