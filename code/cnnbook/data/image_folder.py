"""Data sets of one's own: a folder of images for each class.

The layout is ImageNet's::

    train/<class>/<image>      val/<class>/<image>   (or test/<class>/…)

Small images of one size become tensors, as all data sets of `data` are. Photographs
are decoded by worker processes as they are needed: cut to size, ImageNet's 1.3 million
would take 190 GB.

`image_tree` tells which files are images of a class, and `decode` reads one.
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.transforms.v2 import functional as transforms
from tqdm import tqdm

from .._progress import progress
from .augment import CROP, NONE, Augmentation
from .decode import UnreadableImageError, decode
from .image_tree import class_names, images_by_class, parts_of, printable
from .imagenet import imagenet_crop, imagenet_normalise
from .splits import Dataset, Images, Index, Split, normalise_channels, set_apart

SMALL = 64  # pixels: images up to this side are kept in memory
SCALES = (256, 256)  # pixels: lengths of a photograph's shorter side, before the crop
DAMAGED_SHARE = 0.001  # of all images: so many may be damaged, and no more


def load(
    path: Path | str,
    *,
    validation: int = 0,
    damaged_share: float | None = None,
    crop: int = CROP,
) -> Dataset:
    """Load a folder of images.

    Args:
        path: Holds `train` and `val` (or `test`), each with a folder a class.
        validation: So many training images, the same ones always, are set apart.
        damaged_share: A photograph that cannot be read is named, and the next one
            takes its place; a small image is named and left out. If more than this
            share cannot be read, that is an error;
            `DAMAGED_SHARE` if None.
        crop: Side, in pixels, of the square that is cut out of a photograph.

    Raises:
        FileNotFoundError: If a part is missing, or a class has no images.
        ValueError: If there is one class only, the classes of both parts differ, small
            images are not all of one size, or too many images are damaged.
    """
    path = Path(path)
    parts = parts_of(path)
    classes, other = map(class_names, parts)
    if len(classes) < 2:
        raise ValueError(
            f"{parts[0]} has one class only, {classes[0]!r}: a classifier needs two"
        )
    if classes != other:
        unlike = ", ".join(sorted(set(classes) ^ set(other))[:5])
        raise ValueError(f"{parts[0]} and {parts[1]} differ in their classes: {unlike}")
    share = DAMAGED_SHARE if damaged_share is None else damaged_share
    listed = [images_by_class(part, classes) for part in parts]
    folders = [
        ImageFolder(paths, labels, len(paths), share, crop) for paths, labels in listed
    ]
    first, _, _ = _Reader(folders[0]).first_from(0)
    splits: Sequence[Images] = folders
    if max(first.shape[1:]) <= SMALL:
        splits = normalise_channels(*(folder.decoded() for folder in folders))
    train, test = splits
    return Dataset(path.name, tuple(classes), *set_apart(train, validation), test)


@dataclass(frozen=True)
class ImageFolder:
    """Photographs on the disk and their labels; stands where a `Split` may.

    Its batches come from worker processes, cut to squares of `crop` pixels, as uint8
    until they are on the device, and normalised there. What is found damaged is known
    to all parts of a folder; `listed` is the number of images in the whole of it.
    """

    paths: tuple[str, ...]
    labels: Tensor
    listed: int
    damaged_share: float = DAMAGED_SHARE
    crop: int = CROP
    device: str = "cpu"
    augmentation: Augmentation = NONE
    damaged: set[str] = field(default_factory=set)  # found so far; shared by subsets

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Index) -> ImageFolder:
        """Return the part at `index` (a slice, mask or index tensor)."""
        chosen = torch.arange(len(self))[index]
        paths = tuple(self.paths[i] for i in chosen)
        return replace(self, paths=paths, labels=self.labels[chosen])

    def to(self, device: torch.device | str) -> ImageFolder:
        """Return this part, with batches that come on `device`."""
        return replace(self, device=str(device))

    def augmented(self, augmentation: Augmentation) -> ImageFolder:
        """Return this part with images that are varied so in training.

        Raises:
            ValueError: If an image may become smaller than what is cut out of it.
        """
        if augmentation.scales and augmentation.scales[0] < self.crop:
            raise ValueError(
                f"scales={augmentation.scales} make photographs too small for a "
                f"network that sees {self.crop}x{self.crop} pixels"
            )
        return replace(self, augmentation=augmentation)

    @property
    def input_size(self) -> tuple[int, ...]:
        """Channels, height and width of an image, as a network gets it."""
        return 3, self.crop, self.crop

    def draw(self, generator: torch.Generator) -> Tensor:
        """Draw an epoch's random numbers, (N, 4) from 0 to 1."""
        return torch.rand(len(self), 4, generator=generator)

    def batches(
        self, indices: Sequence[Tensor], draws: Tensor | None = None
    ) -> Iterator[Split]:
        """Yield normalised images (n, 3, crop, crop) and labels, batch by batch.

        Args:
            indices: For each batch an index tensor of shape (n,).
            draws: What `draw` returned, to train: they decide of each image where it
                is cut, at which scale, and whether it is mirrored. Without them the
                middle is cut from a shorter side of 256 pixels, as for a test.
        """
        loader = DataLoader(
            _Reader(self, draws),
            batch_sampler=[chosen.tolist() for chosen in indices],
            num_workers=_workers(),
            collate_fn=_collate,
            pin_memory=self.device.startswith("cuda"),
        )
        for chosen, (images, labels, damaged) in zip(indices, loader, strict=True):
            self._report(damaged)
            images = imagenet_normalise(images.to(self.device, non_blocking=True))
            if draws is not None:
                images = self.augmentation.vary(images, draws[chosen])
            yield Split(images, labels.to(self.device))

    def decoded(self) -> Split:
        """Return all images as they are, as one tensor in uint8.

        Raises:
            ValueError: If they are not all of one size, or too many are damaged.
        """
        images, labels = [], []
        labelled = zip(self.paths, self.labels, strict=True)
        for path, label in progress(labelled, "decoding", len(self)):
            try:
                images.append(decode(path))
                labels.append(label)
            except UnreadableImageError as error:
                self._report({path: str(error)})
                continue
            if images[-1].shape != images[0].shape:
                sizes = [tuple(image.shape[1:]) for image in (images[-1], images[0])]
                raise ValueError(
                    f"small images must all have one size: {path} has {sizes[0]} "
                    f"pixels, others {sizes[1]}"
                )
        if not images:
            raise ValueError(f"none of the {len(self)} images can be read; see above")
        return Split(torch.stack(images), torch.stack(labels))

    def _report(self, damaged: dict[str, str]) -> None:
        """Name what cannot be read, and why; refuse to go on if it is too much."""
        for path in damaged.keys() - self.damaged:
            tqdm.write(f"left out, since {damaged[path]}: {printable(path)}")
        self.damaged.update(damaged)
        if damaged and len(self.damaged) > self.damaged_share * self.listed:
            path, reason = min(damaged.items())
            raise ValueError(
                f"{len(self.damaged)} of {self.listed} images cannot be read, more "
                f"than the {self.damaged_share:.1%} allowed; one is "
                f"{printable(path)} ({reason})"
            )


class _Reader(torch.utils.data.Dataset):
    """Reads and cuts one image at a time; in a worker process."""

    def __init__(self, folder: ImageFolder, draws: Tensor | None = None) -> None:
        self.folder, self.draws = folder, draws

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, dict[str, str]]:
        image, label, damaged = self.first_from(index)
        crop = self.folder.crop
        if self.draws is None:
            return imagenet_crop(image, crop=crop), label, damaged
        scales = self.folder.augmentation.scales or SCALES
        return _random_crop(image, self.draws[index], scales, crop), label, damaged

    def first_from(self, index: int) -> tuple[Tensor, Tensor, dict[str, str]]:
        """Return the first image that can be read, and its label.

        The third is what cannot be read before it, and why.
        """
        count = len(self.folder)
        damaged: dict[str, str] = {}
        for i in (j % count for j in range(index, index + count)):
            path = self.folder.paths[i]
            try:
                return decode(path), self.folder.labels[i], damaged
            except UnreadableImageError as error:
                damaged[path] = str(error)
        raise ValueError(
            f"none of the {count} images can be read; one is {printable(path)} "
            f"({damaged[path]})"
        )


def _random_crop(
    image: Tensor, draws: Tensor, scales: tuple[int, int], crop: int = CROP
) -> Tensor:
    """Scale the shorter side to a length in `scales`, and cut a square somewhere.

    As Simonyan & Zisserman 2015 (section 3.1) and He et al. 2016 (section 3.4) do.
    """
    row, column, _, scale = draws.tolist()
    low, high = scales
    shorter = low + int(scale * (high - low + 1))
    scaled = transforms.resize(image, [shorter], antialias=True)
    height, width = scaled.shape[1:]
    top, left = int(row * (height - crop + 1)), int(column * (width - crop + 1))
    return scaled[:, top : top + crop, left : left + crop]


def _collate(items: list) -> tuple[Tensor, Tensor, dict[str, str]]:
    images, labels, damaged = zip(*items, strict=True)
    return torch.stack(images), torch.stack(labels), dict(ChainMap(*damaged))


def _workers() -> int:
    """Share the cores that may be used here among the processes that train here.

    A cluster lends some of a machine's cores, and ties the processes to these.
    """
    tied = hasattr(os, "sched_getaffinity")  # not on macOS, nor on Windows
    cores = len(os.sched_getaffinity(0)) if tied else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))
