"""Arms are compared fairly: each at its best rate, and nothing is trained twice."""

import json
import math

import pandas as pd
import pytest
import torch
from torch import nn

from cnnbook.data import Split
from cnnbook.models import build
from cnnbook.training import Evaluation, Recipe
from tools.experiments import comparison
from tools.experiments.comparison import SEARCH_SEED, Arm, Comparison, shown_again
from tools.experiments.lenet5_changes import ARMS, STARTS, LocallyConnected2d, changed
from tools.experiments.relu_tanh import four_layers


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Replace training by a formula: an error that is least at a rate of 0.1."""
    done = []

    def fit(network, train, recipe, *, validation, seed, precision, progress):
        if recipe.learning_rate > 5:
            raise FloatingPointError
        done.append((recipe.learning_rate, recipe.epochs, seed, len(train)))
        error = [10 * abs(math.log10(recipe.learning_rate / 0.1)) + seed / 1000]
        return pd.DataFrame({"train_error": error, "validation_error": error})

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(comparison.training, "fit", fit)
    evaluation = Evaluation(loss=0, error=0, top5_error=0)
    monkeypatch.setattr(comparison.training, "evaluate", lambda *_: evaluation)
    monkeypatch.setattr(comparison.records, "FOLDER", tmp_path)
    return done


def compare(first_rate):
    arm = Arm(lambda: nn.Linear(1, 1), Recipe(epochs=7, learning_rate=first_rate))
    path = Comparison("try", {"a": arm}, "digits", range(3), held_out=100).run("line")
    return json.loads(path.read_text(encoding="utf-8"))["results"]["a"]


@pytest.mark.parametrize("first_rate", [0.1, 0.001, 30.0])
def test_the_best_rate_lies_inside_of_what_was_tried(trained, first_rate):
    result = compare(first_rate)
    best = result["recipe"]["learning_rate"]
    tried = [row["learning_rate"] for row in result["search"]]
    assert best == pytest.approx(0.1, rel=0.2)
    assert tried == sorted(tried)
    assert tried[0] < best < tried[-1]
    assert [run["seed"] for run in result["seeds"]] == [0, 1, 2]


def test_rates_are_chosen_on_images_set_apart_with_a_seed_of_its_own(trained):
    compare(0.1)
    search = [run for run in trained if run[2] == SEARCH_SEED]
    final = [run for run in trained if run[2] != SEARCH_SEED]
    assert {(epochs, images) for _, epochs, _, images in search} == {(3, 1337)}
    assert {(epochs, images) for _, epochs, _, images in final} == {(7, 1437)}


def test_few_images_are_shown_as_often_as_all_would_be():
    split = Split(torch.arange(10.0).view(-1, 1, 1, 1), torch.arange(10))
    again = shown_again(split, 4, seed=3)
    counts = again.labels.bincount()
    assert sorted(counts[counts > 0].tolist()) == [2, 2, 3, 3]
    assert again.images.flatten().equal(again.labels.float())
    assert shown_again(split, 4, seed=3).labels.equal(again.labels)
    assert not shown_again(split, 4, seed=4).labels.equal(again.labels)


def test_begun_again_it_trains_nothing_twice(trained):
    first = compare(0.1)
    count = len(trained)
    assert compare(0.1) == first
    assert len(trained) == count


@pytest.mark.parametrize(
    ("start", "n", "spread"),
    [
        ("1998", 400, 2.4 / 400 / math.sqrt(3)),
        ("PyTorch's", 400, 1 / math.sqrt(3 * 400)),
    ],
)
def test_first_weights_have_the_spread_of_their_rule(start, n, spread):
    torch.manual_seed(0)
    weight = changed(start=start).c5.weight
    assert weight[0].numel() == n
    assert weight.std().item() == pytest.approx(spread, rel=0.02)


def test_every_start_draws_all_layers_anew():
    for start in STARTS:
        torch.manual_seed(0)
        one, two = changed(start=start), changed(start=start)
        for (name, a), b in zip(one.named_parameters(), two.parameters(), strict=True):
            assert not torch.equal(a, b), name


def test_the_network_that_nothing_was_changed_in_is_that_of_1998():
    network, x = build("lenet5"), torch.randn(2, 1, 32, 32)
    same = changed()
    same.load_state_dict(network.state_dict())
    assert torch.equal(same(x), network(x))


def test_without_sharing_it_computes_a_convolution_if_all_kernels_are_equal():
    layer, convolution = LocallyConnected2d((2, 8), 3, 5), nn.Conv2d(2, 3, 5)
    x = torch.randn(4, 2, 8, 8)
    with torch.no_grad():
        layer.weight.copy_(convolution.weight.flatten(1).expand_as(layer.weight))
        layer.bias.copy_(convolution.bias.expand_as(layer.bias))
    torch.testing.assert_close(layer(x), convolution(x))


def test_each_arm_maps_images_to_ten_scores():
    for name, arm in ARMS.items():
        assert arm.build()(torch.randn(2, 1, 32, 32)).shape == (2, 10), name


@pytest.mark.parametrize(
    ("activation", "spread"),
    [("relu", math.sqrt(2 / 800)), ("tanh", math.sqrt(2 / (800 + 1600)))],
)
def test_each_activation_function_gets_the_start_that_was_derived_for_it(
    activation, spread
):
    torch.manual_seed(0)
    network = four_layers(activation)
    assert network.conv3.weight.std().item() == pytest.approx(spread, rel=0.02)
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)
