# SPDX-License-Identifier: Apache-2.0
"""`python -m brevitas_models export MODEL OUT` and `... images HxWxC OUT`.

The build runs these as processes of their own, so that the two halves meet only through files.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from brevitas_models import zoo
from brevitas_models.errors import ModelError
from brevitas_models.export import export_model
from brevitas_models.images import images_of_shape


def _export(args: argparse.Namespace) -> None:
    """A network of the zoo with reference vectors: model.onnx, reference.npz, reference.json."""
    entry = zoo.entry(args.model)
    channels, height, width = entry.input_shape
    images, labels, _ = images_of_shape((height, width, channels), args.images, args.data)
    export_model(entry.name, args.checkpoint, images, args.out, labels, args.untrained)


def _images(args: argparse.Namespace) -> None:
    """Images for a network that comes from elsewhere: an .npz with images, labels, dataset."""
    images, labels, dataset = images_of_shape(args.shape, args.images, args.data)
    np.savez(args.out, images=images, labels=labels, dataset=np.array(dataset))


def _shape(text: str) -> tuple[int, int, int]:
    height, width, channels = map(int, text.split("x"))
    return height, width, channels


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--images", type=int, default=256, help="how many")
    common.add_argument("--data", type=Path, help="folder with the published data set")
    parser = argparse.ArgumentParser(prog="python -m brevitas_models", description=__doc__)
    commands = parser.add_subparsers(required=True)
    export = commands.add_parser("export", parents=[common], help=_export.__doc__)
    export.add_argument("model", help="name of a network of the zoo")
    export.add_argument("out", type=Path, help="folder to write; appears whole or not at all")
    export.add_argument("--checkpoint", type=Path, help="weights instead of the shipped ones")
    export.add_argument("--untrained", type=int, metavar="SEED", help="random weights")
    export.set_defaults(command=_export)
    images = commands.add_parser("images", parents=[common], help=_images.__doc__)
    images.add_argument("shape", type=_shape, help="HxWxC")
    images.add_argument("out", type=Path, help="file to write (.npz)")
    images.set_defaults(command=_images)
    return parser


def main() -> int:
    """Exit code 2 and one message on standard error where the user can mend it."""
    args = _parser().parse_args()
    try:
        args.command(args)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
