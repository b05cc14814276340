"""One clear error for an input of the wrong shape or kind."""

from __future__ import annotations

from torch import Tensor


def expect_images(
    images: Tensor, channels: int, *, side: int | None = None, at_least: int = 1
) -> None:
    """Check that `images` is a batch (N, channels, height, width) of floats.

    Args:
        images: The batch that a network was given.
        channels: Number of channels that its first layer reads.
        side: Height and width, where the network takes one size only.
        at_least: Smallest height and width that its strides leave anything of.

    Raises:
        ValueError: If it is not; the message says what was expected and what came.
    """
    if not images.dtype.is_floating_point:
        raise ValueError(
            f"expected images in floating-point numbers, got {images.dtype}: normalise "
            "them first, as the training images were"
        )
    got = f"got {tuple(images.shape)}"
    if side is not None:
        if images.ndim != 4 or images.shape[1:] != (channels, side, side):
            raise ValueError(
                "expected a batch of images of shape "
                f"(N, {channels}, {side}, {side}), {got}"
            )
    elif images.ndim != 4 or images.shape[1] != channels:
        raise ValueError(
            f"expected a batch of images of shape (N, {channels}, height, width), {got}"
        )
    elif min(images.shape[2:]) < at_least:
        raise ValueError(
            f"expected images of at least {at_least}x{at_least} pixels: the strides "
            f"of this network leave nothing of smaller ones; {got}"
        )
