"""The book's one style: colours, two widths, words that stand beside their data.

A drawing function is written once and draws twice: wide, as a page shows it, and
narrow, as a phone does. It asks `width` how wide it may be and `is_narrow` which of the
two is wanted; `drawing` keeps both forms together, and an output shows them.
"""

from __future__ import annotations

import base64
import functools
import io
import itertools
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import product
from typing import Any, NamedTuple, ParamSpec, TypeVar

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import STEP_LOOKUP_MAP
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

# Colours. Those of lines and areas are Okabe and Ito's.
INK, PAPER = "#222222", "#ffffff"
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#6b6b6b",
)
PALE, GRID = "#bbbbbb", "#e4e4e4"
CYCLE = (BLUE, RED, GREEN, ORANGE, PURPLE, GREY)
# The same hue for words, which need a contrast of 4.5 : 1.
WORDS = {ORANGE: "#8a5a00", GREEN: "#00704f", RED: "#b04a00", PURPLE: "#9a4577"}
# What the pages show in place of each colour in the dark.
DARK = {
    INK: "#e4e6e9",
    PAPER: "#121212",
    BLUE: "#56b4e9",
    ORANGE: "#f0b041",
    GREEN: "#2cc69a",
    RED: "#f58a4b",
    PURPLE: "#e0a0c4",
    GREY: "#a9b0b8",
    PALE: "#5f6872",
    GRID: "#323a43",
}
DARK |= {words: DARK[colour] for colour, words in WORDS.items()}


class Look(NamedTuple):
    """How a line is drawn: its colour, and matplotlib's name for its dashes."""

    colour: str
    dash: str = "-"


# One colour a network or kind, and a dash for its depth, through the whole book.
LOOKS = {
    "lenet5": Look(GREEN),
    "lenet5-modern": Look(BLUE),
    "one-hidden-layer": Look(GREY),
    "plain": Look(BLUE),
    "plain-8": Look(BLUE, "--"),
    "plain-20": Look(BLUE),
    "plain-56": Look(BLUE, ":"),
    "residual": Look(ORANGE),
    "residual-8": Look(ORANGE, "--"),
    "residual-20": Look(ORANGE),
    "residual-56": Look(ORANGE, ":"),
    "flatten": Look(PURPLE),
    "average": Look(GREEN),
    "control": Look(GREY),
}

# Two widths, in inches of which a page shows 98.3 pixels: 688 and 358 pixels.
WIDE, NARROW = 7.0, 3.64
PIXELS_PER_INCH = 688 / WIDE
SMALL = 9.0  # points: 12.3 pixels on the page
SVG, NARROW_SVG = "image/svg+xml", "application/vnd.cnnbook.narrow+svg"
# Below this width of the window a wide figure's words would be smaller than 11 pixels.
PHONE = "(max-width: 620px)"
_narrow: ContextVar[bool] = ContextVar("narrow", default=False)

Given = ParamSpec("Given")  # what a drawing function is given, and what it returns
Drawn = TypeVar("Drawn")


def use_style() -> None:
    """Set the book's style for all figures that follow."""
    plt.rcParams.update(
        {
            "figure.figsize": (WIDE, 3.4),
            "figure.dpi": 130,
            "font.size": 9.5,
            "font.sans-serif": ["DejaVu Sans"],
            "axes.titlesize": 9.5,
            "xtick.labelsize": SMALL,
            "ytick.labelsize": SMALL,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=CYCLE),
            "axes.facecolor": "none",  # the figure's own sheet is enough
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": GRID,
            "lines.linewidth": 2,
            "image.cmap": "gray_r",
            "image.composite_image": False,  # each as small as it is
            "svg.fonttype": "none",  # words stay words
            "svg.hashsalt": "cnnbook",
            **dict.fromkeys(
                (
                    "text.color",
                    "axes.labelcolor",
                    "axes.edgecolor",
                    "xtick.color",
                    "ytick.color",
                    "patch.edgecolor",
                ),
                INK,
            ),
        }
    )
    _show_both_forms()


def _show_both_forms() -> None:
    """Let a notebook show figures as `forms`, in place of a picture of pixels."""
    try:
        shell = get_ipython()  # type: ignore[name-defined]
        from matplotlib_inline.config import InlineBackend
    except (NameError, ImportError):
        return
    InlineBackend.instance(parent=shell).figure_formats = set()
    shell.display_formatter.mimebundle_formatter.for_type(Figure, _bundle)


def _bundle(figure: Figure, **_: Any) -> dict[str, str]:
    return forms(figure)


# Two forms of a figure


def is_narrow() -> bool:
    """Tell whether what is drawn now is for a phone."""
    return _narrow.get()


def width(wide: float = WIDE) -> float:
    """Return how wide a figure is in inches: at most what a phone has, or as asked."""
    return min(wide, NARROW) if is_narrow() else wide


@contextmanager
def for_phones() -> Iterator[None]:
    """Draw narrow within this context."""
    token = _narrow.set(True)
    try:
        yield
    finally:
        _narrow.reset(token)


def drawing(draw: Callable[Given, Drawn]) -> Callable[Given, Drawn]:
    """Make a drawing function refuse empty data, its first argument, clearly.

    The figure that it draws knows how to draw its narrow form.
    """
    name = f"{draw.__module__.removeprefix('cnnbook.')}.{draw.__name__}"

    @functools.wraps(draw)
    def drawn(*arguments: Given.args, **options: Given.kwargs) -> Drawn:
        data = next(iter((*arguments, *options.values())), None)
        if _is_empty(data):
            raise ValueError(f"{name}: there is nothing to draw")
        axes = draw(*arguments, **options)
        figure_of(axes).draw_again = functools.partial(draw, *arguments, **options)
        return axes

    return drawn


def figure_of(axes: Any) -> Figure:
    """Return the figure of an Axes, or of several in an array or a sequence."""
    return np.ravel(np.array(axes, dtype=object))[0].figure


def forms(figure: Figure) -> dict[str, str]:
    """Return a figure as SVG by the MIME types of its forms: wide, perhaps narrow."""
    drawn = {SVG: svg(figure)}
    if draw_again := getattr(figure, "draw_again", None):
        with for_phones():
            narrow = figure_of(draw_again())
        _break_names(narrow)
        drawn[NARROW_SVG] = svg(narrow)
        plt.close(narrow)
    return drawn


def _break_names(figure: Figure) -> None:
    """Break the names of a narrow figure's axes where they would be cut off."""
    figure.draw_without_rendering()
    for axis in figure.axes:
        letters = int(axis.get_position().width * NARROW * PIXELS_PER_INCH / 7)
        lines = axis.get_xlabel().split("\n")
        axis.set_xlabel("\n".join(textwrap.fill(line, letters + 1) for line in lines))


FAMILY = "font-family: system-ui, sans-serif"  # narrower than what was measured with
IMAGE = re.compile(r'<image [^>]*data:image/png;base64,([^"]*)"[^>]*>')
CRISP = re.compile(r' style="image-rendering[^"]*"')
TAG = re.compile(r"<[^>]*>")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")


def svg(figure: Figure) -> str:
    """Return a figure as SVG whose words are text, and whose size is in pixels.

    The same figure gives the same text. Numbers have two decimals, and no more is kept
    than what is seen.
    """
    drawn = io.StringIO()
    with _lines_apart(figure):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(drawn, format="svg", metadata=nothing)
    text = drawn.getvalue()
    text = text[text.index("<svg") :]
    text = TAG.sub(lambda tag: LONG_NUMBER.sub(_shortened, tag[0]), text)
    text = IMAGE.sub(_smaller, text)
    for pattern, meant in (
        (r"font-family: 'DejaVu Sans', sans-serif", FAMILY),
        (r' id="(?:figure|axes|patch|text|line2d|xtick|ytick|matplotlib)[^"]*"', ""),
        (r' transform="rotate\(-0[^"]*\)"', ""),
        (r' version="1.1"| type="text/css"', ""),
        (r"<!--.*?-->", ""),
        (r"<g>\s*</g>", ""),
        (r" ?\n([LCQz]|(?=\"))", r"\1"),  # a path on one line
        (r"(?<=[MLCQ]) ", ""),
        (r"\n\s*", "\n"),
    ):
        text = re.sub(pattern, meant, text, flags=re.DOTALL)
    wide, high = (PIXELS_PER_INCH * inches for inches in figure.get_size_inches())
    size = f'width="{wide:.0f}" height="{high:.0f}"'
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, text, count=1)


def _smaller(image: re.Match) -> str:
    """Return a picture within a figure again, a photograph as a tenth of the size."""
    png = "".join(image[1].split())
    if len(png) < 30_000:
        return image[0].replace(image[1], png)
    with Image.open(io.BytesIO(base64.b64decode(png))) as opened:
        opened.thumbnail((500, 500))
        small = io.BytesIO()
        opened.convert("RGB").save(small, "jpeg", quality=82, optimize=True)
    jpeg = base64.b64encode(small.getvalue()).decode()
    shown = image[0].replace(f"png;base64,{image[1]}", f"jpeg;base64,{jpeg}")
    return CRISP.sub("", shown)  # its pixels need not be seen as such


def _shortened(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


@contextmanager
def _lines_apart(figure: Figure) -> Iterator[None]:
    """Draw each line of a text by itself: matplotlib centres in SVG only such text.

    A reader's letters are others than those that were measured here.
    """
    dpi = figure.dpi
    figure.set_dpi(72)  # that of SVG: where an axis has its name is kept in pixels
    figure.draw_without_rendering()
    engine = figure.get_layout_engine()
    figure.set_layout_engine("none")
    sides = [side for axis in figure.axes for side in (axis.xaxis, axis.yaxis)]
    for side in sides:
        side._autolabelpos = False  # stays, though the ticks' words are hidden
    renderer = figure.canvas.get_renderer()
    split, lines = [], []
    for text in figure.findobj(Text):
        if not (text.get_visible() and "\n" in text.get_text().strip()):
            continue
        if text.get_rotation():
            continue
        box = text.get_window_extent(renderer)
        align = text._multialignment or text.get_ha()
        x = {"left": box.x0, "center": (box.x0 + box.x1) / 2, "right": box.x1}[align]
        for line, _, _, y in text._get_layout(renderer)[1]:
            _, high = text.get_transform().transform(text.get_position())
            lines.append(
                figure.text(
                    x / figure.dpi,
                    (y + high) / figure.dpi,
                    line,
                    ha=align,
                    va="baseline",
                    color=text.get_color(),
                    fontproperties=text.get_fontproperties(),
                    transform=figure.dpi_scale_trans,
                )
            )
        split.append(text)
        text.set_visible(False)
    yield
    for line in lines:
        line.remove()
    for text in split:
        text.set_visible(True)
    for side in sides:
        side._autolabelpos = True
    figure.set_layout_engine(engine)
    figure.set_dpi(dpi)


def _is_empty(data: Any) -> bool:
    """Return whether tables, tensors or lists, or any in a mapping, hold nothing."""
    if isinstance(data, Mapping):
        return not data or any(map(_is_empty, data.values()))
    return not data if isinstance(data, list | tuple) else 0 in np.shape(data)


# Colours and words


def in_words(colour: str) -> str:
    """Return the colour in which words of a hue are written."""
    return WORDS.get(colour, colour)


def looks(labels: Iterable[str]) -> dict[str, Look]:
    """Return how the lines of a figure look: networks as everywhere, others in turn."""
    labels = list(labels)
    known = {label: LOOKS[label] for label in labels if label in LOOKS}
    taken = {look.colour for look in known.values()}
    free = itertools.cycle([Look(c) for c in CYCLE if c not in taken] or [Look(GREY)])
    return {label: known.get(label) or next(free) for label in labels}


def explain(axis: Axes, words: str) -> None:
    """Write in small words, above the right end of an axes, what its marks mean."""
    axis.set_title(words, loc="right", color=GREY, fontsize=SMALL)


def seeds_in_words(groups: Iterable[Sequence], mean: str = "mean") -> str:
    """Say what a line and its band stand for; nothing if no group has several seeds.

    Args:
        groups: For each line, what there is a seed.
        mean: What the line shows.
    """
    counts = sorted({len(group) for group in groups} - {1})
    seeds = " or ".join(map(str, counts))
    return f"{mean} and range of {seeds} seeds" if counts else ""


def label_ends(axis: Axes) -> None:
    """Write each line's label at the right, led to from its end; on a phone above.

    Where lines end close together, their labels are spread until none covers another.
    """
    if is_narrow():
        label_above(axis)
        return
    axis.figure.draw_without_rendering()  # settles the limits and the height
    high = axis.get_window_extent().height
    gap = 1.35 * plt.rcParams["font.size"] / 72 * axis.figure.dpi / high
    to_share = axis.transAxes.inverted()
    ends = []
    for line in axis.get_lines():
        # A line that leaves the axes is labelled where it does.
        inside = line.get_xydata()[line.get_xdata() <= max(axis.get_xlim())]
        height = to_share.transform(axis.transData.transform(inside[-1]))[1]
        ends.append((float(height), line, inside[-1]))
    ends.sort(key=lambda pair: pair[0])
    for (_, line, end), place in zip(
        ends, spread([end[0] for end in ends], gap), strict=True
    ):
        axis.annotate(
            line.get_label(),
            end,
            xytext=(1.03, place),
            textcoords="axes fraction",
            color=in_words(line.get_color()),
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": line.get_color(),
                "lw": 1.2,
                "ls": line.get_linestyle(),
                "relpos": (0, 0.5),
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def spread(heights: Sequence[float], gap: float, top: float = 1.0) -> list[float]:
    """Return rising heights, moved until they are `gap` apart and below a top."""
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + gap) if moved else height)
    ceiling = top
    for place in reversed(range(len(moved))):
        moved[place] = min(moved[place], ceiling)
        ceiling = moved[place] - gap
    return moved


def label_above(axis: Axes, columns: int = 2, **options: Any) -> None:
    """Write the labels of an axes' lines above it, each beside a piece of its line."""
    handles, labels = axis.get_legend_handles_labels()
    # As many side by side as fit, with their pieces of line.
    room = width() * PIXELS_PER_INCH / 7
    fitting = int(room / (max(map(len, labels), default=1) + 5))
    legend = axis.figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=max(min(columns, fitting), 1),
        frameon=False,
        handlelength=1.8,
        borderaxespad=0.1,
        columnspacing=1.2,
        **options,
    )
    for text in legend.get_texts():
        text.set_color(INK)


# What lets a line pass under a word without crossing it out.
CLEAR = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
DIRECTIONS = [
    (np.cos(angle), np.sin(angle)) for angle in np.linspace(0, 2 * np.pi, 17)[:-1]
]
GAPS = (2, 8, 16, 26, 38, 52)  # between a point and its label, in points
LED = 8  # from this gap on, a line leads from the label to its point


def label_points(
    axis: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    labels: Sequence[str],
    radii: Sequence[float] | None = None,
) -> None:
    """Write a label beside each point, where it is in the way of as little as may be.

    What counts most is that it stays inside the axes and covers no other text, then
    that it covers no labelled point, then other points and lines, then that it is near.
    From a label that is not beside its point, a thin line leads there.

    Args:
        radii: Of the points, in points of a font's size; 3 if None.
    """
    axis.figure.draw_without_rendering()  # settles the layout, on which places depend
    renderer = axis.figure.canvas.get_renderer()
    scale = axis.figure.dpi / 72
    frame = axis.get_window_extent(renderer).padded(-2 * scale)
    points = axis.transData.transform(np.column_stack([xs, ys]))
    reaches = np.full(len(points), 3.0) if radii is None else np.asarray(radii)
    texts = [axis.text(0, 0, label, fontsize=SMALL, bbox=CLEAR) for label in labels]
    sizes = [text.get_window_extent(renderer).size + 3 * scale for text in texts]
    written = [
        text.get_window_extent(renderer) for text in axis.texts if text not in texts
    ]
    lines = [
        line.get_transform().transform_path(_drawn(line))
        for line in axis.get_lines()
        if line.get_linestyle() != "None"
    ]
    others = [
        axis.transData.transform(collection.get_offsets())
        for collection in axis.collections
    ]
    others = np.concatenate([*others, np.empty((0, 2))])

    def candidates(number: int) -> list[tuple[float, Bbox, Path | None]]:
        """Return where a label may stand: its gap, its box, what leads to its point."""
        found = []
        for gap, direction in product(GAPS, DIRECTIONS):
            reach = (reaches[number] + gap) * scale
            anchor = points[number] + reach * np.array(direction)
            # The box touches the anchor where it is nearest to the point.
            low = anchor - sizes[number] * (1 - np.sign(np.round(direction, 1))) / 2
            box = Bbox([low, low + sizes[number]])
            found.append((gap, box, gap >= LED and _leader(points[number], box)))
        return found

    def cost(number: int, choice: tuple, placed: Mapping[int, tuple]) -> float:
        gap, box, leader = choice
        rest = [other for at, other in placed.items() if at != number]
        boxes = written + [other[1] for other in rest]
        leaders = [other[2] for other in rest if other[2]]
        disks = [
            Bbox([point - radius * scale, point + radius * scale])
            for at, (point, radius) in enumerate(zip(points, reaches, strict=True))
            if at != number
        ]
        outside = not (
            frame.containsx(box.x0)
            and frame.containsx(box.x1)
            and frame.containsy(box.y0)
            and frame.containsy(box.y1)
        )
        bad = 1000 * outside + 300 * sum(box.overlaps(other) for other in boxes)
        bad += 100 * sum(box.overlaps(disk) for disk in disks)
        crossing = [*lines, *leaders]
        bad += 8 * sum(line.intersects_bbox(box, filled=False) for line in crossing)
        bad += 3 * box.count_contains(others) + 2 * GAPS.index(gap)
        if leader:
            bad += 100 * sum(leader.intersects_bbox(other) for other in boxes)
            bad += 60 * sum(leader.intersects_bbox(disk) for disk in disks)
            bad += 60 * sum(leader.intersects_path(other) for other in leaders)
        return bad

    choices = [candidates(number) for number in range(len(texts))]
    placed: dict[int, tuple] = {}
    for _ in range(3):  # twice again, now that each knows where the others are
        for number, own in enumerate(choices):
            price = functools.partial(cost, number, placed=placed)
            placed[number] = min(own, key=price)
    to_data = axis.transData.inverted()
    limits = axis.get_xlim(), axis.get_ylim()
    for text, (_, box, leader) in zip(texts, placed.values(), strict=True):
        text.set(ha="center", va="center_baseline")
        text.set_position(to_data.transform((box.min + box.max) / 2))
        if leader:
            ends = to_data.transform(leader.vertices)
            axis.add_line(Line2D(*ends.T, color=INK, lw=0.7, zorder=2.5))
    axis.set(xlim=limits[0], ylim=limits[1])


def _leader(point: np.ndarray, box: Bbox) -> Path:
    """Return the straight line from a point to the nearest place of a box."""
    nearest = np.clip(point, box.min, box.max)
    return Path(np.array([point, nearest]))


def _drawn(line: Line2D) -> Path:
    """Return a line as it is drawn: a staircase has two points for each of its data."""
    steps = STEP_LOOKUP_MAP[line.get_drawstyle()]
    return Path(np.column_stack(steps(*line.get_xydata().T)))
