"""Photographs on their way into a network, top-k error, and published weights."""

import hashlib
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision.datasets.imagenette as imagenette
import torchvision.models as tv
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.io import write_jpeg
from torchvision.transforms import functional as oracle

from cnnbook import data, models, papers, pretrained, training
from cnnbook.models.initial import he_normal

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


def _offline(*_, **__):
    raise URLError("no network")


# Top-k error


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 9), st.integers(1, 12), st.data())
def test_topk_error_is_that_of_sorting(samples, classes, more):
    scores = torch.randn(samples, classes)
    labels = torch.randint(0, classes, (samples,))
    k = more.draw(st.integers(1, classes))
    wrong = 0
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        best = sorted(range(classes), key=lambda index: -row[index])[:k]
        wrong += label not in best
    expected = 100 * wrong / samples
    assert training.topk_error(scores, labels, k) == pytest.approx(expected)


@pytest.mark.parametrize("score", [0.0, float("nan"), float("inf")])
def test_equal_scores_are_no_knowledge(score):
    scores, labels = torch.full((4, 10), score), torch.arange(4)
    assert training.topk_error(scores, labels) == 100
    assert training.topk_error(scores, labels, 9) == 100
    assert training.topk_error(scores, labels, 10) == 0


def test_a_tie_for_the_last_place_is_lost():
    scores = torch.tensor([[3.0, 2.0, 2.0, 1.0]])
    errors = [training.topk_error(scores, torch.tensor([1]), k) for k in (1, 2, 3)]
    assert errors == [100, 100, 0]


def test_evaluation_takes_its_error_from_topk_error():
    torch.manual_seed(0)
    split = data.load("digits").test[:50]
    network = models.build("lenet5-modern")
    scores = training.predict(network, split.images)
    expected = training.topk_error(scores, split.labels)
    assert training.evaluate(network, split).error == expected


@pytest.mark.parametrize("k", [0, 11, -1])
def test_more_guesses_than_classes_are_refused(k):
    with pytest.raises(ValueError, match=f"k must be from 1 to 10, .* got {k}"):
        training.topk_error(torch.zeros(4, 10), torch.zeros(4).long(), k)


@pytest.mark.parametrize(
    ("scores", "labels"),
    [((4, 10), (3,)), ((4,), (4,)), ((4, 10), (4, 1)), ((0, 2), 0)],
)
def test_shapes_that_do_not_agree_are_refused(scores, labels):
    with pytest.raises(ValueError, match=r"scores \(N, classes\) and labels \(N,\)"):
        training.topk_error(torch.zeros(scores), torch.zeros(labels).long())


# Photographs


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


@settings(deadline=None, max_examples=20)
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


@pytest.fixture
def _offline_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(imagenette, "download_and_extract_archive", _offline)


@pytest.mark.usefixtures("_offline_cache")
@pytest.mark.parametrize("name", ["imagenette", "imagenette-160"])
def test_imagenette_is_cut_and_labelled_among_1000_classes(tmp_path, name):
    size = "320" if name == "imagenette" else "160"
    _write_imagenette(tmp_path / f"imagenette2-{size}")
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


@pytest.mark.usefixtures("_offline_cache")
def test_imagenette_tests_on_images_that_imagenet_weights_have_not_seen(tmp_path):
    _write_imagenette(tmp_path / "imagenette2-160")
    for file in tmp_path.rglob("val/*/ILSVRC2012*"):
        file.unlink()  # those in the folder train are left
    dataset = data.load("imagenette-160")
    assert (len(dataset.train), len(dataset.test)) == (20, 10)


@pytest.mark.usefixtures("_offline_cache")
def test_imagenette_absent_and_offline_is_the_same_clear_error(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        data.load("imagenette")
    for part in ("imagenette2-320", str(tmp_path), "CNNBOOK_DATA", "load('digits')"):
        assert part in str(error.value)
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


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
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["imagenette2-160"]


# Published weights


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Give torchvision's model random weights, and let them be the published ones."""
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))

    def publish(name, **options):
        torch.manual_seed(0)
        network = getattr(tv, name)(weights=None, **options).eval()
        he_normal(network)  # else the scores would hardly depend on the image
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # not 0 and 1
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 2)
        asked = {}

        def get_state_dict(self, **options):
            asked.update(options, url=self.url)
            return network.state_dict()

        monkeypatch.setattr(tv.WeightsEnum, "get_state_dict", get_state_dict)
        return network, asked

    return publish


def _size(values):
    return values.abs().max().item()


@pytest.mark.parametrize(
    ("name", "theirs", "options"),
    [
        ("alexnet-owt", "alexnet", {}),
        ("resnet18", "resnet18", {}),
        ("resnet50", "resnet50", {}),
        ("googlenet", "googlenet", {"transform_input": True, "init_weights": False}),
    ],
)
def test_loaded_networks_give_torchvisions_scores(
    published, tmp_path, name, theirs, options
):
    network, asked = published(theirs, **options)
    ours = pretrained.load_imagenet(name)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        got, expected = ours(images), network(images)
    torch.testing.assert_close(got, expected, atol=1e-5 * _size(expected), rtol=1e-5)
    assert _size(got[0] - got[1]) > 0.01 * _size(got)
    assert not ours.training
    assert asked.pop("url") == pretrained.weights(name).url
    assert asked == {
        "model_dir": str(tmp_path),
        "check_hash": True,
        "weights_only": True,
        "progress": False,
    }


def test_googlenet_reads_its_images_rescaled(published):
    network, _ = published("googlenet", transform_input=False, init_weights=False)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        ours = pretrained.load_imagenet("googlenet")(images)
        plain = network(images)
    assert _size(ours - plain) > 0.01 * _size(plain)


def test_every_network_with_weights_is_torchvisions_with_its_parameters():
    for name in pretrained.names():
        with torch.device("meta"):
            network = models.build(name)
        count = sum(parameter.numel() for parameter in network.parameters())
        assert (name, count) == (name, pretrained.weights(name).meta["num_params"])


def test_no_weights_of_that_name_lists_those_there_are():
    with pytest.raises(
        ValueError, match=r"Known are alexnet-owt, googlenet, resnet101"
    ):
        pretrained.load_imagenet("zfnet")


def test_no_weights_and_no_network_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", _offline)
    with pytest.raises(FileNotFoundError) as error:
        pretrained.load_imagenet("resnet18")
    for part in ("resnet18-f37072fd.pth", str(tmp_path), "Go online", "http"):
        assert part in str(error.value)


@pytest.mark.parametrize("damaged", [True, False])
def test_a_damaged_file_of_weights_is_removed(tmp_path, monkeypatch, damaged):
    content = b"weights"
    digest = hashlib.sha256(content).hexdigest()
    file = tmp_path / f"net-{digest[:8]}.pth"
    file.write_bytes(content[:-1] if damaged else content)
    pretrained._remove_if_damaged(file)
    assert file.exists() is not damaged


def test_the_books_own_weights_are_small_and_belong_to_their_run():
    files = list(pretrained.WEIGHTS.glob("*.safetensors"))
    assert files
    assert all(file.stat().st_size < 1_000_000 for file in files)
    network = pretrained.load_own("lenet5", "mnist")
    assert not network.training
    scores = training.predict(network, data.load("digits").test.images)
    assert scores.shape == (360, 10)


def test_own_weights_that_do_not_exist_are_named():
    with pytest.raises(ValueError, match="did you mean 'lenet5-mnist'"):
        pretrained.load_own("lenet5", "minst")


@pytest.mark.parametrize("damage", ["cut short", "no weights", "of another network"])
def test_own_weights_that_are_damaged_say_how_to_restore_them(
    damage, tmp_path, monkeypatch
):
    content = (pretrained.WEIGHTS / "lenet5-mnist.safetensors").read_bytes()
    model = "lenet5-modern" if damage == "of another network" else "lenet5"
    content = {"cut short": content[:1000], "no weights": b"oid"}.get(damage, content)
    (tmp_path / f"{model}-mnist.safetensors").write_bytes(content)
    monkeypatch.setattr(papers, "ROOT", tmp_path)
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match=rf"git checkout {model}-mnist\.safetensors"):
        pretrained.load_own(model, "mnist")
