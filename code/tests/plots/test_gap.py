import pandas as pd
import pytest
import torch

from cnnbook.plots import gap


@pytest.mark.parametrize(("channels", "side", "classes"), [(4, 3, 10), (512, 7, 1000)])
def test_both_heads_have_their_true_counts(channels, side, classes):
    axis = gap.two_heads(channels, side, classes)
    written = {text.get_text() for text in axis.texts}
    for inputs in (channels * side**2, channels):
        linear = torch.nn.Linear(inputs, classes, device="meta")
        count = sum(p.numel() for p in linear.parameters())
        assert f"{classes} × ({inputs} + 1)\n= {count:,} parameters" in written


def test_an_average_that_is_the_first_again_is_marked():
    maps = [torch.eye(2), torch.ones(2, 2), torch.eye(2).flip(0)]
    axes = gap.moved_digit([torch.zeros(8, 8)] * 3, maps, ["a", "b", "c"])
    labels = [axis.xaxis.label for axis in axes[1]]
    averages = ["average\n0.500", "average\n1.000", "average\n0.500"]
    assert [label.get_text() for label in labels] == averages
    assert [label.get_weight() for label in labels] == ["bold", "normal", "bold"]
    assert axes[0, 0].get_xticks().tolist() == [3.5]  # between two windows


def test_parameters_of_heads_are_written_short_on_a_scale_of_powers():
    table = pd.DataFrame({"flatten": [1e3, 1e9], "average": [5e5, 5e5]}, index=[32, 64])
    axis = gap.head_parameters(table)
    assert axis.get_yscale() == "log"
    assert axis.get_xticks().tolist() == [32, 64]
    short = axis.yaxis.get_major_formatter()
    written = [short(value, 0) for value in (1, 1e3, 1e6, 1e9)]
    assert written == ["1", "1 k", "1 M", "1 G"]
    assert axis.get_lines()[0].get_ydata().tolist() == [1e3, 1e9]


def test_maps_of_evidence_share_one_scale_around_zero():
    images = [torch.rand(8, 8), torch.rand(8, 8)]
    maps = [torch.tensor([[-4.0, 1.0]]), torch.tensor([[2.0, 0.0]])]
    axis = gap.class_activation_maps(images, maps, ["a", "b"])
    over = [image for image in axis.get_images() if image.get_cmap().name == "RdBu_r"]
    assert [image.get_clim() for image in over] == [(-4, 4)] * 2
    assert [text.get_text() for text in axis.texts] == ["a", "b"]


def photographs(count, side=64):
    return [
        torch.full((3, side, side), 40 * i, dtype=torch.uint8) for i in range(count)
    ]


def red_and_blue(axis):
    """Return the maps of an axes, without its scale."""
    images = axis.get_images()[:-1]
    return [image for image in images if image.get_cmap().name == "RdBu_r"]


@pytest.mark.parametrize("count", [1, 4])
def test_evidence_on_photographs_shares_one_scale_around_zero(count):
    maps = [torch.tensor([[-4.0, i]]) for i in range(count)]
    titles = [str(i) for i in range(count)]
    axis = gap.evidence(photographs(count), maps, titles)
    drawn = red_and_blue(axis)
    assert [image.get_clim() for image in drawn] == [(-4, 4)] * count
    written = [text.get_text() for text in axis.texts]
    assert set(titles) < set(written)
    assert {"−4", "+4", "class map, points of score: mean + bias = score"} < set(
        written
    )


def test_a_map_and_the_falls_have_each_their_scale():
    maps, falls = [torch.tensor([[8.0]])] * 2, [torch.tensor([[-2.5]])] * 2
    axis = gap.occlusion(photographs(2), photographs(2), maps, falls, ["a", "b"])
    assert [image.get_clim()[1] for image in red_and_blue(axis)] == [8, 2.5] * 2
    assert "points of score, map to ±8 and fall to ±2.5" in axis.texts[-1].get_text()


def test_a_pixel_is_equally_large_in_all_inputs():
    rows = {
        "one": [("a", torch.zeros(16, 16)), ("b", torch.zeros(12, 12))],
        "two": [("c", torch.zeros(24, 24))],
    }
    axis = gap.inputs(rows)
    for image, side in zip(axis.get_images(), (16, 12, 24), strict=True):
        left, right, low, high = image.get_extent()
        assert right - left == pytest.approx(high - low)
        assert (right - left) / side == pytest.approx(
            axis.get_images()[0].get_extent()[1] / 16
        )
    assert {"one", "a", "b", "two", "c"} == {text.get_text() for text in axis.texts}
