# SPDX-License-Identifier: Apache-2.0
"""The drivers' tests share their deploy folders."""

import numpy as np
import pytest

from tests.support.chains import tiny_cnv
from tests.support.deployed import Deployed, deploy_chain, deployed

__all__ = ["deployed"]
CYCLES = 420


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Hardware whose weights can be loaded, with the weights of one seed."""
    folder = tmp_path_factory.mktemp("built") / "net-pynq_z2"
    return deploy_chain(tiny_cnv(np.random.default_rng(11)), CYCLES, folder, runtime=True)


@pytest.fixture(scope="session")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The same layers with the weights of another seed."""
    folder = tmp_path_factory.mktemp("retrained") / "net-pynq_z2"
    return deploy_chain(tiny_cnv(np.random.default_rng(12)), CYCLES, folder, runtime=True)
