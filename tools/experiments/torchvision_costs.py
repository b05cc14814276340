"""Count what torchvision does not publish of its classifiers: activations, and kinds.

`python -m tools.experiments.torchvision_costs` writes ``data/torchvision.csv``, a row
for each network and crop of which there are weights trained on ImageNet alone. Building
them all takes a minute, which a chapter does not have. What a network is made of is
read from its modules:

- attention, if some of it weighs positions by others;
- depthwise, else, if some convolution gives each map a kernel of its own;
- residual, else, if something is added to what comes out of a layer;
- concatenated, else, if maps are put beside others;
- plain: none of these.
"""

from __future__ import annotations

import csv
from typing import Any

import torch
import torchvision.models as tv
from torch import nn

from cnnbook import _book, cost

FILE = _book.ROOT / "data" / "torchvision.csv"
COLUMNS = ["model", "crop", "activations", "kind"]


def build(name: str) -> nn.Module:
    """Build a classifier without numbers, or with them if it computes its widths."""
    if name.startswith("regnet"):
        return tv.get_model(name).to("meta")
    with torch.device("meta"):
        return tv.get_model(name)


def kind(network: nn.Module, operations: set[str]) -> str:
    """Say what a network is made of, given the kinds of its rows in `layer_table`."""
    modules = [*network.modules()]
    if any("Attention" in type(module).__name__ for module in modules):
        return "attention"
    convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
    if any(each.groups == each.in_channels > 1 for each in convolutions):
        return "depthwise"
    if "add" in operations:
        return "residual"
    return "concatenated" if "cat" in operations else "plain"


def count(name: str, crop: int) -> dict[str, Any]:
    """Return the row of a network: activations are those of what multiplies."""
    network = build(name)
    table = cost.layer_table(network, (3, crop, crop))
    return {
        "model": name,
        "crop": crop,
        "activations": int(table.activations[table.macs > 0].sum()),
        "kind": kind(network, set(table.kind)),
    }


def wanted() -> list[tuple[str, int]]:
    """Return the networks and crops of all weights trained on ImageNet alone."""
    return sorted(
        {
            (name, weights.transforms.keywords["crop_size"])
            for name in tv.list_models(module=tv)
            for weights in tv.get_model_weights(name)
            if "SWAG" not in weights.name
            and "acc@1" in weights.meta["_metrics"].get("ImageNet-1K", {})
        }
    )


def main() -> None:
    """Write the file."""
    rows = [count(*network) for network in wanted()]
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
