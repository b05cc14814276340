"""Train the networks that chapter 6's explorable moves a digit in front of.

``python -m tools.experiments.moved_digit`` takes a quarter of a minute. It writes the
weights, rounded to the 8 bits that a page has of them, and beside them in data/runs
what each network, rounded so, gets wrong at each shift. Architectures and recipe are
those of chapter 6's experiment 2, and the seed is its first: none was chosen for what
the explorable shows.
"""

from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from cnnbook import data, records, training
from cnnbook.data import Augmentation, Split
from cnnbook.explorables import move
from cnnbook.explorables._element import unpacked
from cnnbook.training import Recipe
from tools.notebooks.definitions import definitions

chapter = definitions("06-gap-vs-flatten")
COMMAND = "python -m tools.experiments.moved_digit"
SEED = 0
STILL = Recipe(epochs=5, batch_size=64, learning_rate=0.03)
RECIPES = {
    "middle": STILL,
    "shifts": replace(STILL, augmentation=Augmentation(shift=2)),
}
BUILDERS = {
    "flatten": chapter.flatten_network,
    # As many maps as the chapter finds to bring the parameters nearest to those.
    "average": partial(chapter.average_network, (8, 16, 31)),
}
SHIFTS = range(5)


def trained(head: str, recipe: Recipe, train: Split) -> nn.Module:
    """Return a network, with weights that 8 bits can hold."""
    torch.manual_seed(SEED)
    network = BUILDERS[head]()
    training.fit(network, train, recipe, seed=SEED, progress=False)
    with torch.no_grad():
        for weight in network.cpu().parameters():
            if weight.ndim > 1:
                weight.copy_(unpacked(weight))
    return network.eval()


def on_canvas(digits: Tensor, down: int = 0, right: int = 0) -> Tensor:
    """Lay digits (N, 1, 8, 8) on canvases of 16×16, so far from the middle."""
    sides = (4 + right, 4 - right, 4 + down, 4 - down)
    return F.pad(digits, sides, value=move.PAPER)


def errors(network: nn.Module, test: Split) -> list[float]:
    """Return the test error (%) at each shift, a mean over the four directions."""
    found = []
    for shift in SHIFTS:
        moves = {(shift, 0), (-shift, 0), (0, shift), (0, -shift)}
        splits = [Split(on_canvas(test.images, *m), test.labels) for m in moves]
        each = [training.evaluate(network, split).error for split in splits]
        found.append(round(sum(each) / len(each), 3))
    return found


def main() -> None:
    """Train the four networks, keep their weights, and record their errors."""
    origin = training.origin(COMMAND, [SEED])
    digits = data.load("digits", side=8)
    train = Split(on_canvas(digits.train.images), digits.train.labels)
    weights, results = {}, {}
    for place, recipe in RECIPES.items():
        for head in BUILDERS:
            network = trained(head, recipe, train)
            results[f"{place}.{head}"] = errors(network, digits.test)
            weights |= {
                f"{place}.{head}.{name}": tensor.contiguous()
                for name, tensor in network.state_dict().items()
            }
    save_file(weights, move.WEIGHTS)
    record = {
        **origin,
        "dataset": "digits of 8×8 pixels on canvases of 16×16",
        "recipes": {place: recipe.as_json() for place, recipe in RECIPES.items()},
        "shifts": list(SHIFTS),
        "test_error": results,
    }
    print(f"wrote {records.save(move.WEIGHTS.stem, record).name}")


if __name__ == "__main__":
    main()
