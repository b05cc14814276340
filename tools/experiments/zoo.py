"""Count the networks of timm, and compare with torch's own counter.

timm is no dependency of the book: install it beside it, then for instance
python -m tools.experiments.zoo --minutes 30

Recorded with timm 1.0.31 and torch 2.11.0: 268 networks, at least one of each of its 98
modules; all have the same MACs, and none is refused.
"""

import itertools
import time
import warnings
from typing import Annotated

import torch
import typer
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnbook import cost

app = typer.Typer(add_completion=False, help=__doc__)


def families_first() -> list[str]:
    """Return timm's names: one of each module, then a second of each, and so on."""
    import timm

    by_family = [timm.list_models(module=module) for module in timm.list_modules()]
    turns = itertools.zip_longest(*by_family)
    return [name for turn in turns for name in turn if name is not None]


def build(name: str) -> nn.Module:
    """Build a network without weights; on the CPU, if it computes while it is built."""
    import timm

    try:
        with torch.device("meta"):
            return timm.create_model(name)
    except (RuntimeError, NotImplementedError):
        return timm.create_model(name).to("meta")


def compare(name: str) -> str:
    """Return whether both counts are the same, and the MACs by each."""
    network = build(name).eval().requires_grad_(False)
    size = network.default_cfg["input_size"]
    try:
        sums = cost.total(network, size)
    except ValueError as error:
        return f"refused {name}: {error}"
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, *size, device="meta"))
    theirs = counter.get_total_flops() // 2
    same = "same" if sums.macs == theirs else "different"
    return f"{same} {name}: {sums.macs} and {theirs} MACs"


@app.command()
def main(
    minutes: Annotated[float, typer.Option(help="Stop after so long.")] = 30,
) -> None:
    """Compare network by network, until the time is over."""
    warnings.simplefilter("ignore")
    names = families_first()
    end = time.monotonic() + 60 * minutes
    for name in names:
        if time.monotonic() > end:
            break
        print(compare(name), flush=True)


if __name__ == "__main__":
    app()
