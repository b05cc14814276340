"""Trained weights: torchvision's for ImageNet, and the book's own."""

import hashlib
import io
import types
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision.models as tv

from cnnbook import data, models, pretrained, training
from cnnbook.models.init import kaiming_normal


def _offline(*_, **__):
    raise URLError("no network")


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Give torchvision's model random weights, and let them be the published ones."""
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))

    def publish(name, **options):
        torch.manual_seed(0)
        network = getattr(tv, name)(weights=None, **options).eval()
        kaiming_normal(network)  # else the scores would hardly depend on the image
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
        network = models.build(name, device="meta")
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


@pytest.fixture
def own_weights(tmp_path, monkeypatch):
    """Publish tiny weights of our own, and let them be all that torchvision has."""
    monkeypatch.setenv("CNNBOOK_DATA", str(tmp_path))
    network = torch.nn.Linear(2, 2)
    content = io.BytesIO()
    torch.save(network.state_dict(), content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    file = tmp_path / f"net-{digest[:8]}.pth"
    url = f"http://localhost/{file.name}"
    published = types.SimpleNamespace(
        url=url, get_state_dict=partial(torch.hub.load_state_dict_from_url, url)
    )
    monkeypatch.setattr(pretrained, "weights", lambda name: published)
    monkeypatch.setattr(pretrained, "build", lambda name: torch.nn.Linear(2, 2))

    def download(url, place, hash_prefix, progress):
        downloads.append(place)
        Path(place).write_bytes(content.getvalue())

    downloads = []
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    return file, content.getvalue(), downloads


@pytest.mark.parametrize("damaged", [True, False])
def test_a_damaged_file_of_weights_is_replaced_by_a_good_one(own_weights, damaged):
    file, content, downloads = own_weights
    file.write_bytes(content[:-1] if damaged else content)
    pretrained.load_imagenet("net")
    assert file.read_bytes() == content
    assert len(downloads) == damaged
    assert {path.name for path in file.parent.iterdir()} <= {file.name, ".net.lock"}


def test_a_damaged_file_that_cannot_be_replaced_is_named_and_left(
    own_weights, monkeypatch
):
    file, content, _ = own_weights
    file.write_bytes(content[:-1])
    monkeypatch.setattr(torch.hub, "download_url_to_file", _offline)
    with pytest.raises(FileNotFoundError, match=rf"no intact {file.name}, the weights"):
        pretrained.load_imagenet("net")
    assert file.read_bytes() == content[:-1]


def test_of_several_that_miss_weights_one_downloads_them(own_weights):
    file, content, downloads = own_weights
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(pretrained.load_imagenet, ["net"] * 3))
    assert file.read_bytes() == content
    assert len(downloads) == 1


IMPORTED = {
    pretrained.WEIGHTS / f"{name}-imagenet.safetensors" for name in pretrained.IMPORTED
}


def test_imported_weights_are_not_large_and_have_their_licence_beside_them():
    for file in IMPORTED:
        assert file.stat().st_size < 10_000_000
        licence = file.with_suffix(".LICENSE.txt").read_text(encoding="utf-8")
        assert "Apache License" in licence


def test_the_books_own_weights_are_small_and_belong_to_their_run():
    files = set(pretrained.WEIGHTS.glob("*.safetensors")) - IMPORTED
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
    monkeypatch.setattr("cnnbook._book.ROOT", tmp_path)
    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match=rf"git checkout {model}-mnist\.safetensors"):
        pretrained.load_own(model, "mnist")
