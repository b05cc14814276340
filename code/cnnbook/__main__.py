"""The command line: ``python -m cnnbook --help``.

Modules that import torch are imported by the commands that need them, so that help
and errors come at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="Count the architectures of the book.",
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
    with _bad_input_as_usage_error():
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
    with _bad_input_as_usage_error():
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


def _table(
    name: str,
    size: tuple[int, ...] | None,
    classes: int | None = None,
    batch_size: int = 1,
) -> pd.DataFrame:
    """Count an architecture without taking memory for its weights."""
    import torch

    from . import cost, models

    size = size or models.architecture(name).input_size
    with torch.device("meta"):
        network = models.build(name, num_classes=classes, in_channels=size[0])
    return cost.layer_table(network, size, batch_size=batch_size)


def _parse_size(text: str) -> tuple[int, ...]:
    parts = text.replace("x", ",").split(",")
    if len(parts) != 3 or not all(p.strip().isdigit() and int(p) for p in parts):
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
def _bad_input_as_usage_error() -> Iterator[None]:
    """Turn the library's ValueError into a message and exit status 2."""
    try:
        yield
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


if __name__ == "__main__":
    app(prog_name="python -m cnnbook")
