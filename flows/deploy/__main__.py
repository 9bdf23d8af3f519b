# SPDX-License-Identifier: Apache-2.0
"""`python -m flows.deploy BUILD --bitstream FILE.bit`: completes a deploy folder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.deploy.folder import add_bitstream
from flows.errors import FlowError


def main(
    build: Annotated[Path, typer.Argument(help="Folder of the build, build/MODEL-BOARD.")],
    bitstream: Annotated[Path, typer.Option(help=".bit file; a .hwh beside it comes along.")],
) -> None:
    """Adds a bitstream to the deploy folder of a build."""
    try:
        folder = add_bitstream(build.resolve(), bitstream)
    except FlowError as error:
        sys.stderr.write(f"error: {error}\n")
        raise typer.Exit(2) from None
    typer.echo(f"{folder}: holds {build.resolve().name}.bit; README.md says how to run it")


if __name__ == "__main__":
    typer.run(main)
