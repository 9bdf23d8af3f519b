# SPDX-License-Identifier: Apache-2.0
"""The typed hardware description: one kernel value is one hardware module, integers only."""
