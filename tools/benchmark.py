"""Time to LeCun's 0.95 % on MNIST: the book's loop against a tutorial's, in turn.

For instance: python tools/benchmark.py --threads 2

Both train `lenet5-modern` until its test error is at most the paper's. Absolute times
depend on the machine; the ratio is what counts.
"""

import itertools
import time
from typing import Annotated

import torch
import torchvision
import typer
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from cnnbook import data, models, papers, recipes, training

TARGET = papers.figure("lenet5.mnist.test_error").value


def ours(seed: int) -> tuple[int, float]:
    """Train as the book does: the data set as one tensor, and its own recipe."""
    torch.manual_seed(seed)
    network = models.build("lenet5-modern")
    recipe = recipes.recipe("lenet5-modern", "mnist")
    dataset = data.load("mnist")
    training.fit(network, dataset.train, seed=seed, **recipe)
    return recipe["epochs"], training.evaluate(network, dataset.test).error


def tutorial(seed: int) -> tuple[int, float]:
    """Train as tutorials do: transform image by image, Adam at its default rate."""
    torch.manual_seed(seed)
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.Pad(2),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.1], [0.28]),
        ]
    )
    splits = [
        torchvision.datasets.MNIST(data.folder(), train=train, transform=transform)
        for train in (True, False)
    ]
    train = DataLoader(splits[0], batch_size=64, shuffle=True)
    test = DataLoader(splits[1], batch_size=1000)
    network = models.build("lenet5-modern")
    optimizer = torch.optim.Adam(network.parameters())
    for epoch in itertools.count(1):
        for images, labels in train:
            loss = F.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            wrong = sum(
                (network(images).argmax(dim=1) != labels).sum().item()
                for images, labels in test
            )
        error = 100 * wrong / len(splits[1])
        if error <= TARGET or epoch == 20:
            return epoch, error


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often, in turn.")] = 2,
    threads: Annotated[int, typer.Option(min=1)] = torch.get_num_threads(),
) -> None:
    """Print the seconds of both loops, round by round, and their ratio."""
    torch.set_num_threads(threads)
    ratios = []
    for seed in range(rounds):
        seconds = {}
        for loop in (ours, tutorial):
            start = time.perf_counter()
            epochs, error = loop(seed)
            seconds[loop] = time.perf_counter() - start
            print(
                f"{loop.__name__:8} {epochs:2} epochs {seconds[loop]:6.1f} s "
                f"({seconds[loop] / epochs:.1f} an epoch), test error {error:.2f} %"
            )
        ratios.append(seconds[tutorial] / seconds[ours])
    print(f"tutorial / ours: {min(ratios):.1f} to {max(ratios):.1f}")


if __name__ == "__main__":
    typer.run(main)
