"""Chapter 2: the ImageNet challenge, its winners, and what the winners built."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .._forms import is_narrow, width
from .style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PAPER,
    RED,
    SMALL,
    drawing,
    in_words,
)

# What the bars of the winners stand for: face, edge, stripes, opacity.
KINDS = {
    "older methods": (GREY, GREY, "", 1.0),
    "convolutional": (BLUE, BLUE, "", 1.0),
    "with outside data": (PAPER, BLUE, "////", 1.0),
    "no entry": (BLUE, BLUE, "", 0.45),
    "a person": (ORANGE, ORANGE, "", 1.0),
}


@drawing
def winners(table: pd.DataFrame) -> Axes:
    """Draw the rows of `papers.ilsvrc` as bars, and say in words what each stands for.

    Full bars are entries of the challenge, pale ones are not; bars with stripes were
    trained with outside data.
    """
    rows = range(len(table))
    # On a phone each name stands above its bar: beside it there is no room.
    height = (0.42 if is_narrow() else 0.31) * len(table) + 1.15
    legend = 0.62 if is_narrow() else 0.3
    figure, axis = plt.subplots(figsize=(width(), height))
    left = 0.03 if is_narrow() else 0.4
    figure.subplots_adjust(left, 0.5 / height, 0.94, 1 - legend / height)
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    for place, row in zip(rows, table.itertuples(), strict=True):
        face, edge, hatch, alpha = KINDS[_kind(row)]
        style = {"facecolor": face, "edgecolor": edge, "hatch": hatch, "alpha": alpha}
        thick = 0.42 if is_narrow() else 0.72
        axis.barh(-place, row.error, height=thick, **style)
        axis.text(row.error + 0.3, -place, f"{row.error:.1f}", va="center")
        if is_narrow():
            name = _described(row)
            axis.text(0, 0.28 - place, name, va="bottom", fontsize=SMALL)
    axis.set(
        yticks=[-place for place in rows],
        ylim=(0.45 - len(table), 0.9 if is_narrow() else 0.6),
        xlim=(0, table.error.max() * 1.1),
        xlabel="top-5 error on test images, %",
    )
    labels = [_described(row) for row in table.itertuples()]
    axis.set_yticklabels([""] * len(labels) if is_narrow() else labels)
    axis.tick_params(axis="y", length=0)
    _legend_of_kinds(axis)
    return axis


def _kind(row: Any) -> str:
    """Return which of the `KINDS` a result is."""
    if row.kind == "human":
        return "a person"
    if not pd.isna(row.outside_data) and row.outside_data:
        return "with outside data"
    if not row.entry:
        return "no entry"
    return "older methods" if row.kind == "shallow" else "convolutional"


def _legend_of_kinds(axis: Axes) -> None:
    """Write above the bars what their colours and stripes mean."""
    patches = [
        Rectangle((0, 0), 1, 1, fc=face, ec=edge, hatch=hatch, alpha=alpha, label=name)
        for name, (face, edge, hatch, alpha) in KINDS.items()
    ]
    axis.figure.legend(
        handles=patches,
        loc="upper left",
        ncols=2 if is_narrow() else 5,
        frameon=False,
        fontsize=SMALL,
        handlelength=1.2,
        borderaxespad=0,
        columnspacing=1.4,
    )


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
    _, axis = plt.subplots(figsize=(width(), 3.2), layout="constrained")
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    colours = winners.kind.map({"shallow": GREY, "convolutional": BLUE})
    axis.bar(winners.year, winners.error, width=0.94, color=colours)
    for row in winners.itertuples():
        axis.text(row.year, row.error + 0.4, f"{row.error:.1f}", ha="center")
        if row.kind == "convolutional":  # upright on a phone: wider than its stair
            name = row.system.split(" of ")[0]
            upright = 90 * is_narrow()
            axis.text(row.year, row.error + 2.5, name, ha="center", rotation=upright)
    for height, (words, colour) in zip(
        (30.5, 27.8),
        {
            "features that people designed": GREY,
            "features that networks learnt": BLUE,
        }.items(),
        strict=True,
    ):
        axis.text(2017.8, height, words, color=colour, ha="right")
    axis.set(xticks=winners.year, yticks=[], ylim=(0, 33), xlim=(2009.5, 2017.9))
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
    # Set by hand: to find them takes half a second a picture.
    if is_narrow():
        figure, (left, axis) = plt.subplots(2, 1, figsize=(width(), 5.6))
        figure.subplots_adjust(0.42, 0.09, 0.98, 0.95, hspace=0.42)
        axis.set_position((0.17, 0.09, 0.81, 0.36))
    else:
        figure, (left, axis) = plt.subplots(1, 2, figsize=(width(), 3))
        figure.subplots_adjust(0.25, 0.17, 0.99, 0.9, wspace=0.3)
    left.grid(False)
    colours = [
        PALE if place >= k else GREEN if name == right else BLUE
        for place, name in enumerate(scores)
    ]
    left.barh(range(len(scores)), list(scores.values()), color=colours)
    left.set(ylim=(len(scores) - 0.4, -0.6), xlabel="score", yticks=range(len(scores)))
    shown = [f"{name} ✓" if name == right else name for name in scores]
    left.set_yticklabels(shown)
    left.set_title("right" if right in list(scores)[:k] else "wrong", loc="left")
    steps = range(1, 1 + len(next(iter(errors.values()))))
    above = 7
    for (name, values), colour in zip(errors.items(), CYCLE, strict=False):
        axis.plot(steps, values, color=colour, label=name)
        axis.plot(k, values[k - 1], "o", color=colour, markersize=9)
        # Curves that fall leave room at the upper right.
        axis.annotate(
            f"{values[k - 1]:.0f} %",
            (k, values[k - 1]),
            xytext=(7, above),
            textcoords="offset points",
            va="bottom",
            color=in_words(colour),
        )
        # The words of the next one stand above those of a curve that is near.
        others = [other[k - 1] for other in errors.values() if other is not values]
        above = 20 if any(abs(other - values[k - 1]) < 12 for other in others) else 7
    axis.legend(loc="upper right", frameon=False, borderaxespad=0)
    axis.set(
        xlabel="k, the guesses allowed",
        ylabel="top-k error, %",
        ylim=(0, 135),
        yticks=range(0, 101, 20),
        xlim=(0.7, steps[-1] + 1.8),
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
    # On a phone the words above and below the layers have two lines.
    low, high = (-1.8, 2.2) if is_narrow() else (-1.35, 1.85)
    figure, axis = plt.subplots(figsize=(width(), 0.63 * (high - low)))
    figure.subplots_adjust(0, 0, 1, 1)
    axis.axis("off")
    axis.add_patch(_box(0, 0.5, GREY))
    words = {"ha": "center", "fontsize": SMALL}
    axis.text(0, 1.52, "input", **words)
    before: list[float] = [0.5]
    for x, (name, count) in enumerate(groups.items(), start=1):
        places = [0.5] if count is None else [0.0, 1.0]
        maps = shapes[name][0] // len(places)
        axis.text(x, 1.52, _in_two(name) if is_narrow() else name, **words)
        size = f"2×{maps}" if count else str(maps)
        if is_narrow():
            size = size.replace("×", "×\n")
        axis.text(x, -0.52, size, va="top", **words)
        for place in places:
            axis.add_patch(_box(x, place, {0.0: BLUE, 1.0: RED}.get(place, GREY)))
            for source in before:
                if count == 2 and source not in (0.5, place):
                    continue
                # Where the halves meet is what the figure is for: black on pale.
                crosses = {source, place} == {0, 1}
                style = {"color": INK if crosses else PALE, "lw": 1.4}
                axis.annotate(
                    "",
                    (x - 0.24, place),
                    (x - 0.76, source),
                    arrowprops={"arrowstyle": "->", **style},
                )
        before = places
    gpu = "GPU {}" if not is_narrow() else "GPU\n{}"
    for place, number, colour in ((1, 1, RED), (0, 2, BLUE)):
        style = {"ha": "right", "va": "center", "color": in_words(colour)}
        axis.text(-0.34, place, gpu.format(number), **style)
    key = ("crossing: from one GPU to the other", "below each layer: its maps or units")
    axis.text(
        -1,
        low + 0.05,
        ("\n" if is_narrow() else "; ").join(key),
        color=GREY,
        va="bottom",
        fontsize=SMALL,
    )
    right = 0.6 if is_narrow() else 0.4
    axis.set(xlim=(-1.1, len(groups) + right), ylim=(low, high))
    return axis


def _in_two(name: str) -> str:
    """Break a layer's name before its number."""
    return f"{name.rstrip('0123456789')}\n{name.lstrip('abcdefghijklmnopqrstuvwxyz')}"


def _box(x: float, y: float, colour: str) -> Rectangle:
    return Rectangle((x - 0.24, y - 0.32), 0.48, 0.64, color=colour, alpha=0.85)


@drawing
def stacked_macs(modules: Mapping[str, pd.DataFrame]) -> Axes:
    """Draw each module's MACs as a bar made of its layers, named in it or below it.

    Args:
        modules: For each module its `cost.layer_table`; at most six layers in all.
    """
    figure, axis = plt.subplots(
        figsize=(width(), (1.0 if is_narrow() else 0.85) * len(modules) + 0.8),
        layout="constrained",
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
            axis.barh(
                -place, share, 0.62, left, color=colour, alpha=0.4, edgecolor=PAPER
            )
            if (
                share > (0.16 if is_narrow() else 0.07) * longest
            ):  # in a shorter one the name has no room
                middle = left + share / 2
                axis.text(middle, -place, row.layer, ha="center", va="center")
            else:
                thin.append(row.layer)
            left += share
        words = f"thin parts: {', '.join(thin)}" if thin else ""
        if is_narrow():
            words = textwrap.fill(words, 40)
        axis.text(0, -place - 0.34, words, va="top", color=GREY, fontsize=SMALL)
        axis.text(left + 0.01 * longest, -place, f"{left:.0f} M", va="center")
    axis.set(
        yticks=[-place for place in range(len(modules))],
        xlabel="multiply-accumulates for one input, millions",
        xlim=(0, longest * (1.22 if is_narrow() else 1.12)),
        ylim=(-len(modules) + 0.15, 0.45),
    )
    axis.set_yticklabels(list(modules))
    axis.tick_params(axis="y", length=0)
    return axis
