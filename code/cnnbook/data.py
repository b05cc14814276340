"""Data sets as tensors: a whole split is one tensor, a batch is an index into it.

Small images fit in memory many times over. Decoding and normalising them once, and
then indexing, is some ten times as fast as a loader that visits image by image.
Photographs come here, too: a few that need no network, and ImageNet's way of cutting
and normalising them.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError

import numpy as np
import skimage.data
import torch
import torch.nn.functional as F
import torchvision.datasets as tv
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torchvision.datasets.utils import check_integrity, download_url
from torchvision.io import ImageReadMode, decode_image
from torchvision.models import ResNet50_Weights
from torchvision.transforms.v2 import functional as transforms
from tqdm import tqdm

from .lookup import lookup
from .papers import ROOT

# The original files as they are once unpacked; torchvision knows the packed ones.
_UNPACKED_MD5 = {
    "mnist": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion-mnist": {},
}

# Mean and deviation of red, green and blue, from 0 to 1, as torchvision's weights
# expect them (torchvision.transforms._presets). They come from a part of the training
# images; the deviation is the mean of the images' own deviations (pytorch/vision#1965).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Split:
    """Images (N, C, H, W), float32 or uint8, and their labels (N,) in int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index) -> Split:
        """Return the images and labels at `index` (a slice, mask or index tensor)."""
        return Split(self.images[index], self.labels[index])

    def to(self, device: torch.device | str) -> Split:
        """Return this split on `device`."""
        return Split(self.images.to(device), self.labels.to(device))

    def batches(
        self, parts: Sequence[Tensor], draws: Tensor | None = None
    ) -> Iterator[Split]:
        """Yield the images and labels at each of `parts`, which are index tensors.

        Args:
            parts: Any number of index tensors, each of shape (n,).
            draws: Of no use here: whole images are in memory. `photographs.Folder`
                cuts its images by them.
        """
        for part in parts:
            yield self[part.to(self.labels.device)]


@dataclass(frozen=True)
class Dataset:
    """A data set: its class names and its splits (`validation` may be empty)."""

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split

    def to(self, device: torch.device | str) -> Dataset:
        """Return this data set with all splits on `device`."""
        splits = [s.to(device) for s in (self.train, self.validation, self.test)]
        return Dataset(self.name, self.classes, *splits)


def names() -> list[str]:
    """Return the data sets that `load` knows; the first needs no network."""
    return list(_LOADERS)


def load(name: str = "digits", *, validation: int = 0) -> Dataset:
    """Load a data set: small images, normalised, or photographs.

    Grey images are padded to 32x32 pixels, and their values mapped as LeCun et al.
    (1998, section II-B) do: background -0.1, ink 1.175. ``digits`` are scikit-learn's
    1,797 digits of 8x8 pixels, enlarged to 24x24; 360 of them, the same ones always,
    are the test set.

    ``cifar10`` is 60,000 colour images of 32x32 pixels, each channel with mean 0 and
    deviation 1 over the training set.

    ``imagenette`` is 13,394 photographs of ten of ImageNet's classes, whose shorter
    side is 320 pixels (160 in ``imagenette-160``). They are cut to 224x224 as in
    `imagenet_crop` and kept as uint8, 2 GB together; `imagenet_normalise` a batch at a
    time. Labels are those of all 1,000 classes. Imagenette's own split takes 30 % of
    all for its test, most of which weights trained on ImageNet have seen. Here the
    test set is what comes from ImageNet's validation set.

    Args:
        name: One of `names()`. Others than ``digits`` are looked for in the folder
            $CNNBOOK_DATA, or else in data/cache, and downloaded there once.
        validation: So many training images, the same ones always, are set apart.

    Raises:
        ValueError: If the name is unknown, `validation` exceeds the training set, or
            unpacked photographs are damaged.
        FileNotFoundError: If the data set is not there and cannot be downloaded.
    """
    classes, train, test = lookup(name, _LOADERS, "data set")(name)
    return Dataset(name, classes, *set_apart(train, validation), test)


def set_apart(train: Split, validation: int) -> tuple[Split, Split]:
    """Take `validation` images, the same ones always, from a training set.

    Returns:
        What is left to train on, and the validation set, which may be empty.

    Raises:
        ValueError: If not at least one image is left.
    """
    if not 0 <= validation < len(train):
        raise ValueError(
            f"validation must be from 0 to {len(train) - 1} images, got {validation}"
        )
    if validation == 0:
        return train, train[:0]
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    held_out = order < validation  # a mask: both parts keep the files' order
    return train[~held_out], train[held_out]


def vary(
    images: Tensor,
    draws: Tensor,
    *,
    shift: int = 0,
    flip: bool = False,
    border: str = "replicate",
) -> Tensor:
    """Move each image by its own whole number of pixels, and mirror half of them.

    Args:
        images: Tensor of shape (N, C, H, W).
        draws: Random numbers from 0 to 1, of shape (N, 3): they decide about row,
            column and mirroring. The same draws give the same images on every device.
        shift: How many pixels each way, at most.
        flip: Whether images are mirrored, left for right, at all.
        border: What moves in: the image's own border (``replicate``), or zeros
            (``constant``), which are the mean colour of a normalised data set.
    """
    draws = draws.to(images.device)
    if flip:
        mirrored = draws[:, 2, None, None, None] < 0.5
        images = torch.where(mirrored, images.flip(-1), images)
    if shift == 0:
        return images
    n, _, height, width = images.shape
    offsets = (draws[:, :2] * (2 * shift + 1)).long()  # from 0 to 2 * shift
    rows = offsets[:, :1] + torch.arange(height, device=images.device)  # (N, H)
    columns = offsets[:, 1:] + torch.arange(width, device=images.device)  # (N, W)
    padded = F.pad(images, [shift] * 4, mode=border)
    image = torch.arange(n, device=images.device)[:, None, None]
    moved = padded[image, :, rows[:, :, None], columns[:, None, :]]  # (N, H, W, C)
    return moved.permute(0, 3, 1, 2)


def _normalise(grey: Tensor) -> Tensor:
    """Map grey values from [0, 1] (0 = background) to [-0.1, 1.175]."""
    return grey * 1.275 - 0.1


def _digits(name: str) -> tuple[tuple[str, ...], Split, Split]:
    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16
    images = F.interpolate(images, size=(24, 24), mode="bilinear", align_corners=False)
    everything = Split(
        F.pad(_normalise(images), [4] * 4, value=-0.1), torch.tensor(bunch.target)
    )
    train, test = train_test_split(
        np.arange(len(everything)),
        test_size=360,
        stratify=bunch.target,
        random_state=0,
    )
    classes = tuple(map(str, bunch.target_names))
    return classes, everything[np.sort(train)], everything[np.sort(test)]


def _mnist(name: str) -> tuple[tuple[str, ...], Split, Split]:
    kind = {"mnist": tv.MNIST, "fashion-mnist": tv.FashionMNIST}[name]
    place = folder() / kind.__name__ / "raw"
    files = {
        packed.removesuffix(".gz"): _fetch(
            name, place, kind.mirrors, packed, md5, _UNPACKED_MD5[name]
        )
        for packed, md5 in kind.resources
    }
    splits = []
    for part in ("train", "t10k"):
        images = _read_idx(files[f"{part}-images-idx3-ubyte"], 16).reshape(-1, 28, 28)
        labels = _read_idx(files[f"{part}-labels-idx1-ubyte"], 8)
        images = F.pad(_normalise(images[:, None] / 255), [2] * 4, value=-0.1)
        splits.append(Split(images, labels.long()))
    classes = tuple(c.split(" - ")[0] for c in kind.classes)  # "0 - zero" is "0"
    return classes, *splits


def _cifar10(name: str) -> tuple[tuple[str, ...], Split, Split]:
    try:
        train, test = (tv.CIFAR10(folder(), part, download=True) for part in (True, 0))
    except (URLError, OSError, RuntimeError) as error:
        raise _absent(tv.CIFAR10.filename, name, folder(), error) from None
    splits = [
        Split(torch.from_numpy(part.data).permute(0, 3, 1, 2), torch.tensor(targets))
        for part in (train, test)
        for targets in [part.targets]
    ]
    return tuple(train.classes), *normalise_channels(*splits)


def normalise_channels(train: Split, test: Split) -> tuple[Split, Split]:
    """Give each channel mean 0 and deviation 1 over the training set.

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
    deviation = (shares * (values - mean) ** 2).sum(dim=1, keepdim=True).sqrt()
    table = ((values - mean) / deviation).float()  # (C, 256): value of each byte
    return tuple(
        Split(
            torch.stack(
                [row[part.images[:, c].int()] for c, row in enumerate(table)], dim=1
            ),
            part.labels,
        )
        for part in (train, test)
    )


def _imagenette(name: str) -> tuple[tuple[str, ...], Split, Split]:
    size = {"imagenette": "320px", "imagenette-160": "160px"}[name]
    place = folder() / f"imagenette2-{size.removesuffix('px')}"
    if not place.exists():
        try:
            folder().mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=folder()) as unpacked:  # whole, or not at all
                tv.Imagenette(unpacked, size=size, download=True)
                (Path(unpacked) / place.name).rename(place)
        except (URLError, OSError, RuntimeError) as error:
            raise _absent(place.name, name, folder(), error) from None
    try:
        files = [
            (path, imagenet_classes().index(folders.classes[label][0]))
            for part in ("train", "val")
            for folders in [tv.Imagenette(folder(), part, size, loader=Path)]
            for path, label in folders
        ]
    except (OSError, RuntimeError) as error:
        raise _damaged(place, error) from error
    seen = [file for file in files if not file[0].name.startswith("ILSVRC2012_val_")]
    unseen = [file for file in files if file[0].name.startswith("ILSVRC2012_val_")]
    try:
        return imagenet_classes(), _decoded(seen), _decoded(unseen)
    except RuntimeError as error:
        raise _damaged(place, error) from error


def _decoded(files: list[tuple[Path, int]]) -> Split:
    """Decode and cut photographs, given as files and labels."""
    images = torch.empty(len(files), 3, 224, 224, dtype=torch.uint8)

    def decode(i: int) -> None:
        path = str(files[i][0])
        try:
            image = decode_image(path, ImageReadMode.RGB)
        except RuntimeError as error:
            raise RuntimeError(f"{path}: {error}") from error
        images[i] = imagenet_crop(image)

    with ThreadPoolExecutor() as pool:  # decoding holds no lock: threads are enough
        jobs = pool.map(decode, range(len(images)))
        list(tqdm(jobs, "decoding", len(images), leave=False))
    return Split(images, torch.tensor([label for _, label in files]))


_LOADERS: dict[str, Callable] = {
    "digits": _digits,
    "mnist": _mnist,
    "fashion-mnist": _mnist,
    "cifar10": _cifar10,
    "imagenette": _imagenette,
    "imagenette-160": _imagenette,
}


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes, as torchvision tells them apart."""
    return tuple(ResNet50_Weights.IMAGENET1K_V1.meta["categories"])


def photographs() -> dict[str, Tensor]:
    """Return four colour photographs (3, H, W) in uint8, by name; no network needed.

    They lie inside the package scikit-image, and are in the public domain or CC0.
    """
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


def imagenet_crop(image: Tensor, *, shorter_side: int = 256, crop: int = 224) -> Tensor:
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


def ten_crops(image: Tensor, crop: int = 224) -> Tensor:
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
    """Map uint8 (..., 3, H, W) to float32, of mean 0 and deviation 1 over ImageNet.

    Raises:
        ValueError: If the images are not uint8 of three channels: those in float32
            may be normalised already.
    """
    _expect_photographs(images)
    scaled = transforms.to_dtype(images, torch.float32, scale=True)
    return transforms.normalize(scaled, IMAGENET_MEAN, IMAGENET_DEVIATION)


def _expect_photographs(images: Tensor) -> None:
    if images.dtype != torch.uint8 or images.ndim < 3 or images.shape[-3] != 3:
        raise ValueError(
            "expected images of shape (..., 3, H, W) in uint8, got "
            f"{tuple(images.shape)} in {images.dtype}"
        )


def folder() -> Path:
    """Return the folder of the data sets: $CNNBOOK_DATA, or else data/cache."""
    return Path(os.environ.get("CNNBOOK_DATA") or ROOT / "data" / "cache")


def _fetch(
    name: str,
    folder: Path,
    mirrors: list[str],
    packed: str,
    packed_md5: str,
    unpacked_md5: dict[str, str],
) -> Path:
    """Return an intact file, unpacked or packed, downloading it if need be."""
    unpacked = packed.removesuffix(".gz")
    candidates = [(folder / packed, packed_md5)]
    if unpacked in unpacked_md5:
        candidates.insert(0, (folder / unpacked, unpacked_md5[unpacked]))
    damaged, reason = [], None
    for path, md5 in candidates:
        if check_integrity(path, md5):
            return path
        if path.exists():
            path.unlink()
            damaged.append(path.name)
    for mirror in mirrors:
        try:
            download_url(mirror + packed, folder, packed, packed_md5)
            return folder / packed
        except (URLError, OSError, RuntimeError) as error:
            reason = error
            if folder.is_dir():
                (folder / packed).unlink(missing_ok=True)
    removed = f" ({', '.join(damaged)} was damaged and is removed)" if damaged else ""
    raise _absent(packed, name, folder, reason, removed)


def _absent(
    file: str, name: str, place: Path, reason: Exception | None, removed: str = ""
) -> FileNotFoundError:
    return FileNotFoundError(
        f"{place} holds no intact {file} of {name!r}{removed}, and it could not be "
        f"downloaded ({reason}). Set $CNNBOOK_DATA to a folder that has it, or use the "
        "data set that needs no network: data.load('digits')"
    )


def _damaged(place: Path, reason: Exception) -> ValueError:
    return ValueError(
        f"{place} is damaged or not complete ({reason}): remove it, and it will be "
        "downloaded again"
    )


def _read_idx(path: Path, header: int) -> Tensor:
    """Read the bytes of an IDX file after its header."""
    unpack = gzip.open if path.suffix == ".gz" else open
    with unpack(path, "rb") as file:
        values = np.frombuffer(file.read(), np.uint8, offset=header)
    return torch.from_numpy(values.copy())  # writable, as PyTorch wants it
