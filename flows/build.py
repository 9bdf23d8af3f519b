# SPDX-License-Identifier: Apache-2.0
"""The command: `python flows/build.py --board Pynq-Z2`."""

import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

if __package__ in (None, ""):
    # Run as a script: Python put flows/ itself on the path, where our module names would be global.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

try:
    import typer
    from rich.console import Console

    from flows.bitstream import FLOWS
    from flows.config import DEFAULT_BUDGET, BuildConfig, Objective
    from flows.errors import FlowError, UsageError
    from flows.pipeline import run
    from flows.progress import STEPS, StoppedError
    from flows.sim.streams import STALL_PATTERNS
except ModuleNotFoundError as missing:
    sys.stderr.write(
        f"error: the Python package {missing.name!r} is not installed for {sys.executable}.\n"
        "Run `make setup` once, then use .venv/bin/python, or just `make build`.\n"
    )
    sys.exit(2)

_EXIT_USER = 2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _fail(message: str) -> NoReturn:
    Console(stderr=True).print(
        f"[bold red]error:[/] {_escape(message)}", soft_wrap=True, highlight=False
    )
    raise typer.Exit(_EXIT_USER)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


def _objective(
    maximize: str | None, minimize: str | None, target_fps: float | None, folding: Path | None
) -> Objective:
    """What the solver is to look for.

    Raises:
        UsageError: for options that contradict each other.
    """
    given = {"--maximize": maximize, "--minimize": minimize, "--folding": folding}
    asked = [name for name, value in given.items() if value is not None]
    if maximize is not None and target_fps is not None:
        asked.append("--target-fps")
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)}: one says what the other decides; give one")
    if maximize is not None:
        return "fps"
    return "cost" if minimize is None else "latency"


def _share(budget: float | None) -> float | None:
    """--budget, checked.

    Raises:
        UsageError: outside of (0, 1].
    """
    if budget is not None and not 0 < budget <= 1:
        raise UsageError(
            f"--budget {budget:g}: not a share of the board; allowed: above 0, up to 1"
        )
    return budget


@app.command()
def build(
    board: Annotated[str, typer.Option(help="Board by name, or a TOML file of your own.")],
    model: Annotated[
        str | None, typer.Option(help="Network of the zoo, or a name for --qonnx.")
    ] = None,
    qonnx: Annotated[Path | None, typer.Option(help="QONNX file to build instead.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights to use instead of the shipped ones.")
    ] = None,
    untrained: Annotated[
        int | None, typer.Option(metavar="SEED", help="Random weights from this seed.")
    ] = None,
    clock_mhz: Annotated[
        float | None, typer.Option(min=1, max=1000, help="Clock; the board's default if absent.")
    ] = None,
    bus_clock_mhz: Annotated[
        float | None,
        typer.Option(min=1, max=1000, help="Clock of bus and DMA, if not the network's."),
    ] = None,
    target_fps: Annotated[
        float | None, typer.Option(min=0.001, help="Frames per second to fold for.")
    ] = None,
    maximize: Annotated[
        Literal["fps"] | None, typer.Option(help="The most frames per second within --budget.")
    ] = None,
    minimize: Annotated[
        Literal["latency"] | None, typer.Option(help="The least latency within --budget.")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            help=f"Share of the board to fill, up to 1; {DEFAULT_BUDGET} with the two above."
        ),
    ] = None,
    stem: Annotated[
        Literal["auto", "lut", "dsp"], typer.Option(help="Hardware of the layer that takes pixels.")
    ] = "auto",
    folding: Annotated[
        Path | None, typer.Option(help="Folding file (FINN's JSON form) instead of a target.")
    ] = None,
    images: Annotated[int | None, typer.Option(min=1, help="Images to verify.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder with the published dataset, for more real images.")
    ] = None,
    stalls: Annotated[
        str, typer.Option(help=f"Stall patterns, of: {', '.join(STALL_PATTERNS)}.")
    ] = "none,random,burst",
    trace_layers: Annotated[
        bool, typer.Option("--trace-layers", help="Compare every layer's stream in simulation.")
    ] = False,
    waves: Annotated[
        bool, typer.Option("--waves", help="Write the waveform of the first image.")
    ] = False,
    runtime_weights: Annotated[
        bool,
        typer.Option(
            "--runtime-weights", help="Weights of a retrained network can be loaded later."
        ),
    ] = False,
    bitstream: Annotated[
        str, typer.Option(help=f"Flow to run as far as tools are found, of: {', '.join(FLOWS)}.")
    ] = "none",
    stop_after: Annotated[
        str | None, typer.Option(metavar="STEP", help=f"Last step, of: {', '.join(STEPS)}.")
    ] = None,
    output_dir: Annotated[Path, typer.Option(help="Parent of the build's folder.")] = Path("build"),
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 2,
    debug: Annotated[bool, typer.Option("--debug", help="Tracebacks instead of messages.")] = False,
) -> None:
    """Takes a trained 1-bit network to RTL that equals PyTorch, bit for bit."""
    console = Console()
    try:
        config = BuildConfig(
            model=model or (qonnx.stem if qonnx else "cnv_w1a1"),
            board=board,
            qonnx=qonnx,
            checkpoint=checkpoint,
            untrained=untrained,
            clock_mhz=clock_mhz,
            bus_clock_mhz=bus_clock_mhz,
            target_fps=target_fps,
            objective=_objective(maximize, minimize, target_fps, folding),
            budget=_share(budget),
            stem=stem,
            folding=folding,
            images=images,
            data=data,
            stalls=tuple(name.strip() for name in stalls.split(",")),
            trace_layers=trace_layers,
            waves=waves,
            stop_after=stop_after,
            output_dir=output_dir,
            jobs=jobs,
            bitstream=bitstream,
            runtime_weights=runtime_weights,
        )
        run(config, console)
    except StoppedError as stopped:
        console.print(f"stopped after {stopped} as asked", highlight=False)
    except FlowError as error:
        if debug:
            raise
        _fail(str(error))
    except OSError as error:
        if debug:
            raise
        _fail(
            f"{error.filename or output_dir}: {error.strerror or error}; the disk may be full or "
            "the folder not writable; choose another --output-dir"
        )
    except KeyboardInterrupt:
        _fail("interrupted; nothing half-written is left that a later build would trust")


def main() -> None:
    """Entry point of `xnorflow-build`."""
    app()


if __name__ == "__main__":
    main()
