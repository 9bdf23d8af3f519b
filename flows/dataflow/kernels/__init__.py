# SPDX-License-Identifier: Apache-2.0
"""One frozen value per hardware kernel; names are those of hw/."""

from flows.dataflow.kernels.base import Join, Kernel, MemoryImage, Parameters, to_bits
from flows.dataflow.kernels.border import Border
from flows.dataflow.kernels.dsp import MvuDsp
from flows.dataflow.kernels.integer import MvuInt, MvuProduct
from flows.dataflow.kernels.joins import StreamAdd, StreamConcat, StreamShuffle
from flows.dataflow.kernels.matrix import ConvXnor, MatrixUnit, MvuXnor
from flows.dataflow.kernels.pools import MaxPool, SumPool
from flows.dataflow.kernels.requant import Affine, Requant
from flows.dataflow.kernels.serial import MvuSerial, ProductSerial, Serial
from flows.dataflow.kernels.simple import (
    LabelSelect,
    SlidingWindow,
    Threshold,
    WidthConverter,
)

__all__ = [
    "Affine",
    "Border",
    "ConvXnor",
    "Join",
    "Kernel",
    "LabelSelect",
    "MatrixUnit",
    "MaxPool",
    "MemoryImage",
    "MvuDsp",
    "MvuInt",
    "MvuProduct",
    "MvuSerial",
    "MvuXnor",
    "Parameters",
    "ProductSerial",
    "Requant",
    "Serial",
    "SlidingWindow",
    "StreamAdd",
    "StreamConcat",
    "StreamShuffle",
    "SumPool",
    "Threshold",
    "WidthConverter",
    "to_bits",
]
