"""Any chain of layers: found, packed, and computed in the page as PyTorch does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Page
from torch import Tensor, nn

from cnnbook import cost, explorables, models
from cnnbook.explorables import _chain, network
from cnnbook.explorables._element import packed, unpacked
from tests.explorables.stage import compute, in_double, open_alone, write

# Each with the shape of an image that it takes.
CHAINS: dict[str, tuple[nn.Module, tuple[int, int, int]]] = {
    "strides, padding, groups": (
        nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.BatchNorm2d(8),
            nn.LeakyReLU(0.2),
            nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=4, bias=False),
            nn.GroupNorm(2, 8),
            nn.SiLU(),
            nn.AvgPool2d(3, 2, padding=1),
            nn.GELU(),
            nn.Dropout(),
            nn.AdaptiveAvgPool2d((3, 2)),
            nn.Flatten(),
            nn.LayerNorm(48),
            nn.Linear(48, 5),
            nn.ELU(),
            nn.ReLU6(),
            nn.Softmax(dim=1),
        ),
        (3, 19, 17),
    ),
    "depthwise, tall kernels": (
        nn.Sequential(
            nn.Conv2d(1, 6, (3, 1), stride=(2, 1), padding=(1, 0)),
            nn.Conv2d(6, 6, 3, groups=6),
            nn.GELU(approximate="tanh"),
            nn.MaxPool2d(3, stride=2, padding=1, dilation=1),
            nn.Conv2d(6, 10, 1),
            nn.Hardtanh(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.LogSoftmax(dim=1),
        ),
        (1, 15, 16),
    ),
    "flatten, then normalise": (
        nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.Sigmoid(),
            nn.LayerNorm((4, 8, 8)),
            nn.Identity(),
            nn.Flatten(),
            nn.BatchNorm1d(256),
            nn.Tanh(),
            nn.Linear(256, 3, bias=False),
        ),
        (1, 8, 8),
    ),
    "lenet5": (models.build("lenet5"), (1, 32, 32)),
    "lenet5-modern": (models.build("lenet5-modern"), (1, 32, 32)),
    "one-hidden-layer": (models.build("one-hidden-layer"), (1, 32, 32)),
}


class Functional(nn.Module):
    """A chain of functions, with one layer that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(2):
            x = torch.relu(self.layer(x)) * 2 - 0.5
        return -F.softmax(x.mean(dim=(2, 3)), dim=1)


CHAINS["functions"] = (Functional(), (2, 9, 9))


def prepared(name: str) -> tuple[nn.Module, Tensor]:
    """Return a network with normalisation that does something, and random images."""
    model, size = CHAINS[name]
    torch.manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -1, 1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, -1, 1)
    return model.eval(), torch.rand(40, *size) * 2 - 0.5


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_repeats_its_network(name: str) -> None:
    model, images = prepared(name)
    chain = _chain.observe(model, images[0])
    with torch.no_grad():
        expected = model(images)
    found = _chain.compute(chain, images)[-1].view_as(expected)
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_look_leaves_the_network_as_it_was() -> None:
    model = models.build("lenet5-modern").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    network.view(model, torch.rand(2, 1, 32, 32))
    assert model.training
    assert not model.c1._forward_hooks
    assert not model.c1._forward_pre_hooks
    assert all(torch.equal(before[name], v) for name, v in model.state_dict().items())


@pytest.mark.browser
@pytest.mark.parametrize("name", CHAINS)
def test_parity(page: Page, tmp_path: Path, name: str) -> None:
    open_alone(
        page,
        tmp_path,
        "network",
        models.build("one-hidden-layer"),
        torch.rand(1, 1, 32, 32),
    )
    model, images = prepared(name)
    chain, fine = network.faithful(model, images)
    data = network.chain_data(chain, images.shape[1:], fine)
    results = compute(page, "network", "results", [[data, images.flatten(1).tolist()]])[
        0
    ]
    layers = _chain.compute(in_double(chain), images.double())
    assert torch.allclose(
        torch.tensor(results).double(), layers[-1].flatten(1), atol=1e-4
    )
    for image in range(3):
        found = compute(
            page, "network", "outputs", [[data, images[image].flatten().tolist()]]
        )[0]
        for step, one, many in zip(chain, found, layers, strict=True):
            expected = many[image].flatten()
            assert torch.allclose(torch.tensor(one).double(), expected, atol=1e-4), step


@pytest.mark.browser
def test_the_products_of_each_unit_add_up(page: Page, tmp_path: Path) -> None:
    open_alone(
        page,
        tmp_path,
        "network",
        models.build("one-hidden-layer"),
        torch.rand(1, 1, 32, 32),
    )
    for name in ("strides, padding, groups", "lenet5", "depthwise, tall kernels"):
        model, images = prepared(name)
        chain, fine = network.faithful(model, images)
        data = network.chain_data(chain, images.shape[1:], fine)
        layers = _chain.compute(chain, images[:1])
        for i, step in enumerate(chain):
            if step.kind != "convolution":
                continue
            image = images[0].flatten().tolist()
            found = compute(page, "network", "sums", [[data, image, i]])[0]
            assert torch.allclose(torch.tensor(found), layers[i].flatten(), atol=1e-3)


@pytest.mark.browser
def test_fields_are_those_of_the_book(page: Page, tmp_path: Path) -> None:
    model = models.build("lenet5")
    open_alone(page, tmp_path, "network", model, torch.rand(1, 1, 32, 32))
    chain = _chain.observe(model, torch.rand(1, 32, 32))
    data = network.chain_data(chain, (1, 32, 32), False)
    for layer, side, place in (
        ("c1", 28, 5),
        ("s2", 14, 6),
        ("c3", 10, 14),
        ("s4", 5, 16),
    ):
        last = max(i for i, step in enumerate(chain) if step.name == layer)
        jump = {"c1": 1, "s2": 2, "c3": 2, "s4": 4}[layer]
        for row, column in ((0, 0), (2, 3), (side - 1, side - 1)):
            index = row * side + column
            (found,) = compute(page, "network", "field", [[data, last, index]])
            assert found == {
                "top": row * jump,
                "left": column * jump,
                "bottom": row * jump + place - 1,
                "right": column * jump + place - 1,
            }


def test_numbers_survive_packing() -> None:
    torch.manual_seed(0)
    numbers = torch.randn(1000)
    step = numbers.abs().max() / 127
    assert (unpacked(numbers) - numbers).abs().max() <= step * 0.51
    assert (unpacked(numbers, fine=True) - numbers).abs().max() <= step / 127
    assert set("&<>\"'\\").isdisjoint(packed(numbers)["letters"].replace("'", ""))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x) + x


class Secret(nn.Module):
    """What it does with NumPy is not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        y.data.numpy()[:] += 1
        return y


IMAGES = torch.rand(2, 1, 12, 12)


def broken() -> nn.Module:
    model = nn.Sequential(nn.Conv2d(1, 1, 3))
    model[0].weight.data[0] = torch.nan
    return model


@pytest.mark.parametrize(
    ("model", "images", "words"),
    [
        (Residual(), IMAGES, "reads what an earlier layer computed"),
        (
            nn.Sequential(nn.Conv2d(1, 1, 3), nn.PReLU()),
            IMAGES,
            r"'1' \(PReLU\) cannot",
        ),
        (nn.ConvTranspose2d(1, 1, 3), IMAGES, "cannot be shown"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), IMAGES, "cannot"),
        (nn.MaxPool2d(2, ceil_mode=True), IMAGES, "rounds its output's size up"),
        (nn.Linear(12, 3), IMAGES, "does not read features"),
        (Secret(), IMAGES, "cannot be repeated|cannot be shown"),
        (broken(), IMAGES, "'0' .Conv2d. is not finite"),
        (nn.Sequential(nn.Flatten(), nn.Linear(144, 4000)), IMAGES, "576,000 weights"),
        (nn.Conv2d(1, 1, 3), IMAGES[:, :, 0], "expected images"),
        (nn.Conv2d(1, 1, 3), IMAGES.repeat(20, 1, 1, 1), "choose up to 24"),
        (nn.Conv2d(2, 1, 3), IMAGES.repeat(1, 2, 1, 1), "2 channels cannot be drawn"),
        (nn.Conv2d(1, 1, 3), IMAGES / 0, "not finite"),
        (models.build("resnet18"), torch.rand(1, 3, 64, 64), "'layer1.0' .BasicBlock."),
    ],
)
def test_what_cannot_be_shown_is_refused(
    model: nn.Module, images: Tensor, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        explorables.show("network", model, images)


def test_names_must_fit_the_outputs() -> None:
    with pytest.raises(ValueError, match="2 classes are named for 10 outputs"):
        network.view(models.build("lenet5"), torch.rand(1, 1, 32, 32), ["a", "b"])


@pytest.mark.browser
def test_colour_images_are_chosen_among(page: Page, tmp_path: Path) -> None:
    model, images = prepared("strides, padding, groups")
    names = [f"class {i}" for i in range(5)]
    shown = open_alone(page, tmp_path, "network", model, images[:3], names)
    assert shown.get_by_role("application").count() == 0
    shown.get_by_role("button", name="Image 3").click()
    rounded = unpacked(images[:3])
    best = model(rounded)[2].argmax().item()
    assert shown.locator(".verdict").inner_text() == f"Read as class {best}."


@pytest.mark.browser
def test_it_keeps_its_height(page: Page, tmp_path: Path) -> None:
    for name in ("lenet5-modern", "strides, padding, groups"):
        model, images = prepared(name)
        shown = explorables.show("network", model, images[:10])
        for width in (320, 358, 599, 600, 688):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(write(tmp_path, shown, head="<style>body{margin:0}</style>"))
            page.wait_for_function("document.querySelector('cnn-network[started]')")
            kept, used, beyond = page.evaluate(
                """() => {
                  const { live, offsetHeight } = document.querySelector("cnn-network");
                  const beyond = document.documentElement.scrollWidth - innerWidth;
                  return [offsetHeight, live.offsetHeight, beyond];
                }"""
            )
            reserve = shown.heights[width >= 600]
            assert reserve - 70 <= used <= reserve == kept, (name, width)
            assert beyond <= 0


def test_counts_are_those_of_the_book() -> None:
    model = models.build("lenet5")
    chain = _chain.observe(model, torch.rand(1, 32, 32))
    weights = sum(int((s.weights != 0).sum()) for s in chain if s.weights is not None)
    counted = cost.total(model, (1, 32, 32)).parameters
    biases = sum(s.vectors["bias"].numel() for s in chain if "bias" in s.vectors)
    # S2 and S4 hold two for each map.
    assert weights + biases + 2 * (6 + 16) == counted
