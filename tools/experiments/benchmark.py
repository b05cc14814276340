"""Compare the book's code with what else there is, side by side in one process.

For instance: python -m tools.experiments.benchmark train --threads 2

Absolute times depend on the machine and on who else uses it; the ratios, of runs that
took turns, are what counts.
"""

import copy
import importlib.util
import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated

import numpy as np
import torch
import torchvision
import typer
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms import v2

import cnnbook.cost
from cnnbook import data, models, papers, timing, training
from cnnbook.data import Augmentation
from cnnbook.training import Recipe

TARGET = papers.value("lenet5.mnist.test_error")
IMAGE = (3, 224, 224)

app = typer.Typer(help=__doc__, no_args_is_help=True)


def ours(seed: int) -> tuple[int, float]:
    """Train as the book does: the data set as one tensor, and its own recipe."""
    torch.manual_seed(seed)
    network = models.build("lenet5-modern")
    recipe = training.recipe_for("lenet5-modern", "mnist")
    dataset = data.load("mnist")
    training.fit(network, dataset.train, recipe, seed=seed)
    return recipe.epochs, training.evaluate(network, dataset.test).error


def plain_epoch(
    network: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer
) -> None:
    """Train for an epoch as tutorials do, on the network's device."""
    device = next(network.parameters()).device
    for images, labels in loader:
        loss = F.cross_entropy(network(images.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # most tutorials print it


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
        torchvision.datasets.MNIST(data.cache(), train=train, transform=transform)
        for train in (True, False)
    ]
    train = DataLoader(splits[0], batch_size=64, shuffle=True)
    test = DataLoader(splits[1], batch_size=1000)
    network = models.build("lenet5-modern")
    optimizer = torch.optim.Adam(network.parameters())
    for epoch in itertools.count(1):
        plain_epoch(network, train, optimizer)
        with torch.no_grad():
            wrong = sum(
                (network(images).argmax(dim=1) != labels).sum().item()
                for images, labels in test
            )
        error = 100 * wrong / len(splits[1])
        if error <= TARGET or epoch == 20:
            return epoch, error


@app.command()
def train(
    rounds: Annotated[int, typer.Option(min=1, help="How often, in turn.")] = 2,
    threads: Annotated[int, typer.Option(min=1)] = torch.get_num_threads(),
) -> None:
    """Time to LeCun's 0.95 % on MNIST: the book's loop against a tutorial's.

    Both train `lenet5-modern` until its test error is at most the paper's.
    """
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


class Photos(Dataset):
    """Images as torchvision's data sets hold them, transformed one by one."""

    def __init__(self, images: np.ndarray, labels: list[int], transform: v2.Compose):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = Image.fromarray(self.images[index].squeeze())
        return self.transform(image), self.labels[index]


def plain_loop(
    network: nn.Module, pixels: np.ndarray, labels: list[int], workers: int
) -> None:
    """Train for an epoch with a DataLoader, on the device of the book's loop."""
    channels = pixels.shape[-1]
    steps = [
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5] * channels, [0.25] * channels),
    ]
    if channels == 3:
        steps = [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip(), *steps]
    images = Photos(pixels, labels, v2.Compose(steps))
    loader = DataLoader(images, batch_size=128, shuffle=True, num_workers=workers)
    network = network.to(training.device())
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    plain_epoch(network, loader, optimizer)


def normalised(pixels: np.ndarray, labels: list[int]) -> data.Split:
    """Return images (N, H, W, C) as the book's loop takes them."""
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    split = data.Split(images, torch.tensor(labels))
    return data.normalise_channels(split, split[:1])[0]


def one_epoch(channels: int, batch_size: int = 128) -> Recipe:
    """Return the recipe of the book's loop: `plain_loop`'s steps."""
    recipe = Recipe(epochs=1, batch_size=batch_size, optimizer="sgd")
    if channels == 3:
        varied = Augmentation(shift=4, flip=True, border="constant")
        recipe = replace(recipe, augmentation=varied)
    return recipe


def our_loop(network: nn.Module, pixels: np.ndarray, labels: list[int]) -> None:
    """Train for an epoch with the book's loop, normalisation included."""
    split, recipe = normalised(pixels, labels), one_epoch(pixels.shape[-1])
    training.fit(network, split, recipe, progress=False)


def loops(
    name: str, pixels: np.ndarray, labels: list[int], workers: int
) -> dict[str, Callable[[], object]]:
    """Return both loops, each with a network of its own, on the same images."""
    return {
        "ours": partial(our_loop, models.build(name, num_classes=10), pixels, labels),
        "DataLoader": partial(
            plain_loop, models.build(name, num_classes=10), pixels, labels, workers
        ),
    }


def images_a_second(
    runs: Mapping[str, Callable[[], object]], images: int, rounds: int
) -> dict[str, float]:
    """Let the loops take turns; return each one's best speed over so many images."""
    return (images / timing.measure(runs, repeats=rounds).min()).to_dict()


@app.command()
def loop(
    images: Annotated[int, typer.Option(min=256, help="Images an epoch.")] = 2560,
    rounds: Annotated[int, typer.Option(min=1, help="How often, in turn.")] = 3,
    workers: Annotated[int, typer.Option(min=0, help="Of the DataLoader.")] = 0,
    threads: Annotated[int, typer.Option(min=1)] = torch.get_num_threads(),
) -> None:
    """Images a second, in training: the book's loop against one with a DataLoader.

    Same network, batch and optimizer, on random images. Each takes its turn in every
    round; its best time is printed.
    """
    torch.set_num_threads(threads)
    random = np.random.default_rng(0)
    for name, channels in (("lenet5-modern", 1), ("resnet20-cifar", 3)):
        pixels = random.integers(0, 256, (images, 32, 32, channels), dtype=np.uint8)
        labels = random.integers(0, 10, images).tolist()
        speeds = images_a_second(loops(name, pixels, labels, workers), images, rounds)
        print(
            f"{name:15} {speeds['ours']:8,.0f} images/s, with a DataLoader "
            f"{speeds['DataLoader']:8,.0f}: "
            f"{speeds['ours'] / speeds['DataLoader']:.1f} x"
        )


def with_ours(network: nn.Module) -> int:
    """Count the MACs of convolutions and matrix products."""
    return int(cnnbook.cost.layer_table(network, IMAGE).macs.sum())


def with_torch(network: nn.Module) -> int:
    """Count what `with_ours` does, of a network on the meta device: fast only there."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, *IMAGE, device="meta"))
    return counter.get_total_flops() // 2


def with_torchinfo(network: nn.Module) -> int:
    """Count biases and the parameters of normalisations, too."""
    import torchinfo

    return torchinfo.summary(network, (1, *IMAGE), verbose=0).total_mult_adds


def with_ptflops(network: nn.Module) -> int:
    """Count biases and most element-wise work, too."""
    from ptflops import get_model_complexity_info

    return get_model_complexity_info(
        network, IMAGE, as_strings=False, print_per_layer_stat=False
    )[0]


def with_fvcore(network: nn.Module) -> int:
    """Count normalisation and average pooling, too."""
    from fvcore.nn import FlopCountAnalysis

    with torch.no_grad():
        analysis = FlopCountAnalysis(network, torch.zeros(1, *IMAGE))
    return analysis.unsupported_ops_warnings(False).total()


@app.command()
def cost(
    names: Annotated[list[str], typer.Argument(help="Networks of torchvision.")] = (
        "vgg16",
        "resnet152",
    ),
    rounds: Annotated[int, typer.Option(min=1, help="How often, in turn.")] = 10,
    threads: Annotated[int, typer.Option(min=1)] = torch.get_num_threads(),
) -> None:
    """Count the MACs of networks with `cnnbook.cost` and with others' counters.

    Each takes its turn in every round; its best time is printed. fvcore takes part
    where it is installed: the lock does not hold it, since it comes without a wheel.
    """
    torch.set_num_threads(threads)
    counters = [with_ours, with_torch, with_torchinfo, with_ptflops]
    if importlib.util.find_spec("fvcore"):
        counters.append(with_fvcore)
    for name in names:
        network = torchvision.models.get_model(name).eval()
        weightless = copy.deepcopy(network).to("meta")
        best = dict.fromkeys(counters, math.inf)
        macs = {}
        for _, count in itertools.product(range(rounds), counters):
            start = time.perf_counter()
            macs[count] = count(weightless if count is with_torch else network)
            best[count] = min(best[count], time.perf_counter() - start)
        print(f"{name}: seconds, times ours, MACs as it counts them")
        for count, seconds in best.items():
            ratio = seconds / best[with_ours]
            package = count.__name__.removeprefix("with_")
            print(f"  {package:9} {seconds:7.3f} {ratio:6.1f} {macs[count]:15,}")


if __name__ == "__main__":
    app()
