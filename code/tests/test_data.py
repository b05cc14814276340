"""Data sets: shapes, splits, and files that are missing or damaged."""

import gzip
import hashlib
from urllib.error import URLError

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbook import data

FILES = {
    "train-images-idx3-ubyte": (6, 28, 28),
    "train-labels-idx1-ubyte": (6,),
    "t10k-images-idx3-ubyte": (4, 28, 28),
    "t10k-labels-idx1-ubyte": (4,),
}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A tiny Fashion-MNIST in a folder of its own, and no network."""
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    resources = []
    for name, shape in FILES.items():
        header = bytes(4 + 4 * len(shape))
        values = np.arange(np.prod(shape), dtype=np.uint8) % 10
        packed = gzip.compress(header + values.tobytes(), mtime=0)
        (folder / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(data.tv.FashionMNIST, "resources", resources)
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(data, "download_url", _no_network)
    return folder


def _no_network(*_):
    raise URLError("no network")


def test_digits_need_nothing_and_are_the_same_every_time():
    one, two = data.load(), data.load("digits")
    assert (len(one.train), len(one.test)) == (1437, 360)
    assert one.train.images.shape[1:] == (1, 32, 32)
    assert one.train.images.dtype == torch.float32
    assert one.train.images.min() == pytest.approx(-0.1)
    assert one.train.images.max() == pytest.approx(1.175)
    assert one.test.images.equal(two.test.images)
    assert torch.bincount(one.test.labels).min() >= 34  # every class, evenly


def test_validation_is_taken_from_training_and_never_from_test():
    whole, split = data.load(), data.load(validation=300)
    assert (len(split.train), len(split.validation)) == (1137, 300)
    assert split.test.images.equal(whole.test.images)
    together = torch.cat([split.train.images, split.validation.images])
    assert together.double().sum().item() == pytest.approx(
        whole.train.images.double().sum().item()
    )
    with pytest.raises(ValueError, match="from 0 to 1436"):
        data.load(validation=1437)


def test_an_unknown_name_is_told_the_closest():
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        data.load("minst")


def test_files_on_disk_are_read_without_a_network(tiny):
    dataset = data.load("fashion-mnist")
    assert dataset.train.images.shape == (6, 1, 32, 32)
    assert dataset.train.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert dataset.classes[0] == "T-shirt/top"
    assert dataset.train.images[0, 0, 0, 0] == pytest.approx(-0.1)  # the padding


def test_absent_and_offline_is_one_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(data, "download_url", _no_network)
    with pytest.raises(FileNotFoundError) as error:
        data.load("mnist")
    for part in (str(tmp_path), "CNNBOOK_DATA", "data.load('digits')"):
        assert part in str(error.value)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "imagenette-160"])
def test_a_file_in_place_of_the_folder_is_one_clear_error(name, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("kept")
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError, match=r"no intact .*no network: data\.load"):
        data.load(name)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_damaged_photographs_are_named(content, tmp_path, monkeypatch):
    """As an interrupted copy leaves them: no folders, or a file cut short."""
    place = tmp_path / "imagenette2-160"
    place.mkdir()
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    for part in ("train", "val"):
        if content is not None:
            (place / part / "n01440764").mkdir(parents=True)
            (place / part / "n01440764" / "1.JPEG").write_bytes(content)
    named = "train" if content is None else "1.JPEG"
    with pytest.raises(ValueError, match=f"{named}.*: remove it, and it will be down"):
        data.load("imagenette-160")
    assert place.exists()


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b truncated"])
def test_a_damaged_file_is_removed_and_not_used(tiny, damage):
    bad = tiny / "t10k-labels-idx1-ubyte.gz"
    bad.write_bytes(damage)
    with pytest.raises(FileNotFoundError, match="was damaged and is removed"):
        data.load("fashion-mnist")
    assert not bad.exists()


def test_a_damaged_file_is_fetched_again(tiny, monkeypatch):
    bad = tiny / "t10k-labels-idx1-ubyte.gz"
    good = bad.read_bytes()
    bad.write_bytes(good[:-1])
    monkeypatch.setattr(
        data,
        "download_url",
        lambda url, folder, name, md5: (folder / name).write_bytes(good),
    )
    assert len(data.load("fashion-mnist").test) == 4


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 4), st.integers(0, 2**31))
def test_each_image_moves_by_whole_pixels(pixels, seed):
    x = torch.zeros(8, 2, 15, 15)
    x[:, :, 7, 7] = 1
    draws = torch.rand(8, 4, generator=torch.Generator().manual_seed(seed))
    moved = data.vary(x, draws, shift=pixels)
    assert moved.shape == x.shape
    assert moved.sum() == x.sum()
    _, _, rows, columns = moved.nonzero(as_tuple=True)
    assert (rows - 7).abs().max() <= pixels
    assert (columns - 7).abs().max() <= pixels
    assert moved[:, 0].equal(moved[:, 1])  # channels move together


def test_every_shift_is_as_frequent_as_the_others():
    x = torch.zeros(20_000, 1, 7, 7)
    x[:, :, 3, 3] = 1
    draws = torch.rand(len(x), 3, generator=torch.Generator().manual_seed(0))
    counts = data.vary(x, draws, shift=1).sum(dim=(0, 1))[2:5, 2:5]
    assert counts.sum() == len(x)
    assert (counts / len(x) - 1 / 9).abs().max() < 0.01


def test_what_moves_in_is_the_border_or_zero():
    x, draws = torch.full((3, 1, 6, 6), -0.1), torch.zeros(3, 3)  # up and left
    assert data.vary(x, draws, shift=2).equal(x)
    moved = data.vary(x, draws, shift=2, border="constant")
    assert moved[:, :, :2].eq(0).all()
    assert moved[:, :, 2:, 2:].equal(x[:, :, 2:, 2:])


def test_half_of_the_images_are_mirrored():
    x = torch.arange(4.0).expand(2, 1, 4, 4)
    draws = torch.tensor([[0.5, 0.5, 0.2], [0.5, 0.5, 0.8]])
    mirrored, left = data.vary(x, draws, flip=True)
    assert mirrored.equal(x[0].flip(-1))
    assert left.equal(x[1])


@given(st.integers(0, 2**31))
@settings(deadline=None, max_examples=10)
def test_channels_are_normalised_by_the_training_set(seed):
    generator = torch.Generator().manual_seed(seed)
    train, test = (
        data.Split(
            torch.randint(0, 256, (n, 3, 8, 8), generator=generator).byte(),
            torch.zeros(n).long(),
        )
        for n in (20, 5)
    )
    mean = train.images.double().mean(dim=(0, 2, 3), keepdim=True)
    deviation = train.images.double().std(dim=(0, 2, 3), keepdim=True, correction=0)
    for before, after in zip(
        (train, test), data.normalise_channels(train, test), strict=True
    ):
        wanted = (before.images - mean) / deviation
        torch.testing.assert_close(after.images, wanted.float())
        assert after.images.is_contiguous()


class TinyCifar:
    """Stands for torchvision's data set, which is 170 MB: two images of each class."""

    filename = "cifar-10-python.tar.gz"
    classes = ("plane", "car")

    def __init__(self, root, train, download):
        random = np.random.default_rng(int(train))
        self.data = random.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
        self.targets = [0, 1, 0, 1]


def test_cifar_is_normalised_channel_by_channel(monkeypatch):
    monkeypatch.setattr(data.tv, "CIFAR10", TinyCifar)
    cifar = data.load("cifar10", validation=1)
    assert cifar.classes == ("plane", "car")
    assert cifar.train.images.shape == (3, 3, 32, 32)
    assert cifar.test.labels.tolist() == [0, 1, 0, 1]
    images = torch.cat([cifar.train.images, cifar.validation.images])
    assert images.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    wanted = torch.from_numpy(TinyCifar("", False, True).data[0]).permute(2, 0, 1)
    one = cifar.test.images[0]
    for channel in range(3):  # the same order of values: nothing is mixed up
        order = wanted[channel].flatten().argsort(stable=True)
        assert one[channel].flatten()[order].diff().min() >= 0


def test_a_cifar_that_cannot_be_had_is_one_clear_error(monkeypatch, tmp_path):
    class Unreachable(TinyCifar):
        def __init__(self, root, train, download):
            raise URLError("no network")

    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(data.tv, "CIFAR10", Unreachable)
    with pytest.raises(FileNotFoundError, match=r"cifar-10.*no network: data\.load"):
        data.load("cifar10")
