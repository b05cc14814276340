"""Draw a digit: the LeNet-5 of 1998 reads it, and draws back what it has read."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor

from .. import pretrained
from ..models.lenet import digit_codes
from ._chain import Step, compute
from ._element import Explorable
from .network import chain_data, faithful

# Strokes of each digit, in shares of the pad. A point named twice is a corner.
DIGITS: dict[str, list[list[list[float]]]] = {
    "0": [[[0.5, 0.18], [0.36, 0.22], [0.31, 0.5], [0.36, 0.78], [0.5, 0.82],
           [0.64, 0.78], [0.69, 0.5], [0.64, 0.22], [0.5, 0.18]]],
    "1": [[[0.54, 0.16], [0.46, 0.84]]],
    "2": [[[0.32, 0.32], [0.36, 0.18], [0.6, 0.14], [0.7, 0.32], [0.58, 0.52],
           [0.3, 0.82], [0.3, 0.82], [0.72, 0.8]]],
    "3": [[[0.32, 0.22], [0.5, 0.14], [0.7, 0.2], [0.66, 0.42], [0.46, 0.48],
           [0.46, 0.48], [0.7, 0.54], [0.7, 0.78], [0.5, 0.86], [0.3, 0.78]]],
    "4": [[[0.36, 0.16], [0.3, 0.54], [0.3, 0.54], [0.72, 0.52]],
          [[0.62, 0.2], [0.58, 0.86]]],
    "5": [[[0.68, 0.16], [0.38, 0.17], [0.38, 0.17], [0.34, 0.46], [0.34, 0.46],
           [0.56, 0.4], [0.72, 0.56], [0.64, 0.82], [0.44, 0.86], [0.3, 0.78]]],
    "6": [[[0.62, 0.14], [0.42, 0.32], [0.3, 0.62], [0.38, 0.86], [0.62, 0.86],
           [0.68, 0.66], [0.54, 0.52], [0.36, 0.66]]],
    "7": [[[0.3, 0.2], [0.7, 0.18], [0.7, 0.18], [0.46, 0.84]]],
    "8": [[[0.64, 0.26], [0.5, 0.12], [0.36, 0.26], [0.5, 0.46], [0.66, 0.7],
           [0.5, 0.88], [0.34, 0.7], [0.5, 0.48], [0.66, 0.3], [0.6, 0.16]]],
    "9": [[[0.66, 0.3], [0.5, 0.14], [0.34, 0.3], [0.44, 0.5], [0.64, 0.38],
           [0.66, 0.26], [0.66, 0.26], [0.62, 0.86]]],
}  # fmt: skip

PRESETS: list[dict[str, Any]] = []


def view() -> Explorable:
    """Show the book's LeNet-5 of 1998, and on demand two others, trained on MNIST."""
    images = torch.stack([drawn(strokes) for strokes in DIGITS.values()])
    networks = {
        name: rounded(name, images)
        for name in ("lenet5", "lenet5-modern", "one-hidden-layer")
    }
    data, *rivals = (_data(*network) for network in networks.values())
    return Explorable(
        name="lenet",
        figure=_still(networks["lenet5"][0], images[3]),
        alt="A drawn 3, the maps of C1, S2, C3 and S4 that LeNet-5 computes from it, and "
        "its layer F6, whose 84 units show a 3 of 7 by 12 pixels, like the code of the "
        "3 among the ten codes beside it.",
        sentence="LeNet-5 of 1998 reads a digit, and its layer F6 draws it back.",
        heights=(1880, 1485),
        data={**data, "digits": DIGITS, "presets": PRESETS},
        parts=dict(zip(("lenet5-modern", "one-hidden-layer"), rivals, strict=True)),
        needs=("network",),
    )


def rounded(name: str, images: Tensor) -> tuple[list[Step], bool]:
    """Return one of the book's networks for MNIST as a chain of rounded weights.

    The scores of LeNet-5 are distances with a minus sign; here they are distances.
    """
    chain, fine = faithful(pretrained.load_own(name, "mnist"), images)
    return (chain[:-1] if name == "lenet5" else chain), fine


def drawn(strokes: list[list[list[float]]]) -> Tensor:
    """Draw strokes as an image (1, 32, 32), as coarsely as the still picture needs."""
    fine = Image.new("L", (256, 256))
    pen = ImageDraw.Draw(fine)
    for stroke in strokes:
        points = [(256 * x, 38 + 180 * y) for x, y in stroke]
        pen.line(points, fill=255, width=20, joint="curve")
    small = fine.resize((32, 32), Image.Resampling.BOX)
    ink = torch.tensor(list(small.getdata()), dtype=torch.float32) / 255
    return (ink * 1.275 - 0.1).view(1, 32, 32)


def _data(chain: list[Step], fine: bool) -> dict[str, Any]:
    data = chain_data(chain, (1, 32, 32), fine)
    data |= {"paper": -0.1, "ink": 1.175}
    for stage in data["stages"]:
        if stage["name"] in ("f6", "hidden"):
            last = chain[stage["last"]]
            # As the codes are: 7 wide and 12 high, full colour a little beyond 1.
            stage |= {"drawing": True, "columns": 7, "rows": 12}
            stage |= {"units": last.shape[0]}
            stage |= {"limit": 1.2} if last.settings["function"] == "tanh" else {}
        short = len(stage["name"]) == 2
        stage["name"] = stage["name"].upper() if short else stage["name"].capitalize()
    return data


def _still(chain: list[Step], image: Tensor) -> Figure:
    outputs = {
        step.name: output[0]
        for step, output in zip(chain, compute(chain, image[None]), strict=True)
    }
    figure = plt.figure(figsize=(7, 5.2))
    grid = figure.add_gridspec(12, 24)

    def show(place: Any, values: Tensor, title: str = "", **look: Any) -> None:
        axis = figure.add_subplot(place)
        axis.imshow(values, **look)
        axis.axis("off")
        axis.set_title(title, fontsize=9, loc="left", pad=3)

    signed = {"cmap": "RdBu_r", "vmin": -1.7159, "vmax": 1.7159}
    show(grid[:5, :7], image[0], "drawn", cmap="gray_r")
    show(grid[:5, 7:11], outputs["f6"].view(12, 7), "F6 draws back", **signed)
    distances = outputs["output"].flatten().tolist()
    for digit, code in enumerate(digit_codes()):
        row, column = divmod(digit, 5)
        place = grid[3 * row : 3 * row + 2, 12 + 2 * column : 14 + 2 * column]
        show(place, code.view(12, 7), f"{distances[digit]:.0f}", **signed)
    for row, (name, count) in enumerate([("c1", 6), ("s2", 6), ("c3", 16), ("s4", 16)]):
        wide = 2 if count == 6 else 1
        for i, values in enumerate(outputs[name]):
            place = grid[6 + row, wide * i : wide * (i + 1)]
            show(place, values, name.upper() if i == 0 else "", **signed)
    return figure
