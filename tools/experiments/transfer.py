"""How much are features worth that have seen ImageNet, when images are few?

python -m tools.experiments.transfer

One linear layer is fitted to a few images per class: on their pixels, on the features
of an EfficientNet-Lite0 that was trained on ImageNet, and on those of one that was not.
The images are those of CIFAR-10, packed by `python -m tools.experiments.evidence pack
FOLDER`, and the digits. Both have 32×32 pixels, and are enlarged to 128×128: less than
the 224×224 that the network was trained on, and a third of the work. Features are kept
in runs/transfer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from cnnbook import data, models, pretrained, records, training
from cnnbook.data import IMAGENET_MEAN, IMAGENET_STD, Split
from cnnbook.data.small import BACKGROUND, INK
from tools.experiments import relu_tanh

NETWORK = "efficientnet-lite0"
SEEDS = range(5)  # each draws other images to fit, and another untrained network
PER_CLASS = (1, 5, 20)
SIDE = 128  # pixels, of the enlarged image
HELD_OUT = 150  # choose the penalty; they are neither fitted nor tested
TESTED = 500  # at most
PENALTIES = tuple(10.0**power for power in range(-3, 8))
FOLDER = Path("runs", "transfer")


class Images(NamedTuple):
    """A data set's images, with pixels from 0 to 1 in three channels."""

    train: Split
    test: Split


def cifar10() -> Images:
    """Return CIFAR-10, its normalised channels mapped back onto 0 to 1."""
    dataset = relu_tanh.load(relu_tanh.TITLE)
    pixels = dataset.train.images.transpose(0, 1).flatten(1)
    low = pixels.min(dim=1).values[:, None, None]  # was 0 in every channel
    high = pixels.max(dim=1).values[:, None, None]  # was 255

    def back(split: Split) -> Split:
        return Split((split.images - low) / (high - low), split.labels)

    # They are sorted by class.
    order = torch.randperm(
        len(dataset.test), generator=torch.Generator().manual_seed(0)
    )
    return Images(back(dataset.train), back(dataset.test[order[:TESTED]]))


def digits() -> Images:
    """Return the digits, white on black, three times over for the three channels."""
    dataset = data.load("digits")

    def grey(split: Split) -> Split:
        pixels = (split.images - BACKGROUND) / (INK - BACKGROUND)
        return Split(pixels.clamp(0, 1).expand(-1, 3, -1, -1), split.labels)

    return Images(grey(dataset.train), grey(dataset.test))


DATA: dict[str, Callable[[], Images]] = {relu_tanh.TITLE: cifar10, "digits": digits}


def drawn(labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Return which images a seed fits, the most per class, and which it sets apart.

    The first are (PER_CLASS[-1], classes): row after row, one of each class.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    held_out, rest = order[:HELD_OUT], order[HELD_OUT:]
    of_class = [rest[labels[rest] == c][: PER_CLASS[-1]] for c in labels.unique()]
    return torch.stack(of_class, dim=1), held_out


@torch.inference_mode()
def features(network: nn.Module, images: Tensor) -> Tensor:
    """Return what the network averages behind its last convolution, (N, 1280)."""
    mean = torch.tensor(IMAGENET_MEAN)[:, None, None]
    std = torch.tensor(IMAGENET_STD)[:, None, None]
    found = []
    for part in images.split(20):
        large = F.interpolate(part, size=SIDE, mode="bicubic").clamp(0, 1)
        found.append(network((large - mean) / std))
    return torch.cat(found)


def trained() -> nn.Module:
    """Return the network that has seen ImageNet, without its last layer."""
    network = pretrained.load_imagenet(NETWORK)
    network.fc = nn.Identity()
    return network


def untrained(seed: int, images: Tensor) -> nn.Module:
    """Return a network as training would begin with it, without its last layer.

    Its normalisations get the means and deviations of some images, as they would in
    training: without them the signal would vanish on its way through the layers.
    """
    torch.manual_seed(seed)
    network = models.build(NETWORK)
    network.fc = nn.Identity()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean over all that is seen
    features(network.train(), images)
    return network.eval()


def once(name: str, make: Callable[[], Tensor]) -> Tensor:
    """Return features, computed unless they have been."""
    file = FOLDER / f"{name}.safetensors"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        save_file({"features": make()}, file)
        print(f"wrote {file.name}", flush=True)
    return load_file(file)["features"]


class Parts(NamedTuple):
    """What one linear layer reads: images to fit, set apart, and to test."""

    fitted: Tensor
    held_out: Tensor
    tested: Tensor

    def centred(self) -> Parts:
        """Return them less their mean over what is fitted, with deviations around 1.

        One scale for all features: it makes the penalties of all arms comparable.
        """
        mean = self.fitted.mean(dim=0)
        scale = (self.fitted - mean).square().mean().sqrt()
        return Parts(*((part - mean) / scale for part in self))


def error(fitted: tuple[Tensor, Tensor], tested: tuple[Tensor, Tensor], penalty: float):
    """Return the error in % of a linear layer with softmax and a penalty on weights."""
    layer = LogisticRegression(C=1 / penalty, max_iter=2000)
    layer.fit(*(part.numpy() for part in fitted))
    wrong = layer.predict(tested[0].numpy()) != tested[1].numpy()
    return 100 * float(wrong.mean())


def compared(name: str, images: Images) -> dict:
    """Return the errors of all arms on a data set, with the search of their penalties.

    A penalty is chosen for each arm and number of images, by the mean error over the
    seeds on the images set apart.
    """
    labels = images.train.labels
    draws = [drawn(labels, seed) for seed in SEEDS]
    parts: dict[str, list[Parts]] = {"pixels": [], "untrained": [], "ImageNet": []}
    seen = trained()
    tests = once(f"{name}, ImageNet, test", lambda: features(seen, images.test.images))
    for seed, (fitted, held_out) in zip(SEEDS, draws, strict=True):
        wanted = images.train.images[torch.cat([fitted.flatten(), held_out])]
        rows = len(fitted.flatten())
        both = once(f"{name}, ImageNet, {seed}", lambda w=wanted: features(seen, w))
        parts["ImageNet"].append(Parts(both[:rows], both[rows:], tests))

        def fresh(seed: int = seed, wanted: Tensor = wanted, rows: int = rows):
            network = untrained(seed, wanted[:rows])
            return features(network, torch.cat([wanted, images.test.images]))

        every = once(f"{name}, untrained, {seed}", fresh)
        ends = (rows, HELD_OUT, len(images.test))
        parts["untrained"].append(Parts(*every.split(ends)))
        pixels = wanted.flatten(1)
        plain = images.test.images.flatten(1)
        parts["pixels"].append(Parts(pixels[:rows], pixels[rows:], plain))
    return {
        arm: {
            str(count): _fitted(each, draws, labels, images.test.labels, count)
            for count in PER_CLASS
        }
        for arm, each in parts.items()
    }


def _fitted(
    parts: list[Parts],
    draws: list[tuple[Tensor, Tensor]],
    labels: Tensor,
    test_labels: Tensor,
    count: int,
) -> dict:
    """Return an arm's errors with so many images per class, and how it was chosen."""
    few = []
    for part, (fitted, held_out) in zip(parts, draws, strict=True):
        answers = labels[fitted[:count].flatten()]
        used = part._replace(fitted=part.fitted[: len(answers)]).centred()
        few.append((used, answers, labels[held_out]))
    tried = {
        penalty: sum(
            error((used.fitted, answers), (used.held_out, held), penalty)
            for used, answers, held in few
        )
        / len(few)
        for penalty in PENALTIES
    }
    best = min(tried, key=lambda penalty: tried[penalty])
    errors = [
        error((used.fitted, answers), (used.tested, test_labels), best)
        for used, answers, _ in few
    ]
    return {
        "penalty": best,
        "search": [
            {"penalty": penalty, "held_out_error": round(found, 2)}
            for penalty, found in tried.items()
        ],
        "test_error": [round(found, 2) for found in errors],
    }


def main() -> None:
    """Compute what is still to be computed, and write the record."""
    torch.set_num_threads(1)
    origin = training.origin("python -m tools.experiments.transfer", SEEDS)
    results, tested = {}, {}
    for name, load in DATA.items():
        images = load()
        tested[name] = len(images.test)
        results[name] = compared(name, images)
    described = {"network": NETWORK, "held_out": HELD_OUT, "tested": tested}
    path = records.save("transfer", {**origin, **described, "results": results})
    print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
