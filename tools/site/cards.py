"""The pictures of the landing page's cards, one a chapter, drawn from its numbers.

Each is a drawing of 320 to 180 units as SVG within the page, whose colours are those of
the page's styles, so that it follows the reader into the dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 320, 180


class Card(NamedTuple):
    """A drawing, and what it shows for readers who cannot see it."""

    shapes: Iterable[str]
    alt: str

    def svg(self) -> str:
        """Return the drawing as an element of HTML."""
        return (
            f'<svg class="card-picture" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(self.alt)}">{"".join(self.shapes)}</svg>'
        )


def shape(tag: str, kind: str, text: str = "", **attributes: object) -> str:
    """Return a shape of a kind that the style sheet colours."""
    rest = "".join(
        f' {name.replace("_", "-")}="{_short(value)}"'
        for name, value in attributes.items()
    )
    return f'<{tag} class="card-{kind}"{rest}>{escape(text)}</{tag}>'


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def word(text: str, x: float, y: float, anchor: str = "middle") -> str:
    """Return a word whose baseline stands at a height."""
    return shape("text", "word", text, x=float(x), y=float(y), text_anchor=anchor)


def grid(kind: str, x: float, y: float, side: float, rows: int, columns: int) -> str:
    """Return squares side by side as one shape; `side` is a square's with its gap."""
    square = f"h{_short(side - 2)}v{_short(side - 2)}h-{_short(side - 2)}z"
    corners = (
        f"M{_short(x + side * column)} {_short(y + side * row)}{square}"
        for row in range(rows)
        for column in range(columns)
    )
    return shape("path", kind, d="".join(corners))


def lenet() -> Card:
    """Draw the year of LeNet-5 in the bitmaps that its layer F6 has to draw."""
    from cnnbook.models.lenet import digit_codes

    year, side, left, top = 1998, 9, 16, 36
    codes = digit_codes().reshape(10, 12, 7) > 0

    def bitmaps(ink: bool) -> str:
        """Return the pixels that are ink, or those that are paper, as one path."""
        pixel = f"h{side - 1}v{side - 1}h-{side - 1}z"
        return "".join(
            f"M{left + place * 76 + side * column} {top + side * row}{pixel}"
            for place, digit in enumerate(str(year))
            for row, pixels in enumerate(codes[int(digit)])
            for column, is_ink in enumerate(pixels)
            if is_ink == ink
        )

    shapes = [
        shape("path", "faint", d=bitmaps(ink=False)),
        shape("path", "red", d=bitmaps(ink=True)),
    ]
    return Card(shapes, f"{year} in four of the ten bitmaps that LeNet-5 draws.")


def ilsvrc() -> Card:
    """Draw the errors of the challenge's winners, year by year."""
    from cnnbook import papers

    table = papers.ilsvrc()
    won = table[table.place_in_year == 1]
    scale, floor, step = 118 / won.error.max(), 152, 304 / len(won)
    shapes = []
    for place, row in enumerate(won.itertuples()):
        x, height = 12 + step * place, scale * row.error
        kind = "blue" if row.kind == "convolutional" else "quiet"
        bar = {"x": x, "width": step - 8, "y": floor - height, "height": height}
        shapes += [
            shape("rect", kind, **bar),
            word(f"{row.error:.3g}", x + step / 2 - 4, floor - height - 6),
            word(f"’{row.year % 100}", x + step / 2 - 4, floor + 18),
        ]
    first, last = won.iloc[0], won.iloc[-1]
    return Card(
        shapes,
        f"Top-5 errors of the winners: {first.error:.1f} % in {first.year}, "
        f"{last.error:.1f} % in {last.year}.",
    )


def vgg() -> Card:
    """Draw the weights of one 7×7 beside those of the three 3×3 that see as much."""
    side = 16.0
    shapes = [
        grid("blue", 34, 22, side, 7, 7),
        word("one 7×7: 49", 34 + 3.5 * side - 1, 160),
        *(grid("orange", 214, 22 + 39 * i, 11.5, 3, 3) for i in range(3)),
        word("three 3×3: 27", 230, 160),
    ]
    return Card(shapes, "One 7×7 kernel has 49 weights, three 3×3 have 27.")


def parameters() -> Card:
    """Draw each layer of VGG-16: its share of the parameters up, of the work down."""
    from cnnbook import cost, models

    network = models.build("vgg16", device="meta")
    table = cost.layer_table(network, (3, 224, 224))
    table = table[table.parameters > 0]
    step, middle, scale = 296 / len(table), 128, 120
    shapes = []
    for place, row in enumerate(table.itertuples()):
        x, width = 12 + step * place, step - 4
        up = scale * row.parameters / table.parameters.sum()
        down = scale * row.macs / table.macs.sum()
        shapes += [
            shape("rect", "blue", x=x, width=width, y=middle - up, height=up),
            shape("rect", "orange", x=x, width=width, y=middle + 1.0, height=down),
        ]
    shapes += [
        word("parameters", 12, middle - 12, "start"),
        word("work", 12, middle + 36, "start"),
    ]
    share = table.parameters.max() / table.parameters.sum()
    return Card(
        shapes,
        f"The layers of VGG-16: one of the last holds {share:.0%} of the parameters, "
        "and the first ones do the work.",
    )


def resnet() -> Card:
    """Draw two chains of layers: what halves at each step, and what a skip carries."""
    layers, step, factor = 7, 42.0, 0.5
    shapes = []
    for place in range(layers):
        x = 24 + step * place
        left = layers - 1 - place  # layers that the gradient has passed
        thick = max(0.6, 9 * factor**left)
        if place:
            shapes += [
                _link("blue", x, step, 52, 9 * factor**left),
                _link("orange", x, step, 134, thick),
                shape(
                    "path",
                    "skip",
                    d=f"M{_short(x - step)} 122C{_short(x - step)} 84 {_short(x)} 84 "
                    f"{_short(x)} 122",
                ),
            ]
    for place in range(layers):
        x = 24 + step * place
        shapes += [
            shape("circle", "blue", cx=x, cy=52, r=11),
            shape("circle", "orange", cx=x, cy=134, r=11),
        ]
    return Card(
        shapes,
        "Seven layers in a row. The gradient halves with each layer on its way back; "
        "in the row with skips it also has a way past each layer.",
    )


def _link(kind: str, x: float, step: float, y: float, width: float) -> str:
    return shape(
        "line", f"{kind}-line", x1=x - step, x2=x, y1=y, y2=y, stroke_width=width
    )


def pooling() -> Card:
    """Draw the two ways out of a map: sixteen numbers, or their average."""
    from sklearn.datasets import load_digits

    digit = load_digits().images[3].reshape(4, 2, 4, 2).mean(axis=(1, 3)) / 16
    shapes = [
        _shade(20 + 27 * column, 36 + 27 * row, 25, digit[row, column])
        for row in range(4)
        for column in range(4)
    ]
    shapes += [
        _shade(164 + 9 * place, 52, 8, value, 24)
        for place, value in enumerate(digit.flatten())
    ]
    shapes += [
        shape(
            "path",
            "axis",
            d="M132 78C148 78 144 64 158 64M132 104C148 104 146 126 164 126",
        ),
        _shade(172, 112, 28, float(digit.mean())),
        word("flatten: 16", 164, 40, "start"),
        word("average: 1", 212, 131, "start"),
    ]
    return Card(
        shapes,
        "A map of 4×4 numbers, flattened to sixteen or averaged to one.",
    )


def _shade(x: float, y: float, width: float, value: float, height: float = 0) -> str:
    """Return a cell whose ink is as strong as its number."""
    box = {"x": x, "y": y, "width": width, "height": height or width}
    return shape("rect", "faint", **box) + shape(
        "rect", "blue", **box, fill_opacity=f"{value:.2f}"
    )


def complexity() -> Card:
    """Draw the book's networks: accuracy against work, the area their parameters."""
    from cnnbook import pretrained

    points = sorted(
        (
            (
                math.log(meta["_ops"]),
                meta["_metrics"]["ImageNet-1K"]["acc@1"],
                meta["num_params"] / 1e6,
            )
            for meta in (pretrained.weights(name).meta for name in pretrained.names())
        ),
        key=lambda point: -point[2],  # small ones on top
    )
    across, up, _ = zip(*points, strict=True)
    shapes = [shape("path", "axis", d="M34 12V152H310")]
    for work, accuracy, millions in points:
        x = 56 + 222 * (work - min(across)) / (max(across) - min(across))
        y = 138 - 104 * (accuracy - min(up)) / (max(up) - min(up))
        radius = 1.6 * math.sqrt(millions)
        shapes.append(shape("circle", "blob", cx=x, cy=y, r=radius))
    shapes += [
        word("work", 310, 170, "end"),
        f'<g transform="rotate(-90 24 12)">{word("accuracy", 24, 12, "end")}</g>',
    ]
    return Card(
        shapes,
        f"{len(points)} networks: accuracy against work, and parameters as the area "
        "of a blob.",
    )


CARDS: dict[str, Callable[[], Card]] = {
    "01-lenet": lenet,
    "02-ilsvrc": ilsvrc,
    "03-vgg-small-filters": vgg,
    "04-fc-parameter-blowup": parameters,
    "05-resnet-gradients": resnet,
    "06-gap-vs-flatten": pooling,
    "07-comparing-complexity": complexity,
}
