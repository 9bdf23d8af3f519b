# SPDX-License-Identifier: Apache-2.0
"""Network to SystemVerilog: instances and wires, memory images, manifest."""
