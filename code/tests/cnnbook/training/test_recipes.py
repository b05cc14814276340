"""The book's recipes: found by name, kept as data, and each of them trains."""

import json
import re
from dataclasses import fields, replace

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnbook import data, models, papers, pretrained, training
from cnnbook._book import ROOT
from cnnbook.data import Augmentation
from cnnbook.training import Recipe, recipe_for
from cnnbook.training.recipes import RECIPES
from cnnbook.training.task import Task

from ..images import write_images


@pytest.mark.parametrize(
    "name", [n for n in models.names() if models.architecture(n).input_size[0] == 1]
)
@pytest.mark.parametrize("dataset", ["digits", "mnist", "fashion-mnist"])
def test_every_grey_network_has_a_recipe_for_every_grey_data_set(name, dataset):
    assert recipe_for(name, dataset).epochs > 0


def test_an_unknown_recipe_is_told_the_closest():
    with pytest.raises(ValueError, match="did you mean 'lenet5 on mnist'"):
        recipe_for("lenet5", "minst")


def test_an_unknown_recipe_is_told_those_of_its_network_alone():
    with pytest.raises(ValueError, match="unknown recipe") as error:
        recipe_for("alexnet", "cifar10")
    known = "Known are alexnet on imagenet, alexnet on imagenet, paper."
    assert str(error.value).endswith(known)
    with pytest.raises(ValueError, match="unknown model"):
        recipe_for("alexnett", "imagenet")


def test_only_the_deepest_warms_up():
    deep, other = (
        recipe_for(f"resnet{depth}-cifar", "cifar10", "paper").milestones
        for depth in (110, 56)
    )
    assert deep[:2] == ((0, 0.1), (400 / 64_000, 1))
    assert deep[2:] == other


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_goes_through_json(name):
    """All but its criterion, which stands there by its name."""
    recipe = RECIPES[name]
    record = json.loads(json.dumps(recipe.as_json()))
    assert record.pop("criterion") == recipe.criterion.__name__
    for setting in ("milestones", "scales"):  # JSON has no tuples
        record[setting] = _tuples(record[setting])
    varied = {field.name: record.pop(field.name) for field in fields(Augmentation)}
    again = Recipe(
        **record, criterion=recipe.criterion, augmentation=Augmentation(**varied)
    )
    assert again == recipe


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


@pytest.mark.parametrize(
    "name", [n for n, r in RECIPES.items() if r.criterion is F.cross_entropy]
)
def test_a_recipe_is_written_as_it_is_made(name):
    assert eval(repr(RECIPES[name])) == RECIPES[name]


def test_networks_with_pre_activation_warm_up_as_their_own_paper_says():
    for name in ("preact-resnet20-cifar", "preact-resnet56-cifar"):
        own = recipe_for(name, "cifar10", "paper")
        assert own == recipe_for("resnet110-cifar", "cifar10", "paper")


MADE_FOR = {
    name: {(1, 32): "digits", (3, 32): "cifar10"}.get((channels, side), "imagenet")
    for name in models.names()
    for channels, _, side in [models.architecture(name).input_size]
}
WITHOUT_A_PAPER = {"lenet5-modern", "one-hidden-layer"}


def _recipes_of(model: str) -> list[tuple[str, str]]:
    """Return the data set that a network was made for, with the recipes' names."""
    own = MADE_FOR[model]
    paper = [(own.replace("digits", "mnist"), "paper")]
    return [(own, "")] + paper * (model not in WITHOUT_A_PAPER)


# All that the book trains, or says how to.
TRAINED = [name for name in models.names() if name not in pretrained.IMPORTED]


@pytest.mark.parametrize("model", TRAINED)
def test_every_network_has_a_recipe_for_the_data_it_was_made_for(model):
    for dataset, recipe in _recipes_of(model):
        task = Task.find(model, dataset, recipe, outlined=True)
        assert task.dataset.train.input_size == models.architecture(model).input_size


# Of networks that differ in their depth alone, such as resnet18 and resnet152, one.
SHALLOWEST = {re.sub(r"\d+", "", name): name for name in reversed(TRAINED)}.values()


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "senet154" else name
        for name in SHALLOWEST
    ],
)
def test_every_kind_of_network_goes_a_step_by_its_recipes(model):
    """On the meta device: forwards, the recipe's loss, and back to every weight."""
    for dataset, recipe in _recipes_of(model):
        task = Task.find(model, dataset, recipe, outlined=True)
        network = task.build(device="meta")
        scores = network(task.dataset.train.images[:2])
        task.recipe.loss(scores, task.dataset.train.labels[:2]).backward()
        trained = [w for w in network.parameters() if w.requires_grad]
        assert trained
        assert all(weight.grad is not None for weight in trained)


def test_the_papers_figures_are_in_the_recipes():
    """All that data/papers.csv quotes of a recipe, where a recipe has such a value."""
    named = {
        "alexnet": ("alexnet", "imagenet"),
        "zfnet": ("zfnet", "imagenet"),
        "vgg": ("vgg16", "imagenet"),
        "resnet": ("resnet50", "imagenet"),
        "resnet_cifar10": ("resnet20-cifar", "cifar10"),
    }
    settings = {
        "batch": lambda recipe: recipe.batch_size,
        "epochs": lambda recipe: recipe.epochs,
        "learning_rate": lambda recipe: recipe.learning_rate,
        "weight_decay": lambda recipe: recipe.weight_decay,
        "learning_rate_reductions": lambda recipe: len(recipe.milestones),
        "shorter_side_min": lambda recipe: recipe.augmentation.scales[0],
        "shorter_side_max": lambda recipe: recipe.augmentation.scales[1],
        "padding": lambda recipe: recipe.augmentation.shift,
    }
    checked = 0
    for key in pd.read_csv(ROOT / "data" / "papers.csv").key:
        family, _, rest = key.partition(".recipe.")
        if family in named and rest in settings:
            recipe = recipe_for(*named[family], "paper")
            assert settings[rest](recipe) == papers.value(key), key
            checked += 1
    assert checked == 20


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("alexnet-owt", {"epochs": 90}),
        ("zfnet", {"batch_size": 128, "learning_rate": 0.01}),
        ("se-resnet50", {"batch_size": 1024, "learning_rate": 0.6, "epochs": 100}),
    ],
)
def test_what_other_papers_give_is_in_their_recipes(model, settings):
    recipe = recipe_for(model, "imagenet", "paper")
    assert {key: getattr(recipe, key) for key in settings} == settings


def test_the_rates_of_other_papers_fall_as_they_say():
    fall = recipe_for("alexnet-owt", "imagenet", "paper").milestones
    assert [share for share, _ in fall] == [0.25, 0.5, 0.75]
    assert fall[0][1] == pytest.approx(250 ** (-1 / 3))
    assert fall[-1][1] == pytest.approx(1 / 250)
    passes = recipe_for("googlenet", "imagenet", "paper").epochs
    for i, (share, factor) in enumerate(
        recipe_for("googlenet", "imagenet", "paper").milestones, 1
    ):
        assert share * passes == pytest.approx(8 * i)
        assert factor == pytest.approx(0.96**i)


def test_every_recipe_is_of_a_network_and_a_data_set_of_the_book():
    for key in RECIPES:
        model, dataset = key.partition(", ")[0].split(" on ")
        assert model in models.names()
        assert dataset in [*data.names(), "imagenet"]


# Recipes that several networks share train but once.
DISTINCT = {recipe: name for name, recipe in reversed(RECIPES.items())}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """The smallest folder of photographs."""
    root = write_images(tmp_path_factory.mktemp("photographs"), (230, 230), count=1)
    return data.image_folder.load(root).train


@pytest.mark.parametrize("recipe", DISTINCT, ids=DISTINCT.values())
def test_every_recipe_trains(recipe, photographs):
    """An epoch of a tiny network, on images of the kind that the recipe is for."""
    torch.manual_seed(0)
    if "imagenet" in DISTINCT[recipe]:
        train, pixels = photographs, nn.AdaptiveAvgPool2d(4)
    else:
        train, pixels = data.Split(torch.randn(6, 3, 4, 4), torch.arange(6)), nn.ReLU()
    network = nn.Sequential(pixels, nn.Flatten(), nn.Linear(48, 10))
    before = network[2].weight.clone()
    history = training.fit(network, train, replace(recipe, epochs=1))
    assert history.epoch.tolist() == [1]
    assert history.train_loss.between(0, float("inf"), inclusive="neither").all()
    assert not network[2].weight.equal(before)
