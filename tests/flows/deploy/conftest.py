# SPDX-License-Identifier: Apache-2.0
"""The deploy folder's tests share one folder."""

from tests.support.deployed import deployed

__all__ = ["deployed"]
