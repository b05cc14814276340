"""Photographs on their way into a network: ImageNet's crops and colours, Imagenette."""

from pathlib import Path

import pytest
import torch
import torchvision.datasets.imagenette as imagenette
import torchvision.models as tv
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.io import write_jpeg
from torchvision.transforms import functional as oracle

from cnnbook import data, pretrained

WEIGHTS = tv.ResNet50_Weights.IMAGENET1K_V1

# Ten classes and their places among the 1,000, as published with Imagenette.
TEN = {
    "n01440764": 0,
    "n02102040": 217,
    "n02979186": 482,
    "n03000684": 491,
    "n03028079": 497,
    "n03394916": 566,
    "n03417042": 569,
    "n03425413": 571,
    "n03445777": 574,
    "n03888257": 701,
}


def test_photographs_are_in_colour_and_need_no_network(monkeypatch):
    monkeypatch.setattr("skimage.data._fetchers._image_fetcher", None)
    photographs = data.photographs()
    assert list(photographs) == ["astronaut", "cat", "coffee", "rocket"]
    for image in photographs.values():
        assert image.dtype == torch.uint8
        assert image.shape[0] == 3
        assert image.is_contiguous()
        assert not image[0].equal(image[1])  # not grey


def test_the_class_names_are_told_apart():
    classes = data.imagenet_classes()
    assert (len(classes), len(set(classes))) == (1000, 1000)
    for name in pretrained.names():
        assert tuple(pretrained.weights(name).meta["categories"]) == classes


@pytest.mark.parametrize("name", data.photographs())
def test_our_steps_are_torchvisions_preset(name):
    image = data.photographs()[name]
    ours = data.imagenet_normalise(data.imagenet_crop(image))
    torch.testing.assert_close(ours, WEIGHTS.transforms()(image), atol=1e-5, rtol=0)


@settings(max_examples=20)
@given(st.integers(40, 90), st.integers(40, 90), st.integers(33, 60), st.booleans())
def test_the_crop_is_torchvisions_for_any_size(height, width, side, batched):
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8)
    expected = oracle.center_crop(oracle.resize(image, [side], antialias=True), [32])
    got = data.imagenet_crop(
        image[None] if batched else image, shorter_side=side, crop=32
    )
    assert got.dtype == torch.uint8
    assert (got[0] if batched else got).equal(expected)


def test_ten_crops_are_corners_middle_and_mirror_images():
    image = torch.arange(3 * 6 * 8).view(3, 6, 8)
    crops = data.ten_crops(image, 4)
    assert crops.shape == (10, 3, 4, 4)
    corners = {(0, 0), (0, 4), (2, 0), (2, 4), (1, 2)}
    expected = {
        tuple(image[:, top : top + 4, left : left + 4].flatten().tolist())
        for top, left in corners
    }
    assert {tuple(crop.flatten().tolist()) for crop in crops[:5]} == expected
    assert crops[5:].equal(crops[:5].flip(-1))
    with pytest.raises(ValueError, match="bigger than input size"):
        data.ten_crops(image, 7)


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(3, 4, 4),
        torch.zeros(1, 4, 4, dtype=torch.uint8),
        torch.zeros(4, 4, dtype=torch.uint8),
    ],
)
def test_what_may_be_normalised_already_is_refused(images):
    for function in (data.imagenet_crop, data.imagenet_normalise):
        with pytest.raises(ValueError, match="in uint8, got"):
            function(images)


# Imagenette, with two photographs a class in each folder


def _write_imagenette(folder):
    for part in ("train", "val"):
        for shade, wnid in enumerate(TEN):
            place = folder / part / wnid
            place.mkdir(parents=True)
            for name, size in [
                (f"{wnid}_7", (3, 180, 240)),
                ("ILSVRC2012_val_00000007", (1, 240, 160)),
            ]:
                image = torch.full(size, 20 * shade, dtype=torch.uint8)
                write_jpeg(image, str(place / f"{name}.JPEG"), quality=95)


@pytest.mark.parametrize("name", ["imagenette", "imagenette-160"])
def test_imagenette_is_cut_and_labelled_among_1000_classes(cache, name):
    size = "320" if name == "imagenette" else "160"
    _write_imagenette(cache / f"imagenette2-{size}")
    dataset = data.load(name)
    assert dataset.classes == data.imagenet_classes()
    for split in (dataset.train, dataset.test):
        assert split.images.shape == (20, 3, 224, 224)
        assert split.images.dtype == torch.uint8
        assert split.labels.tolist() == 2 * list(TEN.values())
        # Every photograph is of the shade that goes with its class.
        shades = split.images.float().mean(dim=(1, 2, 3)).round()
        assert shades.tolist() == 2 * [20 * shade for shade in range(10)]
    assert len(dataset.validation) == 0
    assert len(data.load(name, validation=5).train) == 15


def test_imagenette_tests_on_images_that_imagenet_weights_have_not_seen(cache):
    _write_imagenette(cache / "imagenette2-160")
    for file in cache.rglob("val/*/ILSVRC2012*"):
        file.unlink()  # those in the folder train are left
    dataset = data.load("imagenette-160")
    assert (len(dataset.train), len(dataset.test)) == (20, 10)


def test_imagenette_absent_and_offline_is_the_same_clear_error(cache):
    with pytest.raises(FileNotFoundError) as error:
        data.load("imagenette")
    for part in ("imagenette2-320", str(cache), "CNNBOOK_DATA", "load('digits')"):
        assert part in str(error.value)
    left = [path.name for path in cache.iterdir()]
    assert left == [".imagenette.lock"]  # of those who wait: nothing of the data


def test_imagenette_is_downloaded_once_and_whole(tmp_path, monkeypatch):
    calls = []

    def download(url, folder, md5):
        calls.append((url.rpartition("/")[2], md5))
        _write_imagenette(Path(folder) / "imagenette2-160")

    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path / "new"))
    monkeypatch.setattr(imagenette, "download_and_extract_archive", download)
    assert len(data.load("imagenette-160").test) == 20
    assert len(data.load("imagenette-160").test) == 20
    assert calls == [("imagenette2-160.tgz", "e793b78cc4c9e9a4ccc0c1155377a412")]
    left = {path.name for path in (tmp_path / "new").iterdir()}
    assert left == {"imagenette2-160", ".imagenette-160.lock"}


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
