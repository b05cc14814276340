"""How fast a training loop is: the book's, a tutorial's, and steps that are captured.

All train on the same random images, in turns, in the precision of float32; the captured
steps also in the shorter one, and with several seeds side by side. Beside each speed
stands its share of the device's matrix rate, and what may be behind the rest.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from cnnbook import cost, models
from cnnbook.training.budget import PASSES
from tools.experiments import benchmark

from .costs import limits
from .parts import Part, Piece
from .setting import Setting, has_bfloat16
from .side_by_side import SideBySide

NETWORKS = ("lenet5-modern", "resnet20-cifar")
# How steps of `SideBySide` are done, and for how many seeds; the first one anywhere.
CAPTURED = (("plain", 1), ("captured", 1), ("captured", 3))


@dataclass(frozen=True)
class Contender:
    """A loop that goes through all images once, with so many networks at a time."""

    run: Callable[[], object]
    seeds: int
    precision: str


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
        if "limits" not in results:
            results["limits"] = limits(setting)
        contenders = self._contenders(name, setting)
        speeds = benchmark.images_a_second(
            {key: contender.run for key, contender in contenders.items()},
            sizes["images"],
            sizes["rounds"],
        )
        found = {}
        for key, contender in contenders.items():
            speed = speeds[key] * contender.seeds
            found[key] = _judged(name, speed, contender.precision, results["limits"])
            compared = found[key]["images_a_second"] / speeds["DataLoader"]
            found[key]["times_the_DataLoader"] = round(compared, 2)
        results[name] = found

    def _contenders(self, name: str, setting: Setting) -> dict[str, Contender]:
        """Return what goes through the images once, by name."""
        sizes = self.settings(setting)
        channels = models.architecture(name).input_size[0]
        random = np.random.default_rng(0)
        shape = sizes["images"], 32, 32, channels
        pixels = random.integers(0, 256, shape, dtype=np.uint8)
        labels = random.integers(0, 10, sizes["images"]).tolist()
        both = benchmark.loops(name, pixels, labels, workers=0)
        contenders = {key: Contender(run, 1, "no") for key, run in both.items()}
        split = benchmark.normalised(pixels, labels)
        recipe = benchmark.one_epoch(channels, sizes["batch_size"])
        make = partial(copy.deepcopy, models.build(name, num_classes=10))
        for precision in ("no", "bf16") if has_bfloat16() else ("no",):
            for kind, count in CAPTURED if setting.on_gpu else CAPTURED[:1]:
                engine = SideBySide(
                    make,
                    split,
                    recipe,
                    self.seeds[:count],
                    precision=precision,
                    graphs=kind == "captured",
                )
                engine.epoch()  # the first one captures
                if engine.graphs != (kind == "captured"):
                    continue  # it could not
                key = f"{kind} steps, {count} at once, {precision}"
                contenders[key] = Contender(partial(_again, engine), count, precision)
        return contenders


def _again(engine: SideBySide) -> None:
    """Go through an epoch, and then through the same one again."""
    engine.epochs = 0
    engine.epoch()


def _judged(name: str, speed: float, precision: str, roof: dict[str, float]) -> dict:
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
        bound = "neither: what lies between the products, and starting it"
    else:
        bound = "products" if products > traffic else "bytes"
    return {
        "images_a_second": round(speed, 1),
        "share_of_matrix_rate": round(float(products), 4),
        "share_of_copy_rate": round(float(traffic), 4),
        "bound_by": bound,
    }
