"""Small images, all of a set in one tensor: digits, MNIST, CIFAR-10."""

import numpy as np
import pytest
import torch
import torchvision.datasets as tv

from cnnbook import data


def test_digits_need_nothing_and_are_the_same_every_time():
    one, two = data.load(), data.load("digits")
    assert (len(one.train), len(one.test)) == (1437, 360)
    assert one.train.images.shape[1:] == (1, 32, 32)
    assert one.train.images.dtype == torch.float32
    assert one.train.images.min() == pytest.approx(-0.1)
    assert one.train.images.max() == pytest.approx(1.175)
    assert one.test.images.equal(two.test.images)
    assert torch.bincount(one.test.labels).min() >= 34  # every class, evenly


def test_an_unknown_name_is_told_the_closest():
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        data.load("minst")


def test_files_on_disk_are_read_without_a_network(unpacked):
    dataset = data.load("fashion-mnist")
    assert dataset.train.images.shape == (6, 1, 32, 32)
    assert dataset.train.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert dataset.classes[0] == "T-shirt/top"
    assert dataset.train.images[0, 0, 0, 0] == pytest.approx(-0.1)  # the padding


class TinyCifar:
    """Stands for torchvision's data set, which is 170 MB: two images of each class."""

    filename = "cifar-10-python.tar.gz"
    classes = ("plane", "car")

    def __init__(self, root, train=True):
        random = np.random.default_rng(int(train))
        self.data = random.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
        self.targets = [0, 1, 0, 1]


def test_cifar_is_normalised_channel_by_channel(monkeypatch):
    monkeypatch.setattr(tv, "CIFAR10", TinyCifar)
    cifar = data.load("cifar10", validation=1)
    assert cifar.classes == ("plane", "car")
    assert cifar.train.images.shape == (3, 3, 32, 32)
    assert cifar.test.labels.tolist() == [0, 1, 0, 1]
    images = torch.cat([cifar.train.images, cifar.validation.images])
    assert images.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    wanted = torch.from_numpy(TinyCifar("", train=False).data[0]).permute(2, 0, 1)
    one = cifar.test.images[0]
    for channel in range(3):  # the same order of values: nothing is mixed up
        order = wanted[channel].flatten().argsort(stable=True)
        assert one[channel].flatten()[order].diff().min() >= 0


@pytest.mark.parametrize("side", [6, 8, 12, 24])
def test_digits_can_be_had_small_and_without_a_border(side):
    whole, small = data.load("digits"), data.load("digits", side=side, validation=10)
    assert small.validation.input_size == small.test.input_size == (1, side, side)
    square = 24 // side
    first = whole.test.images[0, 0, 4 : 4 + square, 4 : 4 + square].mean()
    assert small.test.images[0, 0, 0, 0] == pytest.approx(first.item())
    assert small.test.labels.equal(whole.test.labels)
    middle = whole.test.images[:, :, 4:28, 4:28].mean(dim=(2, 3))
    torch.testing.assert_close(small.test.images.mean(dim=(2, 3)), middle)


def test_a_side_that_does_not_suit_is_refused(unpacked, monkeypatch):
    for side in (0, 5, 32, 8.5):
        with pytest.raises(ValueError, match=f"side must be 6, 8, .*, got {side}"):
            data.load("digits", side=side)
    assert data.load("fashion-mnist", side=12).test.input_size == (1, 12, 12)
    monkeypatch.setattr(tv, "CIFAR10", TinyCifar)
    with pytest.raises(ValueError, match=r"side is for the grey .*\(3, 32, 32\)"):
        data.load("cifar10", side=8)
