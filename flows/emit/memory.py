# SPDX-License-Identifier: Apache-2.0
"""Memory images: `$readmemh` files, one word a line, and their way back."""

from pathlib import Path

import numpy as np

from flows.errors import VerificationError


def image_text(words: np.ndarray) -> str:
    """A memory image as text.

    Args:
        words: (depth, width) uint8 in {0, 1}; column 0 is bit 0.

    Returns:
        One hexadecimal word a line, address 0 first.
    """
    depth, width = words.shape
    padded = np.zeros((depth, -(-width // 8) * 8), np.uint8)
    padded[:, :width] = words
    rows = np.packbits(padded, axis=1, bitorder="little")[:, ::-1]
    digits = -(-width // 4)
    return "".join(row.tobytes().hex()[-digits:] + "\n" for row in rows)


def read_image(path: Path, depth: int, width: int) -> np.ndarray:
    """Reads an image back as the simulator would.

    Returns:
        (depth, width) uint8 in {0, 1}.

    Raises:
        VerificationError: if the file does not hold depth words of the width.
    """
    lines = path.read_text().split()
    if len(lines) != depth:
        raise VerificationError(f"{path}: {len(lines)} words; expected {depth}")
    size = -(-width // 8)
    words = np.empty((depth, width), np.uint8)
    for address, line in enumerate(lines):
        value = int(line, 16)
        if value >> width:
            raise VerificationError(f"{path}: word {address} is wider than {width} bits")
        row = np.frombuffer(value.to_bytes(size, "little"), np.uint8)
        words[address] = np.unpackbits(row, bitorder="little")[:width]
    return words
