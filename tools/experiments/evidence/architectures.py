"""One recipe, one data set, and the book's architectures, scaled to 32x32 pixels.

Of each, the learning rate is chosen first, on images set apart from the training set,
with short runs; the search is recorded beside the results.
"""

from dataclasses import replace
from functools import partial

from torch import nn

from cnnbook import cost, models
from cnnbook.data import Augmentation, Split, set_apart
from cnnbook.models import googlenet, resnet, senet
from cnnbook.models.init import kaiming_normal
from cnnbook.training import Recipe

from .parts import MissingError, Part, Piece
from .setting import Setting
from .trained import Run, train

# Of each kind one or two, from the cheapest on a CPU to the dearest.
NETWORKS = (
    *("lenet5-modern", "plain20-cifar", "resnet20-cifar", "preact-resnet20-cifar"),
    *("alexnet", "zfnet", "nin", "plain56-cifar", "resnet56-cifar", "vgg11", "vgg16"),
    *("vgg16-bn", "resnet18", "googlenet", "resnet50", "se-resnet50"),
)
RATES = (0.0003, 0.001, 0.003, 0.01)
RECIPE = Recipe(
    epochs=16,
    batch_size=256,
    optimizer="adamw",
    weight_decay=0.05,
    warmup=0.2,
    augmentation=Augmentation(shift=4, flip=True, border="constant"),
)


def at_32(name: str) -> nn.Module:
    """Build an architecture for ten classes and colour images of 32x32 pixels.

    What was made for 224 pixels halves them several times before its first real layer.
    At 32 pixels those halvings are left out: a first convolution of 3x3 at stride 1
    takes the place of the large one, and ResNets and GoogLeNet lose the pooling behind
    it. Dense layers read as many maps as before, at the fewer positions that are left.
    All weights are drawn by one rule, `kaiming_normal`, whatever the paper did.
    """
    network = _scaled(name)
    kaiming_normal(network)
    return network


def _scaled(name: str) -> nn.Module:
    designs = resnet.DESIGNS | senet.DESIGNS
    if name in designs:
        return resnet.ResNet(replace(designs[name], stem="cifar"), num_classes=10)
    network = models.build(name, num_classes=10, in_channels=3)
    if name.startswith("vgg"):
        network.avgpool = nn.Identity()  # the maps are single pixels
        network.classifier[0] = nn.Linear(512, 4096)
    elif name == "googlenet":
        network.conv1 = googlenet.NormalisedConv(3, 64, 3, padding=1)
        network.maxpool1 = nn.Identity()
    elif name in ("alexnet", "zfnet"):
        network.features.conv1 = nn.Conv2d(3, 96, 3, padding=1)
        positions = {"alexnet": 9, "zfnet": 1}[name]
        network.classifier.fc6 = nn.Linear(256 * positions, 4096)
        # Without the class around them, which insists on large images.
        network = nn.Sequential(network.features, nn.Flatten(), network.classifier)
    return network


class Architectures(Part):
    """Each architecture with its own best rate, three seeds."""

    name = "architectures"
    about = "one recipe, the book's architectures at 32x32 pixels"
    seeds = (0, 1, 2)

    def networks(self, setting: Setting) -> tuple[str, ...]:
        """Return the names, of a rehearsal the two quickest."""
        return NETWORKS[:2] if setting.tiny else NETWORKS

    def recipe(self, setting: Setting, rate: float, epochs: int) -> Recipe:
        """Return the recipe at one rate."""
        batch_size = setting.size(RECIPE.batch_size, tiny=64)
        return replace(RECIPE, batch_size=batch_size, learning_rate=rate, epochs=epochs)

    def epochs(self, setting: Setting) -> tuple[int, int]:
        """Return the passes of a run of the search, and of one that counts."""
        return setting.size(2, tiny=1), setting.size(RECIPE.epochs, tiny=2)

    def settings(self, setting: Setting) -> dict:
        """Name the data, the recipe without its rate, and the rates that are tried."""
        search, epochs = self.epochs(setting)
        recipe = self.recipe(setting, RATES[0], epochs).as_json()
        del recipe["learning_rate"]
        held_out = len(self._search_splits(setting)[1])
        return {
            "dataset": setting.pack.title,
            "train_images": len(setting.pack.dataset.train),
            "recipe": recipe,
            "search": {"rates": RATES, "epochs": search, "validation_images": held_out},
        }

    def pieces(self, setting: Setting) -> list[Piece]:
        """Find each network's rate, train it with a first seed; then the other seeds.

        The cheapest come first: where the time ends, whole results are left.
        """
        first, *others = self.seeds[: setting.size(3, tiny=2)]
        pieces = []
        for name in self.networks(setting):
            search = partial(self._search, name, setting)
            pieces += [Piece(f"{name}, rate", search), self._run(name, first, setting)]
        return pieces + [
            self._run(name, seed, setting)
            for seed in others
            for name in self.networks(setting)
        ]

    def _run(self, name: str, seed: int, setting: Setting) -> Piece:
        train = partial(self._train, name, seed, setting)
        return Piece(f"{name}, seed {seed}", train)

    def _search_splits(self, setting: Setting) -> tuple[Split, Split]:
        train = setting.pack.dataset.train
        return set_apart(train, len(train) // 10)

    def _search(self, name: str, setting: Setting, results: dict) -> None:
        kept, held_out = self._search_splits(setting)
        errors = {}
        for rate in RATES:
            recipe = self.recipe(setting, rate, self.epochs(setting)[0])
            run = Run(f"{name}-rate-{rate}", partial(at_32, name), recipe, (0,))
            try:
                (entry,) = train(run, self.name, kept, held_out, setting)
                errors[rate] = entry["test_error"]
            except FloatingPointError:  # too high for this network
                errors[rate] = 100.0
        best = min(errors, key=errors.__getitem__)
        macs = cost.total(at_32(name), (3, 32, 32))
        results[name] = {
            "validation_error": {str(rate): error for rate, error in errors.items()},
            "learning_rate": best,
            # A best rate at the end of the range may not be the best there is.
            "at_the_end": best in (RATES[0], RATES[-1]),
            "parameters": int(macs.parameters),
            "macs": int(macs.macs),
            "runs": [],
        }

    def _train(self, name: str, seed: int, setting: Setting, results: dict) -> None:
        if name not in results:
            raise MissingError("its rate has not been found")
        rate, epochs = results[name]["learning_rate"], self.epochs(setting)[1]
        recipe = self.recipe(setting, rate, epochs)
        run = Run(name, partial(at_32, name), recipe, (seed,))
        dataset = setting.pack.dataset
        entries = train(run, self.name, dataset.train, dataset.test, setting)
        results[name]["runs"].extend(entries)
