# SPDX-License-Identifier: Apache-2.0
"""`python -m brevitas_models MODEL OUT`: export a network with reference vectors for a set of images.

The build runs this as a process of its own, so that the two halves meet only through files.
"""

import argparse
import sys
from pathlib import Path

from brevitas_models import zoo
from brevitas_models.data import stimulus
from brevitas_models.errors import ModelError
from brevitas_models.export import export_model


def main() -> int:
    """Exit code 2 and one message on standard error where the user can mend it."""
    parser = argparse.ArgumentParser(prog="python -m brevitas_models", description=__doc__)
    parser.add_argument("model", help="name of a network of the zoo")
    parser.add_argument("out", type=Path, help="folder to write; appears whole or not at all")
    parser.add_argument("--images", type=int, default=256, help="images to compute")
    parser.add_argument("--data", type=Path, help="folder with the published dataset")
    parser.add_argument("--checkpoint", type=Path, help="weights instead of the shipped ones")
    parser.add_argument("--untrained", type=int, metavar="SEED", help="random weights")
    args = parser.parse_args()
    try:
        entry = zoo.entry(args.model)
        images, labels = stimulus(entry.dataset, args.images, args.data)
        export_model(entry.name, args.checkpoint, images, args.out, labels, args.untrained)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
