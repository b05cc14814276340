"""Splits: images and labels as tensors, a validation set apart, normalisation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbook import data


def test_validation_is_taken_from_training_and_never_from_test():
    whole, split = data.load(), data.load(validation=300)
    assert (len(split.train), len(split.validation)) == (1137, 300)
    assert split.test.images.equal(whole.test.images)
    together = torch.cat([split.train.images, split.validation.images])
    assert together.double().sum().item() == pytest.approx(
        whole.train.images.double().sum().item()
    )
    with pytest.raises(ValueError, match="from 0 to 1436"):
        data.load(validation=1437)


@given(st.integers(0, 2**31))
@settings(max_examples=10)
def test_channels_are_normalised_by_the_training_set(seed):
    generator = torch.Generator().manual_seed(seed)
    train, test = (
        data.Split(
            torch.randint(0, 256, (n, 3, 8, 8), generator=generator).byte(),
            torch.zeros(n).long(),
        )
        for n in (20, 5)
    )
    mean = train.images.double().mean(dim=(0, 2, 3), keepdim=True)
    std = train.images.double().std(dim=(0, 2, 3), keepdim=True, correction=0)
    for before, after in zip(
        (train, test), data.normalise_channels(train, test), strict=True
    ):
        wanted = (before.images - mean) / std
        torch.testing.assert_close(after.images, wanted.float())
        assert after.images.is_contiguous()


@pytest.fixture
def split():
    """Five images of one grey each, and their labels."""
    images = torch.arange(5.0)[:, None, None, None].expand(5, 1, 4, 4)
    return data.Split(images, torch.arange(5))


def test_batches_are_the_images_and_labels_at_their_indices(split):
    first, second = split.batches([torch.tensor([3, 0]), torch.tensor([4])])
    assert first.labels.tolist() == first.images[:, 0, 0, 0].tolist() == [3, 0]
    assert second.images.equal(split.images[4:])


def test_batches_are_varied_by_the_draws_of_their_images(split):
    split = split.augmented(data.Augmentation(shift=1, border="constant"))
    draws = split.draw(torch.Generator().manual_seed(0))
    assert draws.shape == (5, 4)
    whole = split.augmentation.vary(split.images, draws)
    (batch,) = split.batches([torch.tensor([4, 1])], draws)
    assert batch.images.equal(whole[[4, 1]])
    assert not batch.images.equal(split.images[[4, 1]])
    (as_it_is,) = split.batches([torch.tensor([4, 1])])
    assert as_it_is.images.equal(split.images[[4, 1]])


def test_nothing_is_drawn_where_nothing_varies(split):
    generator = torch.Generator().manual_seed(0)
    assert split.draw(generator) is None
    assert generator.get_state().equal(torch.Generator().manual_seed(0).get_state())


def test_scales_are_for_photographs(split):
    with pytest.raises(ValueError, match=r"kept at one size, so scales=\(256, 480\)"):
        split.augmented(data.Augmentation(scales=(256, 480)))


def test_a_channel_that_never_varies_becomes_zero():
    train, test = (
        data.Split(torch.randint(0, 256, (n, 3, 4, 4)).byte(), torch.zeros(n).long())
        for n in (5, 2)
    )
    train.images[:, 2] = 7
    for split in data.normalise_channels(train, test):
        assert split.images.isfinite().all()
        assert split.images[:, 2].eq(0).all()
        assert split.images[:, 0].ne(0).any()
