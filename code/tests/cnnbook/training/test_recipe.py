"""A recipe: it refuses what makes no sense, and can be written and read again."""

import json
import math
from dataclasses import FrozenInstanceError, fields, replace

import pytest
import torch
import torch.nn.functional as F

from cnnbook.data import Augmentation
from cnnbook.models.lenet import map_criterion
from cnnbook.training import Recipe

NONSENSE = {
    "epochs": [0, -1, 1.5, None, "3"],
    "batch_size": [0, -1, 1.5, True],
    "optimizer": ["adam", "SGD", None],
    "learning_rate": [-0.1, math.nan, math.inf, "0.1", None],
    "weight_decay": [-0.1, math.nan, math.inf],
    "warmup": [-0.1, 1.1, math.nan],
    "milestones": [
        (0.5, 0.1),  # one pair, not pairs
        ((0.5, 0.1), (0.5, 0.01)),  # twice at one share
        ((0.5, 0.1), (0.25, 0.01)),  # back in time
        ((1.5, 0.1),),
        ((0.5, -1),),
        ((0.5, math.inf),),
        ((0.5,),),
        (("half", 0.1),),
        3,
    ],
    "label_smoothing": [-0.1, 1.1, math.nan],
    "augmentation": [None, {"shift": 1}, 4],
    "criterion": [None, "cross_entropy"],
}


@pytest.mark.parametrize(
    ("setting", "value"),
    [(setting, value) for setting, values in NONSENSE.items() for value in values],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(setting, value):
    with pytest.raises(ValueError, match=rf"^{setting} must be .*, got ") as error:
        Recipe(**{"epochs": 1} | {setting: value})
    assert "\n" not in str(error.value)
    assert repr(value) in str(error.value)


def test_every_setting_is_checked():
    assert NONSENSE.keys() == {field.name for field in fields(Recipe)}


def test_a_misspelt_setting_is_refused():
    with pytest.raises(TypeError, match="rate_steps"):
        Recipe(epochs=1, rate_steps=())


def test_smoothing_belongs_to_cross_entropy():
    with pytest.raises(ValueError, match="label_smoothing belongs to cross-entropy"):
        Recipe(epochs=1, criterion=map_criterion, label_smoothing=0.1)
    scores, labels = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    smoothed = Recipe(epochs=1, label_smoothing=0.1).loss(scores, labels)
    expected = F.cross_entropy(scores, labels, label_smoothing=0.1)
    assert smoothed == expected != F.cross_entropy(scores, labels)
    own = Recipe(epochs=1, criterion=map_criterion)
    assert own.loss(scores, labels) == map_criterion(scores, labels)


def test_a_recipe_cannot_be_changed_but_varied():
    recipe = Recipe(epochs=3)
    with pytest.raises(FrozenInstanceError):
        recipe.epochs = 4
    assert replace(recipe, epochs=4) == Recipe(epochs=4)
    with pytest.raises(ValueError, match="epochs must be"):
        replace(recipe, epochs=0)


def test_a_recipe_is_written_as_it_is_made():
    recipe = Recipe(
        epochs=2,
        milestones=((0.5, 0.1),),
        criterion=map_criterion,
        augmentation=Augmentation(shift=1),
    )
    assert repr(recipe) == (
        "Recipe(epochs=2, milestones=((0.5, 0.1),), criterion=map_criterion, "
        "augmentation=Augmentation(shift=1))"
    )
    assert eval(repr(recipe)) == recipe


def test_all_settings_stand_in_one_flat_record():
    record = Recipe(epochs=2, augmentation=Augmentation(flip=True)).as_json()
    names = {field.name for kind in (Recipe, Augmentation) for field in fields(kind)}
    assert record.keys() == names - {"augmentation"}
    assert json.loads(json.dumps(record))["flip"] is True
    assert record["criterion"] == "cross_entropy"
