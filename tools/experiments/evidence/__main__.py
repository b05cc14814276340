"""The command line of the evidence."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from cnnbook import records
from cnnbook._book import ROOT
from tools.experiments.evidence import pack as packing
from tools.experiments.evidence import table
from tools.experiments.evidence.architectures import Architectures
from tools.experiments.evidence.budget import Budget
from tools.experiments.evidence.costs import Costs
from tools.experiments.evidence.depth import Depth
from tools.experiments.evidence.loops import Loops
from tools.experiments.evidence.parts import Part, Record, run
from tools.experiments.evidence.setting import (
    RefusedError,
    Setting,
    choose_device,
    choose_precision,
)
from tools.experiments.evidence.speed import Speed
from tools.experiments.evidence.surfaces import Surfaces

PARTS: tuple[Part, ...] = (
    *(Costs(), Loops(), Depth(), Surfaces(), Speed(), Architectures()),
)
STATE = ROOT / "runs" / "evidence"

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    budget: Annotated[float, typer.Option(min=0, help="Seconds for all of it.")] = 540,
    parts: Annotated[str, typer.Option(help="Some of them, with commas.")] = "",
    tiny: Annotated[
        bool, typer.Option(help="As small as can be: a rehearsal.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, no or bf16.")] = "auto",
    data: Annotated[Path, typer.Option(help="The packed data set.")] = packing.FILE,
    folder: Annotated[
        Path | None, typer.Option(help="Of the records: data/runs, if not tiny.")
    ] = None,
    state: Annotated[Path, typer.Option(help="Of checkpoints and weights.")] = STATE,
    commit: Annotated[
        str, typer.Option(help="Of the code, where it lies in no repository.")
    ] = "",
) -> None:
    """Gather the evidence, part by part, and go on where it was stopped.

    The parts, in order of worth: costs, loops, depth, surfaces, speed, architectures.
    """
    if context.invoked_subcommand:
        return
    try:
        choose_device(device)
        chosen = _chosen(parts)
        setting = Setting(
            budget=Budget(budget),
            precision=choose_precision(precision),
            tiny=tiny,
            data=data,
            folder=folder or (state / "rehearsal" if tiny else records.FOLDER),
            state=state,
            command=_command(),
            commit=commit,
        )
    except RefusedError as error:
        print(error)
        raise typer.Exit(2) from None
    for line in run(chosen, setting):
        print(line, flush=True)
    print(f"\n{table.evidence(_rows(chosen, setting))}")


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="Holds train/<class>/… and test/…")],
    file: Annotated[Path, typer.Option(help="The pack.")] = packing.FILE,
    title: Annotated[
        str, typer.Option(help="The data set's name where its results are shown.")
    ] = "CIFAR-10 (JPEG copy)",
) -> None:
    """Pack a folder of small images into one file, which travels with the code."""
    try:
        packing.write(folder, file, title)
    except (packing.PackError, OSError, ValueError) as error:
        print(error)
        raise typer.Exit(1) from None
    print(f"wrote {file.name}, {file.stat().st_size / 2**20:.1f} MiB")


@app.command("table")
def show(
    folder: Annotated[Path, typer.Option(help="Of the records.")] = records.FOLDER,
) -> None:
    """Show which trained networks are recorded, over which seeds, on which device."""
    print(table.trained(folder))


def _chosen(names: str) -> list[Part]:
    """Return the parts of these names, in their own order; all if there are none."""
    known = {part.name: part for part in PARTS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise RefusedError(
            f"There is no part {unknown[0]!r}; there are {', '.join(known)}."
        )
    return [part for name, part in known.items() if not wanted or name in wanted]


def _rows(parts: list[Part], setting: Setting) -> list:
    """Return what the table needs: of each part its pieces, and what is recorded."""
    rows = []
    for part in parts:
        try:
            content = Record.open(part, setting).content
            rows.append((part, part.pieces(setting), content))
        except (packing.PackError, RefusedError):
            rows.append((part, [], {}))
    return rows


def _command() -> str:
    return shlex.join(["python", "-m", "tools.experiments.evidence", *sys.argv[1:]])


if __name__ == "__main__":
    app()
