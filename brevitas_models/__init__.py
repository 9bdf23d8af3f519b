# SPDX-License-Identifier: Apache-2.0
"""Networks with 1-bit weights and activations: trained, frozen and exported for hardware."""
