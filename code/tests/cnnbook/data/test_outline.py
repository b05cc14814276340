"""Data sets that are not there: what is known of them is what would be loaded."""

import pytest

from cnnbook import data


def test_the_outline_of_the_digits_is_that_of_the_digits():
    outlined, loaded = data.outline("digits", validation=37), data.load(validation=37)
    for part in ("train", "validation", "test"):
        one, other = getattr(outlined, part), getattr(loaded, part)
        assert (len(one), one.input_size) == (len(other), other.input_size)
    assert len(outlined.classes) == len(loaded.classes)
    assert outlined.train.images.is_meta


@pytest.mark.parametrize(
    ("name", "train", "test", "classes", "input_size"),
    [
        ("mnist", 60_000, 10_000, 10, (1, 32, 32)),
        ("fashion-mnist", 60_000, 10_000, 10, (1, 32, 32)),
        ("cifar10", 50_000, 10_000, 10, (3, 32, 32)),
        ("imagenet", 1_281_167, 50_000, 1_000, (3, 224, 224)),
    ],
)
def test_the_sizes_are_those_that_are_published(
    name, train, test, classes, input_size, cache
):
    dataset = data.outline(name)
    assert (len(dataset.train), len(dataset.test)) == (train, test)
    assert len(dataset.classes) == classes
    assert dataset.train.input_size == input_size
    assert not list(cache.iterdir())


def test_what_cannot_be_outlined_is_refused():
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        data.outline("minst")
    with pytest.raises(ValueError, match="validation must be from 0 to 1436"):
        data.outline("digits", validation=1437)
