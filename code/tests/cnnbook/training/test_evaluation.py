"""Scores, loss and error of a network on a data set."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnnbook import models, training


@settings(max_examples=200)
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


def test_evaluation_takes_its_error_from_topk_error(digits):
    torch.manual_seed(0)
    split = digits.test[:50]
    network = models.build("lenet5-modern")
    scores = training.predict(network, split.images)
    found = training.evaluate(network, split)
    assert found.error == training.topk_error(scores, split.labels)
    assert found.top5_error == training.topk_error(scores, split.labels, 5)
    assert found.loss == pytest.approx(F.cross_entropy(scores, split.labels).item())


@pytest.mark.parametrize(
    ("classes", "k"), [(10, 0), (10, 11), (10, -1), (3, 0), (3, 4)]
)
def test_more_guesses_than_classes_are_refused(classes, k):
    says = f"k must be from 1 to {classes}, the classes, got {k}"
    with pytest.raises(ValueError, match=says):
        training.topk_error(torch.zeros(4, classes), torch.zeros(4).long(), k)


@pytest.mark.parametrize(
    ("scores", "labels"),
    [((4, 10), (3,)), ((4,), (4,)), ((4, 10), (4, 1)), ((0, 2), 0)],
)
def test_shapes_that_do_not_agree_are_refused(scores, labels):
    with pytest.raises(ValueError, match=r"scores \(N, classes\) and labels \(N,\)"):
        training.topk_error(torch.zeros(scores), torch.zeros(labels).long())


def test_a_network_without_weights_can_be_evaluated():
    assert training.predict(nn.Flatten(), torch.ones(3, 2, 2)).shape == (3, 4)


def test_evaluation_is_in_eval_mode(digits):
    network = nn.Sequential(nn.Flatten(), nn.Linear(1024, 10), nn.Dropout(0.9))
    once, twice = (training.evaluate(network, digits.test) for _ in range(2))
    assert once == twice
