"""The command line: ``python -m cnnbook --help``.

Modules that import torch are imported by the commands that need them, so that help
and errors come at once.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="Count and train the architectures of the book.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Csv = Annotated[bool, typer.Option("--csv", help="Comma-separated, all columns.")]
Json = Annotated[bool, typer.Option("--json", help="A list of objects, all columns.")]


@app.command()
def models(
    count: Annotated[
        bool, typer.Option("--count", help="Add parameters and MACs (some seconds).")
    ] = False,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """List every architecture, oldest first."""
    import pandas as pd

    from . import models

    rows = []
    for name in models.names():
        known = models.architecture(name)
        row = {"name": name, "year": known.year, "input": _times(known.input_size)}
        if count:
            sums = _table(name, known.input_size).sum(numeric_only=True)
            row |= {key: int(sums[key]) for key in ("parameters", "macs")}
        rows.append(row | {"source": known.source})
    with _errors_as_messages():
        _print(pd.DataFrame(rows), as_csv, as_json)


@app.command()
def cost(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="An architecture; see `models`.")
    ],
    input_size: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="C,H,W",
            help="Channels, height and width; what it was made for if not given.",
        ),
    ] = None,
    classes: Annotated[int | None, typer.Option(help="Number of classes.")] = None,
    batch_size: Annotated[int, typer.Option(help="Images counted at once.")] = 1,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Count a network, layer by layer.

    Activations are the values that a layer writes. One MAC is one
    multiply-accumulate: two floating-point operations.
    """
    with _errors_as_messages():
        size = None if input_size is None else _parse_size(input_size)
        table = _table(name, size, classes, batch_size)
        if as_csv or as_json:
            _print(table, as_csv, as_json)
            return
        total = table.sum(numeric_only=True)
        shown = table[["layer", "kind"]].copy()
        shown["output"] = table.output_shape.map(_times)
        for column in ("parameters", "macs", "activations"):
            shown[column] = table[column]
        shown.loc[len(shown)] = [
            "total",
            "",
            "",
            *(int(total[column]) for column in ("parameters", "macs", "activations")),
        ]
        _print(shown)


class Precision(StrEnum):
    """Of the numbers in the layers; the weights are always kept in 32 bits."""

    no = "no"
    bf16 = "bf16"
    fp16 = "fp16"


@app.command()
def train(
    model: Annotated[str, typer.Option(help="An architecture; see `models`.")],
    dataset: Annotated[
        str,
        typer.Option(
            "--data",
            help="A data set of the book, or a folder with train/<class>/<image> and "
            "val/<class>/<image>.",
        ),
    ],
    recipe: Annotated[
        str,
        typer.Option(
            help="`paper` is that of the network's authors. A folder of small images "
            "takes the recipe for cifar10, one of photographs that for imagenet."
        ),
    ] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Of log and checkpoints; runs/… if not given.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what it will take, and stop.")
    ] = False,
    seed: Annotated[
        int,
        typer.Option(min=0, max=2**32 - 1, help="Of weights, order and augmentation."),
    ] = 0,
    validation: Annotated[
        int,
        typer.Option(min=0, help="Training images set apart, measured every epoch."),
    ] = 0,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Over all processes together.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0)] = None,
    warmup: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the run in which the rate rises."),
    ] = None,
    precision: Annotated[
        Precision | None, typer.Option(help="What `accelerate launch` says by default.")
    ] = None,
    gradient_accumulation: Annotated[
        int,
        typer.Option(min=1, help="Micro-batches per batch and process: less memory."),
    ] = 1,
    channels_last: Annotated[
        bool, typer.Option(help="Keep a pixel's channels side by side.")
    ] = True,
    compile: Annotated[
        bool, typer.Option("--compile", help="Use torch.compile.")
    ] = False,
) -> None:
    """Train a network with the loop of the book, on one device or on many.

    `accelerate launch -m cnnbook train …` and `torchrun -m cnnbook train …` share the
    work among processes; the batch size, and so the result, stays the same.
    """
    from .training.task import Task, join_processes

    with _errors_as_messages():
        processes = join_processes()
        task = Task.find(
            model,
            dataset,
            recipe,
            seed=seed,
            validation=validation,
            outlined=dry_run,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=warmup,
        )
        if processes.is_main_process:
            parts = processes.num_processes * gradient_accumulation
            counted = task.budget(parts) if dry_run else {}
            _print_plan(task.about() | counted)
        if dry_run:
            return
        figures = task.run(
            folder or Path("runs") / task.name,
            shlex.join(["python", "-m", "cnnbook", *sys.argv[1:]]),
            resume=resume,
            compile=compile,
            precision=precision and precision.value,
            gradient_accumulation=gradient_accumulation,
            channels_last=channels_last,
        )
        if processes.is_main_process:
            _print_plan(figures)


def _print_plan(figures: dict) -> None:
    for key, value in figures.items():
        if key == "memory":
            value = f"{value / 2**20:,.1f} MiB a process, in 32 bits"
        elif isinstance(value, int):
            value = f"{value:,}"
        elif isinstance(value, float):
            value = f"{value:.4g}"
        typer.echo(f"{key.replace('_', ' '):18}{value}")


def _table(
    name: str,
    size: tuple[int, ...] | None,
    classes: int | None = None,
    batch_size: int = 1,
) -> pd.DataFrame:
    """Count an architecture without taking memory for its weights."""
    from . import cost, models

    size = size or models.architecture(name).input_size
    network = models.build(
        name, num_classes=classes, in_channels=size[0], device="meta"
    )
    return cost.layer_table(network, size, batch_size=batch_size)


def _parse_size(text: str) -> tuple[int, ...]:
    parts = text.replace("x", ",").split(",")
    whole = re.compile(r"\s*0*[1-9][0-9]*\s*")
    if len(parts) != 3 or not all(map(whole.fullmatch, parts)):
        raise ValueError(
            f"--input takes channels,height,width such as 3,224,224, not {text!r}"
        )
    return tuple(map(int, parts))


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _print(table: pd.DataFrame, as_csv: bool = False, as_json: bool = False) -> None:
    if as_csv and as_json:
        raise ValueError("--csv and --json exclude each other")
    if as_csv:
        typer.echo(table.to_csv(index=False), nl=False)
    elif as_json:
        rows = map(json.dumps, table.to_dict(orient="records"))
        typer.echo("[\n" + ",\n".join(rows) + "\n]")
    else:
        typer.echo(_aligned(table))


def _aligned(table: pd.DataFrame) -> str:
    """Return a table in columns: words to the left, numbers to the right."""
    columns = []
    for name, values in table.items():
        is_word = values.dtype == object
        number = "{}" if name == "year" else "{:,}"
        cells = [name, *(v if is_word else number.format(v) for v in values)]
        width = max(map(len, cells))
        columns.append([c.ljust(width) if is_word else c.rjust(width) for c in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    """Turn the library's errors into a message and exit status 2, or 1."""
    try:
        yield
    except (ValueError, FileNotFoundError, FileExistsError) as error:
        raise typer.BadParameter(str(error)) from None
    except (OSError, FloatingPointError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app(prog_name="python -m cnnbook")
