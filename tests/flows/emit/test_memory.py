# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from flows.emit.memory import image_text, read_image
from flows.errors import VerificationError


@pytest.mark.parametrize("width", [1, 3, 4, 5, 8, 9, 63, 64, 65, 576])
def test_round_trip(tmp_path, rng, width):
    words = rng.integers(0, 2, (11, width), np.uint8)
    path = tmp_path / "image.hex"
    path.write_text(image_text(words))
    np.testing.assert_array_equal(read_image(path, 11, width), words)


def test_bit_0_is_the_last_digit_and_address_0_the_first_line():
    words = np.zeros((2, 9), np.uint8)
    words[0, 0] = words[1, 8] = 1
    assert image_text(words) == "001\n100\n"


@pytest.mark.parametrize(("text", "message"), [("1\n", "1 words; expected 2"), ("8\n1\n", "wider")])
def test_a_damaged_image_is_refused(tmp_path, text, message):
    path = tmp_path / "image.hex"
    path.write_text(text)
    with pytest.raises(VerificationError, match=message):
        read_image(path, 2, 3)
