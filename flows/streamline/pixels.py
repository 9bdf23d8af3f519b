# SPDX-License-Identifier: Apache-2.0
"""What a uint8 pixel is at the input of a graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flows.errors import UnsupportedModelError
from flows.streamline.stages import Stage
from flows.streamline.tabulate import Codes, tabulate_input


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelScaling:
    """Graph input = pixel * scale / divisor + offset, each operation in float32.

    Torch's ToTensor divides by 255; this project's own exports take the pixel as it is.
    """

    divisor: float = 1.0
    scale: float = 1.0
    offset: float = 0.0

    def values(self) -> np.ndarray:
        """(256,) float32, what each pixel value becomes."""
        pixels = np.arange(256, dtype=np.float32) * np.float32(self.scale)
        return pixels / np.float32(self.divisor) + np.float32(self.offset)


RAW = PixelScaling()
TO_TENSOR = PixelScaling(divisor=255.0)


def choose_scaling(model: ModelWrapper, stages: Sequence[Stage]) -> PixelScaling:
    """Guess it from the input quantiser of a graph that does not say.

    Returns:
        pixel / 255, or the pixel itself where the quantiser tells more pixel values apart then.
    """
    best, most = TO_TENSOR, 1
    for candidate in (TO_TENSOR, RAW):
        try:
            table = tabulate_input(model, stages[0], candidate.values())
        except UnsupportedModelError:
            continue
        values = table.codes if isinstance(table, Codes) else table.bits[0]
        distinct = len(np.unique(values))
        if distinct > most:
            best, most = candidate, distinct
    return best
