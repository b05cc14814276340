"""Chapter 2: the challenge's results under a protocol that the reader chooses.

All errors are those of ``data/ilsvrc.csv`` and ``data/papers.csv``.
"""

from __future__ import annotations

import math
import re
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .. import papers
from ..plots.style import BLUE, GREY, INK, ORANGE, PAPER, SMALL
from ._element import Explorable

# Of each system, the errors in papers.csv that stand for it beside that of its entry.
# Of VGG those of one network with the entry's way of testing, three scales.
QUOTED = {
    "AlexNet": (
        "alexnet.imagenet.top5_val_1net",
        "alexnet.imagenet.top5_val_1net_outside_data",
        "alexnet.imagenet.top5_val_5nets",
        "alexnet.imagenet.top5_val_7nets_outside_data",
    ),
    "Clarifai": ("clarifai.imagenet.top5_test_1net",),
    "ZFNet": (
        "zfnet.imagenet.top5_val_1net",
        "zfnet.imagenet.top5_val_6nets",
        "zfnet.imagenet.top5_test_variant_b",
    ),
    "GoogLeNet": (
        "googlenet.imagenet.top5_val_1net_144crop",
        "googlenet.imagenet.top5_val_7nets_144crop",
    ),
    "VGG": (
        "vgg19.imagenet.top5_test_multiscale",
        "vgg19.imagenet.top5_val_multiscale",
        "vgg.imagenet.top5_val_7nets",
    ),
    "PReLU-net": ("prelu.imagenet.top5_val_1net",),
    "ResNet": ("resnet152.imagenet.top5_val_multiscale",),
    "SENet": ("senet154.imagenet.top5_val_1crop",),
}
# What the chart of a lecture gives to the winner of a year, and was not published.
SLIPS = {
    2013: "cs231n.winners.zfnet_top5",
    2016: "cs231n.winners.layers_2016",
    2017: "cs231n.winners.layers_2017",
}
# What the bars of the still picture stand for: face, edge, stripes, opacity.
KINDS = {
    "older methods": (GREY, GREY, "", 1.0),
    "convolutional": (BLUE, BLUE, "", 1.0),
    "with outside data": (PAPER, BLUE, "////", 1.0),
    "no entry": (BLUE, BLUE, "", 0.45),
    "a person": (ORANGE, ORANGE, "", 1.0),
}
PLACE = re.compile(
    r"(?P<place>.*); (?P<split>test|validation)"
    r"(?:, (?P<networks>\d+|several) networks?)?"
    r"(?:, (?P<more>.*?))?, (?P<outside>no outside data|outside data)"
)


def view() -> Explorable:
    """Return the results as bars, with switches for what they stand for."""
    table = papers.ilsvrc()
    people = _people()
    whiskers = {
        row.team: _interval(row.error, person["images"])
        for row, person in zip(_human(table), people, strict=True)
    }
    return Explorable(
        name="winners",
        figure=_still(table, whiskers),
        alt="Bars of top-5 error from 2010 to 2017. Grey, the older methods: 28.2 in "
        "2010, 25.8 in 2011, and ISI's 26.2 in 2012. Blue, convolutional networks: "
        "AlexNet in 2012 16.4; Clarifai in 2013 11.7; GoogLeNet 6.7 and VGG 7.3 in "
        "2014; ResNet 3.6 in 2015; an ensemble of 2016 3.0; SENet in 2017 2.3. "
        "Striped, with outside data: AlexNet 15.3, Clarifai 11.2. Pale, not entries: "
        "ZFNet 14.8, PReLU-net 4.9. Orange: two people, 5.1 and 12.0, with whiskers "
        "from 4.0 to 6.2 and from 8.0 to 16.1.",
        sentence="All are errors on test images; how many networks were averaged, and "
        "how deep they are, stands in brackets where it was published.",
        heights=(1130, 712),
        data={"systems": systems(), "slide": slide(), "people": people},
        needs=("controls",),
    )


def systems() -> list[dict[str, Any]]:
    """Return each system of the challenge, or of a paper, with its quoted errors.

    A result has its error in % and with how many digits it was printed, the split, the
    number of images of that split (None where it is not in the tables), how many
    networks were averaged and whether there were outside data (None where it was not
    said), what else is said, and where it stands.
    """
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for row in papers.ilsvrc().itertuples():
        if row.kind == "human":
            continue
        name = _name(row)
        system = found.setdefault(
            (row.year, name),
            {
                "year": row.year,
                "name": name,
                "kind": row.kind,
                "entry": row.entry,
                "results": [],
            },
        )
        system["results"].append(_of_entry(row))
    for system in found.values():
        quoted = QUOTED.get(system["name"], ())
        system["results"] += [_of_paper(key) for key in quoted]
    return list(found.values())


def slide() -> list[dict[str, Any]]:
    """Return the winners as rows of a chart, as it is often shown.

    Heights are those of the entries. A name and a number of layers that were not
    published as such have a `slip`, which says what was.
    """
    rows = []
    table = papers.ilsvrc()
    for row in table[table.place_in_year == 1].itertuples():
        name = _name(row)
        depth = None if pd.isna(row.depth) else int(row.depth)
        slip = None
        if key := SLIPS.get(row.year):
            quote = papers.quote(key)
            slip = f"{quote.value:g} {quote.unit}: {quote.what} ({quote.source})."
            if quote.unit == "layers":
                depth = int(quote.value)
            else:
                name = "ZFNet"
        rows.append(
            {
                "year": row.year,
                "name": name + (f", {depth} layers" if depth else ""),
                "kind": row.kind,
                "entry": row.entry,
                "slip": slip,
                "result": _of_entry(row),
            }
        )
    return rows


def _of_entry(row: Any) -> dict[str, Any]:
    """Return a row of ilsvrc.csv as a result."""
    place = "" if pd.isna(row.place_in_year) else f", place {row.place_in_year}"
    return {
        "error": row.error,
        "digits": 3 if row.entry else len(f"{row.error}".partition(".")[2]),
        "split": row.split,
        "images": _images(row.year, row.split),
        "networks": None if pd.isna(row.networks) else int(row.networks),
        "outside": None if pd.isna(row.outside_data) else bool(row.outside_data),
        "more": f"an entry{place}" if row.entry else "no entry",
        "source": row.source,
        "place": row.place,
    }


def _of_paper(key: str) -> dict[str, Any]:
    """Return a figure of papers.csv as a result: its place names the protocol."""
    quote = papers.quote(key)
    said = PLACE.fullmatch(quote.place)
    assert said, quote.place
    networks = said["networks"] or ""
    return {
        "error": quote.value,
        "digits": len(f"{quote.value}".partition(".")[2]),
        "split": said["split"],
        "images": _images(2012, said["split"]),
        "networks": int(networks) if networks.isdigit() else None,
        "outside": said["outside"] == "outside data",
        "more": said["more"],
        "source": quote.source,
        "place": said["place"],
    }


def _images(year: int, split: str) -> int | None:
    """Return on how many images an error was counted, where the tables say so."""
    if year == 2011:  # images of its own, whose number is not in the tables
        return None
    return int(papers.value(f"ilsvrc{min(year, 2012)}.{split}_images"))


def _human(table: pd.DataFrame) -> list[Any]:
    return [*table[table.kind == "human"].itertuples()]


def _people() -> list[dict[str, Any]]:
    """Return the two people, with the number of images that each of them named."""
    return [
        {
            "name": row.team.split()[-1],
            "error": row.error,
            "images": int(
                papers.value(f"human.{row.team.split()[-1].lower()}.test_images")
            ),
        }
        for row in _human(papers.ilsvrc())
    ]


def _interval(error: float, images: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of an error in %."""
    spread = 2 * math.sqrt(error * (100 - error) / images)
    return error - spread, error + spread


def _still(table: pd.DataFrame, whiskers: dict[str, tuple[float, float]]) -> Figure:
    """Draw all rows of ilsvrc.csv as bars, and say in words what each stands for."""
    height = 0.31 * len(table) + 1.15
    figure, axis = plt.subplots(figsize=(7, height))
    figure.subplots_adjust(0.4, 0.5 / height, 0.94, 1 - 0.3 / height)
    axis.grid(False)
    axis.spines[["left", "top", "right"]].set_visible(False)
    for place, row in enumerate(table.itertuples()):
        face, edge, hatch, alpha = KINDS[_kind(row)]
        style = {"facecolor": face, "edgecolor": edge, "hatch": hatch, "alpha": alpha}
        axis.barh(-place, row.error, height=0.72, **style)
        low, high = whiskers.get(row.team, (row.error, row.error))
        if high > low:
            axis.plot([low, high], [-place] * 2, "|-", color=INK, lw=1.4, ms=7)
        axis.text(high + 0.3, -place, f"{row.error:.1f}", va="center")
    axis.set(
        ylim=(0.45 - len(table), 0.6),
        xlim=(0, table.error.max() * 1.1),
        xlabel="top-5 error on test images, %",
    )
    labels = [_described(row) for row in table.itertuples()]
    axis.set_yticks([-place for place in range(len(table))], labels)
    axis.tick_params(axis="y", length=0)
    _legend(axis)
    return figure


def _kind(row: Any) -> str:
    """Return which of the `KINDS` a result is."""
    if row.kind == "human":
        return "a person"
    if not pd.isna(row.outside_data) and row.outside_data:
        return "with outside data"
    if not row.entry:
        return "no entry"
    return "older methods" if row.kind == "shallow" else "convolutional"


def _legend(axis: Axes) -> None:
    """Write above the bars what their colours and stripes mean."""
    patches = [
        Rectangle((0, 0), 1, 1, fc=face, ec=edge, hatch=hatch, alpha=alpha, label=name)
        for name, (face, edge, hatch, alpha) in KINDS.items()
    ]
    axis.figure.legend(
        handles=patches,
        loc="upper left",
        ncols=5,
        frameon=False,
        fontsize=SMALL,
        handlelength=1.2,
        borderaxespad=0,
        columnspacing=1.4,
    )


def _name(row: Any) -> str:
    """Return how a result is called: by its team if its method has no name."""
    return row.team if row.kind == "shallow" else row.system.split(" of ")[0]


def _described(row: Any) -> str:
    """Return a result's year, name, number of networks and depth, where known."""
    if row.kind == "human":
        return f"{row.year}  one person, {row.team.split()[-1]}"
    notes = []
    if not pd.isna(row.networks):
        notes.append("1 net" if row.networks == 1 else f"{row.networks} nets")
    if not pd.isna(row.depth):
        notes.append(f"{row.depth} layers")
    return f"{row.year}  {_name(row)}" + (f" ({', '.join(notes)})" if notes else "")
