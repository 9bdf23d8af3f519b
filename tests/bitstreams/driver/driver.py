# SPDX-License-Identifier: Apache-2.0
"""The shipped driver as a module of the tests."""

import importlib.util
import sys
from types import ModuleType

from tests.bitstreams.driver.test_language import DRIVER


def load(name: str) -> ModuleType:
    """A file of bitstreams/driver, which is no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, DRIVER / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
