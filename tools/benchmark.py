"""Time training on MNIST: the book's loop against a plain DataLoader loop, in turn.

    python tools/benchmark.py --threads 2

Both train `lenet5-modern` on the same images with the same optimiser and batches.
Absolute times depend on the machine; the ratio is what counts.
"""

import time
from typing import Annotated

import torch
import torchvision
import typer
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from cnnbook import data, models, training


def ours(epochs: int) -> None:
    """Train with the data set as one tensor."""
    torch.manual_seed(0)
    training.fit(models.build("lenet5-modern"), data.load("mnist").train, epochs=epochs)


def plain(epochs: int) -> None:
    """Train as most tutorials do: decode and transform image by image."""
    torch.manual_seed(0)
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.Pad(2),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.1], [0.3]),
        ]
    )
    images = torchvision.datasets.MNIST(data.folder(), transform=transform)
    loader = DataLoader(images, batch_size=128, shuffle=True)
    model = models.build("lenet5-modern")
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for batch, labels in loader:
            loss = F.cross_entropy(model(batch), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def main(
    epochs: Annotated[int, typer.Option(min=1)] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="How often, in turn.")] = 3,
    threads: Annotated[int, typer.Option(min=1)] = torch.get_num_threads(),
) -> None:
    """Print the seconds of both loops, round by round, and their ratio."""
    torch.set_num_threads(threads)
    ratios = []
    for _ in range(rounds):
        seconds = []
        for loop in (ours, plain):
            start = time.perf_counter()
            loop(epochs)
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[1] / seconds[0])
        print(f"ours {seconds[0]:.1f} s, DataLoader {seconds[1]:.1f} s")
    print(f"ratio {min(ratios):.1f} to {max(ratios):.1f}")


if __name__ == "__main__":
    typer.run(main)
