"""Folders of random images, one for each class, as `ImageFolder` reads them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torchvision.io import write_png


def write_images(
    root: Path,
    size: tuple[int, int],
    *,
    parts: Sequence[str] = ("train", "val"),
    classes: Sequence[str] = ("cat", "dog"),
    count: int = 3,
) -> Path:
    """Write `count` images of this size for each part and class, and return `root`."""
    generator = torch.Generator().manual_seed(0)
    for part in parts:
        for name in classes:
            (root / part / name).mkdir(parents=True)
            for i in range(count):
                image = torch.randint(0, 256, (3, *size), generator=generator).byte()
                write_png(image, str(root / part / name / f"{i}.png"))
    return root
