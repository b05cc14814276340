"""Draw a digit: the LeNet-5 of 1998 reads it, and draws back what it has read."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
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

# What the comments say of the networks is tested.
PRESETS: list[dict[str, Any]] = [
    {
        "name": "a 7 with a bar",
        "strokes": [*DIGITS["7"], [[0.4, 0.5], [0.68, 0.48]]],
        "comment": "The network of 1998 hesitates: the code of the 7 is nearest, but "
        "F6 draws it so badly that “none of these” gets half. Today’s network has no "
        "such class, and is sure of its 7.",
    },
    {
        "name": "an 8 with an open loop",
        "strokes": [
            [[0.34, 0.24], [0.5, 0.14], [0.68, 0.26], [0.5, 0.48], [0.5, 0.48],
             [0.7, 0.68], [0.5, 0.88], [0.32, 0.76], [0.36, 0.6], [0.5, 0.48]]
        ],
        "comment": "The upper loop is not closed, and to all three the 8 becomes a 3. "
        "Only the network of 1998 says that it is rather none of the ten.",
    },
    {
        "name": "a 3, moved by 8 pixels",
        "strokes": DIGITS["3"],
        "shift": [8, 0],
        "comment": "The maps move along, but C5 and all that follows have only seen "
        "digits in the middle. None of the three still reads a 3. Move it back, pixel "
        "by pixel, and see who finds it first.",
    },
    {
        "name": "a 3 under a little noise",
        "strokes": DIGITS["3"],
        "noise": 20,
        "comment": "You read it, and so do all three. But the network of 1998 gives "
        "“none of these” nearly everything: whoever can say no says it too often.",
    },
    {
        "name": "pure noise",
        "strokes": [],
        "noise": 100,
        "network": "lenet5-modern",
        "comment": "A softmax shares out all of its certainty among ten digits, "
        "whatever it is shown, and here the 8 gets the most. Go over to 1998: there "
        "“none of these” takes it all.",
    },
    {
        "name": "the letter A",
        "strokes": [
            [[0.3, 0.86], [0.5, 0.14], [0.5, 0.14], [0.7, 0.86]],
            [[0.38, 0.6], [0.62, 0.6]],
        ],
        "network": "lenet5-modern",
        "comment": "No digit, but today’s network makes it a 4, with more than half of "
        "its certainty. In 1998 a 4 is nearest, too; F6 draws none, and says so.",
    },
    {
        "name": "a heart",
        "strokes": [
            [[0.5, 0.85], [0.2, 0.5], [0.25, 0.2], [0.5, 0.35], [0.5, 0.35],
             [0.75, 0.2], [0.8, 0.5], [0.5, 0.85]]
        ],
        "comment": "All three are sure that it is a 0, the network of 1998 with its "
        "“none of these” included. It knows noise when it sees it, not everything that "
        "is new.",
    },
    {
        "name": "ink and paper exchanged",
        "strokes": DIGITS["3"],
        "inverted": True,
        "network": "one-hidden-layer",
        "comment": "To you it is the same 3. One hidden layer takes it for a 1 and is "
        "sure; try it with other digits, too. The network of 1998 says none of these.",
    },
]  # fmt: skip


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
        alt="A drawn 3, the maps of C1, S2, C3 and S4 that LeNet-5 computes from "
        "it, and its layer F6, whose 84 units show a 3 of 7 by 12 pixels, like the "
        "code of the 3 among the ten codes beside it.",
        sentence="LeNet-5 of 1998 reads a digit, and its layer F6 draws it back.",
        heights=(1819, 1489),
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
    ink = torch.from_numpy(np.array(small, dtype=np.float32)) / 255
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
    """Draw what stands above in the page: the digit, F6, the codes, and the maps."""
    outputs = {
        step.name: output[0]
        for step, output in zip(chain, compute(chain, image[None]), strict=True)
    }
    width, height = 7, 4.7
    figure = plt.figure(figsize=(width, height))

    def draw(values: Tensor, left: float, top: float, wide: float, **look: Any) -> Axes:
        """Draw a picture at a place, in inches from above."""
        high = wide * values.shape[0] / values.shape[1]
        place = (left / width, 1 - (top + high) / height, wide / width, high / height)
        axis = figure.add_axes(place)
        axis.imshow(values.numpy(), **(look or signed), interpolation="nearest")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_color("0.7")
        return axis

    def name(axis: Axes, text: str) -> None:
        axis.set_title(text, fontsize=9, loc="left", pad=3)

    signed: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -1.7159, "vmax": 1.7159}
    code: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -1.2, "vmax": 1.2}
    name(draw(image[0], 0.05, 0.25, 2.0, cmap="gray_r"), "drawn")
    name(draw(outputs["f6"].view(12, 7), 2.2, 0.25, 7 / 6, **code), "F6 draws back")
    for digit, distance in enumerate(outputs["output"].flatten().tolist()):
        row, column = divmod(digit, 5)
        place = (3.6 + 0.68 * column, 0.25 + 1.05 * row)
        axis = draw(digit_codes()[digit].view(12, 7), *place, 0.47, **code)
        name(axis, "distances" if digit == 0 else "")
        axis.set_xlabel(f"{distance:.0f}", fontsize=9, labelpad=2)
    for layer, top, columns in (
        ("c1", 2.5, 6), ("s2", 3.15, 6), ("c3", 3.8, 16), ("s4", 4.2, 16)
    ):  # fmt: skip
        step = 6.5 / columns if columns == 16 else 0.65
        for i, values in enumerate(outputs[layer]):
            axis = draw(values, 0.45 + step * i, top, step - 0.04)
            if i == 0:
                axis.set_ylabel(layer.upper(), fontsize=9, rotation=0, labelpad=14)
    return figure
