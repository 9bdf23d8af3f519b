# SPDX-License-Identifier: Apache-2.0
"""The exactness checks that need no simulator: every threshold, every intermediate tensor.

What is checked is what was written to disk: memory images are read back before they are judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.dataflow.interpret import interpret
from flows.dataflow.kernels import ConvXnor, MatrixUnit, MvuDsp, MvuSerial, Threshold
from flows.dataflow.network import Layer, Network
from flows.emit.memory import read_image
from flows.emit.verilog import image_name
from flows.errors import VerificationError
from flows.reference import INPUT_KIND, Reference, SignLayer

_CHUNK = 64  # images interpreted at a time; bounds memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdCheck:
    """Outcome of the exhaustive check.

    Attributes:
        channels: channels with a threshold.
        values: (channel, accumulator value) pairs compared.
        mismatches: of them; the first raises, so a finished check counted none.
        requants: pairs of requants that were tried on every integer that can reach them.
        sampled: pairs of the other requants, tried at their corners and at random.
    """

    channels: int
    values: int
    mismatches: int
    requants: int = 0
    sampled: int = 0


def _decode_words(layer: Layer, kernel: MatrixUnit | Threshold, root: Path) -> np.ndarray:
    """(channels,) int64 words of the threshold image, as unsigned numbers."""
    if isinstance(kernel, MatrixUnit):
        depth, bits = kernel.nf, kernel.start_bits
    else:
        depth, bits = kernel.stream.channels // kernel.pe, kernel.stream.bits + 1
    path = root / image_name(layer, kernel, "THRESHOLD_FILE")
    fields = read_image(path, depth, kernel.pe * bits).reshape(depth * kernel.pe, bits)
    return np.asarray(fields.astype(np.int64) @ (1 << np.arange(bits, dtype=np.int64)))


def _decode_weights(layer: Layer, unit: MatrixUnit, root: Path) -> np.ndarray:
    """(MH, N) int64 in {-1, +1} as they stand in the image."""
    assert not isinstance(unit, MvuSerial)  # its image has another order, and no caller needs it
    path = root / image_name(layer, unit, "WEIGHT_FILE")
    words = read_image(path, unit.nf * unit.sf, unit.pe * unit.simd).astype(np.int64)
    folded = words.reshape(unit.nf, unit.sf, unit.pe, unit.simd).transpose(0, 2, 1, 3)
    return 2 * folded.reshape(unit.mh, unit.n) - 1


def _hardware_table(
    layer: Layer, sign: SignLayer, table: np.ndarray, root: Path, offset: int
) -> np.ndarray:
    """(C, V) bool: what the emitted memories make of every reachable accumulator value."""
    kernel = next(k for k in layer.kernels if isinstance(k, MatrixUnit | Threshold))
    words = _decode_words(layer, kernel, root)
    values = sign.acc_min + sign.acc_step * np.arange(table.shape[1], dtype=np.int64)
    if isinstance(kernel, Threshold):
        return np.asarray(values >= words[:, None])
    # A falling step is stored as inverted weights; a constant row does not care.
    falling = table[:, 0] & ~table[:, -1]
    sums = np.where(falling, -1, 1)[:, None] * values
    if isinstance(kernel, ConvXnor):
        counts = (sums + kernel.n) // 2
    else:
        weights = _decode_weights(layer, kernel, root)
        if isinstance(kernel, MvuDsp):  # the field's highest bit, with the sum of the pixels
            pixels = sums - offset * weights.sum(axis=1)[:, None]
            return np.asarray(pixels + words[:, None] >= kernel.middle)
        largest = 2**kernel.in_bits - 1
        excess = largest * (weights < 0).sum(axis=1) - offset * weights.sum(axis=1)
        counts = sums + excess[:, None]
    # As the counter does it: count + word + 1 carries out.
    return np.asarray((counts + words[:, None] + 1) >> kernel.start_bits == 1)


def check_thresholds(
    network: Network, root: Path, reference: Reference, offset: int
) -> ThresholdCheck:
    """Compares every emitted threshold with the reference on every reachable accumulator value.

    Args:
        network: what was emitted.
        root: the RTL folder.
        reference: truth tables, from the reference's own arithmetic.
        offset: code of the input = pixel + offset, in a network with 8-bit input.

    Raises:
        VerificationError: naming layer, channel, accumulator value, expected and got.
    """
    layers = {layer.name: layer for layer in network}
    channels = values = mismatches = 0
    for sign in reference.signs:
        if sign.name not in layers:
            raise VerificationError(f"{sign.name}: in the reference, but not in the hardware")
        # The pixels' table has a row per colour, the hardware a threshold per element.
        elements = layers[sign.name].kernels[0].input.channels
        rows = elements if sign.kind == INPUT_KIND else len(sign.table)
        table = np.resize(sign.table, (rows, sign.table.shape[1]))
        got = _hardware_table(layers[sign.name], sign, table, root, offset)
        wrong = np.argwhere(got != table)
        if len(wrong):
            channel, index = map(int, wrong[0])
            raise VerificationError(
                f"{sign.name}: threshold of channel {channel} is wrong: accumulator "
                f"{sign.acc_min + sign.acc_step * index}, expected {int(table[channel, index])}, "
                f"got {int(got[channel, index])} ({len(wrong)} of {table.size} values differ)"
            )
        channels += len(table)
        values += table.size
        mismatches += len(wrong)
    return ThresholdCheck(channels=channels, values=values, mismatches=mismatches)


def _expected(reference: Reference, part: slice) -> Iterator[tuple[str, np.ndarray]]:
    for sign in reference.signs:
        yield sign.name, sign.activation[part]


def check_tensors(network: Network, reference: Reference) -> int:
    """Compares the integer network with the reference: every intermediate tensor and the logits.

    Returns:
        Count of compared values.

    Raises:
        VerificationError: naming layer, image, row, column, channel, expected and got.
    """
    compared = 0
    for start in range(0, len(reference.images), _CHUNK):
        part = slice(start, start + _CHUNK)
        outputs = interpret(network, reference.images[part])
        last = network.layers[-1].name
        pairs = [*_expected(reference, part), (last, reference.logits[part])]
        for name, expected in pairs:
            got = outputs[name].reshape(expected.shape)
            if not np.array_equal(got, expected):
                raise VerificationError(_difference(network, name, expected, got, start))
            compared += got.size
    return compared


def _difference(
    network: Network, name: str, expected: np.ndarray, got: np.ndarray, start: int
) -> str:
    index = tuple(int(i) for i in np.argwhere(expected != got)[0])
    stream = next(layer.output for layer in network if layer.name == name)
    flat = int(np.ravel_multi_index(index[1:], expected.shape[1:]))
    pixel, channel = divmod(flat, stream.channels)
    row, column = divmod(pixel, stream.width)
    return (
        f"{name}: image {start + index[0]}, row {row}, column {column}, channel {channel}: "
        f"expected {int(expected[index])}, got {int(got[index])}"
    )
