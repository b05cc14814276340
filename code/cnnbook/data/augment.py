"""How training images are varied, anew in every epoch: data augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import torch
import torch.nn.functional as F
from torch import Tensor

from .._settings import check_count, short_text

BORDERS = ("replicate", "constant")
CROP = 224  # pixels: side of the square that a network for ImageNet sees


@dataclass(frozen=True, kw_only=True, repr=False)
class Augmentation:
    """What may happen to an image before a network sees it in training.

    Attributes:
        shift: Each image is moved by up to so many pixels, along both axes.
        flip: Whether half of the images are mirrored, left for right.
        border: What moves in at a border: the image's own border (``replicate``), or
            zeros (``constant``), the mean colour of a normalised data set.
        scales: Of photographs: the shorter side gets a random length in this range of
            pixels, before a square of 224 is cut out. 256 for all if None.

    Raises:
        ValueError: If a value makes no sense.
    """

    shift: int = 0
    flip: bool = False
    border: str = "replicate"
    scales: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_count("shift", self.shift, least=0)
        if not isinstance(self.flip, bool):
            raise ValueError(f"flip must be True or False, got {self.flip!r}")
        if self.border not in BORDERS:
            known = " or ".join(map(repr, BORDERS))
            raise ValueError(f"border must be {known}, got {self.border!r}")
        if self.scales is not None and not _is_range(self.scales):
            raise ValueError(
                "scales must be (shortest, longest) side in pixels, at least the "
                f"crop's {CROP}, got {self.scales!r}"
            )

    def __repr__(self) -> str:
        return short_text(self)

    @property
    def moves(self) -> bool:
        """Whether `vary` changes anything."""
        return self.flip or self.shift > 0

    def vary(self, images: Tensor, draws: Tensor) -> Tensor:
        """Move each image by its own whole number of pixels, and mirror half of them.

        Args:
            images: Tensor of shape (N, C, H, W).
            draws: Random numbers from 0 to 1, of shape (N, 3) or more: they decide
                about row, column and mirroring. The same draws give the same images
                on every device and for any number of processes.
        """
        draws = draws.to(images.device)
        if self.flip:
            mirrored = draws[:, 2, None, None, None] < 0.5
            images = torch.where(mirrored, images.flip(-1), images)
        if self.shift == 0:
            return images
        n, _, height, width = images.shape
        offsets = (draws[:, :2] * (2 * self.shift + 1)).long()  # from 0 to 2 * shift
        rows = offsets[:, :1] + torch.arange(height, device=images.device)  # (N, H)
        columns = offsets[:, 1:] + torch.arange(width, device=images.device)  # (N, W)
        padded = F.pad(images, [self.shift] * 4, mode=self.border)
        image = torch.arange(n, device=images.device)[:, None, None]
        moved = padded[image, :, rows[:, :, None], columns[:, None, :]]  # (N, H, W, C)
        return moved.permute(0, 3, 1, 2)


NONE = Augmentation()


def _is_range(scales: object) -> bool:
    return (
        isinstance(scales, tuple)
        and len(scales) == 2
        and all(isinstance(side, Integral) for side in scales)
        and CROP <= scales[0] <= scales[1]
    )
