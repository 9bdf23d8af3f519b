# SPDX-License-Identifier: Apache-2.0
"""A Network as SystemVerilog: instances and wires only."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.dataflow.kernels import Join, Kernel
from flows.dataflow.network import IMAGE, Edge, Layer, Network

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One instance of a layer module.

    Attributes:
        inputs: port of the instance to the stream that it reads: a stage, or a port of the layer.
        output: the stream that it makes: its own name, or m_axis.
        load: what its memories are loaded from; empty: the module has none.
    """

    name: str
    module: str
    parameters: Mapping[str, int | str]
    out_bits: int
    inputs: Mapping[str, str]
    output: str
    load: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A `stream_fork` of the top module: one stream to two."""

    name: str
    bits: int
    source: str
    a: str
    b: str


def module_name(network: Network, layer: Layer) -> str:
    """Name of a layer's generated module."""
    return f"{network.name}_{layer.name}"


# Places of a kernel's memories behind its first number, as mvu_core has them.
_PLACES = {"WEIGHT_FILE": 0, "THRESHOLD_FILE": 1, "AFFINE_FILE": 2}
_NUMBERS = 4  # of a kernel


def memory_number(network: Network, kernel: Kernel, parameter: str) -> int:
    """Number by which a memory is loaded at run time (MEMORY of LOAD_ADDR)."""
    kernels = [found for layer in network for found in layer.kernels]
    index = next(n for n, found in enumerate(kernels) if found is kernel)
    return _NUMBERS * index + _PLACES[parameter]


def image_name(layer: Layer, kernel: Kernel, parameter: str) -> str:
    """Path of a memory image, relative to the RTL folder."""
    kind = {
        "WEIGHT_FILE": "weights",
        "THRESHOLD_FILE": "thresholds",
        "AFFINE_FILE": "affine",
    }[parameter]
    return f"mem/{layer.name}_{kind}.hex"


def stages(layer: Layer, loaded: Network | None = None) -> tuple[Stage, ...]:
    """Instances of a layer: the FIFOs at its inputs, its kernels in order.

    Args:
        layer: the layer.
        loaded: its network, where the memories can be loaded at run time.
    """
    found: list[Stage] = []
    sources: list[str] = []
    for edge, depth in zip(layer.edges, layer.fifo_depths, strict=True):
        port = port_name("s_axis", edge)
        if not depth:
            sources.append(port)
            continue
        name = port_name("fifo", edge)
        parameters = {"W": edge.beat_bits, "DEPTH": depth}
        found.append(_stage(name, "stream_fifo", parameters, edge.beat_bits, {"s_axis": port}))
        sources.append(name)
    waiting = iter(sources)
    stream = next(waiting)
    count: Counter[str] = Counter()
    for kernel in layer.kernels:
        inputs = {"s_axis": stream}
        if isinstance(kernel, Join):
            inputs = {"s_axis_a": stream, "s_axis_b": next(waiting)}
        values = dict(kernel.parameters())
        memories = kernel.memories()
        if memories and loaded:
            number = memory_number(loaded, kernel, "WEIGHT_FILE")
            values |= {"RUNTIME": 1, "MEMORY": number}
        for image in memories:
            values[image.parameter] = f'"{image_name(layer, kernel, image.parameter)}"'
        stream = kernel.module.removeprefix("stream_")
        count[stream] += 1
        if count[stream] > 1:
            stream = f"{stream}{count[stream]}"
        stage = _stage(stream, kernel.module, values, kernel.output_bits, inputs)
        load = ("load_i" if loaded else "65'd0") if memories else ""
        found.append(replace(stage, load=load))
    found[-1] = replace(found[-1], output="m_axis")
    return tuple(found)


def port_name(prefix: str, edge: Edge) -> str:
    """Of a layer's module: the prefix, with the port where the layer reads more than one stream."""
    return f"{prefix}_{edge.port}" if edge.port else prefix


def _stage(
    name: str,
    module: str,
    parameters: Mapping[str, int | str],
    out_bits: int,
    inputs: Mapping[str, str],
) -> Stage:
    return Stage(
        name=name,
        module=module,
        parameters=parameters,
        out_bits=out_bits,
        inputs=inputs,
        output=name,
    )


def forks(network: Network) -> tuple[tuple[Fork, ...], dict[str, str]]:
    """Forks of all streams with more than one reader, and the wire that each edge reads.

    A stream with readers r0, r1, r2 becomes two forks in a row: the first serves r0, the second
    r1 and r2. The image's wire is s_axis, a layer's its name.
    """
    found: list[Fork] = []
    wires: dict[str, str] = {}
    for producer in (IMAGE, *(layer.name for layer in network)):
        source = "s_axis" if producer == IMAGE else producer
        edges = list(network.readers(producer))
        while len(edges) > 1:
            edge, *edges = edges
            one = f"{producer}_to_{edge.name.replace('.', '_')}"
            rest = f"{producer}_to_{edges[0].name.replace('.', '_')}"
            if len(edges) > 1:
                rest = f"{producer}_rest{len(edges)}"
            fork = Fork(name=f"fork_{one}", bits=edge.beat_bits, source=source, a=one, b=rest)
            found.append(fork)
            wires[edge.name], source = one, rest
        wires |= {edge.name: source for edge in edges}
    return tuple(found), wires


def _facts(network: Network, layer: Layer, runtime: bool) -> dict[str, object]:
    unit = layer.unit
    return {
        "name": layer.name,
        "module": module_name(network, layer),
        "inputs": ", ".join(str(edge.stream) for edge in layer.edges),
        "output": str(layer.output),
        "cycles": layer.cycles(),
        "folding": f"PE {unit.pe}, SIMD {unit.simd}, M {unit.m}" if unit else "",
        "ports": {port_name("s_axis", edge): edge for edge in layer.edges},
        "out_bits": layer.kernels[-1].output_bits,
        "stages": stages(layer, network if runtime else None),
        "load": runtime and any(kernel.memories() for kernel in layer.kernels),
    }


def layer_text(network: Network, layer: Layer, *, runtime: bool = False) -> str:
    """The module of one layer; `runtime`: its memories can be loaded."""
    return _TEMPLATES.get_template("layer.sv.j2").render(layer=_facts(network, layer, runtime))


def top_text(network: Network, *, runtime: bool = False) -> str:
    """The top module: one instance a layer, streams named after the layer that makes them."""
    output = network.output
    branches, wires = forks(network)
    return _TEMPLATES.get_template("top.sv.j2").render(
        name=network.name,
        layers=[_facts(network, layer, runtime) for layer in network],
        runtime=runtime,
        forks=branches,
        wires=wires,
        input=str(network.input_frame),
        input_beats=network.input_beats,
        in_bits=network.input_bits,
        output=str(output),
        output_beats=output.beats,
        out_bits=output.beat_bits,
    )
