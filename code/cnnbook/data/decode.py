"""An image file as a tensor, whatever its format, its mode and its orientation."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

# What is read, by content: a PNG that is named .jpg, too. Pillow knows more, but no
# file of another kind is to reach a decoder that is hardly ever used, or Ghostscript.
FORMATS = "AVIF BMP GIF JPEG JPEG2000 PNG PPM TIFF WEBP".split()


class UnreadableImageError(Exception):
    """An image that cannot be read; its text says why, and does not name the file."""


@cache
def formats() -> tuple[str, ...]:
    """Return those of `FORMATS` that this machine's Pillow was built with."""
    Image.init()
    return tuple(kind for kind in FORMATS if kind in Image.OPEN)


@cache
def suffixes() -> frozenset[str]:
    """Return how the names of such images end, in lower case."""
    known = Image.registered_extensions()
    return frozenset(suffix for suffix, kind in known.items() if kind in formats())


def decode(path: str) -> Tensor:
    """Read an image, turned as its camera was held.

    Of several frames or pages the first is read. Transparency is left out: the colour
    beneath it is read. Sixteen bits become the upper eight of them.

    Returns:
        Red, green and blue, of shape (3, H, W) in uint8; grey images have them equal.

    Raises:
        UnreadableImageError: If it cannot be read, or holds numbers of 32 bits, of
            which nobody knows which is white.
    """
    if Path(path).is_fifo():  # reading it would wait for ever
        raise UnreadableImageError("it is a pipe")
    try:
        # Pillow warns of odd metadata without naming the file; the pixels count here.
        with warnings.catch_warnings(), Image.open(path, formats=formats()) as file:
            warnings.simplefilter("ignore")
            pixels = _colours(ImageOps.exif_transpose(file), file.format)
    except MemoryError:  # of the machine, not of the file
        raise
    except Exception as error:  # damaged files fail in ever new ways
        raise UnreadableImageError(_reason(error)) from error
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _colours(image: Image.Image, kind: str | None) -> np.ndarray:
    """Return the colours of an image, of shape (H, W, 3) in uint8."""
    if image.mode.startswith("I;16") or (image.mode, kind) == ("I", "PPM"):
        grey = (np.asarray(image) // 257).astype(np.uint8)  # 65,535 becomes 255
        return np.stack([grey] * 3, axis=-1)
    if image.mode in ("I", "F"):
        raise ValueError("its numbers have 32 bits: save it with 8 or 16")
    if image.mode in ("P", "PA"):  # where some of the palette may be transparent
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no image of a known format"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
