# SPDX-License-Identifier: Apache-2.0
"""The truth tables of a whole graph."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flows.streamline.pixels import PixelScaling
from flows.streamline.stages import Stage
from flows.streamline.tabulate import (
    Codes,
    FinalAffine,
    SignTable,
    output_scale,
    reachable_sums,
    tabulate_final,
    tabulate_input,
    tabulate_sign,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tables:
    """All that was read off a cleaned graph by running it.

    Attributes:
        source: what the pixels become.
        signs: one per layer but the last.
        final: behind the last layer.
        input_scale: float value of 1 at the first layer's input.
        logit_scale: float value of 1 at the last layer's input.
        scaling: what a pixel is at the graph's input.
        byte_values: (256,) float32, what the graph's input holds for each byte of an image.
        pixel_table: (256,) uint8, the byte that stands for each pixel value; None where it is the
            pixel itself.
    """

    source: SignTable | Codes
    signs: tuple[SignTable, ...]
    final: FinalAffine
    input_scale: float
    logit_scale: float
    scaling: PixelScaling
    byte_values: np.ndarray
    pixel_table: np.ndarray | None = None

    @property
    def all_signs(self) -> tuple[SignTable, ...]:
        """With the input's, where it is binary."""
        source = self.source
        return (source, *self.signs) if isinstance(source, SignTable) else self.signs

    @property
    def names(self) -> tuple[str, ...]:
        """Of all signs, in order."""
        return tuple(table.name for table in self.all_signs)


def tabulate(model: ModelWrapper, stages: Sequence[Stage], scaling: PixelScaling) -> Tables:
    """Run every activation of a cleaned graph on everything it can meet.

    Raises:
        UnsupportedModelError: an activation is no single step, or the input is not quantised.
    """
    source = tabulate_input(model, stages[0], scaling.values())
    input_scale = scale = output_scale(model, stages[0])
    codes = source if isinstance(source, Codes) else None
    signs = []
    for stage in stages[1:-1]:
        assert stage.layer is not None
        table = tabulate_sign(model, stage, reachable_sums(stage.layer, codes), scale)
        table.steps()
        signs.append(table)
        codes, scale = None, output_scale(model, stage)
    last = stages[-1].layer
    assert last is not None
    final = tabulate_final(model, stages[-1], reachable_sums(last, codes), scale)
    return Tables(
        source=source,
        signs=tuple(signs),
        final=final,
        input_scale=input_scale,
        logit_scale=scale,
        scaling=scaling,
        byte_values=scaling.values(),
    )


def renumber_pixels(tables: Tables) -> Tables:
    """Let bytes be codes where pixel values are not one integer offset away from them.

    Bytes are then looked up before they enter hardware: byte = pixel_table[pixel], code = byte +
    smallest code. Other tables stay as they are, as do those whose codes need more than 8 bits.
    """
    source = tables.source
    if not isinstance(source, Codes) or len(set(source.codes - np.arange(256))) == 1:
        return tables
    low = int(source.codes.min())
    table = source.codes - low
    if table.max() > 255:
        return tables
    values = np.full(256, tables.byte_values[0], np.float32)  # bytes that no pixel becomes
    values[table] = tables.byte_values
    return replace(
        tables,
        source=Codes(codes=np.arange(256, dtype=np.int64) + low, scale=source.scale),
        byte_values=values,
        pixel_table=table.astype(np.uint8),
    )
