"""The training loop: it learns, repeats itself, and says when it fails."""

import pytest
import torch
from torch import nn

from cnnbook import data, models, recipes, training

PART = slice(0, 320)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def _fit(digits, **options):
    torch.manual_seed(0)
    network = models.build("lenet5-modern")
    history = training.fit(network, digits.train[PART], **({"epochs": 1} | options))
    return network, history


def test_it_learns(digits):
    network, history = _fit(digits, epochs=8, batch_size=32)
    assert list(history.columns) == ["epoch", "train_loss", "train_error"]
    assert history.train_loss.iloc[-1] < 0.5 * history.train_loss.iloc[0]
    assert training.evaluate(network, digits.test).error < 25


def test_the_same_seed_gives_the_same_weights(digits):
    one, two, other = (_fit(digits, seed=seed, shift=2)[0] for seed in (1, 1, 2))
    assert one.c1.weight.equal(two.c1.weight)
    assert not one.c1.weight.equal(other.c1.weight)


def test_several_networks_are_trained_as_each_alone(digits):
    def built():
        for seed in range(3):
            torch.manual_seed(seed)
            yield models.build("lenet5-modern")

    options = {"epochs": 2, "batch_size": 32, "shift": 1}
    parts = [digits.train[start : start + 320] for start in (0, 100, 200)]
    alone, together = list(built()), list(built())
    for network, part, seed in zip(alone, parts, (5, 6, 7), strict=True):
        training.fit(network, part, seed=seed, **options)
    histories = training.fit_each(together, parts, seeds=(5, 6, 7), **options)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one.state_dict(), other.state_dict())
    assert [len(history) for history in histories] == [2, 2, 2]


def test_validation_is_measured_after_each_epoch(digits):
    network, history = _fit(digits, validation=digits.test[PART], epochs=2)
    last = training.evaluate(network, digits.test[PART])
    assert history.validation_error.iloc[-1] == pytest.approx(last.error)
    assert history.validation_loss.iloc[-1] == pytest.approx(last.loss)


def test_averages_are_weighted_by_samples(digits):
    """With a rate of zero, the running means are those of one evaluation."""
    network, history = _fit(digits, learning_rate=0.0, batch_size=150)
    whole = training.evaluate(network, digits.train[PART])
    assert history.train_loss[0] == pytest.approx(whole.loss, rel=1e-4)
    assert history.train_error[0] == pytest.approx(whole.error)


def test_biases_do_not_decay():
    kernels, others = training._parameter_groups(models.build("lenet5"), 0.1)
    assert sum(p.numel() for p in kernels["params"]) == 60_000 - 22 * 3 - 120 - 84
    assert kernels["weight_decay"] == 0.1
    assert others["weight_decay"] == 0


def test_a_loss_that_is_not_finite_stops_training(digits):
    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        _fit(digits, criterion=lambda scores, labels: scores.sum() * float("nan"))


@pytest.mark.parametrize("name", ["epochs", "batch_size", "accumulation"])
def test_counts_are_whole_numbers_from_one(digits, name):
    for count in (0, -1, 1.5):
        with pytest.raises(ValueError, match=f"{name} must be a whole number from 1"):
            _fit(digits, **{name: count})


def test_no_image_and_one_image_are_one_clear_error(digits):
    with pytest.raises(ValueError, match="no image to train on"):
        training.fit(nn.Linear(1, 1), digits.train[:0], epochs=1)
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(1024), nn.Linear(1024, 10))
    for options in ({"batch_size": 1}, {"batch_size": 2, "accumulation": 2}):
        with pytest.raises(ValueError, match=r"only one\. Take a larger batch"):
            training.fit(network, digits.train[:4], epochs=1, **options)


def test_a_network_without_weights_can_be_evaluated():
    assert training.predict(nn.Flatten(), torch.ones(3, 2, 2)).shape == (3, 4)


@pytest.mark.parametrize("k", [0, 4])
def test_more_guesses_than_classes_are_refused(k):
    with pytest.raises(ValueError, match="k must be from 1 to 3, the classes"):
        training.topk_error(torch.rand(2, 3), torch.tensor([0, 1]), k)


def test_evaluation_is_in_eval_mode(digits):
    network = nn.Sequential(nn.Flatten(), nn.Linear(1024, 10), nn.Dropout(0.9))
    once, twice = (training.evaluate(network, digits.test) for _ in range(2))
    assert once == twice


@pytest.mark.parametrize(
    "name", [n for n in models.names() if models.architecture(n).input_size[0] == 1]
)
@pytest.mark.parametrize("dataset", ["digits", "mnist", "fashion-mnist"])
def test_every_grey_network_has_a_recipe_for_every_grey_data_set(name, dataset):
    assert recipes.recipe(name, dataset)["epochs"] > 0


def test_an_unknown_recipe_is_told_the_closest():
    with pytest.raises(ValueError, match="did you mean 'lenet5 on mnist'"):
        recipes.recipe("lenet5", "minst")
