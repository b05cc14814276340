"""A data set of small images as one file: the bytes of all image files, and a hash.

CIFAR-10 as numbers takes 184 MB, its JPEG files 55 MB. All of them begin with the same
623 bytes, tables mostly, which are kept once: 18 MB.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from cnnbook._book import PARTIAL, ROOT
from cnnbook.data import Dataset, Split, normalise_channels
from cnnbook.data.image_tree import class_names, images_by_class, parts_of

FILE = ROOT / "data" / "cache" / "cifar10-jpeg.safetensors"  # where one is looked for
PARTS = ("train", "test")
LARGEST = 64 * 2**20  # bytes: what may travel to a machine that is lent


class PackError(Exception):
    """A pack that cannot be made or read; the text says why, in one sentence."""


@dataclass(frozen=True)
class Pack:
    """A data set, and the title under which its results are shown."""

    title: str
    dataset: Dataset

    def thinned(self, images: int) -> "Pack":
        """Return the pack with so many images a part, spread over all of them."""
        thin = {
            part: split[:: max(1, len(split) // images)][:images]
            for part in PARTS
            for split in [getattr(self.dataset, part)]
        }
        return replace(self, dataset=replace(self.dataset, **thin))


def write(folder: Path, file: Path, title: str) -> None:
    """Pack a folder of images, `train/<class>/…` and `test/<class>/…`.

    Raises:
        PackError: If the pack becomes too large to travel.
        FileNotFoundError: If the folder is not of that kind.
    """
    places = parts_of(folder)
    classes = class_names(places[0])
    listed = [images_by_class(place, classes) for place in places]
    contents = [[Path(path).read_bytes() for path in paths] for paths, _ in listed]
    head = _shared_beginning([content for part in contents for content in part])
    tensors = {"head": _tensor(head)}
    for part, files, (_, labels) in zip(PARTS, contents, listed, strict=True):
        tails = [content[len(head) :] for content in files]
        tensors[f"{part}_bytes"] = _tensor(b"".join(tails))
        tensors[f"{part}_ends"] = torch.tensor([len(tail) for tail in tails]).cumsum(0)
        tensors[f"{part}_labels"] = labels.clone()
    about = {"title": title, "name": folder.name, "classes": json.dumps(classes)}
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + PARTIAL)
    save_file(tensors, partial, metadata=about | {"sha256": _hash(tensors)})
    if (size := partial.stat().st_size) > LARGEST:
        partial.unlink()
        raise PackError(
            f"{folder} packed takes {size / 2**20:.0f} MiB, and no more than "
            f"{LARGEST / 2**20:.0f} MiB can travel."
        )
    partial.replace(file)


def read(file: Path) -> Pack:
    """Read, check and decode a pack; its images are normalised channel by channel.

    Raises:
        PackError: If it is not there, or damaged.
    """
    if not file.exists():
        raise PackError(
            f"There is no data pack {file}: make it, where the images are, by "
            "`python -m tools.experiments.evidence pack FOLDER`."
        )
    try:
        with safe_open(file, "pt") as opened:
            about = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        if about.get("sha256") != _hash(tensors):
            raise ValueError("its bytes are not those of its hash")
        splits = [_decoded(tensors, part) for part in PARTS]
        classes = tuple(json.loads(about["classes"]))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise PackError(
            f"The data pack {file} is damaged ({reason}): make it again by "
            "`python -m tools.experiments.evidence pack FOLDER`."
        ) from error
    train, test = normalise_channels(*splits)
    dataset = Dataset(about["name"], classes, train, train[:0], test)
    return Pack(about["title"], dataset)


def _decoded(tensors: dict[str, Tensor], part: str) -> Split:
    """Return one part's images (N, 3, H, W) in uint8, with their labels."""
    head = tensors["head"].numpy().tobytes()
    tails = tensors[f"{part}_bytes"].numpy().tobytes()
    ends: Sequence[int] = tensors[f"{part}_ends"].tolist()
    pixels = [
        np.asarray(Image.open(io.BytesIO(head + tails[start:end])).convert("RGB"))
        for start, end in zip([0, *ends], ends, strict=False)
    ]
    images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return Split(images, tensors[f"{part}_labels"])


def _shared_beginning(contents: list[bytes]) -> bytes:
    """Return the bytes that all begin with."""
    # In the order of bytes, all others lie between these two, and begin as both do.
    first, last = min(contents), max(contents)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((i for i, (a, b) in pairs if a != b), len(first))]


def _tensor(content: bytes) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _hash(tensors: dict[str, Tensor]) -> str:
    """Return a hash over the names and bytes of all tensors, in the names' order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
