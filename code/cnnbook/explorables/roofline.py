"""Chapter 7: how long layers and networks must take at least, and which roof binds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
import torchvision.models as tv
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .. import cost, models, papers, records
from ..plots.style import BLUE, INK
from ._element import Explorable
from .price import RECORD, title

PLAIN = "float32, batch of "
# What the still picture names: the other four lie close together.
BESIDE = {"fully connected", "depthwise 3×3, 1024", "3×3, 64"}


def view(layers: pd.DataFrame, first: str = "layers") -> Explorable:
    """Return layers and the recorded networks under the roofs of devices.

    Args:
        layers: A row of `cost.layer_table` for each layer, by its name; those that
            were recorded have their measured time beside the bound.
        first: The example that it begins with: a key of `EXAMPLES` in ``roofline.js``.
    """
    recorded = records.load(RECORD)["results"]
    devices = _devices(recorded["limits"])
    items = [*_layers(layers, recorded["layers"]), *_networks(recorded)]
    return Explorable(
        name="roofline",
        figure=_still(items, devices),
        alt="Measured rate against operational intensity, both logarithmic, under two "
        "roofs that rise and then run flat: that of a CPU, and thousands of times "
        "higher that of a GPU. The fully connected layer lies far to the left, at the "
        "slope of the CPU; the depthwise layer far below the slope; four dense "
        "convolutions lie to the right, below the flat part.",
        sentence="Six layers with the same number of MACs, as recorded on one thread "
        "of a CPU, under its roof and under that of an H100.",
        heights=(1043, 771),
        data={"devices": devices, "items": items, "first": first},
        needs=("controls", "stack", "scatter"),
    )


def _devices(limits: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Return devices by their rate, in MACs per second, and their bandwidth, in bytes.

    Args:
        limits: What was recorded of the CPU: a matrix product and a copy.
    """
    return {
        "cpu": {
            "name": "CPU thread, measured",
            "rate": limits["no"],
            "bandwidth": limits["copy"],
            "recorded": True,
        },
        "h100": {
            "name": "H100, data sheet",
            # It counts FLOPs, of matrices half of which are zeros.
            "rate": papers.value("h100.tf32_sparse") * 1e12 / 2 / 2,
            "bandwidth": papers.value("h100.bandwidth") * 1e12,
        },
    }


def _layers(layers: pd.DataFrame, recorded: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an item for each layer."""
    for name in layers.index:
        yield _item(str(name), layers.loc[[name]], recorded.get(name, {}), "layers")


def _networks(recorded: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an item for each recorded network, with the batches that were recorded."""
    for name, each in recorded["networks"].items():
        build = models.build if name in models.names() else tv.get_model
        with torch.device("meta"):
            table = cost.layer_table(build(name), (3, 224, 224))
        sweep = recorded["batch sweep"].get(name, {})
        seconds = {f"{PLAIN}{batch}": time for batch, time in sweep.items()}
        seconds.update(each["seconds"])
        words, working = title(name.removesuffix("-owt")), table[table.macs > 0]
        yield _item(words, working, seconds, "networks")


def _item(
    name: str, table: pd.DataFrame, seconds: dict[str, Any], group: str
) -> dict[str, Any]:
    """Return what a layer or a network multiplies and moves, and how long it took.

    Its rows are how many of its layers are alike, and of each the MACs, the numbers
    that it reads and writes for an image, and the parameters, which a batch shares.
    """
    rows = Counter(
        (
            int(row.macs),
            math.prod(row.input_shape) + math.prod(row.output_shape),
            int(row.parameters),
        )
        for row in table.itertuples()
    )
    return {
        "name": name,
        "group": group,
        "rows": [[count, *row] for row, count in rows.items()],
        "recorded": {
            key.removeprefix(PLAIN): float(f"{time['least']:.4g}")
            for key, time in seconds.items()
            if key.startswith(PLAIN)
        },
    }


def _still(items: list[dict[str, Any]], devices: dict[str, Any]) -> Figure:
    """Draw the recorded layers under the roofs of all devices."""
    figure, axis = plt.subplots(figsize=(5, 3.8))
    figure.subplots_adjust(0.13, 0.13, 0.97, 0.98)
    across = np.geomspace(0.1, 1000, 200)
    for device in devices.values():
        roof = np.minimum(device["rate"], across * device["bandwidth"]) / 1e9
        axis.plot(across, roof, color=INK, lw=1.6)
        place = (0.12, 1.3 * device["rate"] / 1e9)
        axis.annotate(device["name"], place, va="bottom", fontsize=9)
    for each in items:
        if each["group"] != "layers" or "1" not in each["recorded"]:
            continue
        [[_, macs, moved, weights]] = each["rows"]
        place = (macs / 4 / (moved + weights), macs / each["recorded"]["1"] / 1e9)
        axis.plot(*place, "o", color=BLUE, ms=6)
        if each["name"] in BESIDE:
            away = (7, -4)
            axis.annotate(
                each["name"], place, away, textcoords="offset points", fontsize=9
            )
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="operational intensity, MACs per byte",
        ylabel="billion MACs per second",
    )
    axis.spines[["top", "right"]].set_visible(False)
    return figure
