"""Chapter 2: the ImageNet challenge, its winners, and what the winners built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .style import BLUE, CYCLE, GREEN, GREY, ORANGE, RED, drawing, explain

PALE = "#BBBBBB"


@drawing
def winners(table: pd.DataFrame) -> Axes:
    """Draw the rows of `papers.ilsvrc` as bars, and say in words what each stands for.

    Full bars are entries of the challenge, pale ones are not; bars with stripes were
    trained with outside data.
    """
    colours = {"shallow": GREY, "convolutional": BLUE, "human": ORANGE}
    figure, axis = plt.subplots(figsize=(6.4, 0.31 * len(table) + 0.6))
    figure.subplots_adjust(0.42, 0.55 / (0.31 * len(table) + 0.6), 0.94, 0.99)
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    for place, row in enumerate(table.itertuples()):
        striped = not pd.isna(row.outside_data) and row.outside_data
        axis.barh(
            -place,
            row.error,
            height=0.72,
            color="white" if striped else colours[row.kind],
            edgecolor=colours[row.kind],
            hatch="////" if striped else "",
            alpha=1.0 if row.entry or row.kind == "human" else 0.45,
        )
        axis.text(row.error + 0.3, -place, f"{row.error:.1f}", va="center")
    axis.set(
        yticks=[-place for place in range(len(table))],
        ylim=(0.6 - len(table), 0.6),
        xlim=(0, table.error.max() * 1.05),
        xlabel="top-5 error on test images, %",
    )
    axis.set_yticklabels([_described(row) for row in table.itertuples()])
    axis.tick_params(axis="y", length=0)
    return axis


def _described(row: Any) -> str:
    """Return a result's year, system, number of networks and depth, where known."""
    if row.kind == "human":
        return f"{row.year}  one person, {row.team.split()[-1]}"
    name = row.team if row.kind == "shallow" else row.system.split(" of ")[0]
    notes = []
    if not pd.isna(row.networks):
        notes.append("1 net" if row.networks == 1 else f"{row.networks} nets")
    if not pd.isna(row.depth):
        notes.append(f"{row.depth} layers")
    return f"{row.year}  {name}" + (f" ({', '.join(notes)})" if notes else "")


@drawing
def staircase(results: pd.DataFrame) -> Axes:
    """Draw the winners among the rows of `papers.ilsvrc` as stairs that fall."""
    winners = results[results.place_in_year == 1]
    figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    colours = winners.kind.map({"shallow": GREY, "convolutional": BLUE})
    axis.bar(winners.year, winners.error, width=0.94, color=colours)
    for row in winners.itertuples():
        axis.text(row.year, row.error + 0.4, f"{row.error:.1f}", ha="center")
        if row.kind == "convolutional":  # slanting: wider than its stair
            name = row.system.split(" of ")[0]
            axis.text(row.year - 0.12, row.error + 2.9, name, rotation=40)
    axis.text(2012.7, 27, "features that people designed", color=GREY)
    axis.text(2012.7, 24.6, "features that networks learnt", color=BLUE)
    axis.set(xticks=winners.year, yticks=[], ylim=(0, 30), xlim=(2009.5, 2017.9))
    explain(axis, "photographs that the winner named wrongly in five guesses, %")
    return axis


@drawing
def topk_guesses(
    scores: Mapping[str, float],
    right: str,
    k: int,
    errors: Mapping[str, Sequence[float]],
) -> Sequence[Axes]:
    """Draw one image's best scores with the first k marked, and errors against k.

    Args:
        scores: The scores of the best classes by name, best first.
        right: The name of the right class.
        k: How many guesses are allowed.
        errors: For two classifiers, the better one first, the error in % at each k.
    """
    figure, (left, axis) = plt.subplots(1, 2, figsize=(7, 3))
    # Set by hand: to find them takes half a second a picture.
    figure.subplots_adjust(0.26, 0.17, 0.98, 0.9, wspace=0.32)
    left.grid(False)
    colours = [
        PALE if place >= k else GREEN if name == right else BLUE
        for place, name in enumerate(scores)
    ]
    left.barh(range(len(scores)), list(scores.values()), color=colours)
    left.set(ylim=(len(scores) - 0.4, -0.6), xlabel="score", yticks=range(len(scores)))
    shown = [f"{name} ✓" if name == right else name for name in scores]
    left.set_yticklabels(shown, fontsize=9)
    left.set_title("right" if right in list(scores)[:k] else "wrong", loc="left")
    steps = range(1, 1 + len(next(iter(errors.values()))))
    # Where the value and the name stand: clear of the other line and of each other.
    places = ((2.5, 14), (-11, 5))
    for (name, values), colour, (aside, above) in zip(
        errors.items(), CYCLE, places, strict=False
    ):
        axis.plot(steps, values, color=colour)
        axis.plot(k, values[k - 1], "o", color=colour, markersize=9)
        value = values[k - 1]
        axis.text(k + 0.25, value + aside, f"{value:.0f} %", color=colour)
        axis.text(steps[-1], values[-1] + above, name, color=colour, ha="right")
    axis.set(
        xlabel="k, the guesses allowed",
        ylabel="top-k error, %",
        ylim=(0, 112),
        xlim=(0.7, steps[-1] + 1.6),
        xticks=list(steps),
    )
    return left, axis


@drawing
def gpu_towers(table: pd.DataFrame, groups: Mapping[str, int | None]) -> Axes:
    """Draw a network that two GPUs share: which half of each layer reads which half.

    Args:
        table: `cost.layer_table` of the network.
        groups: The layers to draw, in order. With 2 groups each half reads its own
            side only, with 1 group both; None is a layer that is not split.
    """
    shapes = table.set_index("layer").output_shape
    figure, axis = plt.subplots(figsize=(6.2, 2.4), layout="constrained")
    axis.axis("off")
    axis.add_patch(_box(0, 0.5, GREY))
    axis.text(0, 1.62, "input", ha="center")
    before: list[float] = [0.5]
    for x, (name, count) in enumerate(groups.items(), start=1):
        places = [0.5] if count is None else [0.0, 1.0]
        width = shapes[name][0] // len(places)
        axis.text(x, 1.62, name, ha="center")
        size = f"2×{width}" if count else str(width)
        axis.text(x, -0.62, size, ha="center", va="top", fontsize=9)
        for place in places:
            axis.add_patch(_box(x, place, {0.0: BLUE, 1.0: RED}.get(place, GREY)))
            for source in before:
                if count == 2 and source not in (0.5, place):
                    continue
                # Where the halves meet is what the figure is for: black on pale.
                crosses = {source, place} == {0, 1}
                style = {"color": "black" if crosses else PALE, "lw": 1.4}
                axis.annotate(
                    "",
                    (x - 0.24, place),
                    (x - 0.76, source),
                    arrowprops={"arrowstyle": "->", **style},
                )
        before = places
    axis.text(-0.3, 1, "GPU 1", color=RED, ha="right", va="center")
    axis.text(-0.3, 0, "GPU 2", color=BLUE, ha="right", va="center")
    words = "black: from one GPU to the other; below each layer: its maps or units"
    axis.text(len(groups) + 0.4, -1.25, words, color=GREY, ha="right", fontsize=8.5)
    axis.set(xlim=(-1.1, len(groups) + 0.4), ylim=(-1.4, 2.0))
    return axis


def _box(x: float, y: float, colour: str) -> Rectangle:
    return Rectangle((x - 0.24, y - 0.32), 0.48, 0.64, color=colour, alpha=0.85)


@drawing
def stacked_macs(modules: Mapping[str, pd.DataFrame]) -> Axes:
    """Draw each module's MACs as a bar made of its layers, named in it or below it.

    Args:
        modules: For each module its `cost.layer_table`; at most six layers in all.
    """
    figure, axis = plt.subplots(
        figsize=(7, 0.85 * len(modules) + 0.8), layout="constrained"
    )
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    longest = max(table.macs.sum() for table in modules.values()) / 1e6
    layers = pd.concat(modules.values()).query("macs > 0").layer.unique()
    colours = dict(zip(layers, CYCLE, strict=False))
    for place, table in enumerate(modules.values()):
        left, thin = 0.0, []
        for row in table[table.macs > 0].itertuples():
            share = row.macs / 1e6
            colour = colours[row.layer]
            axis.barh(-place, share, 0.62, left, color=colour, edgecolor="white")
            if share > 0.07 * longest:  # in a shorter one the name has no room
                middle = left + share / 2
                axis.text(middle, -place, row.layer, ha="center", va="center", c="w")
            else:
                thin.append(row.layer)
            left += share
        words = f"thin parts: {', '.join(thin)}" if thin else ""
        axis.text(0, -place - 0.34, words, va="top", color=GREY, fontsize=8.5)
        axis.text(left + 0.01 * longest, -place, f"{left:.0f} M", va="center")
    axis.set(
        yticks=[-place for place in range(len(modules))],
        xlabel="multiply-accumulates for one input, millions",
        xlim=(0, longest * 1.12),
        ylim=(-len(modules) + 0.15, 0.45),
    )
    axis.set_yticklabels(list(modules))
    axis.tick_params(axis="y", length=0)
    return axis
