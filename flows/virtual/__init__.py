# SPDX-License-Identifier: Apache-2.0
"""The virtual board: the Verilated shell with a memory; drivers run on it unchanged."""

from flows.virtual.build import VirtualBoardBuild, build_virtual_board

__all__ = ["VirtualBoardBuild", "build_virtual_board"]
