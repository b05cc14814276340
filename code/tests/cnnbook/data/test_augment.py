"""Augmentation: how training images are moved and mirrored, and what is refused."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbook.data import Augmentation


@settings(max_examples=25)
@given(st.integers(0, 4), st.integers(0, 2**31))
def test_each_image_moves_by_whole_pixels(pixels, seed):
    x = torch.zeros(8, 2, 15, 15)
    x[:, :, 7, 7] = 1
    draws = torch.rand(8, 4, generator=torch.Generator().manual_seed(seed))
    moved = Augmentation(shift=pixels).vary(x, draws)
    assert moved.shape == x.shape
    assert moved.sum() == x.sum()
    _, _, rows, columns = moved.nonzero(as_tuple=True)
    assert (rows - 7).abs().max() <= pixels
    assert (columns - 7).abs().max() <= pixels
    assert moved[:, 0].equal(moved[:, 1])  # channels move together


def test_every_shift_is_as_frequent_as_the_others():
    x = torch.zeros(20_000, 1, 7, 7)
    x[:, :, 3, 3] = 1
    draws = torch.rand(len(x), 3, generator=torch.Generator().manual_seed(0))
    counts = Augmentation(shift=1).vary(x, draws).sum(dim=(0, 1))[2:5, 2:5]
    assert counts.sum() == len(x)
    assert (counts / len(x) - 1 / 9).abs().max() < 0.01


def test_what_moves_in_is_the_border_or_zero():
    x, draws = torch.full((3, 1, 6, 6), -0.1), torch.zeros(3, 3)  # up and left
    assert Augmentation(shift=2).vary(x, draws).equal(x)
    moved = Augmentation(shift=2, border="constant").vary(x, draws)
    assert moved[:, :, :2].eq(0).all()
    assert moved[:, :, 2:, 2:].equal(x[:, :, 2:, 2:])


def test_half_of_the_images_are_mirrored():
    x = torch.arange(4.0).expand(2, 1, 4, 4)
    draws = torch.tensor([[0.5, 0.5, 0.2], [0.5, 0.5, 0.8]])
    mirrored, left = Augmentation(flip=True).vary(x, draws)
    assert mirrored.equal(x[0].flip(-1))
    assert left.equal(x[1])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"shift": -1}, "shift must be a whole number from 0, got -1"),
        ({"shift": 1.5}, "shift must be a whole number from 0, got 1.5"),
        ({"shift": True}, "shift must be a whole number from 0, got True"),
        ({"border": "wrap"}, "border must be 'replicate' or 'constant', got 'wrap'"),
        ({"flip": "yes"}, "flip must be True or False, got 'yes'"),
        ({"scales": 256}, "scales must be .* at least the crop's 224, got 256"),
        ({"scales": (256,)}, "scales must be"),
        ({"scales": (100, 256)}, "scales must be"),
        ({"scales": (512, 256)}, "scales must be"),
        ({"scales": (256.0, 512.0)}, "scales must be"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(settings, says):
    with pytest.raises(ValueError, match=says) as error:
        Augmentation(**settings)
    assert "\n" not in str(error.value)


def test_an_augmentation_cannot_be_changed_and_is_written_as_it_is_made():
    plain, moved = Augmentation(), Augmentation(shift=4, flip=True, border="constant")
    assert repr(plain) == "Augmentation()"
    assert repr(moved) == "Augmentation(shift=4, flip=True, border='constant')"
    assert eval(repr(moved)) == moved
    assert [augmentation.moves for augmentation in (plain, moved)] == [False, True]
    with pytest.raises(AttributeError):
        moved.shift = 2
