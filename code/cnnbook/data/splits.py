"""A data set as tensors: a whole split is one tensor, a batch is an index into it.

Small images fit in memory many times over. Decoding and normalising them once, and
then indexing, is some ten times as fast as a loader that visits image by image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from .augment import NONE, Augmentation

Index = slice | Tensor  # a tensor of whole numbers, or a mask


class Images(Protocol):
    """Labelled images to train and test on: a `Split`, or an `ImageFolder`."""

    @property
    def labels(self) -> Tensor:
        """The class of each image, (N,) in int64."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Index) -> Self:
        """Return the part at `index` (a slice, mask or index tensor)."""

    def to(self, device: torch.device | str) -> Self:
        """Return the same images, whose batches come on `device`."""

    def augmented(self, augmentation: Augmentation) -> Self:
        """Return the same images, varied so in training."""

    @property
    def input_size(self) -> tuple[int, ...]:
        """Channels, height and width of an image, as a network gets it."""

    def draw(self, generator: torch.Generator) -> Tensor | None:
        """Draw an epoch's random numbers for the augmentation, if any are needed."""

    def batches(
        self, indices: Sequence[Tensor], draws: Tensor | None = None
    ) -> Iterator[Split]:
        """Yield the images and labels at each of the index tensors."""


Part = TypeVar("Part", bound=Images)


@dataclass(frozen=True)
class Split:
    """Images (N, C, H, W), float32 or uint8, and their labels (N,) in int64.

    Attributes:
        augmentation: How the images are varied in training; not at all by default.
    """

    images: Tensor
    labels: Tensor
    augmentation: Augmentation = NONE

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Index) -> Split:
        """Return the images and labels at `index` (a slice, mask or index tensor)."""
        return replace(self, images=self.images[index], labels=self.labels[index])

    def to(self, device: torch.device | str) -> Split:
        """Return this split on `device`."""
        images, labels = self.images.to(device), self.labels.to(device)
        return replace(self, images=images, labels=labels)

    def augmented(self, augmentation: Augmentation) -> Split:
        """Return this split with images that are varied so in training.

        Raises:
            ValueError: If scales are asked for, which only photographs have.
        """
        if augmentation.scales:
            raise ValueError(
                f"these images are kept at one size, so scales={augmentation.scales} "
                "can change nothing: leave it out"
            )
        return replace(self, augmentation=augmentation)

    @property
    def input_size(self) -> tuple[int, ...]:
        """Channels, height and width of an image."""
        return tuple(self.images.shape[1:])

    def draw(self, generator: torch.Generator) -> Tensor | None:
        """Draw an epoch's random numbers, (N, 4) from 0 to 1, if any are needed."""
        if not self.augmentation.moves:
            return None
        return torch.rand(len(self), 4, generator=generator)

    def batches(
        self, indices: Sequence[Tensor], draws: Tensor | None = None
    ) -> Iterator[Split]:
        """Yield the images and labels of each batch.

        Args:
            indices: For each batch an index tensor of shape (n,).
            draws: What `draw` returned, to train; without, images are as they are.
        """
        for chosen in indices:
            batch = self[chosen.to(self.labels.device)]
            if draws is not None:
                varied = self.augmentation.vary(batch.images, draws[chosen])
                batch = replace(batch, images=varied)
            yield batch


@dataclass(frozen=True)
class Dataset:
    """A data set: its class names and its splits (`validation` may be empty)."""

    name: str
    classes: tuple[str, ...]
    train: Images
    validation: Images
    test: Images

    def to(self, device: torch.device | str) -> Dataset:
        """Return this data set with all splits on `device`."""
        splits = [s.to(device) for s in (self.train, self.validation, self.test)]
        return Dataset(self.name, self.classes, *splits)


def set_apart(train: Part, validation: int) -> tuple[Part, Part]:
    """Take `validation` images, the same ones always, from a training set.

    Returns:
        What is left to train on, and the validation set, which may be empty.

    Raises:
        ValueError: If not at least one image is left.
    """
    check_validation(validation, len(train))
    if validation == 0:
        return train, train[:0]
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    held_out = order < validation  # a mask: both parts keep the files' order
    return train[~held_out], train[held_out]


def check_validation(validation: int, images: int) -> None:
    """Refuse to set apart what would leave no image to train on.

    Raises:
        ValueError: The message says how many there are.
    """
    if not 0 <= validation < images:
        raise ValueError(
            f"validation must be from 0 to {images - 1} images, got {validation}"
        )


def normalise_channels(train: Split, test: Split) -> tuple[Split, Split]:
    """Give each channel mean 0 and standard deviation 1 over the training set.

    A channel that has one value in all of the training set becomes 0 everywhere.

    Args:
        train: Images (N, C, H, W) in uint8.
        test: Likewise; it is mapped as the training set is.
    """
    counts = [
        torch.bincount(train.images[:, channel].flatten(), minlength=256).double()
        for channel in range(train.images.shape[1])
    ]
    values = torch.arange(256, dtype=torch.float64)
    shares = torch.stack([count / count.sum() for count in counts])  # (C, 256)
    mean = (shares @ values)[:, None]
    std = (shares * (values - mean) ** 2).sum(dim=1, keepdim=True).sqrt()
    # A channel that never varies says nothing: it becomes zero, not nothing by nothing.
    scale = torch.where(std > 0, 1 / std, 0)
    table = ((values - mean) * scale).float()  # (C, 256): what each byte becomes

    def mapped(split: Split) -> Split:
        channels = [row[split.images[:, c].int()] for c, row in enumerate(table)]
        return replace(split, images=torch.stack(channels, dim=1))

    return mapped(train), mapped(test)
