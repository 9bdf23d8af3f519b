# SPDX-License-Identifier: Apache-2.0
"""FINN's streamlining, behind one function. No other module imports `finn`.

Used: the conversion of QONNX quantisers to MultiThreshold, the absorption of shifts and signs into
thresholds and weights, the lowering of convolutions to Im2Col and MatMul, channels-last layout.
Left out, as they are known to break 1-bit networks: MinimizeAccumulatorWidth,
ConvertBipolarMatMulToXnorPopcount, StreamlinePlus. After every transformation that changed the
graph, its execution must equal the execution before, exactly.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
from finn.transformation.streamline.absorb import (
    AbsorbAddIntoMultiThreshold,
    AbsorbConsecutiveTransposes,
    AbsorbMulIntoMultiThreshold,
    AbsorbTransposeIntoMultiThreshold,
    FactorOutMulSignMagnitude,
)
from finn.transformation.streamline.reorder import (
    MakeMaxPoolNHWC,
    MoveAddPastConv,
    MoveAddPastMul,
    MoveScalarAddPastMatMul,
)
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import (
    ConvertSubToAdd,
    GiveReadableTensorNames,
    GiveUniqueNodeNames,
    RemoveUnusedTensors,
)
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
from qonnx.transformation.remove import RemoveIdentityOps

from flows.errors import VerificationError
from flows.streamline.absorb_signs import AbsorbSignsIntoWeights

_TIDY = (
    RemoveIdentityOps,
    GiveUniqueNodeNames,
    GiveReadableTensorNames,
    InferDataTypes,
    InferDataLayouts,
)
CONVERT: tuple[type[Transformation], ...] = (ConvertQONNXtoFINN,)
ABSORB: tuple[type[Transformation], ...] = (
    ConvertSubToAdd,
    MoveAddPastMul,
    MoveAddPastConv,
    MoveScalarAddPastMatMul,
    MoveAddPastMul,
    AbsorbAddIntoMultiThreshold,
    FactorOutMulSignMagnitude,
    AbsorbMulIntoMultiThreshold,
    AbsorbSignsIntoWeights,
    AbsorbAddIntoMultiThreshold,
)
LOWER: tuple[type[Transformation], ...] = (
    LowerConvsToMatMul,
    MakeMaxPoolNHWC,
    AbsorbTransposeIntoMultiThreshold,
    MakeMaxPoolNHWC,
    AbsorbConsecutiveTransposes,
    RemoveUnusedTensors,
)
STEPS = {"convert": CONVERT, "absorb": ABSORB, "lower": LOWER}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamlineStep:
    """The graph after one group of transformations.

    Attributes:
        name: convert, absorb or lower.
        checks: transformations whose result was executed and compared.
    """

    name: str
    model: ModelWrapper
    checks: int


def apply_steps(model: ModelWrapper, probes: Sequence[np.ndarray]) -> Iterator[StreamlineStep]:
    """Run FINN's transformations on a frozen graph, checking each.

    Requires: the graph that `freeze_signs` builds.
    Ensures: a chain of Im2Col, MatMul, MultiThreshold and MaxPoolNHWC between integers, with
        Transpose, Pad and Flatten where FINN keeps them.

    Args:
        probes: images of the graph's input shape, float32.

    Raises:
        VerificationError: a transformation changed what the graph computes.
    """
    expected = [execute(model, probe) for probe in probes]
    for name, transformations in STEPS.items():
        checks = 0
        for transformation in transformations:
            changed = transform(model, transformation())
            if _content(changed) != _content(model):
                check_equal(changed, transformation.__name__, probes, expected)
                checks += 1
            model = changed
        yield StreamlineStep(name=name, model=model, checks=checks)


def transform(model: ModelWrapper, transformation: Transformation) -> ModelWrapper:
    """Apply one transformation and tidy up; the argument stays as it is."""
    with quiet():
        model = model.transform(transformation)
        for tidy in _TIDY:
            model = model.transform(tidy())
    return model


def check_equal(
    model: ModelWrapper,
    transformation: str,
    probes: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
) -> None:
    """Execute and compare with what the graph gave before.

    Raises:
        VerificationError: names the transformation and the first differing value.
    """
    for index, (probe, before) in enumerate(zip(probes, expected, strict=True)):
        after = execute(model, probe)
        if after.shape != before.shape:
            raise VerificationError(
                f"{transformation}: output of shape {after.shape} found, {before.shape} expected;"
                " the transformation must not change the graph's result; report this model."
            )
        if not np.array_equal(after, before):
            at = tuple(int(i) for i in np.argwhere(after != before)[0])
            raise VerificationError(
                f"{transformation}: probe {index}, output {at}: {after[at]:g} found,"
                f" {before[at]:g} expected; the transformation must not change the graph's result;"
                " report this model."
            )


def execute(model: ModelWrapper, image: np.ndarray) -> np.ndarray:
    """Run a QONNX or FINN graph on one image.

    Args:
        image: the graph's input, float32.

    Returns:
        The graph's output.
    """
    with quiet():
        result = execute_onnx(model, {model.graph.input[0].name: image.astype(np.float32)})
    return np.asarray(next(iter(result.values())))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the prints, warnings and log lines of the libraries."""
    logger = logging.getLogger("finn_logger")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _content(model: ModelWrapper) -> bytes:
    """Nodes and constants, which decide what a graph computes; names are renewed all the time."""
    graph = model.graph
    parts = [node.SerializeToString(deterministic=True) for node in graph.node]
    parts += [tensor.SerializeToString(deterministic=True) for tensor in graph.initializer]
    return b"".join(parts)
