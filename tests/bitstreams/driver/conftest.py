# SPDX-License-Identifier: Apache-2.0
"""The drivers' tests share one deploy folder."""

from tests.support.deployed import deployed

__all__ = ["deployed"]
