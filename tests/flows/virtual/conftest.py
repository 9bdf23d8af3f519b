# SPDX-License-Identifier: Apache-2.0
"""The virtual board's tests share one folder."""

from tests.support.deployed import deployed

__all__ = ["deployed"]
