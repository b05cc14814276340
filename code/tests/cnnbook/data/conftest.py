"""A cache of one's own without a network, and a tiny data set of MNIST's form in it."""

import gzip
import hashlib
import struct
import urllib.request
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision.datasets as tv

BYTES = 8  # the code of this type in a header of MNIST's format
SHAPES = {
    "train-images-idx3-ubyte": (6, 28, 28),
    "train-labels-idx1-ubyte": (6,),
    "t10k-images-idx3-ubyte": (4, 28, 28),
    "t10k-labels-idx1-ubyte": (4,),
}


def _no_network(*_, **__):
    raise URLError("no network")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty folder for data sets, and no network."""
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", _no_network)
    return tmp_path


@pytest.fixture
def packed(cache, monkeypatch) -> Path:
    """The folder of a tiny Fashion-MNIST as it is downloaded: packed, with hashes."""
    folder = cache / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    resources = []
    for name, shape in SHAPES.items():
        header = struct.pack(f">{1 + len(shape)}I", BYTES << 8 | len(shape), *shape)
        values = np.arange(np.prod(shape), dtype=np.uint8) % 10
        content = gzip.compress(header + values.tobytes(), mtime=0)
        (folder / f"{name}.gz").write_bytes(content)
        resources.append((f"{name}.gz", hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(tv.FashionMNIST, "resources", resources)
    return folder


@pytest.fixture
def unpacked(packed) -> Path:
    """The same folder after unpacking, without the archives."""
    for archive in packed.glob("*.gz"):
        archive.with_suffix("").write_bytes(gzip.decompress(archive.read_bytes()))
        archive.unlink()
    return packed
