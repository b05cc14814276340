"""The book's recipes: found by name, kept as data, and each of them trains."""

import json
from dataclasses import fields, replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnbook import data, models, training
from cnnbook.data import Augmentation
from cnnbook.training import Recipe, recipe_for
from cnnbook.training.recipes import RECIPES

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
