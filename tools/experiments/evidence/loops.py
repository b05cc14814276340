"""How fast a training loop is: the book's, a tutorial's, and steps that are captured.

All train on the same random images, in turns, in the precision of float32; the captured
steps also in the shorter one, and with several seeds side by side. Beside each speed
stands its share of the device's matrix rate, and what may be behind the rest.
"""

import copy
from functools import partial

import numpy as np
import torch

from cnnbook import cost, data, models
from cnnbook.data import Augmentation, Split
from cnnbook.training import Recipe
from cnnbook.training.budget import PASSES
from tools.experiments import benchmark

from .costs import limits
from .parts import Part, Piece
from .setting import Setting, has_bfloat16
from .side_by_side import SideBySide

NETWORKS = ("lenet5-modern", "resnet20-cifar")
TOGETHER = (1, 3)  # seeds


class Loops(Part):
    """A network is a piece; their images are random, so that no data set is needed."""

    name = "loops"
    about = "the book's loop, a DataLoader's, and captured steps"
    seeds = (0, 1, 2)

    def settings(self, setting: Setting) -> dict:
        """Name the sizes."""
        return {
            "images": setting.size(12_800, tiny=256, on_cpu=2560),
            "batch_size": setting.size(128, tiny=64),
            "rounds": setting.size(3, tiny=1),
        }

    def pieces(self, setting: Setting) -> list[Piece]:
        """Return a piece for each network."""
        names = NETWORKS[:1] if setting.tiny else NETWORKS
        return [Piece(name, partial(self._race, name, setting)) for name in names]

    def _race(self, name: str, setting: Setting, results: dict) -> None:
        sizes = self.settings(setting)
        images, rounds = sizes["images"], sizes["rounds"]
        if "limits" not in results:
            results["limits"] = limits(setting)
        channels = models.architecture(name).input_size[0]
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (images, 32, 32, channels), dtype=np.uint8)
        labels = random.integers(0, 10, images).tolist()
        runs = benchmark.loops(name, pixels, labels, workers=0)
        seeds_of = dict.fromkeys(runs, 1)
        split, recipe = (
            _normalised(pixels, labels),
            _recipe(channels, sizes["batch_size"]),
        )
        precision_of = dict.fromkeys(runs, "no")
        for precision in ("no", "bf16") if has_bfloat16() else ("no",):
            for count in TOGETHER if setting.on_gpu else TOGETHER[:1]:
                make = partial(copy.deepcopy, models.build(name, num_classes=10))
                seeds = self.seeds[:count]
                engine = SideBySide(make, split, recipe, seeds, precision=precision)
                engine.epoch()  # captures, if there is CUDA
                kind = "captured steps" if setting.on_gpu else "plain steps"
                key = f"{kind}, {count} at once, {precision}"
                runs[key], seeds_of[key] = partial(_again, engine), count
                precision_of[key] = precision
        speeds = benchmark.images_a_second(runs, images, rounds)
        results[name] = {
            key: _judged(
                name,
                speed * seeds_of[key],
                precision_of[key],
                setting,
                results["limits"],
            )
            for key, speed in speeds.items()
        }
        for own in results[name].values():
            fair = results[name]["DataLoader"]["images_a_second"]
            own["times_the_DataLoader"] = round(own["images_a_second"] / fair, 2)


def _again(engine: SideBySide) -> None:
    """Go through an epoch, and then through the same one again."""
    engine.epochs = 0
    engine.epoch()


def _normalised(pixels: np.ndarray, labels: list[int]) -> Split:
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    split = Split(images, torch.tensor(labels))
    return data.normalise_channels(split, split[:1])[0]


def _recipe(channels: int, batch_size: int) -> Recipe:
    """Return `benchmark.our_loop`'s recipe."""
    varied = Augmentation(shift=4, flip=True, border="constant")
    more = {"augmentation": varied} if channels == 3 else {}
    return Recipe(epochs=1, batch_size=batch_size, optimizer="sgd", **more)


def _judged(
    name: str, speed: float, precision: str, setting: Setting, roof: dict[str, float]
) -> dict:
    """Say how near a speed comes to the device's two limits, and what bounds it.

    Products and bytes are those of the convolutions and dense layers alone, three times
    a step forward, each number moved once: the least that a step can take.
    """
    size = models.architecture(name).input_size
    table = cost.layer_table(models.build(name, num_classes=10, device="meta"), size)
    working = table[table.macs > 0]
    wide = 2 if precision == "bf16" else 4
    moved = sum(
        wide * (np.prod(row.input_shape) + np.prod(row.output_shape))
        for row in working.itertuples()
    )
    products = speed * PASSES * working.macs.sum() / roof[precision]
    traffic = speed * PASSES * moved / roof["copy"]
    if max(products, traffic) < 0.5:
        bound = "neither products nor bytes: starting kernels, and what lies between"
    else:
        bound = "products" if products > traffic else "bytes"
    return {
        "images_a_second": round(speed, 1),
        "share_of_matrix_rate": round(float(products), 4),
        "share_of_copy_rate": round(float(traffic), 4),
        "bound_by": bound,
    }
