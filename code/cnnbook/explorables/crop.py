"""Chapter 2: a square is moved over a photograph, and a network names what is in it.

Its answers are too much work for a page, and are recorded: ``data/moving-crop.json``,
which ``tools/experiments/record_crops.py`` writes.
"""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor

from .. import _book
from ..data import CROP, imagenet_classes, photographs
from ._element import Explorable

FIRST = "coffee"
PIXELS = 330  # of the shorter side, as the page holds the photograph


def view() -> Explorable:
    """Return the photographs, with the recorded answers at each place of the square."""
    recorded = answers()
    shown = {
        name: {**answer, "picture": _jpeg(photographs()[name])}
        for name, answer in recorded.items()
    }
    place = _unlike(recorded[FIRST])
    return Explorable(
        name="crop",
        figure=_still(recorded[FIRST], place),
        alt="A cup of coffee on a saucer. An orange square at one side of it; beside "
        "it the five classes that the network finds most likely there.",
        sentence=_sentence(recorded[FIRST], place),
        heights=(656, 480),
        data={"photographs": shown, "first": FIRST, "crop": CROP},
    )


def answers() -> dict[str, dict[str, Any]]:
    """Return what was recorded for each photograph, its classes by their names.

    Raises:
        ValueError: If the record is missing or broken.
    """
    path, names = _book.ROOT / "data" / "moving-crop.json", imagenet_classes()
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        for answer in recorded.values():
            fives = [five for row in answer["classes"] for five in row]
            used = sorted({c for five in fives for c in five})
            answer["names"] = [names[c] for c in used]
            answer["classes"] = [
                [[used.index(c) for c in five] for five in row]
                for row in answer["classes"]
            ]
    except (OSError, KeyError, ValueError) as error:
        raise _book.damaged(path, error) from error
    return recorded


def _unlike(answer: dict[str, Any]) -> tuple[int, int]:
    """Return where the best answer is surest, but not the one that is most common."""
    best = {
        (r, c): (five[0], answer["shares"][r][c][0])
        for r, row in enumerate(answer["classes"])
        for c, five in enumerate(row)
    }
    [(common, _)] = Counter(name for name, _ in best.values()).most_common(1)
    return max(best, key=lambda place: (best[place][0] != common, best[place][1]))


def _sentence(answer: dict[str, Any], place: tuple[int, int]) -> str:
    middle = len(answer["rows"]) // 2, len(answer["columns"]) // 2
    best = [answer["names"][answer["classes"][r][c][0]] for r, c in (middle, place)]
    return (
        f"In the middle the network's best answer is {best[0]}; with the square where "
        f"it stands here, it is {best[1]}."
    )


def _jpeg(photograph: Tensor) -> str:
    image = Image.fromarray(photograph.permute(1, 2, 0).numpy())
    image.thumbnail((10 * PIXELS, PIXELS))
    file = io.BytesIO()
    image.save(file, "jpeg", quality=78, optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _still(answer: dict[str, Any], place: tuple[int, int]) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
    row, column = place
    size = (0, answer["width"], answer["height"], 0)
    left.imshow(photographs()[FIRST].permute(1, 2, 0).numpy(), extent=size)
    corner = answer["columns"][column], answer["rows"][row]
    left.add_patch(Rectangle(corner, CROP, CROP, fill=False, ec="#e69f00", lw=3))
    left.axis("off")
    names = [answer["names"][c] for c in answer["classes"][row][column]]
    right.barh(names, [100 * share for share in answer["shares"][row][column]])
    right.invert_yaxis()
    right.set(xlabel="%", xlim=(0, 100))
    return figure
