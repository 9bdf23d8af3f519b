# SPDX-License-Identifier: Apache-2.0
"""Cycle-accurate simulation: Verilator, traffic with stalls, every transfer compared."""
