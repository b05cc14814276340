"""The training loop: it learns, repeats itself, and says when it fails."""

import inspect
import itertools
import subprocess
from dataclasses import replace

import pandas as pd
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from torch import nn

from cnnbook import models, training
from cnnbook.data import Augmentation, image_folder
from cnnbook.training import Recipe
from cnnbook.training.loop import cut

from ..command import ENVIRONMENT, TORCHRUN
from ..images import write_images
from . import float64_run
from .weights import largest_difference

PART = slice(0, 320)
ONE_EPOCH = Recipe(epochs=1)


def _fit(digits, recipe=ONE_EPOCH, **options):
    torch.manual_seed(0)
    network = models.build("lenet5-modern")
    history = training.fit(network, digits.train[PART], recipe, **options)
    return network, history


def test_it_learns(digits):
    network, history = _fit(digits, Recipe(epochs=8, batch_size=32))
    assert list(history.columns) == ["epoch", "train_loss", "train_error"]
    assert history.train_loss.iloc[-1] < 0.5 * history.train_loss.iloc[0]
    assert training.evaluate(network, digits.test).error < 25


def test_the_same_seed_gives_the_same_weights(digits):
    recipe = Recipe(epochs=1, augmentation=Augmentation(shift=2))
    one, two, other = (_fit(digits, recipe, seed=seed)[0] for seed in (1, 1, 2))
    assert one.c1.weight.equal(two.c1.weight)
    assert not one.c1.weight.equal(other.c1.weight)


@pytest.mark.parametrize("starts", [(0, 100, 200), None])
def test_several_networks_are_trained_as_each_alone(digits, starts):
    """On a training set of its own for each, or on one for all."""
    recipe = Recipe(epochs=2, batch_size=32, augmentation=Augmentation(shift=1))
    parts = [digits.train[start : start + 320] for start in starts or (0, 0, 0)]
    seeds = (5, 6, 7)
    networks, histories = training.fit_seeds(
        lambda: models.build("lenet5-modern"),
        parts if starts else parts[0],
        recipe,
        seeds=seeds,
        validation=digits.test,
    )
    for seed, part, network, history in zip(
        seeds, parts, networks, histories, strict=True
    ):
        torch.manual_seed(seed)
        alone = models.build("lenet5-modern")
        expected = training.fit(alone, part, recipe, seed=seed, validation=digits.test)
        torch.testing.assert_close(network.state_dict(), alone.state_dict())
        pd.testing.assert_frame_equal(history, expected)
        assert len(history) == 2


def test_several_networks_are_trained_on_one_folder_of_photographs(tmp_path):
    train = image_folder.load(write_images(tmp_path, (230, 230), count=1)).train
    networks, histories = training.fit_seeds(
        lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)),
        train,
        ONE_EPOCH,
        seeds=(0, 1),
    )
    assert [len(history) for history in histories] == [1, 1]
    assert not networks[0][2].weight.equal(networks[1][2].weight)


def test_validation_is_measured_after_each_epoch(digits):
    network, history = _fit(digits, Recipe(epochs=2), validation=digits.test[PART])
    last = training.evaluate(network, digits.test[PART])
    assert history.validation_error.iloc[-1] == pytest.approx(last.error)
    assert history.validation_loss.iloc[-1] == pytest.approx(last.loss)


def test_averages_are_weighted_by_samples(digits):
    """With a rate of zero, the running means are those of one evaluation."""
    network, history = _fit(digits, Recipe(epochs=1, learning_rate=0.0, batch_size=150))
    whole = training.evaluate(network, digits.train[PART])
    assert history.train_loss[0] == pytest.approx(whole.loss, rel=1e-4)
    assert history.train_error[0] == pytest.approx(whole.error)


def test_a_loss_that_is_not_finite_stops_training(digits):
    def criterion(scores, labels):
        return scores.sum() * float("nan")

    with pytest.raises(FloatingPointError, match="lower learning_rate"):
        _fit(digits, Recipe(epochs=1, criterion=criterion))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_images_that_are_no_numbers_are_not_blamed_on_the_rate(value, digits):
    images = digits.train.images[:64].clone()
    images[5, 0, 3, 3] = value
    part = replace(digits.train[:64], images=images)
    network = models.build("lenet5-modern")
    with pytest.raises(ValueError, match="training images hold numbers that are not"):
        training.fit(network, part, ONE_EPOCH)


class Growing(nn.Module):
    """Makes a layer when it runs, as some do to learn the size of their input."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(1024, 10)

    def forward(self, x):
        if not hasattr(self, "second"):
            self.second = nn.Linear(10, 10)
        return self.second(self.first(x.flatten(1)))


def test_weights_that_no_step_would_move_are_refused(digits):
    part = digits.train[:64]
    network = Growing()
    with pytest.raises(ValueError, match=r"'second.weight' was made while the network"):
        training.fit(network, part, ONE_EPOCH)
    training.fit(network, part, ONE_EPOCH)  # now it is there from the beginning
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
    with pytest.raises(ValueError, match="layers without a size yet"):
        training.fit(lazy, part, ONE_EPOCH)


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_gradients_are_accumulated_over_a_whole_number_of_parts(digits, count):
    says = f"gradient_accumulation must be a whole number from 1, got {count}"
    with pytest.raises(ValueError, match=says):
        _fit(digits, gradient_accumulation=count)


def test_no_image_and_one_image_are_one_clear_error(digits):
    with pytest.raises(ValueError, match="no image to train on"):
        training.fit(nn.Linear(1, 1), digits.train[:0], ONE_EPOCH)
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(1024), nn.Linear(1024, 10))
    for batch_size, parts in ((1, 1), (2, 2)):
        recipe = Recipe(epochs=1, batch_size=batch_size)
        with pytest.raises(ValueError, match=r"only one\. Take a larger batch"):
            training.fit(network, digits.train[:4], recipe, gradient_accumulation=parts)


def test_the_loop_fits_a_page_and_says_why_every_few_lines():
    """Chapter 1 prints it as it stands here."""
    source = inspect.getsource(training.train_epoch)
    body = source[source.index('"""') :].splitlines()[1:]
    assert len(body) <= 30
    comments = [number for number, line in enumerate(body) if "#" in line]
    assert max(b - a for a, b in itertools.pairwise([-1, *comments, len(body)])) <= 6


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path):
    """In float64, where only what is done differs, not how it is rounded."""
    subprocess.run(
        [*TORCHRUN, float64_run.__file__, str(tmp_path / "two")],
        env=ENVIRONMENT,
        check=True,
        timeout=300,
    )
    float64_run.train(tmp_path / "one")
    one, two = (load_file(tmp_path / name) for name in ("one", "two"))
    log, other_log = one.pop("log"), two.pop("log")
    torch.testing.assert_close(log, other_log, rtol=1e-6, atol=0)  # sums in float32
    assert largest_difference(one, two) < 1e-9
    torch.manual_seed(0)
    untrained = models.build("lenet5-modern").double().state_dict()
    assert largest_difference(one, untrained) > 1e-3


def test_a_batch_in_parts_gives_the_same_step():
    """In float64, as for two processes; a criterion is asked once for each part."""
    digits = float64_run.digits().train
    weights, asked = [], []
    for parts in (1, 3):
        torch.manual_seed(0)
        network = models.build("lenet5-modern").double()
        sizes = []

        def criterion(scores, labels, sizes=sizes):
            sizes.append(len(labels))
            return nn.functional.cross_entropy(scores, labels)

        training.fit(
            network,
            digits[:75],
            Recipe(epochs=1, batch_size=50, criterion=criterion),
            gradient_accumulation=parts,
        )
        weights.append(network.state_dict())
        asked.append(sizes)
    assert asked == [[50, 25], [17, 17, 16, 9, 8, 8]]
    assert largest_difference(*weights) < 1e-9


def test_no_batch_is_too_small_for_batch_normalisation_or_for_the_processes():
    for count in range(8, 40):
        for size, parts in ((4, 1), (8, 3), (8, 8)):
            batches = cut(torch.arange(count), size, parts)
            assert torch.cat(batches).equal(torch.arange(count))
            assert min(map(len, batches)) >= max(2, parts)


def test_one_precision_after_another_in_one_process(digits):
    """The layers compute in the precision asked for, whatever came before."""
    part, seen = digits.train[:64], []
    own = Accelerator()  # a reader's: it stays what it was
    for precision in ("bf16", "no", None, "bf16"):
        network = models.build("lenet5-modern")
        network.f6.register_forward_hook(lambda *call: seen.append(call[-1].dtype))
        training.fit(network, part, ONE_EPOCH, precision=precision)
    half, whole = torch.bfloat16, torch.float32
    assert seen == [half, whole, whole, half]
    assert own.mixed_precision == "no"


def test_training_that_is_interrupted_gives_the_network_back_its_precision(digits):
    def interrupted(scores, labels):
        raise KeyboardInterrupt

    part, recipe = digits.train[:64], Recipe(epochs=1, criterion=interrupted)
    network = models.build("lenet5-modern")
    with pytest.raises(KeyboardInterrupt):
        training.fit(network, part, recipe, precision="bf16")
    network.f6.register_forward_hook(lambda *call: seen.append(call[-1].dtype))
    seen = []
    network(part.images)
    assert seen == [torch.float32]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU computes in fp16")
def test_fp16_is_refused_where_it_would_change_nothing(digits):
    with pytest.raises(ValueError, match="fp16 needs a GPU: take bf16 or no"):
        _fit(digits, precision="fp16")


def test_after_half_precision_a_network_computes_in_32_bits_again(digits):
    network = models.build("lenet5-modern")
    training.fit(network, digits.train[:64], ONE_EPOCH, precision="bf16")
    same = models.build("lenet5-modern")
    same.load_state_dict(network.state_dict())
    one, other = (training.predict(n, digits.test.images) for n in (network, same))
    torch.testing.assert_close(one, other)  # 16 bits would differ by some 1e-3


def test_training_is_the_same_where_channels_lie_apart(digits):
    """The layout in memory changes the rounding, and nothing else."""
    recipe = Recipe(epochs=1, learning_rate=1e-4)
    one, other = (_fit(digits, recipe, channels_last=last)[0] for last in (True, False))
    assert largest_difference(one.state_dict(), other.state_dict()) < 1e-5
    torch.manual_seed(0)
    untrained = models.build("lenet5-modern").state_dict()
    assert largest_difference(one.state_dict(), untrained) > 1e-4
