# SPDX-License-Identifier: Apache-2.0
"""One small convolutional network on a virtual Pynq-Z2 for all tests of the drivers."""

import numpy as np
import pytest

from tests.support.chains import tiny_cnv
from tests.support.deployed import Deployed, deploy_chain


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    folder = tmp_path_factory.mktemp("deploy") / "net-pynq_z2"
    return deploy_chain(tiny_cnv(np.random.default_rng(11)), 420, folder)
