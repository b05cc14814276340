"""Where a digit lies, with the border out of sight: three heads compared.

python -m tools.experiments.quarters

The networks are those that chapter 6 defines, with zero padding. A digit lies on a
canvas so large that no unit of the last maps sees both the digit and the border; the
label is the quarter of the middle in which it lies, as in the chapter.
"""

from functools import partial

import torch
from torch import Tensor, nn

from cnnbook import data
from cnnbook.data import Dataset, Split
from cnnbook.training import Recipe
from tools.experiments.comparison import Arm, Comparison
from tools.notebooks.definitions import definitions

chapter = definitions("06-gap-vs-flatten")
COMMAND = "python -m tools.experiments.quarters"
PAPER = -0.1  # the grey value of the background, as in the chapter
PLACES = 8  # of the digit's corner, in each direction
# A unit sees 18 pixels: with 18 empty ones or more around all places, none sees both.
SIDE, FIRST = 52, 18
WIDTHS = (8, 16, 31)  # of equal budget with flattening in the chapter
RECIPE = Recipe(epochs=12, batch_size=64, learning_rate=0.03)


class Coordinates(nn.Module):
    """Adds two maps to images (N, C, H, W): each pixel's row and column, -1 to 1."""

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, C + 2, H, W)."""
        count, _, height, width = images.shape
        rows = torch.linspace(-1, 1, height).view(1, 1, height, 1)
        columns = torch.linspace(-1, 1, width).view(1, 1, 1, width)
        maps = [m.expand(count, 1, height, width) for m in (rows, columns)]
        return torch.cat([images, *maps], dim=1)


def with_coordinates() -> nn.Module:
    """Return the averaging network, told where each pixel is."""
    network = chapter.average_network(WIDTHS, classes=4)
    first = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
    return nn.Sequential(Coordinates(), first, *network[1:])


def scattered(split: Split, seed: int) -> Split:
    """Lay each digit at a place of its own; its label becomes the quarter."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(PLACES, (len(split), 2), generator=generator)
    canvases = torch.full((len(split), 1, SIDE, SIDE), PAPER)
    side = split.images.shape[-1]
    for canvas, image, corner in zip(canvases, split.images, corners, strict=True):
        row, column = (FIRST + corner).tolist()
        canvas[:, row : row + side, column : column + side] = image
    lower, right = (corners >= PLACES // 2).long().T
    return Split(canvases, 2 * lower + right)


def load(name: str, validation: int = 0) -> Dataset:
    """Return the digits of 8×8 pixels, scattered over large canvases."""
    digits = data.load(name, validation=validation, side=8)
    quarters = ("top left", "top right", "bottom left", "bottom right")
    parts = (digits.train, digits.validation, digits.test)
    split = [scattered(part, seed) for seed, part in enumerate(parts)]
    return Dataset(f"{name}, scattered", quarters, *split)


ARMS = {
    "flatten": Arm(partial(chapter.flatten_network, classes=4, side=SIDE // 4), RECIPE),
    "average": Arm(partial(chapter.average_network, WIDTHS, classes=4), RECIPE),
    "average, coordinates": Arm(with_coordinates, RECIPE),
}
COMPARISON = Comparison(
    "quarters-digits", ARMS, "digits", held_out=360, search_epochs=6, load=load
)


def main() -> None:
    """Run what is still to be run, and write the record."""
    print(f"wrote {COMPARISON.run(COMMAND).name}")


if __name__ == "__main__":
    main()
