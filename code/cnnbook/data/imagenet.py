"""ImageNet's way with photographs: classes, crops, colours; and photographs to try."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torchvision.datasets as tv
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image
from torchvision.models import ResNet50_Weights
from torchvision.transforms.v2 import functional as transforms

from .._progress import progress
from .augment import CROP
from .download import cache, damaged, fetch
from .splits import Split

# Mean and standard deviation of red, green and blue, from 0 to 1, as torchvision's
# weights expect them (torchvision.transforms._presets). They come from a part of the
# training images; the standard deviation is the mean of the images' own ones
# (pytorch/vision#1965).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def photographs() -> dict[str, Tensor]:
    """Return four colour photographs (3, H, W) in uint8, by name; no network needed.

    They lie inside the package scikit-image, and are in the public domain or CC0.
    """
    import skimage.data  # here, so that all else works on a machine without it

    images = {
        "astronaut": skimage.data.astronaut(),
        "cat": skimage.data.chelsea(),
        "coffee": skimage.data.coffee(),
        "rocket": skimage.data.rocket(),
    }
    return {
        name: torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
        for name, pixels in images.items()
    }


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes, as torchvision tells them apart."""
    return tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"])


def imagenet_crop(
    image: Tensor, *, shorter_side: int = 256, crop: int = CROP
) -> Tensor:
    """Scale the shorter side of a photograph, then keep a square in its middle.

    Where an image shrinks, each new pixel is a mean over old ones (antialiasing). It
    is computed in floats: in bytes, the result depends on the processor.

    Args:
        image: Tensor of shape (..., 3, H, W) in uint8.
        shorter_side: Its length after scaling.
        crop: Side of the square.

    Returns:
        Tensor of shape (..., 3, crop, crop) in uint8.

    Raises:
        ValueError: If the image is not uint8 of three channels.
    """
    _expect_photographs(image)
    scaled = transforms.resize(image.float(), [shorter_side], antialias=True)
    return transforms.center_crop(scaled.round().to(torch.uint8), [crop])


def ten_crops(image: Tensor, crop: int = CROP) -> Tensor:
    """Cut out the four corners and the middle of (C, H, W), then mirror these five.

    AlexNet's scores are the mean over ten crops of a square of 256 pixels (Krizhevsky
    et al. 2012, section 4.1).

    Returns:
        Tensor of shape (10, C, crop, crop).

    Raises:
        ValueError: From torchvision, if the image is smaller than the crop.
    """
    five = torch.stack(transforms.five_crop(image, [crop]))
    return torch.cat([five, five.flip(-1)])


def imagenet_normalise(images: Tensor) -> Tensor:
    """Map uint8 (..., 3, H, W) to float32, with mean 0 and std 1 over ImageNet.

    Raises:
        ValueError: If the images are not uint8 of three channels: those in float32
            may be normalised already.
    """
    _expect_photographs(images)
    scaled = transforms.to_dtype(images, torch.float32, scale=True)
    return transforms.normalize(scaled, list(IMAGENET_MEAN), list(IMAGENET_STD))


def imagenette(name: str) -> tuple[tuple[str, ...], Split, Split]:
    """Return Imagenette; as a test set, what comes from ImageNet's validation set."""
    size = {"imagenette": "320px", "imagenette-160": "160px"}[name]
    place = cache() / f"imagenette2-{size.removesuffix('px')}"

    def download() -> None:
        if place.exists():  # by another process, while this one waited
            return
        with TemporaryDirectory(dir=cache()) as unpacked:  # whole, or not at all
            tv.Imagenette(unpacked, size=size, download=True)
            (Path(unpacked) / place.name).rename(place)

    if not place.exists():
        fetch(download, name, place.name)
    try:
        files = [
            (path, imagenet_classes().index(folders.classes[label][0]))
            for part in ("train", "val")
            for folders in [tv.Imagenette(cache(), part, size, loader=Path)]
            for path, label in folders  # type: ignore[attr-defined]  # by __getitem__
        ]
        is_test = [path.name.startswith("ILSVRC2012_val_") for path, _ in files]
        train, test = (
            _decoded(
                [file for file, t in zip(files, is_test, strict=True) if t == want]
            )
            for want in (False, True)
        )
    except (OSError, RuntimeError) as error:
        raise damaged(place, error) from error
    return imagenet_classes(), train, test


def _decoded(files: list[tuple[Path, int]]) -> Split:
    """Decode and cut photographs, given as files and labels."""
    images = torch.empty(len(files), 3, CROP, CROP, dtype=torch.uint8)

    def decode(i: int) -> None:
        path = str(files[i][0])
        try:
            image = decode_image(path, ImageReadMode.RGB)
        except RuntimeError as error:
            raise RuntimeError(f"{path}: {error}") from error
        images[i] = imagenet_crop(image)

    with ThreadPoolExecutor() as pool:  # decoding holds no lock: threads are enough
        jobs = pool.map(decode, range(len(images)))
        list(progress(jobs, "decoding", len(images)))
    return Split(images, torch.tensor([label for _, label in files]))


def _expect_photographs(images: Tensor) -> None:
    if images.dtype != torch.uint8 or images.ndim < 3 or images.shape[-3] != 3:
        raise ValueError(
            "expected images of shape (..., 3, H, W) in uint8, got "
            f"{tuple(images.shape)} in {images.dtype}"
        )
