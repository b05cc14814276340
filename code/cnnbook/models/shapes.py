"""One clear error for an input of the wrong shape."""

from __future__ import annotations

from torch import Tensor


def expect_images(images: Tensor, channels: int, height: int, width: int) -> None:
    """Check that `images` is a batch of shape (N, channels, height, width).

    Raises:
        ValueError: If it is not; the message says what was expected and what came.
    """
    if images.ndim != 4 or images.shape[1:] != (channels, height, width):
        raise ValueError(
            f"expected a batch of images of shape (N, {channels}, {height}, {width}), "
            f"got {tuple(images.shape)}"
        )
