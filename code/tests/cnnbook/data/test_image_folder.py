"""Folders of images: small ones in memory, photographs from worker processes."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.io import ImageReadMode, decode_image, write_jpeg, write_png

from cnnbook import data, training
from cnnbook.data import Augmentation, image_folder
from cnnbook.data.decode import decode
from cnnbook.training import Recipe

from ..images import write_images


@pytest.fixture
def small(tmp_path):
    return write_images(tmp_path / "small", (32, 32))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("data") / "photos", (300, 260))


def test_small_images_become_normalised_tensors(small):
    dataset = image_folder.load(small, validation=2)
    assert dataset.name == "small"
    assert dataset.classes == ("cat", "dog")
    assert dataset.train.images.shape == (4, 3, 32, 32)
    assert len(dataset.validation) == 2
    assert dataset.test.labels.tolist() == [0, 0, 0, 1, 1, 1]
    whole = image_folder.load(small).train.images
    assert whole.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    assert (whole.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-3


def test_photographs_are_cut_from_the_middle_to_test(photographs):
    test = image_folder.load(photographs).test
    (batch,) = test.batches([torch.tensor([4, 1])])
    assert batch.labels.tolist() == [1, 0]
    image = decode_image(test.paths[4], ImageReadMode.RGB)
    wanted = data.imagenet_normalise(data.imagenet_crop(image))
    assert batch.images[0].equal(wanted)


def test_photographs_are_cut_by_their_draws_to_train(photographs):
    varied = Augmentation(scales=(256, 480))
    train = image_folder.load(photographs).train.augmented(varied)
    draws = torch.rand(6, 4, generator=torch.Generator().manual_seed(0))
    draws[3] = torch.tensor([0.0, 0.0, 0.5, 0.0])  # top left, at the smallest scale
    parts = [torch.tensor([3, 0]), torch.tensor([5])]
    first, again = ([*train.batches(parts, draws)] for _ in range(2))
    assert [len(batch) for batch in first] == [2, 1]
    assert all(a.images.equal(b.images) for a, b in zip(first, again, strict=True))
    image = decode_image(train.paths[3], ImageReadMode.RGB)
    scaled = image_folder.transforms.resize(image, [256], antialias=True)
    wanted = data.imagenet_normalise(scaled[:, :224, :224])
    assert first[0].images[0].equal(wanted)


def test_every_place_and_scale_gives_a_square():
    image = torch.zeros(3, 300, 260, dtype=torch.uint8)
    for value in (0.0, 0.5, 0.999999):
        cut = image_folder._random_crop(image, torch.full((4,), value), (224, 480))
        assert cut.shape == (3, 224, 224)


def test_a_network_learns_to_tell_photographs_apart(tmp_path):
    """Dark cats and bright dogs: an average of each quarter is enough."""
    root = write_images(tmp_path, (240, 260), count=1)
    for path in root.rglob("*.png"):
        bright = path.parent.name == "dog"
        image = torch.full((3, 240, 260), 200 if bright else 50, dtype=torch.uint8)
        write_png(image, str(path))
    photographs = image_folder.load(root)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    nn.init.zeros_(network[2].weight)  # equal scores: all is wrong
    nn.init.zeros_(network[2].bias)
    before = training.evaluate(network, photographs.test)
    history = training.fit(
        network,
        photographs.train,
        Recipe(epochs=3, batch_size=2, augmentation=Augmentation(flip=True)),
        validation=photographs.test,
    )
    after = training.evaluate(network, photographs.test)
    assert (before.error, after.error) == (100, 0)
    assert history.validation_error.iloc[-1] == after.error
    assert history.validation_loss.iloc[-1] == pytest.approx(after.loss)
    assert after.loss < before.loss


def test_a_damaged_photograph_is_named_once_and_the_next_takes_its_place(
    tmp_path, capsys
):
    root = write_images(tmp_path, (240, 240))
    bad = root / "train" / "cat" / "1.png"
    bad.write_bytes(bad.read_bytes()[:100])
    train = image_folder.load(root, damaged_share=0.5).train
    for _ in range(2):
        (batch,) = train.batches([torch.tensor([0, 1, 2])])
        assert batch.images[1].equal(batch.images[2])
    assert capsys.readouterr().out.count(str(bad)) == 1
    assert train.damaged == {str(bad)}


def test_too_many_damaged_images_are_an_error(tmp_path):
    root = write_images(tmp_path, (240, 240))
    (root / "train" / "cat" / "1.png").write_bytes(b"no image")
    train = image_folder.load(root).train
    with pytest.raises(ValueError, match="1 of 6 images cannot be read, more than"):
        list(train.batches([torch.tensor([0, 1])]))


def test_a_damaged_small_image_is_left_out(small, capsys):
    bad = small / "train" / "dog" / "2.png"
    bad.write_bytes(b"no image")
    assert len(image_folder.load(small, damaged_share=0.5).train) == 5
    assert str(bad) in capsys.readouterr().out


def test_small_images_must_have_one_size(small):
    write_jpeg(
        torch.zeros(3, 20, 32, dtype=torch.uint8), str(small / "train/dog/odd.jpg")
    )
    with pytest.raises(ValueError, match=r"must all have one size: .*odd\.jpg"):
        image_folder.load(small)


def test_one_class_is_refused(tmp_path):
    with pytest.raises(ValueError, match="one class only, 'cat': a classifier needs"):
        image_folder.load(write_images(tmp_path, (8, 8), classes=("cat",)))


def test_nothing_that_can_be_read_is_an_error(small):
    for image in (small / "val").rglob("*.png"):
        image.write_bytes(b"no image")
    with pytest.raises(ValueError, match="none of the 6 images can be read"):
        image_folder.load(small, damaged_share=1)


def test_a_photograph_is_turned_as_its_camera_was_held(tmp_path):
    root = write_images(tmp_path, (240, 300))
    sideways = Image.fromarray(np.zeros((240, 300, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees, clockwise
    sideways.save(root / "train" / "cat" / "0.jpg", exif=exif)
    train = image_folder.load(root).train
    path = str(root / "train" / "cat" / "0.jpg")
    assert decode(path).shape == (3, 300, 240)
    assert path in train.paths


def test_images_of_16_bits_become_images_of_8(tmp_path):
    root = write_images(tmp_path, (8, 8))
    values = np.linspace(0, 65_535, 64).astype(np.uint16).reshape(8, 8)
    path = root / "train" / "cat" / "0.png"
    Image.fromarray(values).save(path)
    image = decode(str(path))
    assert image.dtype == torch.uint8
    assert image[0].flatten().tolist() == (values // 257).flatten().tolist()
    assert image_folder.load(root).train.images.isfinite().all()


def test_a_process_decodes_with_its_share_of_the_cores_that_it_may_use(monkeypatch):
    monkeypatch.setattr(
        image_folder.os, "sched_getaffinity", lambda _: range(6), raising=False
    )
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert image_folder._workers() == 6
    for processes, share in ((2, 3), (4, 1), (8, 1)):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
        assert image_folder._workers() == share
