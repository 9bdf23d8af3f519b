# SPDX-License-Identifier: Apache-2.0
"""The deploy folder: everything that goes to a board, and the virtual board beside it."""
