# SPDX-License-Identifier: Apache-2.0
"""The shell around a network: its register map and its generated top level."""
