# SPDX-License-Identifier: Apache-2.0
"""The compiler: QONNX in, verified streaming RTL and its report out."""
